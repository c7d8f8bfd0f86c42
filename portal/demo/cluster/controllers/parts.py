"""Small pieces that controllers share: conditions, templates, children."""

import json
import zlib
from typing import Any

from portal.demo.cluster.world import World

Object = dict[str, Any]
ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def known_condition(status: Object, type_: str) -> Object:
    found: list[Object] = [c for c in status.get("conditions") or [] if c["type"] == type_]
    return found[0] if found else {}


def condition(
    world: World, status: Object, type_: str, value: bool, reason: str = "", message: str = ""
) -> Object:
    """The condition as it stands now; its transition time moves only with its status."""
    word = "True" if value else "False"
    old = known_condition(status, type_)
    kept = old.get("status") == word
    new = {
        "type": type_,
        "status": word,
        "lastTransitionTime": old["lastTransitionTime"] if kept else world.clock.stamp(),
    }
    if reason:
        new["reason"] = reason
    if message:
        new["message"] = message
    return new


def is_true(status: Object, type_: str) -> bool:
    return any(c["type"] == type_ and c["status"] == "True" for c in status.get("conditions") or [])


def safe_word(number: int, length: int) -> str:
    """A number in letters that spell nothing."""
    word = ""
    for _ in range(length):
        number, rest = divmod(number, len(ALPHABET))
        word += ALPHABET[rest]
    return word


def hash_of(template: Object) -> str:
    digest = zlib.crc32(json.dumps(template, sort_keys=True).encode())
    return safe_word(digest, 7) + safe_word(digest >> 16, 3)


def owner_of(obj: Object) -> Object:
    return {
        "apiVersion": obj["apiVersion"],
        "kind": obj["kind"],
        "name": obj["metadata"]["name"],
        "uid": obj["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }


def child(owner: Object, api_version: str, kind: str, name: str, **rest: Any) -> Object:
    metadata = {
        "name": name,
        "namespace": owner["metadata"]["namespace"],
        "labels": rest.pop("labels", {}),
        "annotations": rest.pop("annotations", {}),
        "ownerReferences": [owner_of(owner)],
    }
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata} | rest


def pod_from(owner: Object, template: Object, name: str, **labels: str) -> Object:
    meta = template.get("metadata") or {}
    return child(
        owner,
        "v1",
        "Pod",
        name,
        labels=(meta.get("labels") or {}) | labels,
        annotations=dict(meta.get("annotations") or {}),
        spec=template["spec"],
        status={"phase": "Pending"},
    )


def alive(pods: list[Object]) -> list[Object]:
    """Pods that are neither leaving nor finished."""
    return [
        pod
        for pod in pods
        if not pod["metadata"].get("deletionTimestamp")
        and (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed")
    ]


def is_ready(pod: Object) -> bool:
    return is_true(pod.get("status") or {}, "Ready")


def share(value: Any, of: int, *, up: bool) -> int:
    """`25%` or a number, of so many replicas."""
    if isinstance(value, str) and value.endswith("%"):
        exact = of * int(value[:-1]) / 100
        return int(-(-exact // 1)) if up else int(exact)
    return int(value or 0)


def delete_pod(world: World, pod: Object) -> None:
    if not pod["metadata"].get("deletionTimestamp"):
        metadata = pod["metadata"] | {"deletionTimestamp": world.clock.stamp()}
        world.store.put(pod | {"metadata": metadata})
