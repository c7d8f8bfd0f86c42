"""What makes an object the one it is: what a client cannot change, and may only ask for."""

from typing import Any

from portal.demo.cluster import status
from portal.demo.cluster.kinds import Kind

Object = dict[str, Any]


def check_same(kind: Kind, sent: Object, live: Object) -> None:
    """Refuses with 409 what was made for another version, or another object of that name."""
    wanted, found, name = sent.get("metadata") or {}, live["metadata"], live["metadata"]["name"]
    if (wanted.get("resourceVersion") or found["resourceVersion"]) != found["resourceVersion"]:
        raise status.stale(kind, name)
    uid = wanted.get("uid") or found["uid"]
    if uid != found["uid"]:
        raise status.unmet(kind, name, "UID", uid, found["uid"])


def shell(config: Object) -> Object:
    """The object an apply starts from when there is none."""
    named = {k: config["metadata"][k] for k in ("name", "namespace") if k in config["metadata"]}
    return {"apiVersion": config["apiVersion"], "kind": config["kind"], "metadata": named}


def server_written(obj: Object, live: Object) -> Object:
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
