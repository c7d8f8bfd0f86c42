"""Descriptors that programs put: what each answer means, and that nothing is ever written in part."""

import json

import pytest

from services.accounts.actions import create_token
from services.audit.models import Event
from services.catalog.actions import import_documents, steering, undo_import
from services.catalog.models import Entity, Holding, ImportRun, Source
from services.catalog.sources import pushing
from tests.catalog.conftest import COMPONENT

pytestmark = pytest.mark.django_db
URL = "/api/catalog/sources/ci/"
CART, BASKET = (COMPONENT.format(name=name, owner="checkout") for name in ("cart", "basket"))
BAD = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: my cart}\n"


@pytest.fixture
def token(mira):
    """The secret of a token of Checkout."""
    mira.memberships.update(role="lead")
    return secret(mira)


def secret(by, team=None, scopes=("catalog:read", "catalog:write"), name="ci"):
    team = team or by.teams.get()
    return create_token(by=by, name=name, scopes=list(scopes), days=30, team=team)[1]


@pytest.fixture
def send(client, token):
    """One request with the token; its status and its JSON."""

    def ask(method: str, url: str, body="", *, kind="application/yaml", bearer=token, **headers):
        headers = {**headers, **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
        answer = client.generic(method, url, body, content_type=kind, headers=headers)
        return answer.status_code, json.loads(answer.content)

    return ask


def counts(answer):
    return {key: answer["counts"][key] for key in ("new", "changed", "unchanged", "orphaned")}


def test_a_first_put_makes_a_source_and_the_same_again_does_nothing(send, mira):
    status, told = send("PUT", URL, f"{CART}---\n{BASKET}")
    assert (status, told["outcome"], told["counts"]["new"]) == (201, "applied", 2)
    assert [row["ref"] for row in told["documents"]] == ["component:default/cart", "component:default/basket"]
    status, again = send("PUT", URL, f"{CART}---\n{BASKET}")
    assert (status, again["outcome"], again["import"]) == (200, "unchanged", told["import"])
    source = Source.objects.get(name="ci")
    assert (source.runs.count(), source.runs.get().trigger, source.created_by) == (1, "put", None)
    assert Event.objects.filter(action="catalog.put").get().actor_name == "ci of Checkout"
    assert send("GET", URL)[1]["files"] == ["descriptors.yaml"]


def test_the_whole_set_is_replaced_and_what_is_gone_is_orphaned(send):
    send("PUT", URL, f"{CART}---\n{BASKET}")
    status, told = send("PUT", URL, CART)
    assert (status, counts(told)) == (200, {"new": 0, "changed": 0, "unchanged": 1, "orphaned": 1})
    assert Entity.objects.get(name="basket").state == "orphan"


def test_files_are_put_read_and_deleted_one_by_one(send, client, token):
    assert send("PUT", f"{URL}a/cart.yaml", CART)[0] == 201
    assert send("PUT", f"{URL}basket.json", json.dumps(basket()), kind="application/json")[0] == 200
    assert send("GET", URL)[1]["files"] == ["a/cart.yaml", "basket.json"]
    answer = client.get(f"{URL}a/cart.yaml", headers={"Authorization": f"Bearer {token}"})
    assert (answer.content.decode(), answer["Content-Type"]) == (CART, "text/plain; charset=utf-8")
    status, told = send("DELETE", f"{URL}basket.json")
    assert (status, told["counts"]["orphaned"]) == (200, 1)
    assert send("DELETE", f"{URL}basket.json")[0] == 404
    assert send("DELETE", f"{URL}a/cart.yaml")[1]["outcome"] == "applied"
    assert send("GET", f"{URL}a/cart.yaml", bearer=token)[0] == 404


def basket():
    return {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "basket"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "checkout"},
    }


def test_a_json_array_is_a_document_for_each_of_its_members(send):
    two = [basket(), {**basket(), "metadata": {"name": "other"}}]
    status, told = send("PUT", URL, json.dumps(two), kind="application/json")
    assert (status, told["counts"]["new"]) == (201, 2)
    deep = "[" * 100_000
    assert send("PUT", URL, deep, kind="application/json")[0] == 422


REFUSED = [
    ("PUT", URL, "", {}, 400),
    ("PUT", URL, " \n", {}, 400),
    ("PUT", URL, CART, {"bearer": ""}, 401),
    ("PUT", URL, CART, {"bearer": "slipway_nothing"}, 401),
    ("POST", URL, CART, {}, 405),
    ("PUT", URL, CART, {"kind": "application/xml"}, 415),
    ("PUT", URL, CART, {"Content-Encoding": "gzip"}, 415),
    ("PUT", URL, "#" * (5 * 1024 * 1024 + 1), {}, 413),
    ("PUT", URL, BAD, {}, 422),
    ("PUT", URL, f"{CART}---\n{BAD}", {}, 422),
    ("PUT", URL, "a: [", {}, 422),
    ("PUT", URL, "7", {}, 422),
    ("PUT", URL, "a: &a [1]\nb: [" + "*a," * 300_000 + "]", {}, 422),
    ("PUT", URL, b"\xff\xfea\x00", {}, 422),
    ("PUT", "/api/catalog/sources/12/", CART, {}, 400),
    ("PUT", f"{URL}cart.txt", CART, {}, 400),
    ("PUT", f"{URL}a/../../cart.yaml", CART, {}, 400),
    ("PUT", f"{URL}{'x' * 300}.yaml", CART, {}, 400),
    ("DELETE", f"{URL}cart.yaml", "", {}, 404),
    ("GET", URL, "", {}, 404),
]


@pytest.mark.parametrize(("method", "url", "body", "how", "wanted"), REFUSED)
def test_what_is_refused_says_why_and_writes_nothing(send, method, url, body, how, wanted):
    status, told = send(method, url, body, **how)
    assert (status, told["response"]["statusCode"]) == (wanted, wanted)
    assert told["error"]["message"]
    assert not Source.objects.exists()
    assert not Entity.objects.exists()


def test_a_refused_put_tells_each_document_and_leaves_what_was_there(send):
    send("PUT", URL, CART)
    status, told = send("PUT", URL, f"{BASKET}---\n{BAD}")
    assert (status, told["import"]) == (422, None)
    row = told["documents"][0]
    assert (row["document"], row["errors"][0]["suggestion"]) == (1, "my-cart")
    assert list(Entity.objects.values_list("name", "state")) == [("cart", "active")]
    assert (ImportRun.objects.count(), Holding.objects.get().source.broken.count()) == (1, 0)


def test_what_another_source_has_is_a_conflict(send, mira):
    import_documents(files={"cart.yaml": CART.encode()}, title="shop", by=mira)
    status, told = send("PUT", URL, f"{CART}---\n{BASKET}")
    assert (status, told["error"]["name"]) == (409, "ConflictError")
    assert "component:default/cart" in told["error"]["message"]
    assert not Entity.objects.filter(name="basket").exists()


def test_a_name_that_is_read_elsewhere_or_paused_takes_nothing(send, mira, priya):
    Source.objects.create(kind="git", name="ci", title="ci", options={"owner": "team:checkout"})
    assert "read where it is" in send("PUT", URL, CART)[1]["error"]["message"]
    Source.objects.all().delete()
    send("PUT", URL, CART)
    Source.objects.update(paused_at="2026-01-01T00:00Z")
    assert send("PUT", URL, BASKET)[0] == 409
    Source.objects.update(paused_at=None)
    steering.remove_source(source=Source.objects.get(), by=priya)
    assert send("PUT", URL, CART)[0] == 201


def test_a_source_belongs_to_who_put_first(send, mira, priya, client):
    send("PUT", URL, CART)
    other = secret(priya, name="other")
    Source.objects.update(options={"owner": "team:discovery"})
    status, told = send("PUT", URL, BASKET)
    assert (status, "somebody else" in told["error"]["message"]) == (403, True)
    assert send("PUT", URL, BASKET, bearer=other)[0] == 403
    Source.objects.update(options={"owner": "team:checkout"})
    client.force_login(mira)
    assert client.put(URL, BASKET, content_type="application/yaml").status_code == 200
    client.force_login(priya)
    assert client.put(URL, CART, content_type="application/yaml").status_code == 200
    reading = secret(mira, scopes=["catalog:read"], name="reads")
    assert send("PUT", URL, BASKET, bearer=reading)[0] == 403


def test_a_plan_waits_for_a_person_where_the_source_says_so(send, mira):
    send("PUT", URL, CART)
    Source.objects.update(auto_apply=False)
    for _ in range(2):
        status, told = send("PUT", URL, BASKET)
        assert (status, told["outcome"]) == (202, "waits")
    assert ImportRun.objects.filter(state="planned").count() == 1
    assert not Entity.objects.filter(name="basket").exists()


def test_what_was_undone_can_be_put_again(send, mira):
    send("PUT", URL, CART)
    undo_import(run=ImportRun.objects.get(), by=mira)
    status, told = send("PUT", URL, CART)
    assert (status, told["outcome"], told["counts"]["new"]) == (200, "applied", 1)


def test_a_source_that_would_hold_too_much_is_refused(send, monkeypatch):
    monkeypatch.setattr(pushing, "MAX_TOTAL", len(CART) + 10)
    send("PUT", f"{URL}a.yaml", CART)
    assert send("PUT", f"{URL}b.yaml", BASKET)[0] == 413
