"""Who owns which field: server-side apply with managers, conflicts and lists that merge by key.

A field set is a set of paths; a path is a tuple of steps in the spelling of `managedFields`
(`f:spec`, `k:{"name":"app"}`, `v:"x"`, `.` for an item itself). Structured merge as in
sigs.k8s.io/structured-merge-diff, without schemas: which lists merge is known by name.
"""

import json
from collections.abc import Mapping
from typing import Any

Path = tuple[str, ...]
FieldSet = set[Path]

# Field name (with its parent where needed) to the keys its items are told apart by.
LIST_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "volumeMounts": ("mountPath",),
    "containers.ports": ("containerPort", "protocol"),
    "initContainers.ports": ("containerPort", "protocol"),
    "spec.ports": ("port", "protocol"),
    "ownerReferences": ("uid",),
    "conditions": ("type",),
    "hostAliases": ("ip",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
}
KEY_DEFAULTS = {"protocol": "TCP"}
SETS = {"finalizers"}
ATOMIC_MAPS = {"selector", "nodeSelector", "secretKeyRef", "configMapKeyRef", "fieldRef", "resourceFieldRef"}
# Written by the server alone: nobody owns them.
NOT_OWNED = {
    ("f:apiVersion",), ("f:kind",), ("f:status",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace"),
    ("f:metadata", "f:uid"), ("f:metadata", "f:resourceVersion"), ("f:metadata", "f:generation"),
    ("f:metadata", "f:creationTimestamp"), ("f:metadata", "f:managedFields"),
    ("f:metadata", "f:deletionTimestamp"), ("f:metadata", "f:generateName"),
}  # fmt: skip


class Fields:
    """Paths and values of objects of one kind; custom resources (`keyed=False`) merge no lists."""

    def __init__(self, *, keyed: bool) -> None:
        self.keyed = keyed

    def list_keys(self, path: Path) -> tuple[str, ...] | None:
        names = [step[2:] for step in path if step.startswith("f:")]
        if not self.keyed or not names:
            return None
        return LIST_KEYS.get(".".join(names[-2:])) or LIST_KEYS.get(names[-1])

    def is_set(self, path: Path) -> bool:
        return path[-1][2:] in SETS

    def is_atomic(self, path: Path) -> bool:
        return self.keyed and path[-1][2:] in ATOMIC_MAPS and path[-2:] != ("f:spec", "f:template")

    def children(self, value: Any, path: Path) -> list[tuple[str, Any]] | None:
        """The steps below a value, or None for a leaf."""
        if isinstance(value, dict):
            atomic = not value or (path and self.is_atomic(path))
            return None if atomic else [(f"f:{key}", item) for key, item in value.items()]
        if not isinstance(value, list) or not path:
            return None
        if self.is_set(path):
            return [(f"v:{json.dumps(item)}", item) for item in value]
        keys = self.list_keys(path)
        if not keys or not value or not all(isinstance(item, dict) for item in value):
            return None
        return [(_key(item, keys), item) for item in value]

    def leaves(self, value: Any, path: Path = ()) -> dict[Path, Any]:
        """Every owned path below `value` with its value; items of keyed lists also own themselves (`.`)."""
        if path in NOT_OWNED:
            return {}
        below = self.children(value, path)
        if below is None:
            return {path: value}
        found: dict[Path, Any] = {(*path, "."): None} if path and path[-1].startswith("k:") else {}
        for step, item in below:
            found |= self.leaves(item, (*path, step))
        return found

    def merge(self, live: Any, applied: Any, path: Path = ()) -> Any:
        """`applied` over `live`: maps and keyed lists item by item, all else replaced."""
        if isinstance(live, dict) and isinstance(applied, dict) and not (path and self.is_atomic(path)):
            merged = {k: self.merge(live[k], v, (*path, f"f:{k}")) for k, v in applied.items() if k in live}
            return live | applied | merged
        if isinstance(live, list) and isinstance(applied, list):
            return self._merge_lists(live, applied, path)
        return applied

    def _merge_lists(self, live: list[Any], applied: list[Any], path: Path) -> list[Any]:
        if self.is_set(path):
            return live + [item for item in applied if item not in live]
        before, after = self.children(live, path), self.children(applied, path)
        if before is None or after is None:
            return applied
        old, new = dict(before), dict(after)
        steps = [*old, *(step for step in new if step not in old)]
        both = {step: self.merge(old[step], new[step], (*path, step)) for step in new if step in old}
        return [(old | new | both)[step] for step in steps]

    def remove(self, value: Any, gone: FieldSet, path: Path = ()) -> Any:
        """`value` without the paths in `gone`; a map or item that held nothing else goes with them."""
        below = self.children(value, path)
        if below is None:
            return value
        kept = [
            (step, self.remove(item, gone, (*path, step)))
            for step, item in below
            if not self._vanishes(item, gone, (*path, step))
        ]
        if isinstance(value, dict):
            return {step[2:]: item for step, item in kept}
        return [item for _, item in kept]

    def _vanishes(self, value: Any, gone: FieldSet, path: Path) -> bool:
        if path in gone or (*path, ".") in gone:
            return True
        leaves = self.leaves(value, path)
        return bool(leaves) and leaves.keys() <= gone


def _key(item: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    values = {key: item.get(key, KEY_DEFAULTS.get(key)) for key in keys}
    return "k:" + json.dumps(values, separators=(",", ":"), sort_keys=True)


def encode(fields: FieldSet) -> dict[str, Any]:
    """A field set as `fieldsV1`."""
    tree: dict[str, Any] = {}
    for path in sorted(fields):
        here = tree
        for step in path:
            here = here.setdefault(step, {})
    return tree


def decode(tree: Mapping[str, Any], path: Path = ()) -> FieldSet:
    if not tree:
        return {path} if path else set()
    return set().union(*(decode(below, (*path, step)) for step, below in tree.items()))


def shown(path: Path) -> str:
    """`.spec.template.spec.containers[name="app"].image`, as conflicts name a field."""
    parts = []
    for step in path:
        if step.startswith("f:"):
            parts.append("." + step[2:])
        elif step.startswith("k:"):
            keys = json.loads(step[2:])
            parts.append("[" + ",".join(f"{k}={json.dumps(v)}" for k, v in keys.items()) + "]")
    return "".join(parts)
