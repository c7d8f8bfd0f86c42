"""Previews that follow a pull request: asked for by a build's token, and by a label at the git host."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from django.test import Client
from django.utils import timezone

from services.accounts.actions import create_token
from services.accounts.models import Team
from services.audit.models import Event
from services.catalog.models import Entity, Source
from services.catalog.sources import hooks
from services.clusters.models import Environment
from services.effects.models import Effect
from services.onboarding.models import Request, State
from services.previews import actions
from services.previews.actions import following
from services.previews.models import Preview
from tests.catalog.test_hooks import headers_of
from tests.effects_driver import run_due_effects

from .conftest import ref, wish

URL = "/api/v1/previews"
IMAGE = "registry.larkfield.shop/web"
DEPLOYED = "previews/checkout/preview-web-pr-12/web/deployment-web.yaml"


@pytest.fixture
def ci(shop) -> SimpleNamespace:
    """A token of the team, as builds have it."""
    team = Team.objects.get(slug="checkout")
    _, secret = create_token(
        by=shop.sam, name="ci", scopes=["previews:write", "requests:read"], days=7, team=team
    )

    def ask(method: str = "post", path: str = "", **body: Any) -> tuple[int, Any]:
        send = getattr(Client(), method)
        given = [body, "application/json"] if method == "post" else []
        answer = send(f"{URL}{path}", *given, headers={"Authorization": f"Bearer {secret}"})
        return answer.status_code, answer.json()

    return SimpleNamespace(**vars(shop), ask=ask)


def live(request: Request) -> Request:
    """As if its cluster had said so."""
    run_due_effects()
    Request.objects.filter(pk=request.pk).update(state=State.ROLLING_OUT, merge_sha="a" * 40)
    return moved(request, State.LIVE)


def moved(request: Request, state: State) -> Request:
    from django.db import transaction

    from services.onboarding.actions.moves import locked, move

    with transaction.atomic():
        row = locked(request)
        move(row, state, by=None, action="moved")
    return row


def shown() -> Preview:
    return Preview.objects.for_page().get()


def image_in(request: Request) -> str:
    found = yaml.safe_load(request.files[DEPLOYED])
    return str(found["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_build_asks_once_and_brings_up_to_date_what_stands(ci) -> None:
    asked = {"service": "web", "pull_request": "shop/web#12", "image": f"{IMAGE}:pr-12-a"}
    status, first = ci.ask(**asked)
    assert (status, first["outcome"], first["preview"]["name"]) == (200, "opened", "web-pr-12")
    assert ci.ask(**asked) == (200, {**first, "outcome": "unchanged"})
    assert (Preview.objects.count(), image_in(shown().request)) == (1, f"{IMAGE}:pr-12-a")
    status, newer = ci.ask(**{**asked, "image": ":pr-12-b"})
    assert (status, newer["outcome"], newer["preview"]["waits_for_images"]) == (200, "updated", True)
    run_due_effects()
    assert shown().update_request is None  # it comes up first
    live(shown().request)
    Effect.objects.filter(kind="previews.show").update(due_at=timezone.now())
    run_due_effects()
    update = shown().update_request
    assert update is not None
    assert image_in(update) == f"{IMAGE}:pr-12-b"
    live(update)
    row = shown()
    assert (row.request, row.update_request, row.is_changing) == (update, None, False)
    assert ci.ask("get", f"/{row.pk}")[1]["images"] == {"web": ":pr-12-b"}
    assert [each["id"] for each in ci.ask("get", "?pull_request=shop/web%2312")[1]["items"]] == [row.pk]
    assert ci.ask("get", "?service=tax&show=all")[1]["items"] == []
    assert ci.ask("delete", f"/{row.pk}")[1]["state"] == "Going"
    assert ci.ask("delete", f"/{row.pk}")[0] == 200
    assert ci.ask(**asked)[0] == 409  # it is going; the next one comes after it


REFUSED: list[tuple[int, dict[str, Any]]] = [
    (404, {"service": "wbe"}), (422, {"service": "web", "pull_request": "web 12"}),
    (422, {"service": "web", "base": "mars"}), (422, {"service": "web", "hours": 0}),
    (400, {"service": "web", "name": "Not_A_Name"}), (400, {"service": "web", "image": "-v /:/x"}),
]  # fmt: skip


@pytest.mark.parametrize(("status", "body"), REFUSED)
def test_what_a_build_cannot_have_is_refused_and_nothing_is_done(ci, status, body) -> None:
    assert ci.ask(**body)[0] == status
    assert not Preview.objects.exists()


def test_of_others_a_build_neither_asks_nor_ends_previews(ci) -> None:
    Entity.objects.filter(ref=ref("rates")).update(
        owner_ref="group:default/discovery", holder_ref="group:default/discovery"
    )
    assert ci.ask(service="rates")[0] == 403
    row = actions.ask(by=ci.mira, wish=wish(of="tax"))
    Preview.objects.filter(pk=row.pk).update(team=Team.objects.get(slug="discovery"))
    assert ci.ask("delete", f"/{row.pk}")[0] == 403
    assert ci.ask("delete", "/999999")[0] == 404


@pytest.fixture
def told(shop) -> Any:
    """The organisation's webhook; what it sends is looked at at once."""
    annotations = {"github.com/project-slug": "Shop/web"}
    row = Entity.objects.get(ref=ref("web"))
    Entity.objects.filter(pk=row.pk).update(metadata={**row.metadata, "annotations": annotations})
    beside = {"backstage.io/source-location": "url:https://github.com/shop/web/tree/main/cart/"}
    Entity.objects.filter(ref=ref("cart")).update(metadata={"annotations": beside})
    source = Source.objects.create(kind="org", title="Shop", location="shop", provider="github")
    secret = hooks.set_hook(source=source, provider="github", by=None)
    count = iter(range(1000))

    def send(*labels: str, state="open", at="", repo="shop/web", sha="abc1234def") -> tuple[int, str, Any]:
        pull = {
            "number": 12, "state": state, "labels": [{"name": each} for each in labels],
            "head": {"sha": sha}, "updated_at": at or f"2026-11-20T10:{next(count):02}:00Z",
        }  # fmt: skip
        body = json.dumps({"action": "x", "pull_request": pull, "repository": {"full_name": repo}}).encode()
        headers = headers_of("github", secret, body, event="pull_request", key=str(next(count)))
        url = f"/webhooks/github/{source.pk}/"
        answer = Client().post(url, body, content_type="application/json", headers=headers)
        run_due_effects()
        last = Effect.objects.filter(kind="previews.pull").order_by("-pk").first()
        return answer.status_code, answer.json()["said"], last.result.get("said") if last else None

    return send


def test_a_label_brings_one_up_and_its_end_takes_it_away(told, environments) -> None:
    settings = environments[0].settings | {"preview_tag": "pr-{number}-{short}"}
    Environment.objects.filter(pk=environments[0].pk).update(settings=settings)
    assert told("docs") == (202, "is being looked at", "nothing to take away")
    assert told("docs", "Preview")[2] == "cart-pr-12 opened"
    row = shown()
    assert (row.pull, row.created_by.username) == ("shop/web#12", "ci+checkout")
    assert {ref("web"), ref("cart"), ref("tax")} <= set(row.refs)
    path = "previews/checkout/preview-cart-pr-12/web/deployment-web.yaml"
    assert f"{IMAGE}:pr-12-abc1234" in row.request.files[path]
    assert told("preview")[2] == "cart-pr-12 unchanged"
    assert told("preview", sha="ffff000aaa")[2] == "cart-pr-12 updated"
    live(row.request)
    assert told("preview", at="2026-11-20T09:00:00Z", state="closed")[2] == "a later word came"
    assert told()[2] == "1 taken away"
    row = Preview.objects.for_page().get()
    assert (row.is_going, row.reason) == (True, "shop/web#12 lost its label")


def test_a_label_with_a_name_picks_one_and_closing_ends_it(told) -> None:
    assert told("preview:web")[2] == "web-pr-12 opened"
    assert shown().root_ref == ref("web")
    assert told("preview:web", state="closed")[2] is None  # it comes up just now: a little later
    live(shown().request)
    Effect.objects.filter(kind="previews.pull").update(due_at=timezone.now())
    run_due_effects()
    assert (shown().is_going, shown().reason) == (True, "shop/web#12 is closed")
    assert told("preview:nothing")[2] == "nothing in the catalog is of this repository"


def test_of_other_repositories_and_of_what_is_no_service_nothing_comes(told, shop) -> None:
    assert told("preview", repo="else/web") == (200, "ignored: not what this source reads", None)
    assert told("preview", repo="shop/unknown")[2] == "nothing in the catalog is of this repository"
    Environment.objects.all().update(is_preview=True)
    assert told("preview")[2] == "there is no environment yet"
    Environment.objects.all().update(is_preview=False)
    Entity.objects.filter(ref__in=[ref("web"), ref("cart")]).update(owner_ref="user:default/mira")
    assert told("preview")[2] == "cart belongs to no team that is known here"
    Entity.objects.filter(ref__in=[ref("web"), ref("cart")]).update(name="elsewhere")
    assert told("preview")[2] == "there are no manifests of it for Staging"
    assert not Preview.objects.exists()


@pytest.mark.parametrize(
    ("kind", "location", "own"),
    [
        ("git", "https://github.com/shop/tax.git", "shop/tax"),
        ("git", "git@github.com:shop/tax", "shop/tax"),
        ("folder", "/srv/shop/web", ""),
    ],
)
def test_who_holds_the_secret_of_one_repository_speaks_for_that_one(told, kind, location, own) -> None:
    Source.objects.filter(kind="org").update(kind=kind, location=location)
    assert told("preview", repo="shop/web")[:2] == (200, "ignored: not what this source reads")
    if own:
        assert told("preview", repo=own)[:2] == (202, "is being looked at")
    assert not Preview.objects.exists()


def test_what_is_refused_to_a_label_is_told_on_the_service(told, shop) -> None:
    for number in range(10):
        actions.ask(by=shop.mira, wish=wish(name=f"n{number}", of="rates"))
    assert "has 10 previews" in told("preview")[2]
    (event,) = Event.objects.filter(action="preview.refused")
    assert event.object_id == str(Entity.objects.get(ref=ref("cart")).pk)


def test_what_is_stuck_makes_room_for_a_newer_image(shop) -> None:
    row = actions.ask(by=shop.mira, wish=wish(of="rates", images={"rates": ":bad"}))
    run_due_effects()
    Request.objects.filter(pk=row.request_id).update(state=State.NEEDS_ATTENTION, merge_sha="a" * 40)
    actions.show(preview=row, by=shop.noah, images={"rates": ":good"})
    run_due_effects()
    found = shown()
    assert (found.request.state, found.update_request.answers["images"]) == (State.CLOSED, {"rates": ":good"})
    Request.objects.filter(pk=found.update_request_id).update(
        state=State.IN_REVIEW, merge_sha="", merge_asked_by=None
    )
    ended = actions.end(preview=found, by=shop.mira)
    assert (ended.update_request, ended.is_going) == (None, True)
    assert Request.objects.get(title="Preview trial anew").state == State.WITHDRAWN


def test_what_cannot_be_brought_up_to_date_stays_and_says_why(client, shop) -> None:
    row = actions.ask(by=shop.mira, wish=wish(of="rates"))
    actions.show(preview=row, by=shop.mira, images={"rates": ":2"})
    Request.objects.filter(pk=row.request_id).update(state=State.NEEDS_ATTENTION)
    following.bring_up_to_date(Preview.objects.for_page().get())
    assert "needs attention first" in shown().problem
    client.force_login(shop.mira)
    assert "could not be brought into it" in client.get(row.get_absolute_url()).content.decode()
    Request.objects.filter(pk=row.request_id).update(state=State.LIVE, merge_sha="a" * 40)
    Entity.objects.filter(ref=ref("rates")).delete()
    following.bring_up_to_date(shown())
    assert "is not there any more" in shown().problem
    run_due_effects()


def test_an_update_that_is_given_up_leaves_what_was_there(shop) -> None:
    row = actions.ask(by=shop.mira, wish=wish(of="rates"))
    live(row.request)
    actions.show(preview=shown(), by=shop.mira, images={"rates": ":2"})
    run_due_effects()
    update = shown().update_request
    Request.objects.filter(pk=update.pk).update(state=State.IN_REVIEW, merge_sha="")
    moved(update, State.WITHDRAWN)
    found = shown()
    assert (found.request, found.images, found.update_request) == (row.request, {}, None)
    assert "withdrawn" in found.problem
