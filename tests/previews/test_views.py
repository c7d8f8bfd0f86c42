"""The pages of previews: what they show, to whom, and what their buttons do."""

from typing import Any

import pytest
from django.urls import reverse

from services.catalog.queries import find
from services.onboarding.models import Request, State
from services.previews import actions
from services.previews.models import Preview
from tests.effects_driver import run_due_effects

from .conftest import ref, wish

NEW = "/previews/new/component/default/web/"


@pytest.fixture
def up(shop) -> Preview:
    row = actions.ask(by=shop.mira, wish=wish())
    run_due_effects()
    Request.objects.filter(pk=row.request_id).update(state=State.LIVE)
    return Preview.objects.for_page().get(pk=row.pk)


def text(client: Any, address: str) -> str:
    return client.get(address).content.decode()


def test_preview_new_shows_the_plan_and_asks_for_it_once(client, shop, django_assert_max_num_queries) -> None:
    client.force_login(shop.mira)
    with django_assert_max_num_queries(22):
        page = text(client, NEW)
    for shown in ("web-mira", "6 services", "shop-web-mira.preview.int.larkfield.shop", "Bring it up"):
        assert shown in page
    kept = [ref(name) for name in ("cart", "catalogue", "cart-db")]
    form = {"name": "trial", "base": "staging", "hours": "24", "with": kept}
    form["seen"] = [*kept, ref("tax"), ref("rates")]
    looked = client.post(NEW, form, headers={"HX-Request": "true"}).content.decode()
    assert "4 services" in looked
    assert "tax.shop-staging.svc.cluster.local" in looked
    assert "<html" not in looked
    assert not Preview.objects.exists()
    sent = client.post(NEW, form | {"_ask": "1"})
    row = Preview.objects.get()
    assert sent.headers["Location"] == row.get_absolute_url()
    assert (row.left_out, row.sleeps) == ([ref("tax"), ref("rates")], False)
    again = client.post(NEW, form | {"_ask": "1"})
    assert (again.status_code, "There is a preview trial already" in again.content.decode()) == (422, True)


def test_preview_new_refuses_kindly(client, shop) -> None:
    client.force_login(shop.mira)
    for form in (
        {"name": "trial", "base": "mars"},
        {"name": "-", "base": "staging"},
        {"image": "-v /:/x"},
        {},
    ):
        assert client.post(NEW, {"hours": "24", "_ask": "1", **form}).status_code == 422
    client.force_login(shop.jonas)
    assert client.get(NEW).headers["Location"] == find(ref("web")).get_absolute_url()


def test_preview_list_and_page_show_where_it_is(client, shop, up, django_assert_max_num_queries) -> None:
    client.force_login(shop.jonas)
    with django_assert_max_num_queries(12):
        page = text(client, "/previews/")
    assert ("trial" in page, "Up" in page, up.url in page) == (True, True, True)
    assert "trial" in text(client, "/previews/?format=csv")
    assert up.get_absolute_url() in text(client, up.request.get_absolute_url())
    detail = text(client, up.get_absolute_url())
    assert ("End it" in detail, "preview-trial" in detail) == (False, True)
    client.force_login(shop.noah)
    assert "End it" in text(client, up.get_absolute_url())
    assert "trial" in text(client, find(ref("cart")).get_absolute_url())


def test_preview_step_does_what_its_button_says_and_no_more(client, shop, up) -> None:
    client.force_login(shop.jonas)
    client.post(reverse("previews:preview_step", args=[up.pk, "end"]))
    assert not Preview.objects.get(pk=up.pk).ending
    client.force_login(shop.noah)
    assert client.post(reverse("previews:preview_step", args=[up.pk, "explode"])).status_code == 404
    assert client.get(reverse("previews:preview_step", args=[up.pk, "end"])).status_code == 405
    for step in ("sleep", "wake", "renew", "again", "end"):
        assert client.post(reverse("previews:preview_step", args=[up.pk, step])).status_code == 302
    row = Preview.objects.get(pk=up.pk)
    assert (row.turns, row.ending is not None, Preview.objects.count()) == (2, True, 1)
    assert "Going" in text(client, up.get_absolute_url())


def test_a_request_of_the_service_is_shown_before_it_is_merged(client, shop) -> None:
    client.force_login(shop.mira)
    row = Request.objects.create(
        created_by=shop.mira, title="Change web", blueprint="web-service", entity_ref=ref("web"),
        files={"apps/checkout/web/staging/deployment.yaml": WEB},
    )  # fmt: skip
    row.refresh_from_db()
    Request.objects.filter(pk=row.pk).update(
        state=State.IN_REVIEW, submitted_at=row.created_at, team=shop.mira.teams.get(), tree_hash="sha256:1",
        generation=1,
    )  # fmt: skip
    assert f"{NEW}?of={row.ref}" in text(client, row.get_absolute_url())
    page = text(client, f"{NEW}?of={row.ref}")
    assert f"As {row.ref} would make it" in page
    assert "As R-" not in text(client, f"{NEW}?of=R-9")
    client.post(NEW, {"name": "trial", "base": "staging", "hours": "24", "of": row.ref, "_ask": "1"})
    made = Preview.objects.get()
    assert made.of_request == row
    files = made.request.files
    assert "web:9.9.9" in files["previews/checkout/preview-trial/web/deployment-web.yaml"]


WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop-staging}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.larkfield.shop/web:9.9.9"}]}
"""


def test_run_locally_tells_of_each_place(client, shop) -> None:
    client.force_login(shop.mira)
    address = find(ref("web")).get_absolute_url() + "?tab=local"
    page = text(client, address)
    assert "telepresence intercept web" in page
    assert "apps/checkout/web/staging/deployment.yaml" in page
    production = text(client, f"{address}&place=production")
    assert "This is production" in production
    assert "telepresence" not in production
