"""A shop of six services in the deploy repository and the catalog; nothing of it came through a form."""

from types import SimpleNamespace
from typing import Any

import pytest

from services.catalog.actions import import_documents
from services.integrations.githosts.base import Person
from services.manifests.emit import dump
from services.previews.planning import Wish
from tests.onboarding import conftest as onboarding
from tests.onboarding import test_journey

people, host, environments, world = (
    onboarding.people, onboarding.host, onboarding.environments, onboarding.world,
)  # fmt: skip
harbour = test_journey.harbour
NEEDS = {
    "web": ["cart", "catalogue"], "cart": ["cart-db", "tax"], "catalogue": [], "cart-db": [],
    "tax": ["rates"], "rates": [],
}  # fmt: skip
NAMESPACE = {"staging": "shop-staging", "production": "shop"}


def manifests(name: str, environment: str = "staging") -> dict[str, bytes]:
    """A Deployment, a Service, and for the web a door."""
    marks = {"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name}
    about = {"name": name, "namespace": NAMESPACE[environment], "labels": marks}
    env = [
        {"name": f"{each.upper().replace('-', '_')}_URL", "value": f"http://{each}:80"}
        for each in NEEDS[name]
    ]
    container = {
        "name": name, "image": f"registry.larkfield.shop/{name}:1.0.0", "env": env,
        "ports": [{"containerPort": 8080, "name": "http"}],
        "resources": {"requests": {"cpu": "200m", "memory": "64Mi"}, "limits": {"memory": "64Mi"}},
        "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
        "securityContext": {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "runAsNonRoot": True,
            "capabilities": {"drop": ["ALL"]}, "seccompProfile": {"type": "RuntimeDefault"},
        },
    }  # fmt: skip
    selector = {"app.kubernetes.io/name": name}
    template = {"metadata": {"labels": marks}, "spec": {"containers": [container]}}
    spec = {"replicas": 3, "selector": {"matchLabels": selector}, "template": template}
    docs: dict[str, Any] = {
        "deployment": {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec},
        "service": {
            "apiVersion": "v1", "kind": "Service", "metadata": about,
            "spec": {"selector": selector, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
        },
    }  # fmt: skip
    if name == "web":
        backend = {"service": {"name": "web", "port": {"name": "http"}}}
        paths = [{"path": "/", "pathType": "Prefix", "backend": backend}]
        tls = [{"hosts": ["shop.int.larkfield.shop"], "secretName": "web-tls"}]
        rules = [{"host": "shop.int.larkfield.shop", "http": {"paths": paths}}]
        docs["ingress"] = {
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": about | {"annotations": {"cert-manager.io/cluster-issuer": "public"}},
            "spec": {"ingressClassName": "public", "rules": rules, "tls": tls},
        }  # fmt: skip
    return {
        f"apps/checkout/{name}/{environment}/{kind}.yaml": dump([doc]).encode() for kind, doc in docs.items()
    }


def descriptors() -> bytes:
    found = [
        {
            "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": name},
            "spec": {
                "type": "service", "lifecycle": "production", "owner": "checkout",
                "dependsOn": [f"component:default/{each}" for each in needs],
            },
        }
        for name, needs in NEEDS.items()
    ]  # fmt: skip
    return dump(found).encode()


@pytest.fixture
def shop(world) -> SimpleNamespace:
    files = {path: text for name in NEEDS for path, text in manifests(name).items()}
    files |= {path: text for name in NEEDS for path, text in manifests(name, "production").items()}
    world.host.commit(onboarding.REPO, files=files, author=Person("sam", "Sam"), message="The shop")
    import_documents(files={"shop.yaml": descriptors()}, title="shop", by=None)
    return world


def ref(name: str) -> str:
    return f"component:default/{name}"


def wish(name: str = "trial", of: str = "web", base: str = "staging", **more: Any) -> Wish:
    from services.accounts.models import Team
    from services.catalog.queries import find
    from services.clusters.models import Environment

    entity = find(ref(of))
    assert entity is not None
    place, team = Environment.objects.get(name=base), Team.objects.get(slug="checkout")
    return Wish(entity, place, name, team, **more)
