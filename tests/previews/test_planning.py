"""What a preview would be, before anything is asked for."""

import time

import pytest
import yaml

from services.integrations.githosts.base import Person
from services.manifests.copying import Item
from services.previews import planning
from services.previews.errors import Impossible
from services.previews.planning import space
from tests.onboarding.conftest import REPO

from .conftest import NEEDS, manifests, ref, wish


def test_the_closure_comes_along_and_says_itself_where_it_is_now(shop) -> None:
    found = planning.plan(wish())
    assert [each.name for each in found.chosen] == ["web", "cart", "catalogue", "cart-db", "tax", "rates"]
    assert (found.copied.routed, found.copied.missing, found.blocked) == ([], [], False)
    assert found.url == "https://shop-trial.preview.int.larkfield.shop"
    web = yaml.safe_load(found.files["previews/checkout/preview-trial/web/deployment-web.yaml"])
    assert web["metadata"]["namespace"] == "preview-trial"
    assert web["metadata"]["labels"]["slipway.dev/preview"] == "trial"
    assert web["metadata"]["annotations"]["slipway.dev/entity"] == ref("web")
    assert "replicas" not in web["spec"]
    own = yaml.safe_load(found.files["previews/checkout/preview-trial/space/namespace-preview-trial.yaml"])
    assert own["metadata"]["annotations"]["slipway.dev/entity"] == "preview:default/trial"
    assert {path.split("/")[3] for path in found.files} == {*NEEDS, "space"}


def test_a_subset_leaves_the_rest_shared_and_led_back_to(shop) -> None:
    found = planning.plan(wish(left_out=frozenset({ref("tax"), ref("rates"), ref("web")})))
    assert [each.name for each in found.shared] == ["tax", "rates"]  # what it is about cannot be left out
    assert [(each.name, each.address) for each in found.copied.routed] == [
        ("tax", "tax.shop-staging.svc.cluster.local")
    ]
    link = yaml.safe_load(found.files["previews/checkout/preview-trial/routes/service-tax.yaml"])
    assert link["spec"] == {"type": "ExternalName", "externalName": "tax.shop-staging.svc.cluster.local"}


def test_what_has_no_manifests_stays_shared_and_says_why(shop) -> None:
    gone = dict.fromkeys(manifests("rates"))
    shop.host.commit(REPO, files=gone, author=Person("sam", "Sam"), message="Away")
    found = planning.plan(wish())
    assert [(each.name, each.why_not) for each in found.shared] == [("rates", "no manifests for Staging")]
    assert [each.name for each in found.copied.routed] == ["rates"]
    everything = dict.fromkeys(manifests("web"))
    shop.host.commit(REPO, files=everything, author=Person("sam", "Sam"), message="Away")
    with pytest.raises(Impossible, match="no manifests of web for Staging in shop/deploy"):
        planning.plan(wish())
    broken = {"apps/checkout/web/staging/deployment.yaml": b"a: [1"}
    shop.host.commit(REPO, files=broken, author=Person("sam", "Sam"), message="Broken")
    with pytest.raises(Impossible, match="cannot be read"):
        planning.plan(wish())


def test_another_image_and_the_files_of_a_request_are_in_it(shop) -> None:
    path = "apps/checkout/cart/staging/deployment.yaml"
    over = {path: manifests("cart")[path].decode().replace(":1.0.0", ":2.0.0")}
    found = planning.plan(wish(images={"web": "registry.larkfield.shop/web:pr-7"}, over=over))
    assert ":pr-7" in found.files["previews/checkout/preview-trial/web/deployment-web.yaml"]
    assert "cart:2.0.0" in found.files["previews/checkout/preview-trial/cart/deployment-cart.yaml"]
    assert "tax:1.0.0" in found.files["previews/checkout/preview-trial/tax/deployment-tax.yaml"]


def test_secrets_of_production_take_a_yes_and_those_of_staging_none(shop, environments) -> None:
    reads = [Item("web", {"kind": "ExternalSecret"})]
    assert [each["reason"] for each in space.needs_of(reads, environments[1], "checkout")] == [
        "It reads secrets of Production"
    ]
    assert space.needs_of(reads, environments[0], "checkout") == []
    assert space.needs_of([], environments[1], "checkout") == []


def test_planning_takes_no_time_worth_waiting_for(shop) -> None:
    started = time.perf_counter()
    found = planning.plan(wish())
    assert time.perf_counter() - started < 3
    assert set(found.took) == {"graph", "read", "render", "check"}


def test_secrets_for_previews_come_from_their_own_place(shop, environments) -> None:
    path = "apps/checkout/rates/staging/deployment.yaml"
    text = manifests("rates")[path].decode().replace("env: []", SECRETS)
    assert "secretKeyRef" in text
    shop.host.commit(REPO, files={path: text.encode()}, author=Person("sam", "Sam"), message="Secrets")
    assert [each.name for each in planning.plan(wish(of="rates")).copied.missing] == ["rates-db", "whole"]
    place = environments[0]
    place.settings = place.settings | {"preview_secrets": {"name": "vault", "path": "shop/previews"}}
    place.save()
    found = planning.plan(wish(of="rates"))
    assert (found.copied.missing, found.needs) == ([], [])
    made = found.files["previews/checkout/preview-trial/rates/externalsecret-rates-db.yaml"]
    spec = yaml.safe_load(made)["spec"]
    assert spec["secretStoreRef"] == {"name": "vault", "kind": "ClusterSecretStore"}
    remote = {"key": "shop/previews/rates-db", "property": "url"}
    assert spec["data"] == [{"secretKey": "url", "remoteRef": remote}]
    whole = yaml.safe_load(found.files["previews/checkout/preview-trial/rates/externalsecret-whole.yaml"])
    assert whole["spec"]["dataFrom"] == [{"extract": {"key": "shop/previews/whole"}}]


SECRETS = (
    "env: [{name: DB, valueFrom: {secretKeyRef: {name: rates-db, key: url}}}]\n"
    "        envFrom: [{secretRef: {name: whole}}]"
)
