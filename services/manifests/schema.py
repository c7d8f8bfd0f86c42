"""Closed schemas: an unknown field is refused, every error is told at once, and near misses are named.

The schema files are those of the package `kubernetes-validate` (one folder per Kubernetes version, made
from its OpenAPI description); each (version, kind) is compiled once, when it is first met. Kinds that are
not Kubernetes' own are checked against the narrow schemas in `crds/`, or not at all.
"""

import difflib
import importlib.util
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path as File
from typing import Any, Literal

import jsonschema_rs

from services.manifests import custom, pointers
from services.manifests.pointers import Path

# The first release without these, from Kubernetes' deprecation guide.
REMOVED = {
    "extensions/v1beta1": "1.22",
    "apps/v1beta1": "1.16",
    "apps/v1beta2": "1.16",
    "networking.k8s.io/v1beta1": "1.22",
    "rbac.authorization.k8s.io/v1beta1": "1.22",
    "batch/v1beta1": "1.25",
    "batch/v2alpha1": "1.21",
    "policy/v1beta1": "1.25",
    "autoscaling/v2beta1": "1.25",
    "autoscaling/v2beta2": "1.26",
    "storage.k8s.io/v1beta1": "1.27",
    "flowcontrol.apiserver.k8s.io/v1beta1": "1.26",
    "flowcontrol.apiserver.k8s.io/v1beta2": "1.29",
    "flowcontrol.apiserver.k8s.io/v1beta3": "1.32",
}
BUILT_IN = frozenset(
    {
        "",
        "admissionregistration.k8s.io",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "apps",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "autoscaling",
        "batch",
        "certificates.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "extensions",
        "flowcontrol.apiserver.k8s.io",
        "networking.k8s.io",
        "node.k8s.io",
        "policy",
        "rbac.authorization.k8s.io",
        "resource.k8s.io",
        "scheduling.k8s.io",
        "storage.k8s.io",
    }
)
MOST_ERRORS = 50
FEW = 8
FAR = "unknown-far"  # a name of an operator's kind that is like none it is known to have
SCALARS = (str, int, float, type(None))  # asked for first: most values are one
IDENTITY = "x-kubernetes-group-version-kind"
Status = Literal["checked", "unchecked", "removed"]


class UnknownKubernetes(ValueError):
    """A version nobody can compare, such as `latest`."""


@dataclass(frozen=True)
class SchemaError:
    path: Path
    message: str
    rule: str
    changes: Mapping[Path, Any] = field(default_factory=dict)
    label: str = ""


@dataclass(frozen=True)
class Verdict:
    """Row 60: what the Kubernetes one goes to no longer serves is known before.

    `unchecked`: a kind without a schema here; `removed`: one this Kubernetes no longer serves."""

    status: Status
    errors: tuple[SchemaError, ...] = ()


def validate(data: Mapping[str, Any], kubernetes: str) -> Verdict:
    """Check one object (with `apiVersion` and `kind`) against the schema of its kind."""
    api_version, kind = str(data.get("apiVersion", "")), str(data.get("kind", ""))
    compiled = compiled_for(served(kubernetes), api_version, kind)
    if compiled is None:
        return _without_schema(data, api_version, kind, served(kubernetes))
    errors: list[SchemaError] = []
    for error in compiled.validator.iter_errors(_plain(data)):
        errors.extend(_told(error, compiled, data))
        if len(errors) >= MOST_ERRORS:
            break
    return Verdict("checked", tuple(errors))


def _plain(value: Any) -> Any:
    """What JSON can hold: dates and the like, which some YAML readers make, become text again."""
    if isinstance(value, SCALARS):
        return value
    if isinstance(value, pointers.MAPPINGS):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value)


# Versions


def number(version: str) -> tuple[int, int]:
    """`v1.33.2` is (1, 33): compared as numbers, so 1.9 is older than 1.33."""
    parts = version.strip().removeprefix("v").split(".")
    try:
        return int(parts[0]), int(parts[1])
    except (IndexError, ValueError) as error:
        raise UnknownKubernetes(f"{version!r} is not a Kubernetes version such as 1.33") from error


@lru_cache
def folder() -> File:
    spec = importlib.util.find_spec("kubernetes_validate")
    if spec is None or not spec.submodule_search_locations:
        raise LookupError("the package kubernetes-validate is not installed")
    return File(spec.submodule_search_locations[0]) / "kubernetes-json-schema"


@lru_cache
def versions() -> tuple[str, ...]:
    """Folder names of the versions with strict schemas, oldest first."""
    names = [each.name for each in folder().iterdir() if each.name.endswith("-local-strict")]
    return tuple(sorted(names, key=number))


@lru_cache
def served(kubernetes: str) -> str:
    """The newest of our versions that is not newer than the one asked for; else the oldest."""
    wanted = number(kubernetes)
    return next((each for each in reversed(versions()) if number(each) <= wanted), versions()[0])


def releases() -> tuple[str, ...]:
    """What may be asked for: 1.25, 1.26 and so on."""
    return tuple(".".join(str(part) for part in number(each)) for each in versions())


def selected(kubernetes: str) -> str:
    """The release a version belongs to; one without schemas is refused, with the list of those there are."""
    wanted = number(kubernetes)
    release = ".".join(str(part) for part in wanted)
    if release not in releases():
        nearest = min(releases(), key=lambda each: abs(number(each)[1] - wanted[1]))
        there = ", ".join(releases())
        raise UnknownKubernetes(
            f"there are no schemas of Kubernetes {release}; the nearest is {nearest} of {there}"
        )
    return release


# Compiling


@dataclass(frozen=True)
class Compiled:
    validator: Any
    schema: Mapping[str, Any]
    definitions: Mapping[str, Any]

    def at(self, path: list[Any]) -> Mapping[str, Any]:
        """The schema an error speaks of: its path begins at the kind or at the definitions."""
        found = pointers.find(self.schema, path)
        return found if isinstance(found, Mapping) else pointers.find(self.definitions, path, {})


def _without_texts(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Descriptions are two thirds of the files and nobody reads them here."""
    return {key: value for key, value in pairs if key != "description" or not isinstance(value, str)}


def _read(file: File) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(file.read_bytes(), object_pairs_hook=_without_texts)
    return loaded


@lru_cache(maxsize=4)
def _definitions(version: str) -> dict[str, Any]:
    definitions = _read(folder() / version / "_definitions.json")
    shared = definitions["$defs"]
    # Published as oneOf of two nullable types, which refuses null: the API takes null for "not given".
    shared["io.k8s.apimachinery.pkg.api.resource.Quantity"] = {"type": ["string", "number", "null"]}
    shared["io.k8s.apimachinery.pkg.util.intstr.IntOrString"] = {"type": ["string", "integer", "null"]}
    return definitions


@lru_cache(maxsize=4)
def _registry(version: str) -> Any:
    return jsonschema_rs.Registry([("file:///api/_definitions.json", _definitions(version))])


@lru_cache(maxsize=256)
def compiled_for(version: str, api_version: str, kind: str) -> Compiled | None:
    """The compiled schema of a kind in a version (a name of `versions()`), or None where there is none."""
    own = _own_schema(api_version, kind)
    if own is not None:
        return Compiled(jsonschema_rs.Draft202012Validator(own), own, own)
    schema = _published(version, api_version, kind)
    if schema is None:
        return None
    del schema["$id"]
    validator = jsonschema_rs.Draft202012Validator(
        schema, registry=_registry(version), base_uri="file:///api/kind.json"
    )
    return Compiled(validator, schema, _definitions(version))


def _published(version: str, api_version: str, kind: str) -> dict[str, Any] | None:
    if not kind.isalnum():
        return None
    group, _, release = api_version.rpartition("/")
    name = "-".join(part for part in (kind.lower(), group.split(".")[0], release) if part)
    file = folder() / version / f"{name}.json"
    if not release.isalnum() or not file.is_file():
        return None
    schema = _read(file)
    wanted = {"group": group, "version": release, "kind": kind}
    return schema if wanted in schema.get(IDENTITY, []) else None


@lru_cache
def _own_schemas() -> dict[tuple[str, str], dict[str, Any]]:
    schemas = [_read(file) for file in sorted((File(__file__).parent / "crds").glob("*.json"))]
    return {(each["x-api-version"], each["x-kind"]): each for each in schemas}


def _own_schema(api_version: str, kind: str) -> dict[str, Any] | None:
    return _own_schemas().get((api_version, kind))


# Kinds without a schema


def _without_schema(data: Mapping[str, Any], api_version: str, kind: str, version: str) -> Verdict:
    group = api_version.rpartition("/")[0]
    if group not in BUILT_IN:
        fields = custom.fields_of(api_version, kind)
        return (
            Verdict("unchecked") if fields is None else Verdict("checked", tuple(_nearly_right(data, fields)))
        )
    others = _other_api_versions(kind, version)
    if not others:
        return Verdict(
            "removed" if api_version in REMOVED else "checked", (_no_such_kind(api_version, kind, version),)
        )
    return Verdict("removed", (_moved(data, version, others[-1]),))


def _no_such_kind(api_version: str, kind: str, version: str) -> SchemaError:
    release = ".".join(str(part) for part in number(version))
    message = f"Kubernetes {release} has no kind {kind} in {api_version or 'no apiVersion'}"
    group, _, own = api_version.rpartition("/")
    near = next((each for each in _similar(kind, version) if each.get("kind", "").isalnum()), None)
    if near is None:
        return SchemaError(("kind",), message, "unknown-kind")
    there = "/".join(part for part in (near["group"], near["version"]) if part)
    changes: dict[Path, Any] = {("kind",): near["kind"]}
    if (near["group"], near["version"]) != (group, own):
        changes[("apiVersion",)] = there
    return SchemaError(
        ("kind",),
        f"{message}; did you mean {near['kind']} in {there}?",
        "unknown-kind",
        changes,
        f"Make it a {near['kind']}",
    )


@lru_cache(maxsize=256)
def _similar(kind: str, version: str) -> tuple[Mapping[str, str], ...]:
    """Group, version and kind of what is named much like this, whatever its apiVersion."""
    files = {file.stem.partition("-")[0]: file for file in sorted((folder() / version).glob("[a-z]*-*.json"))}
    near = difflib.get_close_matches(kind.lower(), files, n=1, cutoff=0.8)
    return tuple(each for name in near for each in _read(files[name]).get(IDENTITY, []))


def _moved(data: Mapping[str, Any], version: str, other: str) -> SchemaError:
    """A new apiVersion is a fix only where nothing else has to change with it."""
    api_version, kind = str(data["apiVersion"]), str(data["kind"])
    release = ".".join(str(part) for part in number(version))
    since = REMOVED.get(api_version)
    gone = f"was removed in Kubernetes {since}" if since else f"is not served by Kubernetes {release}"
    message = f"{kind} in {api_version} {gone}; {other} has it"
    errors = validate({**data, "apiVersion": other}, ".".join(str(part) for part in number(version))).errors
    if errors:
        return SchemaError(("apiVersion",), f"{message}, where {errors[0].message}", "removed-api")
    return SchemaError(("apiVersion",), message, "removed-api", {("apiVersion",): other}, f"Use {other}")


def is_known(kind: str, kubernetes: str) -> bool:
    """Whether Kubernetes itself has a kind of that name."""
    return bool(_other_api_versions(kind, served(kubernetes)))


def _nearly_right(data: Mapping[str, Any], fields: Any) -> Iterator[SchemaError]:
    """Of an operator's kind: names it does not know, with the nearest it does, and values of another type."""
    for each in itertools.islice(custom.slips(data, fields), MOST_ERRORS):
        if each.types:
            yield _wrong_type(each.path, list(each.types), each.value)
            continue
        *parent, name = each.path
        near, where = nearest(str(name), list(each.known)), pointers.mapping(data, parent)
        message = f"{pointers.text(parent) or 'the object'} has no field {name}"
        if near is not None and near not in where:
            changes = {each.path: None, (*parent, near): where.get(str(name))}
            said = f"{message}; did you mean {near}?"
            yield SchemaError(each.path, said, "unknown-field", changes, f"Rename it to {near}")
        else:
            yield SchemaError(each.path, f"{message}; {_knows(str(name), each.known)}", FAR)


def _knows(name: str, known: Sequence[str]) -> str:
    """What there is instead: all of it where that is little, else what is most like it."""
    if len(known) <= FEW:
        return f"it has {', '.join(known)}"
    near = difflib.get_close_matches(name.lower(), {each.lower(): each for each in known}, n=1, cutoff=0.0)
    most = next((each for each in known if near and each.lower() == near[0]), known[0])
    return f"the nearest it has is {most}"


@lru_cache(maxsize=256)
def _other_api_versions(kind: str, version: str) -> tuple[str, ...]:
    """Every apiVersion that has the kind, the stable ones last."""
    if not kind.isalnum():
        return ()
    found = []
    for file in (folder() / version).glob(f"{kind.lower()}-*.json"):
        for each in _read(file).get(IDENTITY, []):
            if each["kind"] == kind:
                found.append("/".join(part for part in (each["group"], each["version"]) if part))
    return tuple(sorted(found, key=lambda name: ("alpha" not in name, "beta" not in name, name)))


# Telling


NAMES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
}


def _told(error: Any, compiled: Compiled, data: Mapping[str, Any]) -> Iterator[SchemaError]:
    path, kind = tuple(error.instance_path), error.kind.name
    details = error.kind.as_dict()
    if kind == "additionalProperties":
        known = list(compiled.at(list(error.schema_path)[:-1]).get("properties", {}))
        for name in details["unexpected"]:
            yield _unknown_field(path, name, known, compiled, data)
    elif kind == "required":
        name = details["property"]
        yield SchemaError((*path, name), f"{name} is missing", "required-field")
    elif kind == "type":
        yield _wrong_type(path, details["types"], pointers.find(data, path))
    elif kind == "enum":
        yield _not_one_of(path, pointers.find(data, path), details.get("options", []))
    else:
        yield SchemaError(path, str(error.message), "schema")


FORMER_BACKEND = ("serviceName", "servicePort")


def _unknown_field(
    path: Path, name: str, known: list[str], compiled: Compiled, data: Mapping[str, Any]
) -> SchemaError:
    where, parent = pointers.text(path) or "the object", pointers.mapping(data, path)
    if name in FORMER_BACKEND and "service" in known and isinstance(parent.get("servicePort"), int | str):
        return _former_backend(path, name, parent)
    near = nearest(name, known)
    if near is None or near in parent:
        hint = "; does it belong under labels or annotations?" if "/" in name and "labels" in known else ""
        return SchemaError((*path, name), f"{where} has no field {name}{hint}", "unknown-field")
    if not _fits(compiled, data, (*path, near), parent.get(name)):
        message = f"{where} has no field {name}; did you mean {near}?"
        return SchemaError((*path, name), message, "unknown-field")
    return SchemaError(
        (*path, name),
        f"{where} has no field {name}; did you mean {near}?",
        "unknown-field",
        {(*path, name): None, (*path, near): parent.get(name)},
        f"Rename it to {near}",
    )


def _fits(compiled: Compiled, data: Mapping[str, Any], at: Path, value: Any) -> bool:
    """Whether the value would do at another place: a rename that is refused as well is no fix."""
    changed = _plain(pointers.with_value(data, at, value))
    errors = compiled.validator.iter_errors(changed)
    return not any(tuple(error.instance_path)[: len(at)] == at for error in errors)


def _former_backend(path: Path, name: str, parent: Mapping[str, Any]) -> SchemaError:
    """Ingresses of before 1.19; the most frequent leftover there is."""
    changes: dict[Path, Any] = {(*path, key): None for key in FORMER_BACKEND if key in parent}
    if "service" not in parent:
        port = parent["servicePort"]
        named = isinstance(port, str) and not port.isdecimal()
        wanted = {"name": port} if named else {"number": int(port)}
        changes[(*path, "service")] = {"name": parent.get("serviceName"), "port": wanted}
    message = f"{pointers.text(path)} has no field {name}; since networking.k8s.io/v1 it is part of service"
    return SchemaError((*path, name), message, "unknown-field", changes, "Write service with name and port")


def nearest(name: str, known: list[str]) -> str | None:
    """The known name that differs least, whatever its capitals."""
    by_lower = {each.lower(): each for each in known}
    close = difflib.get_close_matches(name.lower(), by_lower, n=1, cutoff=0.7)
    return by_lower[close[0]] if close else None


def _wrong_type(path: Path, types: list[str], value: Any) -> SchemaError:
    wanted = [each for each in types if each != "null"]
    words = " or ".join(NAMES.get(each, each) for each in wanted)
    message = f"{pointers.text(path)} must be {words}, not {_shown(value)}"
    better = _converted(value, wanted)
    if better is None:
        return SchemaError(path, message, "wrong-type")
    return SchemaError(path, message, "wrong-type", {path: better}, f"Write {json.dumps(better)}")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping | list):
        return "a mapping" if isinstance(value, Mapping) else "a list"
    return json.dumps(value, ensure_ascii=False, default=str)[:60]


def _converted(value: Any, wanted: list[str]) -> Any:
    """The value meant, where only its quotes are wrong; None where that is a guess."""
    if isinstance(value, str):
        if "integer" in wanted and value.strip().lstrip("-").isdecimal():
            return int(value)
        if "boolean" in wanted:
            return {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}.get(
                value.lower()
            )
    if "string" in wanted and isinstance(value, bool | int | float):
        return json.dumps(value)
    return None


def _not_one_of(path: Path, value: Any, options: list[Any]) -> SchemaError:
    near = nearest(str(value), [str(each) for each in options])
    listed = ", ".join(str(each) for each in options[:8])
    message = f"{pointers.text(path)} must be one of {listed}, not {_shown(value)}"
    if near is None:
        return SchemaError(path, message, "not-allowed")
    return SchemaError(path, message, "not-allowed", {path: near}, f"Use {near}")
