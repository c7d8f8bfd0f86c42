"""Requests by program: judged as the form judges them, by a person or for a team, once per key."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from services.accounts.actions import create_token
from services.accounts.models import Team
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects

from .conftest import answers, copied


@pytest.fixture
def world(once, db) -> SimpleNamespace:
    return copied(once)


@pytest.fixture
def secret(world) -> str:
    return create_token(by=world.mira, name="ci", scopes=["requests:write"], days=7)[1]


def post(secret: str, key: str = "", **body: Any) -> tuple[int, Any]:
    said = {"Authorization": f"Bearer {secret}", **({"Idempotency-Key": key} if key else {})}
    given = {"blueprint": "web-service", "answers": answers(), **body}
    found = Client().post("/api/v1/requests", json.dumps(given), "application/json", headers=said)
    return found.status_code, found.json()


def test_it_goes_the_way_of_the_form(world, secret) -> None:
    status, found = post(secret)
    assert (status, found["title"], found["created_by"], found["team"]) == (
        201, "Onboard wishlist", "mira", "checkout",
    )  # fmt: skip
    run_due_effects()
    assert Request.objects.get().state == State.IN_REVIEW


def test_what_does_not_pass_names_field_rule_and_the_nearest(world, secret) -> None:
    status, found = post(secret, answers=answers(name="Wish_List", owner="discovery"))
    by_field = {each["field"]: each for each in found["errors"]}
    assert status == 422
    assert by_field["answers.name"]["suggestion"] == "wish-list"
    assert by_field["answers.owner"]["rule"] == "options"
    row = Request.objects.get()
    assert (row.state, row.ref in found["detail"]) == (State.DRAFT, True)


def test_what_a_guardrail_stops_names_the_guardrail(world, secret) -> None:
    status, found = post(secret, answers=answers(image="registry.larkfield.shop/wishlist:latest"))
    assert (status, {each["field"] for each in found["errors"]}) == (422, {"answers.image"})


@pytest.mark.parametrize(
    ("body", "field", "suggestion"),
    [
        ({"blueprint": "web-servic"}, "blueprint", "web-service"),
        ({"answers": {"nam": "wishlist"}}, "answers.nam", "name"),
        ({"parts": ["db:postgres"], "answers": {"db-storag": 1}}, "answers.db-storag", "db-storage"),
    ],
)
def test_names_that_are_not_there_are_refused_with_the_nearest(
    world, secret, body, field, suggestion
) -> None:
    status, found = post(secret, **body)
    assert (status, found["errors"][0]["field"], found["errors"][0]["suggestion"]) == (422, field, suggestion)
    assert not Request.objects.exists()


def test_several_parts_make_one_request(world, secret) -> None:
    status, found = post(secret, parts=["cache:cache"])
    assert (status, [each["blueprint"] for each in found["parts"]]) == (201, ["cache"])


def test_a_draft_is_kept_as_it_is_for_a_person_to_finish(world, secret) -> None:
    status, found = post(secret, draft=True, answers={"name": "Not A Name"})
    assert (status, found["state"], found["submitted_at"]) == (201, "draft", None)
    assert Request.objects.get().answers == {"name": "Not A Name"}


def test_one_key_is_one_request_however_often_it_is_sent(world, secret) -> None:
    assert {post(secret, key="build-7")[1]["ref"] for _ in range(3)} == {Request.objects.get().ref}
    assert post(secret, key="build-8", answers=answers("other"))[0] == 201
    assert Request.objects.count() == 2


def test_a_teams_token_asks_for_its_team_and_no_other(world) -> None:
    team = Team.objects.get(slug="checkout")
    _, secret = create_token(by=world.sam, name="ci", scopes=["requests:write"], days=7, team=team)
    status, found = post(secret)
    assert (status, found["team"], found["created_by"]) == (201, "checkout", "ci+checkout")
    status, found = post(secret, answers=answers("other", owner="discovery"))
    assert (status, found["errors"][0]["field"]) == (422, "answers.owner")


def test_a_name_that_is_taken_and_a_silent_host_are_said(world, secret, settings) -> None:
    post(secret)
    assert post(secret)[0] == 422
    settings.GIT_ROOT = settings.GIT_ROOT / "gone"
    status, found = post(secret, answers=answers("other"))
    assert (status, "does not answer" in found["detail"]) == (503, True)
