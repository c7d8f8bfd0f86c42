import pytest

from services.audit.queries import events_for
from services.catalog import actions
from services.catalog.actions import Refused, apply_import, import_documents, plan_import, undo_import
from services.catalog.importing import lifecycle
from services.catalog.models import Entity, ImportRun, Relation, Source
from tests.catalog.conftest import COMPONENT

pytestmark = pytest.mark.django_db
CART = "component:default/cart"


def bring(files, by=None, **options):
    options = {"title": "shop", "kind": "folder", "location": "/shop", **options}
    return import_documents(files=files, by=by, **options)


def states() -> dict[str, str]:
    return dict(Entity.objects.values_list("ref", "state"))


def tally(run) -> dict[str, int]:
    names = ("new", "changed", "unchanged", "conflict", "skipped", "kept", "orphaned")
    return {name: run.counts[name] for name in names if run.counts[name]}


def test_a_plan_shows_everything_and_changes_nothing(files, mira):
    source = actions.find_or_create_source(kind="upload", title="x", by=mira)
    run = plan_import(source=source, files={**files, "bad.yaml": b"a: ["}, by=mira)
    assert run.state == "planned"
    assert tally(run) == {"new": 5}
    assert [row["verdict"] for row in run.documents] == ["unparsable", "ok", "ok", "ok", "ok", "ok"]
    assert not Entity.objects.exists()


def test_an_import_resolves_owner_system_and_relations(files, mira):
    run = bring(files, by=mira)
    cart = Entity.objects.get(ref=CART)
    assert (cart.owner.ref, cart.system.ref) == ("group:default/checkout", "system:default/order-flow")
    assert (cart.location, cart.line, cart.source.title) == ("cart.yaml", 1, "shop")
    relation = cart.relations.get(type="dependsOn")
    assert relation.target == Entity.objects.get(name="cart-cache")
    assert str(relation) == "dependsOn resource:default/cart-cache"
    event = events_for(run).get()
    assert (event.actor, event.details["new"]) == ("mira", 5)
    assert str(Entity.objects.get(name="mira")) == "Mira Lindqvist"


def test_a_second_import_changes_nothing(files):
    bring(files)
    before = list(Entity.objects.order_by("pk").values_list("pk", "updated_at"))
    assert tally(bring(files)) == {"unchanged": 5}
    assert list(Entity.objects.order_by("pk").values_list("pk", "updated_at")) == before
    assert Source.objects.count() == 1


def test_a_changed_file_changes_its_entity_and_its_relations(files):
    bring(files)
    pk = Entity.objects.get(ref=CART).pk
    files["cart.yaml"] = (
        files["cart.yaml"].replace(b"[resource:cart-cache]", b"[]").replace(b"owner: checkout", b"owner: x")
    )
    assert tally(bring(files)) == {"changed": 1, "unchanged": 4}
    cart = Entity.objects.get(ref=CART)
    assert (cart.pk, cart.owner_ref, cart.owner) == (pk, "group:default/x", None)
    assert not cart.relations.filter(type="dependsOn").exists()


def test_an_owner_who_arrives_later_is_linked(files):
    bring({"cart.yaml": files["cart.yaml"]})
    assert Entity.objects.without_owner().get().ref == CART
    bring({"rest.yaml": files["rest.yaml"]}, location="/other")
    assert Entity.objects.get(ref=CART).owner.name == "checkout"
    assert not Entity.objects.without_owner().exists()


@pytest.mark.parametrize("broken", [b"a: [", b"kind: Component\n"])
def test_a_broken_file_keeps_the_last_good_entity_and_says_so(files, broken):
    bring(files)
    run = bring({**files, "cart.yaml": broken})
    cart = Entity.objects.get(ref=CART)
    assert tally(run) == {"kept": 1, "unchanged": 4}
    assert cart.state == "stale"
    assert cart.problem.startswith("cart.yaml:1: ")
    assert cart.owner is not None
    assert tally(bring(files)) == {"changed": 1, "unchanged": 4}
    assert (Entity.objects.get(ref=CART).state, Entity.objects.get(ref=CART).problem) == ("active", "")


def test_a_deleted_file_orphans_and_only_orphans_can_be_removed(files, mira):
    bring(files)
    cart = Entity.objects.get(ref=CART)
    with pytest.raises(Refused, match="source no longer has"):
        lifecycle.remove_entity(entity=cart, by=mira)
    assert tally(bring({"rest.yaml": files["rest.yaml"]})) == {"unchanged": 4, "orphaned": 1}
    assert states()[CART] == "orphan"
    assert tally(bring({"rest.yaml": files["rest.yaml"]})) == {"unchanged": 4}
    lifecycle.remove_entity(entity=cart, by=mira)
    assert CART not in states()


def test_an_upload_orphans_nothing(files):
    bring(files, kind="upload")
    bring({"rest.yaml": files["rest.yaml"]}, kind="upload")
    assert set(states().values()) == {"active"}


def test_two_sources_do_not_fight_over_an_entity(files):
    bring(files)
    run = bring({"cart.yaml": COMPONENT.format(name="cart", owner="rivals").encode()}, location="/other")
    assert tally(run) == {"conflict": 1}
    assert "comes from shop, cart.yaml" in run.changes[0]["reason"]
    assert Entity.objects.get(ref=CART).owner_ref == "group:default/checkout"
    bring({"rest.yaml": files["rest.yaml"]})
    again = bring({"cart.yaml": COMPONENT.format(name="cart", owner="rivals").encode()}, location="/other")
    assert tally(again) == {"changed": 1}
    assert Entity.objects.get(ref=CART).source.location == "/other"


MANIFEST = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart}
spec: {template: {spec: {containers: [{name: c, image: "cart:1"}]}}}
"""


def test_a_descriptor_takes_over_from_a_manifest_and_not_the_other_way(files):
    bring({"k.yaml": MANIFEST}, location="/manifests")
    assert Entity.objects.get(ref=CART).origin == "kubernetes"
    assert tally(bring(files)) == {"new": 4, "changed": 1}
    assert Entity.objects.get(ref=CART).origin == "descriptor"
    assert tally(bring({"k.yaml": MANIFEST}, location="/more")) == {"skipped": 1}


def test_undo_puts_back_what_was_there(files, mira):
    bring(files)
    changed = {
        "cart.yaml": files["cart.yaml"].replace(b"checkout", b"x"),
        "new.yaml": COMPONENT.format(name="n", owner="x").encode(),
    }
    before = list(Entity.objects.order_by("ref").values("ref", "owner_ref", "digest", "state", "location"))
    relations = list(
        Relation.objects.order_by("target_ref", "source__ref", "type").values_list(
            "source__ref", "type", "target__ref"
        )
    )
    run = bring(changed)
    assert tally(run) == {"new": 1, "changed": 1, "orphaned": 4}
    undo_import(run=run, by=mira)
    run.refresh_from_db()
    assert run.state == "undone"
    assert run.undone_at is not None
    assert (
        list(Entity.objects.order_by("ref").values("ref", "owner_ref", "digest", "state", "location"))
        == before
    )
    assert (
        list(
            Relation.objects.order_by("target_ref", "source__ref", "type").values_list(
                "source__ref", "type", "target__ref"
            )
        )
        == relations
    )
    with pytest.raises(Refused, match="applied"):
        undo_import(run=run, by=mira)


def test_only_the_last_applied_run_of_a_source_can_be_undone_or_applied(files, mira):
    first = bring(files)
    planned = plan_import(source=first.source, files=files, by=mira)
    second = bring({**files, "n.yaml": COMPONENT.format(name="n", owner="x").encode()})
    with pytest.raises(Refused, match="newer"):
        undo_import(run=first, by=mira)
    with pytest.raises(Refused, match="newer"):
        apply_import(run=planned, by=mira)
    with pytest.raises(Refused, match="already"):
        apply_import(run=second, by=mira)
    undo_import(run=second, by=mira)
    undo_import(run=first, by=mira)
    assert not Entity.objects.exists()


def test_undo_leaves_alone_what_another_source_took_over(files, mira):
    run = bring({"k.yaml": MANIFEST}, location="/manifests")
    bring(files)
    undo_import(run=run, by=mira)
    assert states()[CART] == "active"


def test_register_takes_in_what_a_request_made(files, mira):
    descriptor = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "wishlist"},
        "spec": {
            "type": "service",
            "lifecycle": "production",
            "owner": "checkout",
            "dependsOn": ["component:cart"],
        },
    }
    bring(files)
    entity = actions.register(
        descriptor, origin="shop/deploy:catalog/wishlist.yaml", by=mira, request="R-1001"
    )
    assert (entity.onboarded_request, entity.origin) == ("R-1001", "request")
    assert entity.location == "shop/deploy:catalog/wishlist.yaml"
    assert entity.owner.name == "checkout"
    assert entity.relations.get(type="dependsOn").target.ref == CART
    again = actions.register(descriptor, by=mira)
    assert (again.pk, again.onboarded_request) == (entity.pk, "R-1001")
    assert events_for(entity).count() == 2


def test_register_leaves_an_entity_with_its_source(files, mira):
    bring(files)
    cart = Entity.objects.get(ref=CART)
    again = actions.register(cart.descriptor, by=mira, request="R-1002")
    assert (again.source, again.location, again.onboarded_request) == (cart.source, "cart.yaml", "R-1002")


@pytest.mark.parametrize("change", [{"kind": "Thing"}, {"metadata": {"name": "a b"}}, {"spec": {}}])
def test_register_refuses_what_an_import_would(change, mira):
    descriptor = {
        "apiVersion": "backstage.io/v1alpha1",
        "kind": "Component",
        "metadata": {"name": "a"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "x"},
    }
    with pytest.raises(actions.DescriptorRefused) as refused:
        actions.register({**descriptor, **change}, by=mira)
    assert refused.value.problems
    assert not Entity.objects.exists()


def test_real_descriptors_come_in_twice_and_change_once(shared_data):
    root = shared_data / "1-backstage"
    files = {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.y*ml")}
    run = bring(files)
    assert run.counts["new"] > 900
    assert Entity.objects.count() == run.counts["new"]
    assert ImportRun.objects.get(pk=run.pk).documents
    assert tally(bring(files)) == {"unchanged": run.counts["new"]}
    assert Entity.objects.filter(owner__isnull=False).count() > 100
