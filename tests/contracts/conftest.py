import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref
from tests.contracts import peers
from tests.contracts.peers import Peer
from tests.fakes.cluster import Cluster


@pytest.fixture(scope="module", params=peers.KINDS)
def peer(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """Each API server in turn; the simulated one is started once a module."""
    if request.param == "real":
        found = peers.real()
        yield found
        found.http.close()
        return
    made = Cluster(tmp_path_factory.mktemp("contract") / "cluster.json")
    found = peers.simulated(made)
    yield found
    found.http.close()
    made.stop()


@pytest.fixture(scope="module")
def kube(peer: Peer) -> Iterator[KubeClient]:
    with peer.client() as client:
        yield client


@pytest.fixture
def namespace(kube: KubeClient) -> Iterator[str]:
    name = f"contract-{uuid.uuid4().hex[:8]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kube.delete(Ref("v1", "Namespace", name))


def config_map(
    namespace: str, name: str, labels: dict[str, str] | None = None, **data: str
) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
        "data": data,
    }


@pytest.fixture(scope="module")
def place(kube: KubeClient) -> Iterator[str]:
    """A namespace for the tests of a module that do not get in each other's way."""
    name = f"contract-{uuid.uuid4().hex[:8]}"
    kube.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    kube.delete(Ref("v1", "Namespace", name))


def maps(namespace: str, name: str = "") -> str:
    """The address of config maps, or of one."""
    return f"/api/v1/namespaces/{namespace}/configmaps" + (f"/{name}" if name else "")


def deployments(namespace: str, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/deployments" + (f"/{name}" if name else "")
