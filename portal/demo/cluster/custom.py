"""Custom resources: the kinds a CustomResourceDefinition adds, and the schema it holds their objects to."""

import copy
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from portal.demo.cluster.kinds import Kind
from portal.demo.cluster.status import Problem

Object = dict[str, Any]
IDENTITY = {"apiVersion", "kind", "metadata"}
FREE = "x-kubernetes-preserve-unknown-fields"
ACCEPTED = (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))


class Schema:
    """A structural schema. Fields it does not know are dropped, or refused by server-side apply."""

    def __init__(self, tree: Object) -> None:
        self.tree = tree
        self._validator = jsonschema_rs.Draft202012Validator(_readable(tree))

    def problems(self, obj: Object) -> list[Problem]:
        return [_problem(error) for error in self._validator.iter_errors(obj)]

    def pruned(self, obj: Object) -> Object:
        """`obj` with defaults and without what the schema does not know."""
        kept: Object = _fitted(copy.deepcopy(obj), self.tree, root=True)
        return kept

    def unknown(self, obj: Object) -> str:
        """The path of the first field the schema does not know; empty when it knows all."""
        return next(_unknown(obj, self.tree, "", root=True), "")


def kinds_of(crd: Object) -> Iterator[tuple[Kind, Schema]]:
    spec = crd["spec"]
    for version in spec["versions"]:
        if version.get("served"):
            kind = Kind(
                f"{spec['group']}/{version['name']}",
                spec["names"]["kind"],
                spec["names"]["plural"],
                namespaced=spec.get("scope") != "Cluster",
                builtin=False,
            )
            yield kind, Schema(version["schema"]["openAPIV3Schema"])


def accepted(crd: Object, now: str) -> Object:
    """The definition with the status a server gives it: its names taken, its kinds served."""
    conditions = [
        {"type": word, "status": "True", "reason": reason, "lastTransitionTime": now}
        for word, reason in ACCEPTED
    ]
    names = crd["spec"]["names"]
    status = {
        "conditions": conditions,
        "acceptedNames": {"listKind": f"{names['kind']}List"} | names,
        "storedVersions": [v["name"] for v in crd["spec"]["versions"] if v.get("storage")],
    }
    return {"status": status} | crd


def definition_problems(crd: Object) -> Iterator[Problem]:
    """What a definition lacks to be one."""
    spec = crd.get("spec") or {}
    names, versions = spec.get("names") or {}, spec.get("versions") or []
    name = f"{names.get('plural')}.{spec.get('group')}"
    if crd["metadata"]["name"] != name:
        yield "metadata.name", 'Invalid value: must be spec.names.plural+"."+spec.group'
    if not names.get("kind"):
        yield "spec.names.kind", "Required value"
    if not versions:
        yield "spec.versions", "Required value"
    for index, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield f"spec.versions[{index}].schema.openAPIV3Schema", "Required value: schemas are required"


def _readable(tree: Any) -> Any:
    """As JSON Schema says it: `nullable` is a type there."""
    if isinstance(tree, list):
        return [_readable(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    plain = {key: _readable(value) for key, value in tree.items()}
    if plain.get("nullable") is True and isinstance(plain.get("type"), str):
        plain["type"] = [plain["type"], "null"]
    return plain


def _problem(error: Any) -> Problem:
    word, details = error.kind.name, error.kind.as_dict()
    path = ".".join(str(step) for step in error.instance_path)
    if word == "required":
        return f"{path}.{details['property']}".lstrip("."), "Required value"
    said = "Unsupported value" if word == "enum" else "Invalid value"
    return path, f"{said}: {error.message}"


def _fitted(value: Any, tree: Object, *, root: bool = False) -> Any:
    if isinstance(value, list):
        return [_fitted(item, tree.get("items") or {}) for item in value]
    if not isinstance(value, dict):
        return value
    known = tree.get("properties") or {}
    for key, below in known.items():
        if key not in value and "default" in below:
            value[key] = copy.deepcopy(below["default"])
    return {
        key: _fitted(item, known[key]) if key in known else item
        for key, item in value.items()
        if key in known or _is_free(tree, key, root=root)
    }


def _is_free(tree: Object, key: str, *, root: bool) -> bool:
    if root and key in IDENTITY:
        return True
    return bool(tree.get(FREE) or tree.get("additionalProperties") or not tree)


def _unknown(value: Any, tree: Object, path: str, *, root: bool = False) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, tree.get("items") or {}, f"{path}[{index}]")
    if not isinstance(value, dict):
        return
    known = tree.get("properties") or {}
    for key, item in value.items():
        if key in known:
            yield from _unknown(item, known[key], f"{path}.{key}")
        elif not _is_free(tree, key, root=root):
            yield f"{path}.{key}"
