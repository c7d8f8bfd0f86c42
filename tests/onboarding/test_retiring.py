"""What goes is taken away, in order and no more than that; a whole service too, and it can come back."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from services.catalog.queries import find
from services.clusters import actions as clusters
from services.onboarding import actions, applying, queries, rules
from services.onboarding.errors import NotAllowed, ReasonMissing, WrongState
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments
from tests.fakes.cluster import TOKEN

from . import test_journey
from .conftest import REPO, said
from .test_journey import BOTH, live, merged

harbour = test_journey.harbour
MARKS = {"slipway.dev/entity": "component:default/wishlist"}
REF = "component:default/wishlist"


def approved(world, row: Request) -> Request:
    """Everybody who may says yes, then it is reviewed and merged."""
    for person in (world.sam, world.priya):
        row.refresh_from_db()
        if rules.needs_for(person, row):
            actions.approve(request=row, by=person, tree_hash=row.tree_hash)
    run_due_effects()
    row.refresh_from_db()
    if not rules.is_reviewed(row):
        actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.priya, head=row.head_sha)
    run_due_effects()
    row.refresh_from_db()
    return row


def test_a_service_goes_from_git_cluster_and_catalog_and_comes_back(client, world, submit, harbour, cluster):
    harbour(merged(world, submit(environments=BOTH)), State.LIVE)
    client.force_login(world.mira)
    page = client.get("/retire/component/default/wishlist/").content.decode()
    assert "Deployment" in page
    assert "2 people: a lead of Checkout or anyone in the platform team" not in page  # nobody needs it
    assert "A lead of Checkout or anyone in the platform team" in page
    wrong = client.post("/retire/component/default/wishlist/", {"reason": "Nobody used it", "name": "wish"})
    assert (wrong.status_code, "Nobody used it</textarea>" in wrong.content.decode()) == (422, True)
    sent = {"reason": "Nobody used it", "name": "wishlist"}
    first, second = (client.post("/retire/component/default/wishlist/", sent) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    row = Request.objects.get(kind="retire")
    assert (row.state, row.title, row.created_by) == (State.AWAITING_APPROVAL, "Retire wishlist", world.mira)
    assert not rules.can_edit(world.mira, row)

    harbour(approved(world, row), State.LIVE)
    assert said(row)[-1] == "retired"
    assert row.get_state_display() == "Retired"
    for namespace in ("shop", "shop-staging"):
        assert live(cluster, namespace) is None
    assert world.host.read_tree(REPO, "main", "apps") == {}
    assert find(REF) is None
    shown = client.get(row.get_absolute_url()).content.decode()
    assert "Bring it back" in shown
    assert "files removed" in shown

    client.post(f"/requests/{row.ref}/bring-back/")
    back = Request.objects.get(kind="restore")
    assert actions.bring_back(request=row, by=world.mira) == back
    run_due_effects()
    back.refresh_from_db()
    harbour(approved(world, back), State.LIVE)
    assert live(cluster, "shop")["metadata"]["name"] == "wishlist"
    assert find(REF).owner_ref == "group:default/checkout"
    with pytest.raises(WrongState, match="in the repository again"):
        actions.bring_back(request=row, by=world.mira)
    with time_machine.travel(timezone.now() + timedelta(days=31)), pytest.raises(WrongState):
        actions.bring_back(request=row, by=world.mira)


def test_who_may_not_and_what_is_under_way_is_refused(client, world, submit):
    row = merged(world, submit())
    with pytest.raises(WrongState, match=row.ref):
        actions.retire(entity_ref=REF, by=world.mira, reason="Away")
    Request.objects.filter(pk=row.pk).update(state=State.LIVE)
    with pytest.raises(ReasonMissing):
        actions.retire(entity_ref=REF, by=world.mira, reason=" ")
    with pytest.raises(NotAllowed):
        actions.retire(entity_ref=REF, by=world.jonas, reason="Away")
    client.force_login(world.jonas)
    assert (
        client.get("/retire/component/default/wishlist/").headers["Location"] == find(REF).get_absolute_url()
    )
    row.refresh_from_db()
    with pytest.raises(WrongState, match="cannot be brought back"):
        actions.bring_back(request=row, by=world.mira)


def test_what_others_need_in_production_takes_two(world, submit, environments):
    row = merged(world, submit(environments=BOTH))
    Request.objects.filter(pk=row.pk).update(state=State.LIVE)
    from services.catalog.actions import import_documents

    text = (
        b"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: shop}\n"
        b"spec: {type: service, lifecycle: production, owner: checkout, dependsOn: [component:wishlist]}\n"
    )
    import_documents(files={"shop.yaml": text}, title="shop", by=None)
    found = queries.retirement(find(REF), world.mira)
    assert [each.name for each in found.dependents] == ["shop"]
    assert [(need["count"], need["reason"]) for need in found.needs] == [
        (2, "It goes from production, and 1 need it")
    ]


@pytest.fixture
def place(people, cluster):
    return environments(cluster_row(cluster.url, TOKEN))[0]


def config(place, name, **marks):
    metadata = {"name": name, "namespace": place.namespace, "annotations": marks}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "b"}}


def test_only_its_own_goes_data_stays_and_twice_is_once(place, cluster):
    claim = config(place, "data", **MARKS) | {
        "kind": "PersistentVolumeClaim",
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    del claim["data"]
    objects = [config(place, "mine", **MARKS), config(place, "theirs"), claim]
    clusters.apply_objects(place, objects)
    wanted = [*objects, config(place, "never-there", **MARKS)]
    first, second = (
        [each["became"] for each in clusters.remove_objects(place, wanted, MARKS["slipway.dev/entity"])]
        for _ in range(2)
    )
    assert first == ["removed", "foreign", "data", "absent"]
    assert second == ["absent", "foreign", "data", "absent"]


def test_routes_go_before_what_they_lead_to(world):
    from services.integrations.githosts.base import Person

    folder = "apps/checkout/wishlist/staging"
    kinds = ("ServiceAccount", "Deployment", "Service", "HTTPRoute", "ConfigMap")
    text = "kind: {}\nmetadata: {{name: wishlist, namespace: shop-staging}}\n"
    files = {f"{folder}/{kind.lower()}.yaml": text.format(kind).encode() for kind in kinds}
    base = world.host.commit(REPO, files=files, author=Person("sam", "Sam"), message="x")
    row = Request(base_sha=base, removed=[*files, "catalog/wishlist.yaml"])
    found = [obj["kind"] for obj in applying.gone_from(row, "staging")]
    assert set(found[:2]) == {"Deployment", "HTTPRoute"}
    assert found[2:] == ["Service", "ConfigMap", "ServiceAccount"]
