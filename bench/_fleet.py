"""The other process of `bench.clusters`: several clusters over HTTP, full of pods, in which things happen.

Nothing runs in them: objects are as a real cluster's are, in number and size, and `--churn` of them change
each second. Says its addresses on the first line, then does what the lines it reads say: `stop N` ends the
Nth cluster, `lose N COUNT` has nodes of it fall silent.
"""

import json
import random
import sys
import threading
import time
from typing import Any

from portal.demo.cluster.kinds import BY_KIND
from portal.demo.cluster.server import Server
from portal.demo.cluster.store import Key, Store

Object = dict[str, Any]
TOKEN = "a-token-of-the-bench"
NAMESPACES = ("shop", "shop-staging")
REPLICAS = 4
HISTORY = 20_000
POD = BY_KIND["v1", "Pod"]
PROBE = (NAMESPACES[0], "service-0-7d4b9-00000")
NOISE = "0123456789abcdef" * 20


def service_name(number: int) -> str:
    return f"service-{number}"


class Fleet:
    def __init__(self, clusters: int, pods: int, churn: float) -> None:
        self.chance = random.Random(11)
        self.churn, self.serial = churn, 0
        self.stores = [Store(history=HISTORY) for _ in range(clusters)]
        self.servers = [Server(("127.0.0.1", 0), store, TOKEN) for store in self.stores]
        for number, store in enumerate(self.stores):
            fill(store, number, pods // clusters)
        self.names = [sorted(store.of(POD), key=lambda name: name != PROBE) for store in self.stores]

    def serve(self) -> None:
        for server in self.servers:
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        threading.Thread(target=self._turn, daemon=True).start()

    def _turn(self) -> None:
        """One change in each cluster a round; each second a pod of each says what time it is."""
        probed = 0.0
        while True:
            started = time.monotonic()
            for store, names in zip(self.stores, self.names, strict=True):
                self._change(store, names)
                if started - probed >= 1:
                    self._probe(store)
            probed = started if started - probed >= 1 else probed
            time.sleep(max(0.0, len(self.stores) / max(self.churn, 0.1) - (time.monotonic() - started)))

    def _change(self, store: Store, names: list[Key]) -> None:
        """A pod becomes ready or not; now and then another takes its place; each is an event, too."""
        self.serial += 1
        place = self.chance.randrange(1, len(names))
        found = store.get(POD, *names[place])
        assert found is not None
        if self.serial % 10 == 0:
            metadata = found["metadata"] | {"name": f"{found['metadata']['name'][:-6]}-x{self.serial:04x}"}
            store.drop(found)
            store.put(found | {"metadata": without(metadata, "uid", "resourceVersion")})
            names[place] = names[place][0], metadata["name"]
        else:
            ready = self.serial % 3 != 0
            store.put(found | {"status": pod_status(found["metadata"]["name"], ready=ready, at=self.serial)})
        store.put(event(found, self.serial))

    def _probe(self, store: Store) -> None:
        pod = store.get(POD, *PROBE)
        assert pod is not None
        notes = pod["metadata"]["annotations"] | {"bench/at": f"{time.time():.3f}"}
        store.put(pod | {"metadata": pod["metadata"] | {"annotations": notes}})

    def obey(self, line: str) -> None:
        word, number, *more = line.split()
        if word == "stop":
            self.servers[int(number)].stop()
        if word == "lose":
            for node in self.stores[int(number)].all("v1", "Node")[: int(more[0])]:
                self.stores[int(number)].put(node | {"status": node_status("Unknown")})


def without(metadata: Object, *keys: str) -> Object:
    return {key: value for key, value in metadata.items() if key not in keys}


def fill(store: Store, cluster: int, pods: int) -> None:
    for name in ("default", *NAMESPACES):
        store.put({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for number in range(max(4, pods // 80)):
        meta = {"name": f"node-{number}", "labels": {"pool": "general"}}
        store.put({"apiVersion": "v1", "kind": "Node", "metadata": meta, "status": node_status("True")})
    for number in range(pods // REPLICAS):
        _service(store, number, NAMESPACES[number % len(NAMESPACES)])


def _service(store: Store, number: int, namespace: str) -> None:
    """A deployment, its set, its pods and what is around them."""
    name = service_name(number)
    labels = {
        "app.kubernetes.io/name": name,
        "app.kubernetes.io/instance": name,
        "slipway.dev/team": "team-1",
    }
    spec = pod_spec(name)
    template = {"metadata": {"labels": labels}, "spec": spec}
    chosen = {"matchLabels": {"app.kubernetes.io/name": name}}
    counts = {"replicas": REPLICAS, "readyReplicas": REPLICAS, "availableReplicas": REPLICAS,
              "updatedReplicas": REPLICAS, "observedGeneration": 1}  # fmt: skip
    top = store.put(
        thing("apps/v1", "Deployment", name, namespace, labels)
        | {"spec": {"replicas": REPLICAS, "selector": chosen, "template": template}, "status": counts}
    )
    made = store.put(
        thing("apps/v1", "ReplicaSet", f"{name}-7d4b9", namespace, labels, top)
        | {"spec": {"replicas": REPLICAS, "selector": chosen, "template": template}, "status": counts}
    )
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    store.put(
        thing("v1", "Service", name, namespace, labels)
        | {"spec": {"selector": chosen["matchLabels"], "ports": ports}, "status": {}}
    )
    store.put(thing("v1", "ConfigMap", name, namespace, labels) | {"data": {"SETTING": NOISE}})
    for replica in range(REPLICAS):
        pod = f"{name}-7d4b9-{number * REPLICAS + replica:05x}"
        body = thing("v1", "Pod", pod, namespace, labels, made)
        store.put(body | {"spec": spec | {"nodeName": f"node-{replica}"}, "status": pod_status(pod)})


def thing(version: str, kind: str, name: str, namespace: str, labels: Object, owner: Any = None) -> Object:
    metadata: Object = {
        "name": name,
        "namespace": namespace,
        "labels": labels,
        "annotations": {"note": NOISE},
    }
    metadata["managedFields"] = [{"manager": "bench", "fieldsV1": {f"f:{n}": {} for n in range(40)}}]
    if owner:
        about = {key: owner[key] for key in ("apiVersion", "kind")}
        metadata["ownerReferences"] = [
            about | {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"], "controller": True}
        ]
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def pod_spec(name: str) -> Object:
    container = {
        "name": "app",
        "image": f"registry.example.com/{name}:1.4.2",
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": [{"name": f"SETTING_{n}", "value": NOISE[:60]} for n in range(20)],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "160Mi"}},
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}, "periodSeconds": 10},
        "volumeMounts": [{"name": f"part-{n}", "mountPath": f"/etc/part-{n}"} for n in range(6)],
    }
    volumes = [{"name": f"part-{n}", "configMap": {"name": name}} for n in range(6)]
    return {"containers": [container], "volumes": volumes, "serviceAccountName": "default"}


def pod_status(name: str, *, ready: bool = True, at: int = 0) -> Object:
    told = "True" if ready else "False"
    seen = {"name": "app", "ready": ready, "restartCount": at, "image": "registry.example.com/app:1.4.2",
            "state": {"running": {"startedAt": "2026-11-20T09:00:00Z"}}, "lastState": {}}  # fmt: skip
    conditions = [
        {"type": each, "status": told, "lastTransitionTime": "2026-11-20T09:00:00Z"}
        for each in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    return {"phase": "Running", "podIP": "10.0.0.1", "conditions": conditions, "containerStatuses": [seen]}


def node_status(ready: str) -> Object:
    conditions = [{"type": "Ready", "status": ready, "message": "Kubelet stopped posting node status."}]
    return {"conditions": conditions, "allocatable": {"cpu": "16", "memory": "64Gi", "pods": "110"}}


def event(pod: Object, number: int) -> Object:
    about = {"kind": "Pod", "namespace": pod["metadata"]["namespace"], "name": pod["metadata"]["name"],
             "uid": pod["metadata"]["uid"]}  # fmt: skip
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"event-{number % 500}", "namespace": about["namespace"]},
        "involvedObject": about,
        "reason": "Unhealthy",
        "message": f"Readiness probe failed: {number}",
        "type": "Warning",
        "count": 1,
        "firstTimestamp": stamp,
        "lastTimestamp": stamp,
    }


def main(arguments: list[str]) -> None:
    fleet = Fleet(int(arguments[0]), int(arguments[1]), float(arguments[2]))
    fleet.serve()
    print(json.dumps([server.url for server in fleet.servers]), flush=True)
    for line in sys.stdin:
        fleet.obey(line)


if __name__ == "__main__":
    main(sys.argv[1:])
