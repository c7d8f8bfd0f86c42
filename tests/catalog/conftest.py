from pathlib import Path

import pytest

from services.accounts.models import Membership, Team, User

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
