"""What differs between an object in git and the same one in a cluster, and who made the difference.

What an API server fills in, and what others own (an autoscaler's replicas, an operator's annotations), is no
drift: of what git leaves out, only what somebody wrote by hand counts.
Sources: managedFields and `FieldsV1` as in sigs.k8s.io/structured-merge-diff.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from services.manifests.merging import MISSING, same
from services.manifests.pointers import Path
from services.manifests.quantities import NotAQuantity, parse

NAMES: Final = ("name", "containerPort", "port", "mountPath", "key", "type", "topologyKey", "ip")
# What tools and clusters note on objects for themselves.
NOISE: Final = re.compile(
    r"^(kubectl\.kubernetes\.io/|deployment\.kubernetes\.io/|argocd\.argoproj\.io/|slipway\.dev/awake|"
    r"kustomize\.toolkit\.fluxcd\.io/|helm\.toolkit\.fluxcd\.io/|meta\.helm\.sh/|autoscaling\.alpha\.|"
    r"pv\.kubernetes\.io/|volume\.(beta\.)?kubernetes\.io/|control-plane\.alpha\.)"
)
# Writers that a person stands behind.
BY_HAND: Final = re.compile(
    r"^(kubectl|oc$|k9s|lens|openlens|freelens|headlamp|mozilla|dashboard|rancher|octant|kubernetes-client|"
    r"python-requests|curl|postman|unknown)",
    re.IGNORECASE,
)
AMOUNTS: Final = (
    "requests",
    "limits",
    "resources",
    "hard",
    "sizeLimit",
    "storage",
    "capacity",
    "averageValue",
)
COMPARED: Final = ("labels", "annotations")
DEFAULTS: Final = {"protocol": "TCP"}


@dataclass(frozen=True)
class Drift:
    """`git` or `live` may be MISSING. `manager` wrote it at `since`; both empty where nobody says so."""

    path: Path
    git: Any
    live: Any
    manager: str = ""
    since: str = ""


def drift(git: Mapping[str, Any], live: Mapping[str, Any], *, is_scaled: bool = False) -> list[Drift]:
    """`is_scaled`: an autoscaler decides how many replicas there are."""
    writers = _writers(live)
    found = [*_compared(git, live), *_by_hand(git, live, writers)]
    kept = {each.path: each for each in found if not _is_noise(each.path, is_scaled)}
    return [_written(each, live, writers) for each in kept.values()]


def _is_noise(path: Path, is_scaled: bool) -> bool:
    if is_scaled and path == ("spec", "replicas"):
        return True
    return any(
        before in COMPARED and isinstance(key, str) and bool(NOISE.match(key))
        for before, key in pairwise(path)
    )


def _compared(git: Mapping[str, Any], live: Mapping[str, Any]) -> Iterator[Drift]:
    """What git says and the cluster says otherwise."""
    about, there = git.get("metadata") or {}, live.get("metadata") or {}
    for part in COMPARED:
        yield from _walk(("metadata", part), about.get(part), there.get(part, MISSING))
    for key, value in git.items():
        if key not in ("apiVersion", "kind", "metadata", "status"):
            yield from _walk((key,), value, live.get(key, MISSING))


def _walk(path: Path, git: Any, live: Any) -> Iterator[Drift]:
    if _is_empty(git) and (live is MISSING or _is_empty(live)):
        return
    if isinstance(git, Mapping) and isinstance(live, Mapping):
        for key, value in git.items():
            yield from _walk((*path, key), value, live.get(key, MISSING))
    elif isinstance(git, list) and isinstance(live, list):
        yield from _lists(path, git, live)
    elif git is not None and not _alike(path, git, live):
        yield Drift(path, git, live)


def _is_empty(value: Any) -> bool:
    return value is None or value in ({}, [])


def _lists(path: Path, git: list[Any], live: list[Any]) -> Iterator[Drift]:
    key = named_by(git, live)
    if key is None:
        if len(git) != len(live):
            yield Drift(path, git, live)
            return
        for index, (one, other) in enumerate(zip(git, live, strict=True)):
            yield from _walk((*path, index), one, other)
        return
    there = {item[key]: item for item in live}
    for index, item in enumerate(git):
        if item[key] in there:
            yield from _walk((*path, index), item, there[item[key]])
        else:
            yield Drift((*path, index), item, MISSING)


def named_by(one: Sequence[Any], other: Sequence[Any]) -> str | None:
    """The key that tells the items of both lists apart."""
    for key in NAMES:
        if all(_tells_apart(items, key) for items in (one, other)):
            return key
    return None


def _tells_apart(items: Sequence[Any], key: str) -> bool:
    values = [
        item[key] for item in items if isinstance(item, Mapping) and isinstance(item.get(key), str | int)
    ]
    return len(values) == len(items) == len(set(values))


def _alike(path: Path, git: Any, live: Any) -> bool:
    if same(git, live):
        return True
    if not any(part in AMOUNTS for part in path) or live is MISSING:
        return False
    try:
        return parse(str(git)) == parse(str(live))
    except NotAQuantity:
        return False


# by hand


def _writers(live: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Those who wrote the object itself and not its status, the latest first."""
    entries = (live.get("metadata") or {}).get("managedFields")
    found = [each for each in entries if isinstance(each, Mapping)] if isinstance(entries, list) else []
    own = [each for each in found if each.get("subresource") != "status"]
    return sorted(own, key=lambda each: str(each.get("time") or ""), reverse=True)


def _by_hand(
    git: Mapping[str, Any], live: Mapping[str, Any], writers: Sequence[Mapping[str, Any]]
) -> Iterator[Drift]:
    """What git leaves out, and somebody wrote all the same."""
    for each in writers:
        if not BY_HAND.match(str(each.get("manager") or "")):
            continue
        for path in _owned((), each.get("fieldsV1"), live):
            if path[0] in ("spec", "data", "metadata", "rules") and path[:2] != ("metadata", "name"):
                above = _place_in(git, live, path)
                if above is not None:
                    yield Drift(above, MISSING, _at(live, path), *_who(each))


def _owned(path: Path, tree: Any, live: Any) -> Iterator[Path]:
    """The leaves of a set of fields, as places in the live object; an item that is its own is a leaf."""
    if not isinstance(tree, Mapping):
        return
    steps = {key: value for key, value in tree.items() if key != "."}
    if path and (not steps or ("." in tree and isinstance(path[-1], int))):
        yield path
        return
    for step, below in steps.items():
        part = _step(step, live)
        if part is not None:
            yield from _owned((*path, part), below, live[part])


def _step(step: str, live: Any) -> str | int | None:
    """`f:spec` in a mapping, `k:{"name":"app"}` in a list; None for what is not there."""
    if step.startswith("f:") and isinstance(live, Mapping):
        return step[2:] if step[2:] in live else None
    if step.startswith("k:") and isinstance(live, list):
        try:
            keys = json.loads(step[2:])
        except ValueError:
            return None
        return next((at for at, item in enumerate(live) if _has(item, keys)), None)
    return None


def _has(item: Any, keys: Any) -> bool:
    if not isinstance(item, Mapping) or not isinstance(keys, Mapping):
        return False
    return all(item.get(key, DEFAULTS.get(key)) == value for key, value in keys.items())


def _place_in(git: Any, live: Any, path: Path) -> Path | None:
    """Where it would stand in git, for a new item past the end of a list; None where git has something."""
    place: list[str | int] = []
    for at, part in enumerate(path):
        if isinstance(part, int):
            if not isinstance(git, list):
                return tuple(place) if git is MISSING and at else None
            key = named_by(git, live)
            mine = [n for n, item in enumerate(git) if key and item[key] == live[part][key]]
            place.append(mine[0] if mine else len(git) + part)
            git = git[mine[0]] if mine else MISSING
        else:
            place.append(part)
            git = git.get(part, MISSING) if isinstance(git, Mapping) else MISSING
        live = live[part]
        if git is MISSING:
            return tuple(place) if at == len(path) - 1 or isinstance(part, int) else (*place, *path[at + 1 :])
    return None


def _at(live: Any, path: Path) -> Any:
    for part in path:
        live = live[part]
    return live


def _written(each: Drift, live: Mapping[str, Any], writers: Sequence[Mapping[str, Any]]) -> Drift:
    """With who wrote it; of what is gone, whoever wrote by hand last."""
    if each.manager:
        return each
    mine = [one for one in writers if _holds(one.get("fieldsV1"), each.path, live)]
    if not mine and each.live is MISSING:
        mine = [one for one in writers if BY_HAND.match(str(one.get("manager") or ""))]
    if not mine:
        return each
    return Drift(each.path, each.git, each.live, *_who(mine[0]))


def _who(entry: Mapping[str, Any]) -> tuple[str, str]:
    return str(entry.get("manager") or ""), str(entry.get("time") or "")


def _holds(tree: Any, path: Path, live: Any) -> bool:
    """Whether a set of fields has what is at the path, or all of a list it stands in."""
    for part in path:
        if not isinstance(tree, Mapping) or live is MISSING:
            return False
        steps = {_step(step, live): below for step, below in tree.items() if step != "."}
        if not steps and tree == {}:
            return True
        if isinstance(part, int) and (not isinstance(live, list) or part >= len(live)):
            return False
        if part not in steps:
            return False
        tree = steps[part]
        live = live[part] if isinstance(part, int) else live.get(part, MISSING)
    return True


# putting back


def back(each: Drift, live: Mapping[str, Any]) -> dict[str, Any]:
    """The merge patch that takes away what git leaves out; a list is written as a whole."""
    value: Any = None
    way: list[str | int] = []
    here: Any = live
    for at, part in enumerate(each.path):
        if isinstance(part, int):
            value = _without(here, each, at)
            break
        way.append(part)
        here = here.get(part, MISSING) if isinstance(here, Mapping) else MISSING
    for part in reversed(way):
        value = {part: value}
    return dict(value or {})


def _without(items: Any, each: Drift, at: int) -> list[Any]:
    """The list without the item that only the cluster has, or with that item less one thing in it."""
    rest = each.path[at + 1 :]
    if not rest:
        return [item for item in items if not same(item, each.live)]
    return [_less(item, rest, each.live) if n == each.path[at] else item for n, item in enumerate(items)]


def _less(item: Any, path: Path, gone: Any) -> Any:
    part, rest = path[0], path[1:]
    if isinstance(item, Mapping):
        if not rest:
            return {key: value for key, value in item.items() if key != part}
        return {**item, part: _less(item.get(part), rest, gone)} if part in item else item
    if isinstance(item, list) and not rest:
        return [one for one in item if not same(one, gone)]
    if isinstance(item, list):
        return [_less(one, rest, gone) if n == part else one for n, one in enumerate(item)]
    return item
