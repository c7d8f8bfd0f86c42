"""The demo's simulated cluster as a fixture: real HTTP, fast time, and ways to make it misbehave."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.demo.cluster import loader
from portal.demo.cluster.controllers import RECONCILERS
from portal.demo.cluster.server import Handler, Server
from portal.demo.cluster.state import State
from portal.demo.cluster.store import Store
from portal.demo.cluster.world import Pace, World
from services.integrations.kube.client import KubeClient

TOKEN = "a-token-of-the-tests"
PORTAL_TOKEN = "a-token-without-rights"
USERS = {PORTAL_TOKEN: "portal"}
NAMESPACES = ("shop", "shop-staging")
Fault = Callable[["FaultyHandler"], bool]


class FaultyHandler(Handler):
    """Asks the server's faults first; one that returns True has dealt with the request."""

    def _answer(self, act: Any) -> None:
        for fault in list(self.server.faults):
            if fault(self):
                return
        super()._answer(act)


class FaultyServer(Server):
    faults: list[Fault]


class Cluster:
    """One simulated cluster on a free port. `restart` keeps its objects and its port."""

    def __init__(self, state: Path, *, speed: float = 20.0, history: int = 1000) -> None:
        self.state = State(state)
        self.pace = Pace(speed=speed, deadline=0.005)
        self.history = history
        self.faults: list[Fault] = []
        self.port = 0
        self.start()

    def start(self) -> None:
        store = Store(history=self.history)
        self.state.load(store)
        self.world = World(store, RECONCILERS, self.pace)
        loader.prepare(self.world, NAMESPACES)
        self.state.attach(store)
        self.server = FaultyServer(("127.0.0.1", self.port), store, TOKEN, FaultyHandler, USERS)
        self.server.faults = self.faults
        self.port = self.server.server_address[1]
        self.threads = [
            threading.Thread(target=self.world.run, daemon=True),
            threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True),
        ]
        for thread in self.threads:
            thread.start()

    def stop(self) -> None:
        self.world.stop()
        self.server.stop()
        for thread in self.threads:
            thread.join(timeout=5)
        self.world.store.journal = None
        self.state.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    @property
    def url(self) -> str:
        return self.server.url

    def client(self, **options: Any) -> KubeClient:
        return KubeClient(self.url, TOKEN, **options)


def eventually(check: Callable[[], Any], within: float = 10.0) -> Any:
    """The first true answer of `check`."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {within} s: {check}")


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(tmp_path / "cluster.json")
    yield made
    made.stop()


def deployment(name: str, namespace: str = "shop", **changes: Any) -> dict[str, Any]:
    """A small valid Deployment; `image`, `replicas`, `limit`, `env`, `annotations`, `labels`, `entity`."""
    labels = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name}
    notes = {"slipway.dev/entity": changes["entity"]} if "entity" in changes else {}
    container = {
        "name": "app",
        "image": changes.get("image", f"registry.larkfield.shop/{name}:1.4.2"),
        "ports": [{"name": "http", "containerPort": 8080}],
        "env": changes.get("env", []),
        "resources": {
            "requests": {"cpu": "50m", "memory": "64Mi"},
            "limits": {"memory": changes.get("limit", "128Mi")},
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": labels, "annotations": notes},
        "spec": {
            "replicas": changes.get("replicas", 2),
            "selector": {"matchLabels": {"app.kubernetes.io/name": name}},
            "template": {
                "metadata": {"labels": labels, "annotations": changes.get("annotations", {})},
                "spec": {"containers": [container]},
            },
        },
    }
