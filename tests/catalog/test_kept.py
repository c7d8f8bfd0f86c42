"""Answers that are kept: the same for everybody who may ask, and never older than the last write."""

from contextlib import contextmanager

import psycopg
import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import get_resolver

from portal.shell import lanes
from services.accounts.actions import create_token, revoke_token
from services.catalog import actions
from services.catalog.compatible import keeping
from services.catalog.descriptors.relations import INVERSE
from services.catalog.finding import revisions
from services.catalog.models import Alias, Entity, Judgement, Relation, Revision, Source

pytestmark = pytest.mark.django_db
CART = "/api/catalog/entities/by-name/component/default/cart"
PAGES = (
    CART,
    "/api/catalog/entities/by-query?filter=kind=component",
    "/api/catalog/entities?filter=relations.dependsOn=resource:default/cart-cache&limit=3",
    "/api/catalog/entity-facets?facet=metadata.tags&facet=spec.owner&facet=relations.dependsOn",
)


@pytest.fixture
def shop(files) -> Source:
    actions.import_documents(files=files, title="Larkfield", by=None)
    return Source.objects.get()


@pytest.fixture
def token(mira):
    return create_token(by=mira, name="reads", scopes=["catalog:read"], days=1)


@pytest.fixture
def ask(shop, token):
    return lambda path=CART: Client(headers={"Authorization": f"Bearer {token[1]}"}).get(path)


def test_what_was_asked_before_costs_one_query(ask, django_assert_num_queries):
    """That of the token, which says the revision too."""
    first = [ask(path) for path in PAGES]
    for path, before in zip(PAGES, first, strict=True):
        with django_assert_num_queries(1):
            again = ask(path)
        assert (again.content, again.headers) == (before.content, before.headers), path


def written_of(entity):
    """Each way to write something that answers tell."""
    rest = Entity.objects.get(name="cart-cache")
    needed = Relation.objects.get(source=entity, target=rest)
    return {
        "entity": lambda: Entity.objects.filter(pk=entity.pk).update(spec={"type": "other"}),
        "relation": lambda: Relation.objects.filter(pk=needed.pk).update(confidence=0.5),
        "judgement": lambda: Judgement.objects.create(
            source_ref=entity.ref, target_ref=rest.ref, verdict="dismissed"
        ),
        "source": lambda: Source.objects.update(location="/elsewhere"),
        "removal": lambda: Relation.objects.filter(source=entity).delete(),
        "gone": lambda: entity.delete(),
        "alias": lambda: Alias.objects.create(ref="component:default/cart", entity=rest),
    }


def test_after_each_write_the_answer_is_that_of_now(ask):
    before, seen = ask().content, {revisions.now()}
    for what, write in written_of(Entity.objects.get(name="cart")).items():
        write()
        now = ask().content
        assert what in ("relation",) or now != before, what
        assert revisions.now() not in seen, what
        before, seen = now, {*seen, revisions.now()}


def test_two_processes_each_with_their_own_answers_agree(ask, monkeypatch):
    one, other = keeping.Kept(), keeping.Kept()
    for said in ("first", "second", "third"):
        Entity.objects.filter(name="cart").update(spec={"type": said})
        for its in (one, other, one):
            monkeypatch.setattr(keeping, "kept", its)
            assert ask().json()["spec"] == {"type": said}


def test_what_is_rolled_back_was_never_there(ask):
    before, revision = ask().content, revisions.now()
    with transaction.atomic():
        Entity.objects.filter(name="cart").update(spec={})
        assert ask().content != before
        transaction.set_rollback(True)
    assert (ask().content, revisions.now()) == (before, revision)


@contextmanager
def another_connection():
    parameters = connection.get_connection_params()
    own = {
        key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if key in parameters
    }
    with psycopg.connect(**own) as other:
        yield other


def test_what_another_has_not_committed_is_no_revision_yet():
    """Two that write at once wait for nothing, and what began first is seen though it ends last."""
    seen = [revisions.now()]
    with another_connection() as first, another_connection() as second:
        first.execute("DELETE FROM catalog_alias WHERE false")
        second.execute("DELETE FROM catalog_alias WHERE false")
        assert revisions.now() == seen[0]
        for each in (second, first):
            each.commit()
            seen.append(revisions.now())
        first.execute("DELETE FROM catalog_revision")  # what a test leaves is not for the next
        first.commit()
    assert len(set(seen)) == 3


def test_folding_changes_no_revision(shop):
    Revision.objects.bulk_create(Revision(mark=number) for number in range(1, 2 + revisions.MANY))
    before = revisions.now()
    revisions.fold()
    assert (revisions.now(), Revision.objects.count()) == (before, 1)
    revisions.fold()
    assert revisions.now() == before


def test_who_may_not_ask_gets_nothing_that_was_kept(ask, mira, token):
    assert ask().status_code == 200
    writes = create_token(by=mira, name="writes", scopes=["catalog:write"], days=1)[1]
    assert Client(headers={"Authorization": f"Bearer {writes}"}).get(CART).status_code == 403
    assert Client().get(CART).status_code == 401
    revoke_token(token=token[0], by=mira)
    assert ask().status_code == 401


def test_questions_with_a_body_are_told_apart_by_it(shop, token):
    client = Client(headers={"Authorization": f"Bearer {token[1]}"})

    def ask(ref):
        answer = client.post("/api/catalog/entities/by-refs", {"entityRefs": [ref]}, "application/json")
        return [item and item["metadata"]["name"] for item in answer.json()["items"]]

    assert [ask(f"component:{name}") for name in ("cart", "none", "cart")] == [["cart"], [None], ["cart"]]


def test_what_is_kept_has_an_end(monkeypatch):
    monkeypatch.setattr(keeping, "MOST", 10)
    monkeypatch.setattr(keeping, "MOST_NUMBERS", 1)
    kept = keeping.Kept()
    for key in "abcd":
        kept.keep(1, key, (b"1234567", "", ""))
    assert set(kept.answers) == {"c", "d"}
    for key in "abc":
        kept.note(1, key, 5)
    assert (kept.known(1, "a"), kept.known(1, "c"), kept.known(2, "c")) == (None, 5, None)


def test_relations_are_told_from_both_sides(ask):
    cart, rest = Entity.objects.get(name="cart"), Entity.objects.get(name="cart-cache")
    Relation.objects.all().delete()
    Relation.objects.bulk_create(
        Relation(source=cart, target=rest, target_ref=rest.ref, type=kind) for kind in INVERSE
    )
    theirs = ask("/api/catalog/entities/by-name/resource/default/cart-cache").json()["relations"]
    for said in (ask().json()["relations"], theirs):
        assert [one["type"] for one in said] == sorted(INVERSE)


def test_every_address_of_programs_is_decided_by_what_is_brought():
    routes = {f"/{pattern}": view for pattern, view in _views(get_resolver())}
    theirs = {route: view for route, view in routes.items() if route.startswith(lanes.PROGRAMS)}
    assert len(theirs) > 30
    assert [route for route, view in theirs.items() if not hasattr(view, "scopes")] == []


def _views(resolver, before=""):
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        yield from _views(each, route) if hasattr(each, "url_patterns") else [(route, each.callback)]
