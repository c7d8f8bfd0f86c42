"""The verbs of the API on the store: what each refuses, changes and answers."""

import copy
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from portal.demo.cluster import (
    custom,
    defaults,
    identity,
    managers,
    paging,
    patches,
    scale,
    shapes,
    status,
    validation,
)
from portal.demo.cluster.kinds import BY_KIND, Kind
from portal.demo.cluster.options import Deletion
from portal.demo.cluster.selectors import by_fields, by_labels
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import DEFINITION, Object, Store

NAMESPACE = BY_KIND["v1", "Namespace"]


@dataclass(frozen=True)
class Target:
    """What an address points at; `name` is empty for a collection, `sub` is `log`, `status` or `scale`."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    sub: str = ""


Params = Mapping[str, str]


class Api:
    def __init__(self, store: Store) -> None:
        self.store = store

    # reading

    def get(self, target: Target) -> Object:
        found = self.store.get(target.kind, target.namespace, target.name)
        if found is None:
            raise status.not_found(target.kind, target.name)
        return scale.of(found) if target.sub == "scale" else found

    def chosen(self, target: Target, params: Params) -> list[Object]:
        """What a selection selects, in the order of namespace and name."""
        labels = by_labels(params.get("labelSelector", ""))
        fields = by_fields(params.get("fieldSelector", ""), target.kind.kind)
        with self.store.lock:
            found = sorted(self.store.of(target.kind).items())
        return [
            obj
            for key, obj in found
            if (not target.namespace or key[0] == target.namespace) and labels(obj) and fields(obj)
        ]

    def list(self, target: Target, params: Params) -> Object:
        """One page; the token names the version and the last key."""
        version, after = paging.start(params.get("continue", ""), self.store)
        limit = paging.number(params, "limit")
        items = [obj for obj in self.chosen(target, params) if _place(obj) > after]
        page = items[:limit] if limit else items
        metadata: Object = {"resourceVersion": version}
        if len(page) < len(items):
            metadata["continue"] = paging.token(version, _place(page[-1]))
            metadata["remainingItemCount"] = len(items) - len(page)
        kind = f"{target.kind.kind}List"
        return {"kind": kind, "apiVersion": target.kind.api_version, "metadata": metadata, "items": page}

    # writing

    def create(self, target: Target, body: Object, params: Params) -> Object:
        if target.kind.namespaced and not target.namespace:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        obj = self._received(target, body, params)
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + secrets.token_hex(3)[:5]
        if metadata.get("resourceVersion"):
            raise ApiError(500, "resourceVersion should not be set on objects to be created")
        if self.store.get(target.kind, target.namespace, metadata.get("name") or ""):
            raise status.already_exists(target.kind, metadata["name"])
        return self._write(target, obj, None, params, lambda new: self._owned(new, None, target, params))

    def replace(self, target: Target, body: Object, params: Params) -> Object:
        if target.sub == "scale":
            return self._scaled(target, body, params)
        obj = self._received(target, body, params)
        live = self.get(replace(target, sub=""))
        identity.check_same(target.kind, obj, live)
        if target.sub == "status":
            obj = live | {"status": obj.get("status") or {}}
        return self._write(target, obj, live, params, lambda new: self._owned(new, live, target, params))

    def patch(
        self,
        target: Target,
        body: Any,
        params: Params,
        how: patches.Patch = patches.merge,
        permit: Callable[[Object], None] = lambda obj: None,
    ) -> Object:
        """The live object changed in this way; `permit` sees what would become of it, and may refuse."""
        if params.get("force"):
            forbidden = [("force", "Forbidden: may not be specified for non-apply patch")]
            raise status.unfit("PatchOptions.meta.k8s.io", "", forbidden)
        live = self.get(replace(target, sub=""))
        if target.sub == "scale":
            return self._scaled(target, how(scale.of(live), body), params)
        changed = how(live, body)
        parts = ("status",) if target.sub == "status" else tuple({*live, *changed} - {"status"})
        kept = {key: changed[key] for key in parts if key in changed}
        merged = {key: value for key, value in live.items() if key not in parts} | kept
        merged["metadata"] = merged["metadata"] | {
            key: live["metadata"][key] for key in ("name", "namespace") if key in live["metadata"]
        }
        identity.check_same(target.kind, changed, live)
        permit(merged)
        merged = shapes.read(target.kind, merged, strict=_is_strict(params))
        return self._write(target, merged, live, params, lambda new: self._owned(new, live, target, params))

    def _scaled(self, target: Target, asked: Object, params: Params) -> Object:
        replicas = scale.wanted(asked, target.name)
        change = {"spec": {"replicas": replicas}}
        return scale.of(self.patch(replace(target, sub=""), change, params))

    def apply(self, target: Target, body: Object, params: Params) -> Object:
        manager = params.get("fieldManager") or ""
        if not manager or len(manager) > 128:
            said = "Too long: must have at most 128 bytes" if manager else "Required value: is required"
            raise status.unfit("PatchOptions.meta.k8s.io", "", [("fieldManager", said)])
        if (body.get("metadata") or {}).get("managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        config = self._named(target, body)
        shapes.check_apply(target.kind, config, self.store.schemas.get(target.kind))
        config = defaults.trimmed(target.kind, config)
        live = self.store.get(target.kind, target.namespace, target.name)
        if live:
            identity.check_same(target.kind, config, live)
        base = live or identity.shell(config)
        try:
            applied = managers.apply(
                base,
                config,
                manager,
                keyed=target.kind.builtin,
                force=params.get("force") == "true",
                now=self.store.clock.stamp(),
            )
        except managers.FieldConflict as conflict:
            raise status.conflicts(target.kind, target.name, conflict.owned) from conflict
        return self._write(target, applied, live, params, lambda new: new)

    def delete(self, target: Target, how: Deletion) -> Object:
        live = self.get(target)
        how.check(target.kind, live)
        if how.dry_run:
            return live
        with self.store.lock:
            if how.policy == "Orphan":
                self._disown(live)
            left = self.remove(target.kind, live)
            gone = self.store.get(target.kind, target.namespace, target.name) is None
            return status.deleted(target.kind, live) if gone else left

    def delete_chosen(self, target: Target, params: Params, how: Deletion) -> Object:
        """Each object of a selection."""
        for obj in self.chosen(target, params):
            self.delete(Target(target.kind, *_place(obj)), how)
        return self.list(target, params)

    def _disown(self, owner: Object) -> None:
        """What it owns stays, and belongs to nobody."""
        uid = owner["metadata"]["uid"]
        for kind in self.store.kinds:
            for obj in self.store.owned(owner, kind.api_version, kind.kind):
                kept = [ref for ref in obj["metadata"]["ownerReferences"] if ref["uid"] != uid]
                self.store.put(obj | {"metadata": obj["metadata"] | {"ownerReferences": kept}})

    def remove(self, kind: Kind, live: Object) -> Object:
        """Delete now, or mark for deletion what has finalizers, is a pod or a namespace with contents."""
        waits = live["metadata"].get("finalizers") or kind.kind in ("Pod", "Namespace")
        if not waits:
            self.store.drop(live)
            return live
        if live["metadata"].get("deletionTimestamp"):
            return live
        metadata = live["metadata"] | {"deletionTimestamp": self.store.clock.stamp()}
        return self.store.put(live | {"metadata": metadata})

    def _received(self, target: Target, body: Object, params: Params) -> Object:
        """A copy of what was sent, as an ordinary write reads it."""
        obj = self._named(target, body)
        return shapes.read(target.kind, obj, strict=_is_strict(params))

    def _named(self, target: Target, body: Object) -> Object:
        """A copy of what was sent, with names agreed between body and address."""
        kind = target.kind
        if not isinstance(body, dict) or (body.get("apiVersion"), body.get("kind")) != (
            kind.api_version,
            kind.kind,
        ):
            raise ApiError(400, f"the object provided is not a {kind.kind} of {kind.api_version}")
        obj = copy.deepcopy(body)
        metadata = obj.setdefault("metadata", {})
        if not isinstance(metadata, dict) or metadata.get("namespace", target.namespace) != target.namespace:
            raise ApiError(
                400, "the namespace of the provided object does not match the namespace of the request"
            )
        if target.name and metadata.get("name", target.name) != target.name:
            raise ApiError(400, "the name of the object does not match the name of the request")
        if target.namespace:
            metadata["namespace"] = target.namespace
        if target.name:
            metadata["name"] = target.name
        if target.sub != "status":
            obj.pop("status", None)
        return obj

    def _owned(self, new: Object, live: Object | None, target: Target, params: Params) -> Object:
        manager = params.get("fieldManager") or "unknown"
        now = self.store.clock.stamp()
        return managers.update(live, new, manager, keyed=target.kind.builtin, now=now)

    def _write(
        self,
        target: Target,
        obj: Object,
        live: Object | None,
        params: Params,
        own: Callable[[Object], Object],
    ) -> Object:
        self._check_namespace(target, live)
        full = self._complete(target, obj)
        found = validation.problems(target.kind, full, live)
        if own_schema := self.store.schemas.get(target.kind):
            found += own_schema.problems(full)
        if found:
            raise status.invalid(target.kind, full["metadata"]["name"], found)
        full = own(full)
        if live:
            full = identity.server_written(full, live)
        if target.kind.kind == DEFINITION:
            full = custom.accepted(full, self.store.clock.stamp())
        if params.get("dryRun") == "All":
            return full
        stored = self.store.put(full)
        return self._finish(target.kind, stored)

    def _complete(self, target: Target, obj: Object) -> Object:
        """A copy with what the server fills in."""
        full = defaults.with_defaults(target.kind, obj)
        if own := self.store.schemas.get(target.kind):
            full = own.pruned(full)
        full = defaults.trimmed(target.kind, full)
        return full | {"metadata": full["metadata"] | {"name": full["metadata"].get("name") or ""}}

    def _finish(self, kind: Kind, obj: Object) -> Object:
        """An object marked for deletion goes when its last finalizer does."""
        metadata = obj["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers") and kind.kind != "Pod":
            self.store.drop(obj)
        return obj

    def _check_namespace(self, target: Target, live: Object | None) -> None:
        if not target.kind.namespaced:
            return
        namespace = self.store.get(NAMESPACE, "", target.namespace)
        if namespace is None:
            raise status.not_found(NAMESPACE, target.namespace)
        if live is None and namespace["metadata"].get("deletionTimestamp"):
            raise status.terminating(target.kind, target.name, target.namespace)


def _place(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _is_strict(params: Params) -> bool:
    return params.get("fieldValidation") == "Strict"
