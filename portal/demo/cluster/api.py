"""The verbs of the API on the store: what each refuses, changes and answers."""

import copy
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from portal.demo.cluster import defaults, managers, status
from portal.demo.cluster.kinds import BY_KIND, KINDS, Kind
from portal.demo.cluster.selectors import compile_selectors
from portal.demo.cluster.status import ApiError
from portal.demo.cluster.store import Object, Store

NAMESPACE = BY_KIND["v1", "Namespace"]
GIT_VERSION = "v1.33.2+simulated"


@dataclass(frozen=True)
class Target:
    """What an address points at; `name` is empty for a collection, `sub` is `log` or `status`."""

    kind: Kind
    namespace: str = ""
    name: str = ""
    sub: str = ""


Params = Mapping[str, str]


def discovery(path: str) -> Object | None:
    """`/version`, `/api`, `/apis` and the resources of a group version; None for any other path."""
    groups = sorted({k.api_version for k in KINDS})
    fixed: dict[str, Object] = {
        "/version": {"major": "1", "minor": "33", "gitVersion": GIT_VERSION, "platform": "simulated"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {
            "kind": "APIGroupList",
            "apiVersion": "v1",
            "groups": [_group(g) for g in groups if "/" in g],
        },
    }
    if path in fixed:
        return fixed[path]
    version = path.removeprefix("/apis/").removeprefix("/api/")
    return _resources(version) if version in groups else None


def _group(api_version: str) -> Object:
    entry = {"groupVersion": api_version, "version": api_version.partition("/")[2]}
    return {"name": api_version.partition("/")[0], "versions": [entry], "preferredVersion": entry}


def _resources(api_version: str) -> Object:
    found = [
        {"name": k.plural, "kind": k.kind, "namespaced": k.namespaced, "singularName": "", "verbs": []}
        for k in KINDS
        if k.api_version == api_version
    ]
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": api_version,
        "resources": found,
    }


class Api:
    def __init__(self, store: Store) -> None:
        self.store = store

    # reading

    def get(self, target: Target) -> Object:
        found = self.store.get(target.kind, target.namespace, target.name)
        if found is None:
            raise status.not_found(target.kind, target.name)
        return found

    def list(self, target: Target, params: Params) -> Object:
        """One page, in the order of namespace and name; the token names the version and the last key."""
        chosen = compile_selectors(params.get("labelSelector", ""), params.get("fieldSelector", ""))
        version, after = self._page_start(params.get("continue", ""))
        limit = int(params.get("limit") or 0)
        with self.store.lock:
            found = sorted(self.store.of(target.kind).items())
        items = [
            obj
            for key, obj in found
            if (not target.namespace or key[0] == target.namespace) and key > after and chosen(obj)
        ]
        page = items[:limit] if limit else items
        metadata: Object = {"resourceVersion": version}
        if len(page) < len(items):
            last = page[-1]["metadata"]
            metadata["continue"] = f"{version}|{last.get('namespace', '')}|{last['name']}"
            metadata["remainingItemCount"] = len(items) - len(page)
        kind = f"{target.kind.kind}List"
        return {"kind": kind, "apiVersion": target.kind.api_version, "metadata": metadata, "items": page}

    def _page_start(self, token: str) -> tuple[str, tuple[str, str]]:
        if not token:
            return str(self.store.version), ("", "")
        version, namespace, name = token.split("|")
        if int(version) < self.store.floor:
            raise ApiError(410, "The provided continue parameter is too old", "Expired")
        return version, (namespace, name)

    # writing

    def create(self, target: Target, body: Object, params: Params) -> Object:
        obj = self._received(target, body)
        metadata = obj["metadata"]
        if not metadata.get("name") and metadata.get("generateName"):
            metadata["name"] = metadata["generateName"] + secrets.token_hex(3)[:5]
        if self.store.get(target.kind, target.namespace, metadata["name"]):
            raise status.already_exists(target.kind, metadata["name"])
        return self._write(target, obj, None, params, lambda new: self._owned(new, None, target, params))

    def replace(self, target: Target, body: Object, params: Params) -> Object:
        live = self.get(target)
        obj = self._received(target, body)
        sent = obj["metadata"].get("resourceVersion")
        if sent and sent != live["metadata"]["resourceVersion"]:
            raise status.stale(target.kind, target.name)
        if target.sub == "status":
            obj = live | {"status": obj.get("status") or {}}
        return self._write(target, obj, live, params, lambda new: self._owned(new, live, target, params))

    def patch(self, target: Target, body: Object, params: Params) -> Object:
        live = self.get(target)
        status_only = target.sub == "status"
        merged = _merge_patch(live, {k: v for k, v in body.items() if (k == "status") == status_only})
        return self._write(target, merged, live, params, lambda new: self._owned(new, live, target, params))

    def apply(self, target: Target, body: Object, params: Params) -> Object:
        manager = params.get("fieldManager")
        if not manager:
            raise ApiError(400, "PatchOptions.meta.k8s.io is invalid: fieldManager: Required value")
        if (body.get("metadata") or {}).get("managedFields"):
            raise ApiError(400, "metadata.managedFields must be nil")
        config = self._received(target, body)
        live = self.store.get(target.kind, target.namespace, target.name)
        base = live or _shell(config)
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

    def delete(self, target: Target, params: Params) -> Object:
        live = self.get(target)
        if params.get("dryRun") == "All":
            return live
        with self.store.lock:
            return self.remove(target.kind, live)

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

    def _received(self, target: Target, body: Object) -> Object:
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
        full = defaults.with_defaults(target.kind, obj)
        full["metadata"]["name"] = full["metadata"].get("name") or ""
        found = defaults.problems(target.kind, full, live)
        if found:
            raise status.invalid(target.kind, full["metadata"]["name"], found)
        full = own(full)
        if live:
            full = _server_written(full, live)
        if params.get("dryRun") == "All":
            return full
        stored = self.store.put(full)
        return self._finish(target.kind, stored)

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


def _shell(config: Object) -> Object:
    """The object an apply starts from when there is none."""
    named = {k: config["metadata"][k] for k in ("name", "namespace") if k in config["metadata"]}
    return {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": named}


def _server_written(obj: Object, live: Object) -> Object:
    """What a client cannot change: identity, age, deletion; an ordinary write keeps the status too."""
    kept = {
        key: live["metadata"][key]
        for key in ("uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp")
        if key in live["metadata"]
    }
    obj = obj | {"metadata": obj["metadata"] | kept}
    if "status" in live and "status" not in obj:
        obj["status"] = live["status"]
    return obj


def _merge_patch(live: Any, patch: Any) -> Any:
    """RFC 7396: null removes, maps merge, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(live) if isinstance(live, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merge_patch(merged.get(key), value)
    return merged
