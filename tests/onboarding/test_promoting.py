"""From one environment to another: what differs, what comes along, what stays, by page and by program."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from services.accounts.actions import create_token
from services.accounts.models import Team
from services.clusters.models import Environment
from services.onboarding import actions, queries
from services.onboarding.errors import ContentChanged, HostSilent, ImageRefused, WrongState
from services.onboarding.models import Request, State

from .test_change import REF, changed_lines, merge, repository, send
from .test_images import CART, HOME, bring, cart, in_git, review_and_merge, settled, write  # noqa: F401

URL = "/promote/component/default/cart/"
REPLICAS = "Deployment cart#spec.replicas"
COMMAND = "Deployment cart#spec.template.spec.containers[1].env"


@pytest.fixture
def ahead(cart) -> SimpleNamespace:  # noqa: F811  # the fixture of the tests of images
    """Staging has a later image, other replicas, a variable, and a Service that production lacks."""
    text = in_git(cart, "staging").replace("cart:1.0.0", "cart:1.1.0").replace("replicas: 2", "replicas: 3")
    text = text.rstrip("\n") + "\n        env: [{name: LOG, value: debug}]\n"
    service = "apiVersion: v1\nkind: Service\nmetadata: {name: cart, namespace: shop-staging}\n"
    secret = service.replace("Service", "Secret") + "stringData: {a: hush}\n"
    write(cart, {
        f"{HOME}/staging/deployment.yaml": text, f"{HOME}/staging/service.yaml": service,
        f"{HOME}/staging/secret.yaml": secret, f"{HOME}/staging/broken.yaml": "a: [",
    })  # fmt: skip
    return cart


def compared(cart) -> queries.Comparison:  # noqa: F811
    staging, production = (Environment.objects.get(name=name) for name in ("staging", "production"))
    return queries.comparison(cart.entity, staging, production)


def test_what_differs_is_told_apart_from_what_may(ahead) -> None:
    found = compared(ahead)
    (image,) = found.images
    assert (str(image.place.image), str(image.wanted)) == (f"{CART}:1.0.0", f"{CART}:1.1.0")
    assert [(each.key, each.here, each.there) for each in found.unexpected] == [
        (COMMAND, "", "- name: LOG\n  value: debug")
    ]
    assert {each.key: each.why for each in found.expected} == {REPLICAS: "Size"}
    assert ([each.object for each in found.only_there], found.only_here) == (["Service cart"], ())


def test_the_image_comes_along_and_the_rest_only_where_it_is_asked_for(ahead) -> None:
    about = {"entity_ref": ahead.entity.ref, "source": "staging", "target": "production", "by": ahead.mira}
    found = actions.promote(**about)
    assert found.request is not None
    assert found.request.files[f"{HOME}/production/deployment.yaml"] == in_git(ahead).replace(
        "1.0.0", "1.1.0"
    )
    settled(found.request)
    again = actions.promote(**about, fields=[REPLICAS, COMMAND])
    assert (again.outcome, again.request.pk) == ("updated", found.request.pk)
    text = again.request.files[f"{HOME}/production/deployment.yaml"]
    before = in_git(ahead)
    assert text.startswith(before.replace("1.0.0", "1.1.0").replace("replicas: 2", "replicas: 3"))
    assert text.endswith("        env:\n        - name: LOG\n          value: debug\n")
    assert "Deployment cart#spec.replicas" in again.request.answers["reason"]
    with pytest.raises(WrongState):
        actions.promote(**about)
    assert settled(again.request).state == State.IN_REVIEW, "production is not merged by itself"
    assert actions.promote(**about, fields=[REPLICAS, COMMAND]).outcome == "unchanged"


@pytest.mark.parametrize(
    ("said", "field", "rule"),
    [
        ({"target": "staging"}, "to", "same"),
        ({"source": "stagin"}, "from", "unknown"),
        ({"fields": ["Deployment cart#spec.paused"]}, "fields", "unknown"),
    ],
)
def test_what_cannot_be_promoted_is_refused(ahead, said, field, rule) -> None:
    about = {"entity_ref": ahead.entity.ref, "source": "staging", "target": "production", "by": ahead.mira}
    with pytest.raises(ImageRefused) as refused:
        actions.promote(**about | said)
    assert (refused.value.field, refused.value.rule) == (field, rule)


def test_a_moving_image_other_content_and_a_silent_host_are_refused(ahead, settings) -> None:
    about = {"entity_ref": ahead.entity.ref, "source": "staging", "target": "production", "by": ahead.mira}
    with pytest.raises(ContentChanged):
        actions.promote(**about, content="sha256:else")
    write(ahead, {f"{HOME}/staging/deployment.yaml": in_git(ahead, "staging").replace("1.1.0", "main")})
    with pytest.raises(ImageRefused, match="another build tomorrow"):
        actions.promote(**about)
    settings.GIT_ROOT = settings.GIT_ROOT / "gone"
    with pytest.raises(HostSilent):
        actions.promote(**about)


def test_service_promote_shows_who_has_what_and_proposes_it(client, ahead) -> None:
    client.force_login(ahead.mira)
    page = client.get(URL).content.decode()
    assert "Promote staging → production" in page
    assert "Noah" in page
    assert "1.1.0" in page
    assert COMMAND in page
    assert "hush" not in page
    part = client.get(URL, {"field": [REPLICAS]}, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in part
    assert '<span class="v"> 3</span>' in part
    sent = {"from": "staging", "to": "production", "field": [REPLICAS], "content": compared(ahead).content}
    first, second = (client.post(URL, sent) for _ in range(2))
    row = Request.objects.get()
    assert (first.url, row.kind, row.answers["fields"]) == (row.get_absolute_url(), "promotion", [REPLICAS])
    assert second.status_code == 302
    shown = client.get(row.get_absolute_url()).content.decode()
    assert "Promote cart 1.1.0 from staging to production" in shown
    row = review_and_merge(ahead, settled(row))
    assert row.state == State.MERGED
    assert f"{CART}:1.1.0" in in_git(ahead)
    assert row.ref in client.get(URL).content.decode()
    assert client.post(URL, {"from": "staging", "to": "production"}).status_code == 302


def test_service_promote_refuses_others_and_what_runs_in_one_place(client, ahead, settings) -> None:
    client.force_login(ahead.jonas)
    assert client.get(URL).url == ahead.entity.get_absolute_url()
    client.force_login(ahead.mira)
    assert client.post(URL, {"from": "staging", "to": "staging"}).url == URL
    Environment.objects.filter(name="production").delete()
    assert client.get(URL).url == ahead.entity.get_absolute_url()
    settings.GIT_ROOT = settings.GIT_ROOT / "gone"
    assert client.get(URL).url == ahead.entity.get_absolute_url()


def test_programs_compare_and_promote(ahead) -> None:
    _, secret = create_token(
        by=ahead.sam, name="both", scopes=["images:write", "requests:read"], days=7,
        team=Team.objects.get(slug="checkout"),
    )  # fmt: skip
    brought: dict[str, Any] = {"HTTP_AUTHORIZATION": f"Bearer {secret}"}
    asked = {"service": "cart", "from": "staging", "to": "production"}
    found = Client().get("/api/v1/promotions", asked, **brought).json()
    assert found["images"] == [
        {"container": "cart", "object": "Deployment cart", "here": f"{CART}:1.0.0", "there": f"{CART}:1.1.0"}
    ]
    assert [each["key"] for each in found["fields"] if not each["why"]] == [COMMAND]
    assert [(each["environment"], each["image"]) for each in found["standing"]] == [
        ("staging", f"{CART}:1.1.0"), ("production", f"{CART}:1.0.0"),
    ]  # fmt: skip
    body = asked | {"fields": [REPLICAS], "content": found["content"]}
    done = Client().post("/api/v1/promotions", body, "application/json", **brought).json()
    assert (done["outcome"], done["image"]) == ("opened", f"{CART}:1.1.0")
    refused = Client().post("/api/v1/promotions", body | {"to": "prod"}, "application/json", **brought)
    assert refused.json()["errors"][0]["suggestion"] == "production"


def test_what_was_brought_stays_when_the_form_changes_something_else(client, world, submit) -> None:
    merge(world, submit(environments=["staging", "production"]))
    home, image = "apps/checkout/wishlist", "registry.larkfield.shop/wishlist:1.1.0"
    row = actions.bring_image(entity_ref=REF, environment="staging", by=world.mira, image=image).request
    assert row is not None
    assert settled(row).state == State.MERGED
    client.force_login(world.mira)
    page = client.get("/change/component/default/wishlist/").content.decode()
    assert "Staging has <code>1.1.0</code>, Production has <code>1.0.0</code>" in page
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"port": 9090})
    assert f"{home}/staging/deployment.yaml" in changed_lines(row, world.mira)
    merge(world, send(world, row))
    assert f"image: {image}" in repository(world, f"{home}/staging/deployment.yaml")
    assert "wishlist:1.0.0" in repository(world, f"{home}/production/deployment.yaml")
