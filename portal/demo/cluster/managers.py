"""The two writes of an API server on field ownership, apply and update, kept in `managedFields`."""

from collections.abc import Mapping
from typing import Any

from portal.demo.cluster.fields import Fields, FieldSet, Path, decode, encode, shown

Object = dict[str, Any]
Owner = tuple[str, str]  # manager and operation
Owners = dict[Owner, FieldSet]


class FieldConflict(Exception):
    """`owned` are pairs of field path (as shown) and the manager that owns it."""

    def __init__(self, owned: list[tuple[str, str]]) -> None:
        super().__init__(str(owned))
        self.owned = owned


def _owners(obj: Mapping[str, Any]) -> Owners:
    entries = obj["metadata"].get("managedFields") or []
    return {(e["manager"], e["operation"]): decode(e.get("fieldsV1") or {}) for e in entries}


def _with_owners(obj: Object, owners: Owners, before: Mapping[str, Any], now: str) -> Object:
    """`obj` with `managedFields`; an entry that did not change keeps its time."""
    old = {(e["manager"], e["operation"]): e for e in before["metadata"].get("managedFields") or []}
    entries = []
    for owner, paths in owners.items():
        if not paths:
            continue
        tree = encode(paths)
        kept = owner in old and old[owner].get("fieldsV1") == tree
        entries.append(
            {
                "manager": owner[0],
                "operation": owner[1],
                "apiVersion": obj["apiVersion"],
                "time": old[owner]["time"] if kept else now,
                "fieldsType": "FieldsV1",
                "fieldsV1": tree,
            }
        )
    return obj | {"metadata": obj["metadata"] | {"managedFields": entries}}


def _changed(before: Mapping[Path, Any], after: Mapping[Path, Any]) -> FieldSet:
    return {path for path, value in after.items() if path not in before or before[path] != value}


def _conflicts(owners: Owners, me: Owner, wanted: FieldSet) -> list[tuple[Path, Owner]]:
    return [
        (path, owner)
        for owner, paths in owners.items()
        if owner != me
        for path in sorted(paths & wanted)
        if path[-1] != "."
    ]


def apply(live: Object, config: Object, manager: str, *, keyed: bool, force: bool, now: str) -> Object:
    """`live` with `config` applied by `manager`. Raises FieldConflict unless forced."""
    fields = Fields(keyed=keyed)
    owners, me = _owners(live), (manager, "Apply")
    have, want = fields.leaves(live), fields.leaves(config)
    after = fields.leaves(fields.merge(live, config))
    refused = _conflicts(owners, me, _changed(have, after) & want.keys())
    if refused and not force:
        raise FieldConflict([(shown(path), owner[0]) for path, owner in refused])
    for path, owner in refused:
        owners[owner].discard(path)
    others = set().union(*(paths for owner, paths in owners.items() if owner != me))
    dropped = owners.get(me, set()) - want.keys() - others
    merged = fields.merge(fields.remove(live, dropped) if dropped else live, config)
    owners[me] = set(want)
    return _with_owners(merged, owners, live, now)


def update(live: Object | None, new: Object, manager: str, *, keyed: bool, now: str) -> Object:
    """`new` in place of `live` by an ordinary write: what changed becomes the manager's, without conflict."""
    fields = Fields(keyed=keyed)
    base: Object = live or {"metadata": {}}
    have, want = fields.leaves(base) if live else {}, fields.leaves(new)
    taken = _changed(have, want)
    owners = {owner: (paths & want.keys()) - taken for owner, paths in _owners(base).items()}
    me = (manager, "Update")
    owners[me] = owners.get(me, set()) | taken
    return _with_owners(new, owners, base, now)
