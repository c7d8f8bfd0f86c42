"""The `scale` of a workload: its number of replicas under an address of its own."""

from typing import Any

from portal.demo.cluster import status

Object = dict[str, Any]


def of(workload: Object) -> Object:
    metadata = workload["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = (workload["spec"].get("selector") or {}).get("matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {key: metadata[key] for key in kept if key in metadata},
        "spec": {"replicas": workload["spec"].get("replicas", 1)},
        "status": {
            "replicas": (workload.get("status") or {}).get("replicas", 0),
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def wanted(asked: Object, name: str) -> int:
    """The replicas a Scale asks for. Refuses with 422 what is no number of them."""
    replicas = (asked.get("spec") or {}).get("replicas", 0)
    if not isinstance(replicas, int) or replicas < 0:
        told = f"Invalid value: {replicas}: must be greater than or equal to 0"
        raise status.unfit("Scale.autoscaling", name, [("spec.replicas", told)])
    return replicas
