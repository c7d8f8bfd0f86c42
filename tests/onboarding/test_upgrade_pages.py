"""Upgrades on pages and for programs: a service says what made it, the list, rounds and their progress."""

import csv
import io
import json
import secrets
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse

from services.accounts.actions import create_token
from services.onboarding.models import Made, Request, UpgradeRound
from tests.effects_driver import run_due_effects

from . import versions
from .test_upgrading import REF, by_hand, repository, tiny, world  # noqa: F401  # fixtures

URL, LIST = "/upgrade/component/default/tiny/", "/upgrades/"
PAGE = "/catalog/component/default/tiny/"


@pytest.fixture
def behind(world, tiny) -> SimpleNamespace:  # noqa: F811
    versions.write(world.folder, "2.0")
    return world


def page_of(client, user, url: str) -> str:
    client.force_login(user)
    answer = client.get(url)
    assert answer.status_code == 200, answer
    return str(answer.content.decode())


def test_a_service_says_what_made_it_and_offers_the_newer_version(behind, client) -> None:
    text = page_of(client, behind.mira, PAGE)
    assert all(
        each in text for each in ("Small service 1.0", "2.0 is there.", "Asks for a <strong>zone", URL)
    )
    assert URL not in page_of(client, behind.jonas, PAGE)
    versions.write(behind.folder, "1.0")
    text = page_of(client, behind.mira, PAGE)
    assert ("Small service 1.0" in text, URL in text) == (True, False)


def test_the_form_shows_what_is_new_and_keeps_nothing_until_one_types(behind, client) -> None:
    text = page_of(client, behind.mira, URL)
    assert all(each in text for each in ("1.0 → 2.0", "#field-zone", "<code>replicas</code> is"))
    assert not Request.objects.drafts().exists()
    answer = client.post(URL, {"_intent": "submit", "name": "tiny", "owner": "checkout", "copies": "3"})
    assert answer.status_code == 422
    row = Request.objects.drafts().get()
    assert row.upgrade["version"] == "1.0"
    said = {"name": "tiny", "owner": "checkout", "copies": "3", "environments": "staging", "zone": "north"}
    answer = client.post(f"/requests/{row.ref}/edit/", {**said, "_intent": "submit", "_generation": "0"})
    row.refresh_from_db()
    assert (answer.status_code, row.submitted_at is not None) == (302, True)
    assert client.get(URL).url == row.get_absolute_url()


def test_conflicts_are_shown_without_secrets_and_one_may_take_the_newer(behind, client) -> None:
    path = "apps/checkout/tiny/staging/settings.yaml"
    text = repository(behind, path).replace("level: info", "level: password=hunter2hunter2")
    by_hand(behind, {path: text})
    versions.write(behind.folder, "2.0", zone=False, level="warn")
    text = page_of(client, behind.mira, URL)
    assert "Changed by hand, and by the newer version too" in text
    assert "hunter2hunter2" not in text.partition('id="conflicts"')[2].partition("</section>")[0]
    said = {"name": "tiny", "owner": "checkout", "copies": "3", "environments": "staging"}
    client.post(URL, {**said, "_intent": "submit", "_take": f"{path}#data.level"})
    row = Request.objects.exclude(upgrade={}).get()
    assert "level: warn" in row.files[path]
    assert row.upgrade["kept"] == []


def test_others_and_the_newest_are_told_and_led_back(behind, client, settings) -> None:
    client.force_login(behind.jonas)
    assert client.get(URL).url == PAGE
    client.force_login(behind.mira)
    versions.write(behind.folder, "1.0")
    assert client.get(URL).url == PAGE


def test_a_silent_host_is_said(behind, client, settings) -> None:
    settings.GIT_ROOT = behind.folder / "nowhere"
    client.force_login(behind.mira)
    assert client.get(URL).url == PAGE


@pytest.mark.parametrize("count", [1, 40])
def test_the_list_and_its_file_take_the_same_few_queries(
    behind, client, django_assert_max_num_queries, count
) -> None:
    made = Made.objects.get()
    from services.catalog.models import Entity

    entity = Entity.objects.get(ref=REF)
    for number in range(count - 1):
        entity.pk, entity.name, entity.ref = None, f"s{number}", f"component:default/s{number}"
        entity.save(force_insert=True)
        made.pk, made.entity_ref = None, entity.ref
        made.save(force_insert=True)
    client.force_login(behind.priya)
    with django_assert_max_num_queries(12):
        answer = client.get(LIST)
    assert answer.content.decode().count('name="service"') == count
    rows = list(csv.DictReader(io.StringIO(client.get(f"{LIST}?format=csv").content.decode())))
    assert (len(rows), rows[0]["behind"], rows[0]["newest"]) == (count, "yes", "2.0")


@pytest.mark.parametrize(
    ("asked", "is_there"),
    [
        ("", True), ("show=newest", False), ("show=all", True),
        ("blueprint=small", True), ("blueprint=cache", False),
        ("team=checkout", True), ("team=discovery", False), ("version=1.0", True), ("version=earlier", False),
        ("q=tin", True), ("q=other", False),
    ],
)  # fmt: skip
def test_the_address_says_what_is_listed(behind, client, asked, is_there) -> None:
    assert (f'href="{PAGE}"' in page_of(client, behind.priya, f"{LIST}?{asked}")) == is_there


def test_several_are_proposed_from_the_list_and_their_page_follows(behind, client) -> None:
    client.force_login(behind.priya)
    assert client.post(f"{LIST}propose/", {}).url == f"{LIST}?"
    where = client.post(f"{LIST}propose/?show=behind", {"every": "1"}).url
    round = UpgradeRound.objects.get()
    assert where == round.get_absolute_url()
    assert "0 of 1 proposed" in page_of(client, behind.priya, where)
    run_due_effects()
    answer = client.get(where, headers={"HX-Request": "true"})
    assert answer.status_code == 286
    assert "The newer version asks for Zone." in answer.content.decode()
    assert client.post(f"{where}again/").url == where
    assert round.items.get().state == "waiting"
    for url in (LIST, where):
        client.force_login(behind.sam)
        assert client.get(url).status_code == 403


# ---- for programs ----------------------------------------------------------------------------------------


def ask(client, user, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    _, secret = create_token(
        by=user, name=secrets.token_hex(4), scopes=["requests:read", "requests:write"], days=7
    )
    said = {"Authorization": f"Bearer {secret}", **headers}
    given = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
    answer = getattr(client, method)(f"/api/v1/{path}", headers=said, **given)
    return answer.status_code, json.loads(answer.content)


def test_programs_see_what_is_behind_and_what_an_upgrade_would_do(behind, client) -> None:
    status, found = ask(client, behind.mira, "get", "upgrades?blueprint=small&q=tin")
    assert (status, [each["entity"] for each in found["items"]]) == (200, [REF])
    assert found["items"][0] | {"request": ""} == {
        "entity": REF, "blueprint": "small", "version": "1.0", "newest": "2.0", "behind": True, "request": "",
    }  # fmt: skip
    status, plan = ask(client, behind.mira, "get", "upgrades/component/default/tiny")
    assert (status, plan["asked"], plan["moved"], plan["passes"]) == (
        200, ["zone"], {"replicas": "copies"}, False,
    )  # fmt: skip
    assert {each["path"]: each["status"] for each in plan["files"]}[
        "apps/checkout/tiny/staging/old.yaml"
    ] == "removed"
    assert ask(client, behind.mira, "get", "upgrades/component/default/nothing")[0] == 404


def test_programs_ask_for_an_upgrade_and_are_told_what_is_missing(behind, client) -> None:
    path = "upgrades/component/default/tiny"
    status, refused = ask(client, behind.mira, "post", path, {"answers": {}})
    assert (status, refused["errors"][0]["field"], refused["errors"][0]["rule"]) == (
        422,
        "answers.zone",
        "required",
    )
    status, refused = ask(client, behind.mira, "post", path, {"answers": {"zon": "north"}})
    assert (status, refused["errors"][0]["suggestion"]) == (422, "zone")
    status, row = ask(client, behind.mira, "post", path, {"answers": {"zone": "north"}, "take": ["x"]})
    assert (status, row["title"]) == (201, "Upgrade tiny to small service 2.0")
    assert ask(client, behind.mira, "post", path, {"answers": {"zone": "north"}})[0] == 409
    assert ask(client, behind.jonas, "post", path, {"answers": {}})[0] == 403


def test_programs_of_the_platform_team_start_a_round_and_follow_it(behind, client) -> None:
    assert ask(client, behind.sam, "post", "upgrades", {"services": [REF]})[0] == 403
    status, round = ask(client, behind.priya, "post", "upgrades", {"services": [REF]})
    assert (status, round["items"]) == (
        201, [{"entity": REF, "state": "waiting", "message": "", "request": None}],
    )  # fmt: skip
    run_due_effects()
    status, round = ask(client, behind.priya, "get", f"upgrades/rounds/{round['id']}")
    assert (status, round["items"][0]["state"]) == (200, "refused")
    assert ask(client, behind.mira, "get", "upgrades/rounds/0")[0] == 404
    assert reverse("onboarding:upgrade_round", args=[round["id"]]) == round["url"]
