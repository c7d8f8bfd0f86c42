from collections.abc import Callable, Iterator
from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import pytest

from services.accounts.models import Membership, User
from services.audit.queries import events_for
from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from services.integrations.kube.kubeconfig import Credentials
from services.onboarding import actions
from services.onboarding.models import Request
from tests.factories.people import member, platform_engineer
from tests.kept import copy_repositories, made_once

REPO = "shop/deploy"
LEAD = Membership.Role.LEAD
SETTINGS = {
    "registry": "registry.larkfield.shop",
    "domain": "int.larkfield.shop",
    "prices": {"cpu": 20, "memory": 4, "currency": "EUR"},
}


def make_people() -> SimpleNamespace:
    """Checkout: mira and noah, led by sam. Discovery: jonas. Platform: priya and tomas."""
    return SimpleNamespace(
        mira=member("mira", "checkout"),
        noah=member("noah", "checkout"),
        sam=member("sam", "checkout", role=LEAD),
        jonas=member("jonas", "discovery"),
        priya=platform_engineer(),
        tomas=platform_engineer("tomas"),
    )


def make_host() -> LocalHost:
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": b"Deploy\n"}, author=Person("sam", "Sam"), message="Start")
    return host


def make_environments() -> list[Environment]:
    unreachable = Credentials("http://127.0.0.1:9", "", "")
    cluster = clusters.register_cluster(by=None, name="harbour", credentials=unreachable)
    return [
        Environment.objects.create(
            name=name,
            title=name.title(),
            cluster=cluster,
            namespace=namespace,
            is_production=name == "production",
            position=position,
            settings=SETTINGS,
        )
        for position, (name, namespace) in enumerate([("staging", "shop-staging"), ("production", "shop")])
    ]


@pytest.fixture
def people(db) -> SimpleNamespace:
    return make_people()


@pytest.fixture
def host(db) -> LocalHost:
    return make_host()


@pytest.fixture
def environments(db) -> list[Environment]:
    return make_environments()


@pytest.fixture(scope="module")
def once(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SimpleNamespace]:
    """The company of `world`, for a module whose tests all want it."""
    git = tmp_path_factory.mktemp("company") / "git"

    def make() -> SimpleNamespace:
        make_host()
        make_environments()
        return SimpleNamespace(people=make_people(), git=git)

    yield from made_once(django_db_blocker, git, make)


def copied(once: SimpleNamespace) -> SimpleNamespace:
    """That company, for one test."""
    copy_repositories(once.git)
    return SimpleNamespace(**vars(deepcopy(once.people)), host=LocalHost())


@pytest.fixture
def world(people, host, environments) -> SimpleNamespace:
    """People, a deploy repository and two environments."""
    return SimpleNamespace(**vars(people), host=host)


def answers(name: str = "wishlist", **over: Any) -> dict[str, Any]:
    return {
        "name": name,
        "owner": "checkout",
        "description": "Lets people keep products for later.",
        "image": f"registry.larkfield.shop/{name}:1.0.0",
        "environments": ["staging"],
    } | over


@pytest.fixture
def submit(world) -> Callable[..., Request]:
    def send(by: User | None = None, name: str = "wishlist", **over: Any) -> Request:
        return actions.submit(by=by or world.mira, blueprint="web-service", answers=answers(name, **over))

    return send


EXPENSIVE = {"size": "large", "replicas": 10, "environments": ["staging", "production"]}


def said(row: Request) -> list[str]:
    return [event.action.removeprefix("request.") for event in events_for(row)]
