"""What becomes of entities when files are renamed, moved, deleted, or held by two sources."""

from datetime import timedelta

import pytest
import yaml
from django.utils import timezone

from services.audit.queries import events_for
from services.catalog import actions, queries
from services.catalog.actions import Refused, import_documents, undo_import
from services.catalog.importing import lifecycle
from services.catalog.models import Alias, Claim, Entity, Judgement, Relation, Removed, Source
from services.catalog.tasks import tidy
from tests.catalog.conftest import COMPONENT

pytestmark = pytest.mark.django_db
CART, BASKET = "component:default/cart", "component:default/basket"


def bring(files, by=None, **options):
    options = {"title": "shop", "kind": "folder", "location": "/shop", **options}
    return import_documents(files=files, by=by, **options)


def named(name: str, owner: str = "checkout", **extra: str) -> bytes:
    text = COMPONENT.format(name=name, owner=owner)
    for key, value in extra.items():
        text = text.replace("metadata:\n", f"metadata:\n  {key}: {value}\n")
    return text.encode()


WEB = named("web").replace(b"resource:cart-cache", b"component:cart")


def tally(run) -> dict[str, int]:
    return {
        key: run.counts[key]
        for key in ("new", "changed", "renamed", "unchanged", "orphaned")
        if run.counts[key]
    }


# Renames


def test_a_rename_keeps_the_entity_and_the_old_name_leads_to_it(files):
    bring({**files, "web.yaml": WEB})
    before = Entity.objects.get(ref=CART)
    run = bring({**files, "cart.yaml": named("basket"), "web.yaml": WEB})
    assert tally(run) == {"renamed": 1, "unchanged": 5}
    assert [c["was"] for c in run.changes if c["action"] == "renamed"] == [CART]
    basket = Entity.objects.get(ref=BASKET)
    assert (basket.pk, basket.created_at, basket.name) == (before.pk, before.created_at, "basket")
    assert (queries.find(CART), queries.find("cart")) == (basket, basket)
    assert str(Alias.objects.get()) == f"{CART} is now {BASKET}"
    assert Relation.objects.get(source__name="web", type="dependsOn").target_ref == BASKET


def test_whoever_names_the_old_name_later_means_the_new_one(files):
    bring(files)
    bring({**files, "cart.yaml": named("basket"), "rest.yaml": files["rest.yaml"]})
    bring({"web.yaml": WEB}, location="/elsewhere")
    relation = Relation.objects.get(source__name="web", type="dependsOn")
    assert (relation.target_ref, relation.target.ref) == (BASKET, BASKET)


def test_what_was_said_of_a_dependency_follows_its_ends(files):
    for source, target in ((CART, "component:default/x"), ("component:default/web", CART)):
        Judgement.objects.create(source_ref=source, target_ref=target, verdict="dismissed")
    Judgement.objects.create(source_ref="component:default/api", target_ref=CART, verdict="dismissed")
    Judgement.objects.create(source_ref="component:default/api", target_ref=BASKET, verdict="confirmed")
    bring(files)
    bring({**files, "cart.yaml": named("basket")})
    assert set(Judgement.objects.values_list("source_ref", "target_ref", "verdict")) == {
        (BASKET, "component:default/x", "dismissed"),
        ("component:default/web", BASKET, "dismissed"),
        ("component:default/api", CART, "dismissed"),
        ("component:default/api", BASKET, "confirmed"),
    }


def test_a_renamed_owner_goes_on_owning(files):
    bring(files)
    group = files["rest.yaml"].replace(b"name: checkout, title", b"name: paying, title")
    run = bring({**files, "rest.yaml": group})
    cart = Entity.objects.get(ref=CART)
    assert (tally(run)["renamed"], cart.owner.name, cart.owner_ref) == (1, "paying", "group:default/paying")
    bring({**files, "rest.yaml": group, "web.yaml": WEB})
    assert Entity.objects.get(name="web").owner == cart.owner


@pytest.mark.parametrize("mark", [{"uid": "u-1"}, {"annotations": "{slipway.dev/id: u-1}"}])
def test_a_uid_or_an_id_of_its_own_follows_an_entity_into_another_file(files, mark):
    bring({**files, "cart.yaml": named("cart", **mark)})
    pk = Entity.objects.get(ref=CART).pk
    run = bring({"rest.yaml": files["rest.yaml"], "new/place.yaml": named("basket", **mark)})
    assert (tally(run)["renamed"], Entity.objects.get(ref=BASKET).pk) == (1, pk)


def test_another_kind_or_another_document_is_no_rename(files):
    bring(files)
    system = b"apiVersion: backstage.io/v1alpha1\nkind: System\nmetadata: {name: basket}\nspec: {owner: a}\n"
    assert tally(bring({**files, "cart.yaml": system})) == {"new": 1, "unchanged": 4, "orphaned": 1}
    other = {**files, "cart.yaml": b"# empty\n---\n---\n" + named("bag")}
    assert tally(bring(other)) == {"new": 1, "unchanged": 4, "orphaned": 1}


def test_undoing_a_rename_gives_the_old_name_back(files, mira):
    bring({**files, "web.yaml": WEB})
    pk = Entity.objects.get(ref=CART).pk
    run = bring({**files, "cart.yaml": named("basket"), "web.yaml": WEB})
    undo_import(run=run, by=mira)
    assert Entity.objects.get(ref=CART).pk == pk
    assert not Entity.objects.filter(ref=BASKET).exists()
    assert not Alias.objects.exists()
    assert Relation.objects.get(source__name="web", type="dependsOn").target_ref == CART


def test_a_new_entity_takes_an_old_name_over(files):
    bring(files)
    bring({**files, "cart.yaml": named("basket")})
    bring({**files, "cart.yaml": named("basket"), "again.yaml": named("cart")})
    assert queries.find(CART).ref == CART
    assert not Alias.objects.exists()


def test_who_names_both_names_of_a_renamed_entity_names_it_once(files, mira):
    both = WEB.replace(b"[component:cart]", b"[component:cart, component:basket]")
    bring({**files, "web.yaml": both})
    run = bring({**files, "cart.yaml": named("basket"), "web.yaml": both})
    assert tally(run)["renamed"] == 1
    needs = Relation.objects.filter(source__name="web", type="dependsOn")
    assert [(need.target_ref, need.target.ref) for need in needs] == [(BASKET, BASKET)]


def test_a_rename_is_not_undone_over_something_new(files, mira):
    bring(files)
    run = bring({**files, "cart.yaml": named("basket")})
    bring({"new.yaml": named("cart")}, location="/elsewhere")
    with pytest.raises(Refused, match=f"{CART} is something else by now"):
        undo_import(run=run, by=mira)
    assert set(Entity.objects.filter(kind="Component").values_list("ref", flat=True)) == {CART, BASKET}


def test_a_registered_entity_takes_an_old_name_over(files, mira):
    bring(files)
    bring({**files, "cart.yaml": named("basket")})
    actions.register(yaml.safe_load(named("cart")), by=mira)
    bring({"web.yaml": WEB}, location="/elsewhere")
    assert Relation.objects.get(source__name="web", type="dependsOn").target.ref == CART


def test_what_comes_back_takes_its_name_back_but_no_other_one(files, mira):
    removed = lifecycle.remove_entity(entity=orphaned(files), by=mira)
    removed.entry["aliases"] = ["component:default/web"]
    removed.save()
    bring({"a.yaml": named("web")}, location="/elsewhere")
    Alias.objects.create(ref=CART, entity=Entity.objects.get(name="web"))
    lifecycle.restore_entity(removed=removed, by=mira)
    assert not Alias.objects.exists()


def test_a_file_that_moved_is_known_at_its_new_place(files):
    bring(files)
    pk = Entity.objects.get(ref=CART).pk
    run = bring({"rest.yaml": files["rest.yaml"], "deep/cart.yml": b"# moved\n" + files["cart.yaml"]})
    cart = Entity.objects.get(ref=CART)
    assert tally(run) == {"unchanged": 5}
    assert (cart.pk, cart.location, cart.line) == (pk, "deep/cart.yml", 2)
    bring({"rest.yaml": files["rest.yaml"], "deep/cart.yml": b"a: ["})
    assert Entity.objects.get(ref=CART).state == "stale"


def test_the_page_of_an_old_name_leads_to_the_new_one(files, client, mira):
    bring(files)
    bring({**files, "cart.yaml": named("basket")})
    client.force_login(mira)
    response = client.get("/catalog/component/default/cart/?tab=dependencies")
    assert (response.status_code, response.url) == (
        302,
        "/catalog/component/default/basket/?tab=dependencies",
    )
    page = client.get("/catalog/component/default/basket/").content.decode()
    assert "Formerly" in page
    assert CART in page


# Orphans


def orphaned(files, days: int = 0) -> Entity:
    bring(files)
    bring({"rest.yaml": files["rest.yaml"]})
    Entity.objects.filter(ref=CART).update(orphaned_at=timezone.now() - timedelta(days=days))
    return Entity.objects.get(ref=CART)


@pytest.mark.parametrize(("days", "stays"), [(29, True), (31, False)])
def test_time_removes_what_no_source_has(files, settings, days, stays):
    entity = orphaned(files, days)
    tidy()
    tidy()
    assert Entity.objects.filter(ref=CART).exists() is stays
    assert Removed.objects.count() == (0 if stays else 1)
    assert events_for(entity).filter(action="catalog.removed").count() == (0 if stays else 1)


def test_an_import_that_has_it_again_stops_the_clock(files):
    orphaned(files, 31)
    bring(files)
    tidy()
    assert (Entity.objects.get(ref=CART).state, Entity.objects.get(ref=CART).orphaned_at) == ("active", None)


def test_what_was_removed_comes_back_as_it_was(files, mira):
    bring({**files, "old.yaml": named("old")})
    bring({**files, "old.yaml": named("cart-2")})
    Entity.objects.filter(ref="component:default/cart-2").update(onboarded_request="R-1001")
    bring(files)
    removed = lifecycle.remove_entity(entity=Entity.objects.get(name="cart-2"), by=mira)
    assert (queries.find("component:old"), str(removed)) == (None, "component:default/cart-2, removed")
    entity = lifecycle.restore_entity(removed=removed, by=mira)
    assert (entity.state, entity.onboarded_request, entity.owner.name) == ("orphan", "R-1001", "checkout")
    assert (entity.source.title, queries.find("component:old")) == ("shop", entity)
    assert entity.orphaned_at is not None
    assert entity.relations.get(type="dependsOn").target.name == "cart-cache"
    assert not Removed.objects.exists()


def test_nothing_comes_back_over_something_new(files, mira):
    removed = lifecycle.remove_entity(entity=orphaned(files), by=mira)
    bring(files)
    with pytest.raises(Refused, match="again already"):
        lifecycle.restore_entity(removed=removed, by=mira)


def test_what_was_removed_is_forgotten_in_the_end(files, mira):
    lifecycle.remove_entity(entity=orphaned(files), by=mira)
    Removed.objects.update(removed_at=timezone.now() - timedelta(days=31))
    tidy()
    assert not Removed.objects.exists()


# Two sources


def contested(files) -> Claim:
    bring(files)
    bring({"cart.yaml": named("cart", "rivals")}, location="/other", title="rivals")
    return Claim.objects.get()


def test_a_second_claim_is_kept_and_marked(files):
    claim = contested(files)
    cart = Entity.objects.get(ref=CART)
    assert (cart.contested, cart.owner.name, cart.source.title) == (True, "checkout", "shop")
    assert (str(claim), claim.place) == (f"rivals has {CART} too", "cart.yaml:1")
    bring({"x.yaml": b"# nothing\n"}, location="/other")
    assert not Entity.objects.get(ref=CART).contested
    assert not Claim.objects.exists()


def test_an_upload_keeps_its_other_claims(files):
    bring(files)
    source = actions.find_or_create_source(kind="upload", title="x", by=None)
    for name in ("cart", "web"):
        run = actions.plan_import(source=source, files={"a.yaml": named(name)}, by=None)
        actions.apply_import(run=run, by=None)
    assert [claim.ref for claim in Claim.objects.all()] == [CART]


def test_choosing_the_other_source_turns_them_round_and_back(files, mira):
    claim = contested(files)
    pk = Entity.objects.get(ref=CART).pk
    cart = lifecycle.choose_source(claim=claim, by=mira)
    assert (cart.pk, cart.source.title, cart.owner_ref, cart.contested) == (
        pk,
        "rivals",
        "group:default/rivals",
        True,
    )
    other = Claim.objects.get()
    assert other.source.title == "shop"
    assert tally(bring(files)) == {"unchanged": 4}
    assert Entity.objects.get(ref=CART).owner_ref == "group:default/rivals"
    assert lifecycle.choose_source(claim=Claim.objects.get(), by=mira).owner.name == "checkout"
    assert events_for(cart).filter(action="catalog.source_chosen").count() == 2


def test_what_its_source_lost_goes_to_the_one_that_has_it_too(files, mira):
    contested(files)
    bring({"rest.yaml": files["rest.yaml"]})
    cart = Entity.objects.get(ref=CART)
    with pytest.raises(Refused, match="rivals has it too"):
        lifecycle.remove_entity(entity=cart, by=mira)
    Entity.objects.filter(ref=CART).update(orphaned_at=timezone.now() - timedelta(days=31))
    tidy()
    cart.refresh_from_db()
    assert (cart.state, cart.source.title, cart.contested) == ("active", "rivals", False)
    assert (cart.owner_ref, cart.orphaned_at) == ("group:default/rivals", None)
    assert not Claim.objects.exists()


def test_a_claim_on_what_is_gone_cannot_be_chosen(files, mira):
    claim = contested(files)
    Entity.objects.filter(ref=CART).delete()
    with pytest.raises(Refused, match="not in the catalog any more"):
        lifecycle.choose_source(claim=claim, by=mira)


# Pages


@pytest.fixture
def troubled(files, priya, client, mira) -> Source:
    """A source with one of everything, and somebody of the platform team to look at it."""
    contested({**files, "gone.yaml": named("gone"), "away.yaml": named("away")})
    rest = {"cart.yaml": files["cart.yaml"], "rest.yaml": b"a: ["}
    source = bring({**rest, "away.yaml": named("away")}).source
    bring(rest)
    lifecycle.remove_entity(entity=Entity.objects.get(name="gone"), by=mira)
    client.force_login(priya)
    return source


def test_source_detail_tells_what_is_wrong_with_it(troubled, client, django_assert_max_num_queries):
    client.get(troubled.get_absolute_url())
    with django_assert_max_num_queries(12):
        html = client.get(troubled.get_absolute_url()).content.decode()
    for text in ("Broken files", "system:default/order-flow", "In two sources",
    "Use rivals",
                 "No longer in this source", "component:default/away", "Removed lately",
                 "component:default/gone",
                 "Bring back", "Look again", "30 days"):  # fmt: skip
        assert text in html
    rival = Source.objects.get(title="rivals")
    assert "Use rivals" in client.get(rival.get_absolute_url()).content.decode()


def test_a_person_of_the_platform_brings_back_and_chooses(troubled, client):
    page = client.get("/catalog/component/default/cart/").content.decode()
    assert "rivals</a> has this too" in page
    response = client.post(f"/catalog/claims/{Claim.objects.get().pk}/choose/", follow=True)
    assert "comes from rivals now" in response.content.decode()
    removed = Removed.objects.get()
    assert (
        "in the catalog again"
        in client.post(f"/catalog/removed/{removed.pk}/restore/", follow=True).content.decode()
    )
    assert client.post(f"/catalog/removed/{removed.pk}/restore/").status_code == 404


def test_others_only_read(troubled, client, mira):
    client.force_login(mira)
    html = client.get(troubled.get_absolute_url()).content.decode()
    assert "In two sources" in html
    assert "Use rivals" not in html
    assert "Bring back" not in html
    client.post(f"/catalog/claims/{Claim.objects.get().pk}/choose/")
    client.post(f"/catalog/removed/{Removed.objects.get().pk}/restore/")
    assert (Claim.objects.count(), Removed.objects.count()) == (1, 1)


def test_what_cannot_be_done_any_more_is_said(troubled, client):
    bring({"gone.yaml": named("gone")}, location="/third")
    response = client.post(f"/catalog/removed/{Removed.objects.get().pk}/restore/", follow=True)
    assert "again already" in response.content.decode()
    Entity.objects.filter(ref=CART).delete()
    response = client.post(f"/catalog/claims/{Claim.objects.get().pk}/choose/", follow=True)
    assert "not in the catalog any more" in response.content.decode()


def test_removing_by_hand_can_be_undone_from_the_page(troubled, client):
    response = client.post("/catalog/component/default/away/remove/", follow=True)
    removed = Removed.objects.get(ref="component:default/away")
    assert f"/catalog/removed/{removed.pk}/restore/" in response.content.decode()
