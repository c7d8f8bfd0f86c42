"""The traffic of a moved set, led over share by share and back again."""

from typing import Any

import pytest
import yaml

from services.clusters.models import Environment
from services.integrations.githosts.base import Person
from services.manifests.copying import traffic
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NotAllowed, WrongState
from services.onboarding.models import Request, State
from services.previews import actions, planning
from services.previews.errors import Impossible
from services.previews.models import Transfer
from tests.effects_driver import run_due_effects
from tests.onboarding.conftest import REPO

from .conftest import manifests, ref
from .test_elsewhere import europe as europe
from .test_following import moved

ROUTE = """\
# Kept as it is.
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: NAMESPACE}
spec:
  parentRefs: [{name: shared, namespace: gateway}]
  hostnames: [HOST]
  rules:
  - backendRefs:
    - {name: web, port: 80}   # all of it
"""
HERE, THERE = "apps/checkout/web/staging", "apps/checkout/web/europe"
MINE, OTHER = "shop.int.larkfield.shop", "shop.eu.larkfield.shop"


@pytest.fixture
def move(shop, europe) -> Transfer:
    """A move whose files are there, whose request is through, with the first points ticked."""
    files: dict[str, bytes | None] = {
        path.replace("/staging/", "/europe/"): text.replace(b"shop-staging", b"shop-eu")
        for path, text in manifests("web").items()
    }
    files |= {f"{THERE}/ingress.yaml": None, f"{HERE}/ingress.yaml": None}
    for side, namespace, host in ((HERE, "shop-staging", MINE), (THERE, "shop-eu", OTHER)):
        route = ROUTE.replace("NAMESPACE", namespace).replace("HOST", host)
        files[f"{side}/httproute.yaml"] = route.encode()
    shop.host.commit(REPO, files=files, author=Person("sam", "Sam"), message="Moved")
    row = Request.objects.create(created_by=shop.mira, title="Move", blueprint="copy")
    at = row.created_at
    Request.objects.filter(pk=row.pk).update(
        state=State.LIVE, merge_sha="a" * 40, submitted_at=at, finished_at=at, generation=1,
        team=shop.mira.teams.get(), tree_hash="sha256:1",
    )  # fmt: skip
    row.refresh_from_db()
    done = {"by": "Mira", "at": "2026-11-20T10:00"}
    return Transfer.objects.create(
        root_ref=ref("web"), refs=[ref("web")], base="staging", target="europe", is_move=True, request=row,
        team=shop.mira.teams.get(), created_by=shop.mira,
        ticks=dict.fromkeys(("alike", "data", "secrets", "ttl"), done),
    )  # fmt: skip


def shift(shop, move: Transfer, share: int) -> Request:
    """Asked for, reviewed, merged, and there."""
    row = actions.shift(transfer=Transfer.objects.get(pk=move.pk), by=shop.mira, share=share)
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.IN_REVIEW
    onboarding.approve(request=row, by=shop.sam, tree_hash=row.tree_hash)
    onboarding.merge(request=row, by=shop.mira, head=row.head_sha)
    run_due_effects()
    Request.objects.filter(pk=row.pk).update(state=State.ROLLING_OUT)
    moved(row, State.LIVE)
    move.refresh_from_db()
    return row


def text(shop, path: str) -> str:
    found = shop.host.read(REPO, path, "main")
    return found.decode() if found else ""


def refs(shop) -> list[tuple[str, int]]:
    route = yaml.safe_load(text(shop, f"{HERE}/httproute.yaml"))
    found = route["spec"]["rules"][0]["backendRefs"]
    return [(each.get("namespace", ""), each.get("weight", 1)) for each in found]


def test_on_one_cluster_routes_have_weights_and_back_again_is_to_the_byte(shop, move) -> None:
    before = text(shop, f"{HERE}/httproute.yaml")
    shift(shop, move, 10)
    assert (refs(shop), move.share) == ([("", 90), ("shop-eu", 10)], 10)
    assert text(shop, f"{HERE}/httproute.yaml").startswith("# Kept as it is.")
    grant = yaml.safe_load(text(shop, f"{THERE}/referencegrant-staging.yaml"))
    assert (grant["metadata"]["namespace"], grant["spec"]["to"][0]["name"]) == ("shop-eu", "web")
    with pytest.raises(WrongState, match="already"):
        actions.shift(transfer=move, by=shop.mira, share=10)
    row = shift(shop, move, 100)
    assert (refs(shop), move.ticks["all"]["by"]) == ([("", 0), ("shop-eu", 100)], row.ref)
    shift(shop, move, 0)
    assert (text(shop, f"{HERE}/httproute.yaml"), move.share) == (before, 0)
    assert text(shop, f"{THERE}/referencegrant-staging.yaml") == ""
    assert (move.ticks["all"], move.ticks["some"], move.ticks["data"] is None) == (None, None, False)


def test_what_somebody_changed_meanwhile_stays(shop, move) -> None:
    shift(shop, move, 50)
    changed = text(shop, f"{HERE}/httproute.yaml").replace("port: 80", "port: 8080")
    files = {f"{HERE}/httproute.yaml": changed.encode()}
    shop.host.commit(REPO, files=files, author=Person("sam", "Sam"), message="By hand")
    shift(shop, move, 0)
    assert refs(shop) == [("", 1)]
    assert "8080" in text(shop, f"{HERE}/httproute.yaml")


@pytest.fixture
def apart(move, europe) -> Transfer:
    """The two sides are on clusters of their own."""
    from services.clusters import actions as clusters
    from services.integrations.kube.kubeconfig import Credentials

    nowhere = Credentials("http://127.0.0.1:9", "", "")
    far = clusters.register_cluster(by=None, name="far", credentials=nowhere)
    Environment.objects.filter(pk=europe.pk).update(cluster=far)
    return move


def marks(shop, path: str) -> dict[str, str]:
    about = yaml.safe_load(text(shop, path))["metadata"].get("annotations") or {}
    return {key.rpartition("/")[2]: value for key, value in about.items() if "external-dns" in key}


def test_between_clusters_names_have_weights_where_the_dns_can(shop, apart) -> None:
    for place in Environment.objects.all():
        place.settings = {**place.settings, "dns_weights": "aws-weight"}
        place.save()
    before = [text(shop, f"{side}/httproute.yaml") for side in (HERE, THERE)]
    shift(shop, apart, 10)
    assert marks(shop, f"{HERE}/httproute.yaml") == {
        "set-identifier": "staging", "aws-weight": "90", "ttl": "60",
    }  # fmt: skip
    assert marks(shop, f"{THERE}/httproute.yaml")["aws-weight"] == "10"
    names = yaml.safe_load(text(shop, f"{THERE}/httproute.yaml"))["spec"]["hostnames"]
    assert names == [OTHER, MINE]
    shift(shop, apart, 0)
    assert [text(shop, f"{side}/httproute.yaml") for side in (HERE, THERE)] == before


def test_else_names_go_over_all_at_once(shop, apart) -> None:
    with pytest.raises(Impossible, match="10 % cannot"):
        actions.shift(transfer=apart, by=shop.mira, share=10)
    shift(shop, apart, 100)
    assert marks(shop, f"{HERE}/httproute.yaml") == {"controller": "moved-elsewhere"}
    assert marks(shop, f"{THERE}/httproute.yaml") == {}
    shift(shop, apart, 0)
    assert marks(shop, f"{HERE}/httproute.yaml") == {}


def test_what_comes_first_and_who_may_is_held(client, shop, move, settings, tmp_path) -> None:
    with pytest.raises(NotAllowed):
        actions.shift(transfer=move, by=shop.jonas, share=10)
    Transfer.objects.update(ticks={})
    with pytest.raises(WrongState, match="Both sides are alike; Data is there"):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    Request.objects.filter(pk=move.request_id).update(state=State.MERGED)
    with pytest.raises(WrongState, match="has to run in europe first"):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    Request.objects.filter(pk=move.request_id).update(state=State.LIVE)
    Transfer.objects.update(is_move=False)
    with pytest.raises(Impossible):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    Transfer.objects.update(is_move=True, refs=[ref("rates")])
    with pytest.raises(Impossible, match="Nothing of it has a route"):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    Transfer.objects.update(base="gone")
    with pytest.raises(Impossible, match="not there any more"):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    settings.GIT_ROOT = tmp_path
    Transfer.objects.update(base="staging", refs=[ref("web")])
    with pytest.raises(HostSilent):
        actions.shift(transfer=Transfer.objects.get(), by=shop.mira, share=10)
    assert not Request.objects.filter(kind="copy").exists()


def test_the_page_of_a_move_offers_shares_and_what_is_under_way(client, shop, move) -> None:
    client.force_login(shop.mira)
    address = move.get_absolute_url()
    page = client.get(address).content.decode()
    assert ("10 % to europe" in page, "by weights in the routes" in page) == (True, True)
    client.post(f"{address}shift/", {"share": "10"})
    row = Request.objects.get(kind="copy")
    assert row.title == "Lead 10 % of web to europe"
    assert f"{row.ref}</a> is under way" in client.get(address).content.decode()
    client.post(f"{address}shift/", {"share": "50"})
    client.post(f"{address}shift/", {"share": "75"})
    assert Request.objects.filter(kind="copy").count() == 1
    onboarding.withdraw(request=row, by=shop.mira, reason="Not yet")
    move.refresh_from_db()
    assert (move.shift_request, move.share) == (None, 0)
    client.force_login(shop.jonas)
    assert "10 % to europe" not in client.get(address).content.decode()
    Transfer.objects.update(refs=[ref("rates")])
    assert "Nothing of it has a route" in client.get(address).content.decode()
    Transfer.objects.update(is_move=False)
    assert "h-traffic" not in client.get(address).content.decode()


def test_an_ingress_answers_to_other_names_too_with_its_certificate() -> None:
    ingress: dict[str, Any] = {
        "kind": "Ingress", "metadata": {"name": "a"},
        "spec": {"rules": [{"host": "a.x", "http": {"paths": []}}], "tls": [{"hosts": ["a.x"]}]},
    }  # fmt: skip
    made = traffic.answering(ingress, ["a.x", "b.y"])
    assert [rule["host"] for rule in made["spec"]["rules"]] == ["a.x", "b.y"]
    assert made["spec"]["tls"] == [{"hosts": ["a.x", "b.y"]}]
    assert traffic.answering({"kind": "Ingress", "spec": {}}, ["b.y"])["spec"]["rules"] == []
    marked = traffic.with_weight(ingress, side="here", share=5, by="aws-weight")
    assert traffic.without(marked, there="x", properties=["aws-weight"]) == ingress


def test_weights_that_were_there_count_on_and_rules_without_services_stay() -> None:
    backends = [{"name": "a", "weight": 3}, {"name": "b"}]
    route = {"kind": "HTTPRoute", "spec": {"rules": [{"backendRefs": backends}, {"filters": []}, "odd"]}}
    made = traffic.weighted(route, here="x", there="y", share=10)
    found = made["spec"]["rules"][0]["backendRefs"]
    assert [(each["name"], each.get("namespace"), each["weight"]) for each in found] == [
        ("a", None, 270), ("b", None, 90), ("a", "y", 30), ("b", "y", 10),
    ]  # fmt: skip
    assert made["spec"]["rules"][1:] == [{"filters": []}, "odd"]
    assert traffic.led_to(made) == ["a", "b"]
    assert planning.Shift(0, "weights", "").blocked is False
