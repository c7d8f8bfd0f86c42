import pytest
from django.contrib.auth.models import AnonymousUser

from services.catalog import health, queries
from services.catalog.actions import import_documents
from services.catalog.models import Entity
from tests.catalog.conftest import COMPONENT

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def catalog(files, mira):
    for name in ("checkout-api", "fraud-check", "old-checkout"):
        files[f"{name}.yaml"] = COMPONENT.format(name=name, owner="user:mira").encode()
    import_documents(files=files, title="shop", by=None)


def found(text: str) -> list[str]:
    return [entity.name for entity in queries.search(text)]


@pytest.mark.parametrize(
    ("text", "first", "rest"),
    [
        ("checkout", "checkout", {"checkout-api", "old-checkout"}),
        ("check", "checkout", {"checkout-api", "fraud-check", "old-checkout"}),
        ("Order F", "order-flow", set()),
        ("raud", "fraud-check", set()),
        ("mira lind", "mira", set()),
    ],
)
def test_search_ranks_names_first(text, first, rest):
    assert found(text)[0] == first
    assert set(found(text)[1:]) == rest


@pytest.mark.parametrize("text", ["", "  ", "%", "_", "'; --", "\x00", "a:* & b", "x" * 5000, "!!!"])
def test_search_survives_anything(text):
    assert isinstance(found(text), list)


def test_search_is_limited():
    assert len(queries.search("c", limit=2)) == 2


def test_find_reads_references_in_every_spelling():
    assert queries.find("Component:default/Cart") == queries.find("cart") == Entity.objects.get(name="cart")
    assert queries.find("component:none") is None
    assert queries.find("a:b:/") is None


def test_services_are_components_that_run():
    assert {e.name for e in queries.services()} == {"cart", "checkout-api", "fraud-check", "old-checkout"}
    assert queries.services().first().is_service


def test_owned_by_counts_teams_and_the_person(mira):
    assert {e.name for e in queries.owned_by(mira).services()} == {
        "cart",
        "checkout-api",
        "fraud-check",
        "old-checkout",
    }
    assert not queries.owned_by(AnonymousUser()).exists()


def test_groups_and_users_meet_their_accounts(mira, checkout):
    assert queries.team_of(Entity.objects.get(name="checkout")) == checkout
    assert queries.account_of(Entity.objects.get(name="mira")) == mira
    cart = Entity.objects.get(name="cart")
    assert queries.team_of(cart) is None
    assert queries.account_of(cart) is None


def test_worst_health_is_what_counts():
    assert health.worst({"a": "Healthy", "b": "Degraded", "c": "Odd"}) == "Degraded"
    assert health.worst({"a": "Healthy", "c": "Odd"}) == "Odd"
    assert health.worst({}) == ""
