"""A set brought to another environment, compared there, and moved point by point."""

from typing import Any

import pytest
import yaml

from services.audit.queries import events_for
from services.catalog.queries import find
from services.clusters.models import Environment
from services.integrations.githosts.base import Person
from services.manifests.parity import differences
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NameTaken, NotAllowed
from services.onboarding.models import State
from services.previews import actions, planning
from services.previews.errors import Forbidden, Impossible
from services.previews.models import Transfer
from tests.effects_driver import run_due_effects
from tests.manifests.test_copying import deployment, obj, service
from tests.onboarding.conftest import REPO

from .conftest import NEEDS, manifests, ref, wish

NEW = "/previews/copy/component/default/web/"


@pytest.fixture
def europe(shop, environments) -> Environment:
    """Another region, where only the catalogue is."""
    settings = environments[0].settings | {"domain": "eu.larkfield.shop"}
    place = Environment.objects.create(
        name="europe", title="Europe", cluster=environments[0].cluster, namespace="shop-eu", settings=settings
    )
    there = {
        path.replace("/staging/", "/europe/"): text.replace(b"shop-staging", b"shop-eu").replace(
            b"1.0.0", b"0.9.0"
        )
        for path, text in manifests("catalogue").items()
    }
    shop.host.commit(REPO, files=there, author=Person("sam", "Sam"), message="Europe")
    return place


def test_only_what_is_missing_there_is_added_with_its_own_hosts(shop, europe) -> None:
    found = planning.elsewhere(wish(), europe)
    assert [each.name for each in found.added] == ["web", "cart", "cart-db", "tax", "rates"]
    assert [(each.name, each.why_not) for each in found.choices if each.why_not] == [
        ("catalogue", "is there already")
    ]
    ingress = yaml.safe_load(found.files["apps/checkout/web/europe/ingress.yaml"])
    assert ingress["spec"]["rules"][0]["host"] == "shop.eu.larkfield.shop"
    assert ingress["metadata"]["namespace"] == "shop-eu"
    made = yaml.safe_load(found.files["apps/checkout/cart/europe/deployment.yaml"])
    assert (made["spec"]["replicas"], found.copied.routed) == (3, [])
    assert len(found.files) == 2 * 5 + 1


def test_the_copy_is_asked_for_reviewed_and_merged_like_anything(shop, europe) -> None:
    sent = actions.transfer(by=shop.mira, wish=wish(), target=europe, move=True)
    with pytest.raises(NameTaken):
        actions.transfer(by=shop.mira, wish=wish(), target=europe)
    run_due_effects()
    row = sent.request
    row.refresh_from_db()
    assert (row.state, row.merge_asked_by) == (State.IN_REVIEW, None)  # somebody else looks at this one
    onboarding.approve(request=row, by=shop.sam, tree_hash=row.tree_hash)
    onboarding.merge(request=row, by=shop.mira, head=row.head_sha)
    run_due_effects()
    text = shop.host.read(REPO, "apps/checkout/web/europe/deployment.yaml", "main")
    assert f"slipway.dev/request: {row.ref}".encode() in text
    with pytest.raises(Impossible, match="has everything"):
        actions.transfer(by=shop.mira, wish=wish(), target=europe)


def test_what_cannot_be_copied_is_refused(shop, europe, environments, tmp_path, settings) -> None:
    with pytest.raises(NotAllowed):
        actions.transfer(by=shop.jonas, wish=wish(), target=europe)
    with pytest.raises(Impossible):
        actions.transfer(by=shop.mira, wish=wish(), target=environments[0])
    path = "apps/checkout/rates/staging/deployment.yaml"
    bad = manifests("rates")[path].replace(b"allowPrivilegeEscalation: false", b"privileged: true")
    shop.host.commit(REPO, files={path: bad}, author=Person("sam", "Sam"), message="Bad")
    with pytest.raises(Forbidden):
        actions.transfer(by=shop.mira, wish=wish(of="rates"), target=europe)
    settings.GIT_ROOT = tmp_path
    with pytest.raises(HostSilent):
        actions.transfer(by=shop.mira, wish=wish(), target=europe)
    assert not Transfer.objects.exists()


def test_production_and_what_belongs_to_others_takes_their_yes(shop, europe) -> None:
    europe.is_production = True
    europe.save()
    needs = planning.elsewhere(wish(), europe).needs
    assert [(need["team"], need["reason"]) for need in needs] == [("checkout", "It goes to Europe")]
    entity = find(ref("tax"))
    entity.holder_ref = "group:default/payments"
    type(entity).objects.filter(pk=entity.pk).update(holder_ref=entity.holder_ref)
    needs = planning.elsewhere(wish(), europe).needs
    assert [need["team"] for need in needs] == ["payments", "checkout"]


def test_the_pages_of_a_move_show_parity_and_keep_its_checklist(client, shop, europe) -> None:
    client.force_login(shop.mira)
    assert "From where to where" in client.get(NEW).content.decode()
    form = {"base": "staging", "target": "europe", "with": [ref(name) for name in NEEDS], "move": "on"}
    looked = client.post(NEW, form, headers={"HX-Request": "true"}).content.decode()
    assert ("is there already" in looked, "5 services" in looked) == (True, True)
    sent = client.post(NEW, form | {"_ask": "1"})
    row = Transfer.objects.get()
    assert sent.headers["Location"] == row.get_absolute_url()
    assert client.post(NEW, form | {"_ask": "1"}).status_code == 422
    Transfer.objects.filter(pk=row.pk).update(refs=[*row.refs, ref("catalogue")])
    shown = client.get(row.get_absolute_url()).content.decode()
    assert ("catalogue:0.9.0" in shown, "6 not alike" in shown) == (True, True)
    tick = f"{row.get_absolute_url()}tick/"
    client.post(tick, {"key": "data", "done": "on"})
    client.post(tick, {"key": "data", "done": "on"})
    client.post(tick, {"key": "nonsense", "done": "on"})
    row.refresh_from_db()
    assert (row.done, row.ticks["data"]["by"]) == (1, str(shop.mira))
    client.force_login(shop.jonas)
    client.post(tick, {"key": "data"})
    client.force_login(shop.noah)
    client.post(tick, {"key": "data"})
    row.refresh_from_db()
    assert row.done == 0
    assert [each.action for each in events_for(row)] == [
        "transfer.asked",
        "transfer.ticked",
        "transfer.unticked",
    ]


BOTH: list[tuple[Any, Any, list[tuple[str, str, str, bool]]]] = [
    (deployment("a"), deployment("a"), []),
    (deployment("a", replicas=1), deployment("a", replicas=3), [("replicas", "1", "3", True)]),
    (deployment("a", {"X": "1"}), deployment("a", {"X": "2"}), []),
    (deployment("a", {"X": "1"}), deployment("a"), [("variables of app", "X", "none", False)]),
    (obj("ConfigMap", "a", data={"k": ""}), obj("ConfigMap", "a", data={"z": ""}), [("keys", "k", "z", 0)]),
    (service("a"), obj("Secret", "a"), [("is there", "yes", "no", False)]),
    (service("a"), service("a", ports=[{"port": 1}]), [("ports", "80→", "1→", False)]),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "told"), BOTH)
def test_what_is_not_alike_is_told_and_what_may_differ(left, right, told) -> None:
    found = differences([left], [right])
    assert [(each.what, each.left, each.right, each.may) for each in found] == told
