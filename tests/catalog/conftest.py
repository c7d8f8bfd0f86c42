from pathlib import Path

import pygit2
import pytest

import services.catalog.tasks  # noqa: F401  # what effects are done by
from services.accounts.models import Membership, Team, User
from services.catalog import actions
from services.catalog.models import Source
from services.catalog.sources.reaching import look_again

COMPONENT = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: {name}
  description: Keeps what people intend to buy
spec:
  type: service
  lifecycle: production
  owner: {owner}
  system: order-flow
  dependsOn: [resource:cart-cache]
"""
REST = """\
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: cart-cache}
spec: {type: redis, owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: System
metadata: {name: order-flow, title: Order flow}
spec: {owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout, title: Checkout}
spec: {type: team, children: [], profile: {email: checkout@larkfield.example}}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: mira}
spec: {memberOf: [checkout], profile: {displayName: Mira Lindqvist}}
"""


@pytest.fixture
def files() -> dict[str, bytes]:
    cart = COMPONENT.format(name="cart", owner="checkout")
    return {"cart.yaml": cart.encode(), "rest.yaml": REST.encode()}


@pytest.fixture
def checkout(db) -> Team:
    return Team.objects.create(slug="checkout", name="Checkout")


@pytest.fixture
def mira(checkout) -> User:
    user = User.objects.create_user("mira", "mira@larkfield.example", "x" * 16, name="Mira Lindqvist")
    Membership.objects.create(user=user, team=checkout)
    return user


@pytest.fixture
def priya(db) -> User:
    user = User.objects.create_user("priya", "priya@larkfield.example", "x" * 16, name="Priya Raman")
    platform = Team.objects.create(slug="platform", name="Platform", runs_platform=True)
    Membership.objects.create(user=user, team=platform)
    return user


@pytest.fixture
def folder(tmp_path: Path, files) -> Path:
    root = tmp_path / "descriptors"
    root.mkdir()
    for name, content in files.items():
        (root / name).write_bytes(content)
    return root


class Repository:
    """A bare repository on disk."""

    def __init__(self, path: Path) -> None:
        self.path, self.git = path, pygit2.init_repository(path, bare=True, initial_head="main")

    def commit(self, files: dict[str, bytes]) -> str:
        builder = self.git.TreeBuilder()
        for name, content in files.items():
            builder.insert(name, self.git.create_blob(content), pygit2.enums.FileMode.BLOB)
        who = pygit2.Signature("Mira", "mira@larkfield.example")
        parents = [] if self.git.head_is_unborn else [self.git.head.target]
        return str(self.git.create_commit("refs/heads/main", who, who, "change", builder.write(), parents))


@pytest.fixture
def repository(tmp_path, files) -> Repository:
    made = Repository(tmp_path / "descriptors.git")
    made.commit(files)
    return made


@pytest.fixture
def source(repository, priya) -> Source:
    """A repository that is imported, applied and watched."""
    made = actions.find_or_create_source(kind="git", title="shop", by=priya, location=str(repository.path))
    run, _ = actions.take(source=made, fetched=look_again(made), trigger="person", by=priya)
    actions.apply_import(run=run, by=priya)
    made.refresh_from_db()
    return made
