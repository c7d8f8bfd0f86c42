"""Whether the same services are alike in two places: images, variables, resources, ports (rows 41, 90)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.manifests import objects, pointers

Object = Mapping[str, Any]
COMPARED = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Service", "ConfigMap")


@dataclass(frozen=True)
class Difference:
    """`may`: places are meant to differ in this (row 41): how many, how large."""

    object: str
    what: str
    left: str
    right: str
    may: bool = False


def differences(left: Sequence[Object], right: Sequence[Object]) -> list[Difference]:
    """What is on one side only, and what is not the same on both; values of variables are not compared."""
    ours, theirs = _by_name(left), _by_name(right)
    found: list[Difference] = []
    for key in sorted(ours.keys() | theirs.keys()):
        name = "/".join(key)
        if key not in ours or key not in theirs:
            found.append(Difference(name, "is there", _yes(key in ours), _yes(key in theirs)))
        else:
            found += _between(name, ours[key], theirs[key])
    return found


def _by_name(datas: Sequence[Object]) -> dict[tuple[str, str], Object]:
    return {
        (objects.kind(each), objects.name(each)): each for each in datas if objects.kind(each) in COMPARED
    }


def _yes(there: bool) -> str:
    return "yes" if there else "no"


def _between(name: str, left: Object, right: Object) -> Iterator[Difference]:
    ours, theirs = dict(_facts(left)), dict(_facts(right))
    for what in dict.fromkeys([*ours, *theirs]):
        one, other = ours.get(what, ""), theirs.get(what, "")
        if one != other:
            may = what in ("replicas",) or what.startswith("resources")
            yield Difference(name, what, one or "none", other or "none", may)


def _facts(data: Object) -> Iterator[tuple[str, str]]:
    if objects.kind(data) == "ConfigMap":
        yield "keys", ", ".join(sorted(data.get("data") or {}))
        return
    if objects.kind(data) == "Service":
        ports = [each for _, each in objects.entries(data, ("spec", "ports"))]
        yield "ports", ", ".join(sorted(f"{each.get('port')}→{each.get('targetPort', '')}" for each in ports))
        return
    yield "replicas", str(pointers.find(data, ("spec", "replicas"), ""))
    for _, each in objects.containers(data, "containers"):
        where = f" of {each.get('name')}"
        yield f"image{where}", str(each.get("image") or "")
        yield f"variables{where}", ", ".join(sorted(_names(each)))
        yield f"resources{where}", _resources(each)


def _names(container: Object) -> set[str]:
    env = container.get("env")
    return {
        str(each.get("name")) for each in (env if isinstance(env, list) else []) if isinstance(each, Mapping)
    }


def _resources(container: Object) -> str:
    said = pointers.mapping(container, ("resources",))
    return ", ".join(
        f"{part} {key} {value}"
        for part in ("requests", "limits")
        for key, value in sorted(pointers.mapping(said, (part,)).items())
    )
