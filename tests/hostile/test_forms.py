"""Every form that any page shows, filled in by somebody who means ill: found by reading the pages."""

import json
from types import SimpleNamespace
from typing import Any

import pytest

from services.accounts.models import User
from services.helpdesk.models import Ticket
from services.onboarding.models import Request
from tests.factories.tickets import ticket
from tests.hostile import doors
from tests.hostile.asking import THOROUGH, Asked, some
from tests.hostile.pages import Form, forms_of

pytestmark = pytest.mark.django_db

DEEP = "[" * 20_000 + "]" * 20_000
BAD: tuple[str, ...] = (
    "a\x00b",
    "x" * 100_000,
    "-1",
    "9" * 400,
    "1e999",
    "NaN",
    "../../../etc/passwd",
    "no-such-choice",
    '{"a": [1, null]}',
    "a\r\nb\n---\nkind: ClusterRoleBinding",
    "\ud7ff\ufffe\U0010ffff\u202e\u200b",
    "{{ config }} ${{ 1/0 }} {0.__class__} %s",
    "0001-01-01T00:00:00+23:59",
    "٣",
)
MALFORMED: tuple[Any, ...] = (
    "{}",
    '{"name": null}',
    "[1]",
    "null",
    '{"name": "\\u0000"}',
    '{"name": "\\ud800"}',
    '{"name": 1e999}',
    '{"name": NaN}',
    '{"name": {"a": [[]]}}',
    '{"environments": [{"a": 1}]}',
    '{"config": "text"}',
    '{"config": [[1]]}',
    '{"config": [{"name": ["x"], "value": {}}]}',
    '{"memory_limit": 1e308}',
    '{"replicas": 99999999999999999999999}',
    '{"replicas": -1}',
    '{"image": true}',
    '{"owner": ["checkout"]}',
    '{"secrets": [null, 1, "x"]}',
    DEEP,
    f'{{"name": {DEEP}}}',
)
BODIES: tuple[tuple[Any, str], ...] = (
    ('{"a": 1}', "application/json"),
    (b"\xff\xfe=\xff&a=%ff", "application/x-www-form-urlencoded"),
    (b"--x\r\n\r\nbroken", "multipart/form-data; boundary=x"),
    (b"", "multipart/form-data"),
)
# Set by the portal alone; sent along with everything.
MEANT_FOR_NOBODY = {
    "state": "approved",
    "status": "approved",
    "created_by": "1",
    "created_by_id": "1",
    "is_staff": "on",
    "is_superuser": "on",
    "is_active": "on",
    "runs_platform": "on",
    "team": "platform",
    "asker": "1",
    "merge_sha": "a" * 40,
    "submitted_at": "2026-01-01",
    "generation": "9",
    "needs": "[]",
    "findings": "[]",
    "username": "priya",
    "password": "x",
    "links": "[]",
    "role": "lead",
    "teams": "platform",
}


# Pages that look different for each thing they show.
MANY_FACES = {
    "catalog:entity_detail",
    "catalog:import_detail",
    "helpdesk:ticket_detail",
    "onboarding:request_detail",
    "onboarding:proposal_detail",
    "onboarding:request_edit",
}


def found_forms(asked: Asked, world: SimpleNamespace) -> list[Form]:
    """Each form once, from every page this person can open."""
    known = doors.known(world)
    found: dict[Any, Form] = {}
    for door in doors.doors():
        for path in door.rooms(known) if door.name in MANY_FACES else door.rooms(known)[:1]:
            answer = asked.ask("GET", path)
            if answer is not None and answer.status_code == 200 and "html" in answer["Content-Type"]:
                for form in forms_of(answer.content.decode(), path):
                    found.setdefault(form.key, form)
    return list(found.values())


RIGHTS = ("username", "is_staff", "is_superuser", "is_active", "memberships__team__slug")
WANTED = {
    "nobody": {"accounts:sign_in"},
    "mira": {
        "onboarding:request_new",
        "helpdesk:ticket_new",
        "onboarding:request_withdraw",
        "accounts:account",
    },
    "priya": {
        "clusters:cluster_new",
        "helpdesk:ticket_assign",
        "effects:effect_retry",
        "onboarding:request_approve",
    },
}


@pytest.mark.case("Z3")
@pytest.mark.timeout(3600 if THOROUGH else 120)
def test_every_form_survives_every_value(asked, world):
    """The platform's people try everything; what a developer sees is the same forms under other rules.

    Z3: state, owner and role are the portal's own; sending them along changes none of them.
    """
    found = found_forms(asked, world)
    assert WANTED[asked.who] <= {form.key[1] for form in found}
    every = 8 if asked.who != "mira" else 13
    for at, form in enumerate(found):
        for value in some(BAD, at, every):
            asked.ask(form.method, form.action, {**form.values, **dict.fromkeys(form.fields, value)})
        for number, name in enumerate(some(form.fields[:24], at, every) if asked.who != "mira" else ()):
            asked.ask(form.method, form.action, {**form.values, name: BAD[(at + number) % len(BAD)]})
        if form.method == "post":
            content, kind = BODIES[at % len(BODIES)]
            asked.ask("POST", form.action, content, content_type=kind)
            extra = {k: v for k, v in MEANT_FOR_NOBODY.items() if k not in form.values}
            asked.ask("POST", form.action, {**form.values, **extra}, check=unchanged(asked, world))
    asked.all_well()


def unchanged(asked: Asked, world: SimpleNamespace) -> Any:
    """Looks whether anything moved that no form may move."""

    def look(answer: Any) -> None:
        for row in Request.objects.filter(pk__in=[r.pk for r in world.requests.values()]):
            asked.expect(row.created_by_id == world.mira.pk, f"{row} belongs to {row.created_by}")
            asked.expect(row.state != "approved", f"{row} is {row.state}")
        askers = Ticket.objects.values_list("title", "asker__username")
        wanted = {("Mine alone", "mira"), ("Checkout is slow", "jonas")}
        asked.expect(wanted <= set(askers), f"{set(askers)}")
        found = set(User.objects.values_list(*RIGHTS))
        asked.expect(before <= found, "somebody's rights")
        # Who wrote a mail is known by name from then on, and may do nothing.
        asked.expect(all(not any(rights) for _, *rights in found - before), "somebody new has rights")

    before = set(User.objects.values_list(*RIGHTS))
    return look


@pytest.mark.case("P5")
@pytest.mark.parametrize("intent", ["evaluate", "submit"])
def test_the_form_of_a_blueprint_survives_what_a_fix_may_carry(world, client, intent):
    """`_fix` is JSON that a page wrote; anything may come back in its place."""
    client.force_login(world.mira)
    asked = Asked(client, "mira")
    base = {"name": "parcels", "owner": "checkout", "_token": "0123456789abcdef" * 2, "_intent": intent}
    for fix in MALFORMED if intent == "evaluate" else MALFORMED[4:8]:
        draft: list[str] = []

        def look_again(_: Any, draft: list[str] = draft) -> None:
            """What was kept of it must open again."""
            for row in Request.objects.filter(token=base["_token"]):
                assert client.get(f"/requests/{row.ref}/edit/").status_code in (200, 302)

        asked.ask("POST", "/new/web-service/", {**base, "_fix": fix}, check=look_again)
    asked.all_well()


def test_json_bodies_are_nobodys_form(people, client):
    client.force_login(people.priya)
    body, before = json.dumps({"title": "x", "state": "approved"}), Ticket.objects.count()
    answer = client.post("/help/ask/", body, content_type="application/json")
    assert answer.status_code in (200, 422)
    assert Ticket.objects.count() == before


@pytest.mark.parametrize(
    ("path", "said", "wanted"),
    [
        ("state/", {"to": "resolved", "minutes": "-1"}, "Minutes: "),
        ("state/", {"to": "approved"}, "To: "),
        ("sort/", {"priority": "99"}, "Priority: "),
        ("reply/", {"body": "x" * 20_001}, "Body: "),
        ("reply/", {"body": "a\x00b"}, "Body: This holds a NUL character"),
    ],
)
def test_a_refused_step_names_the_field_and_the_rule(people, client, path, said, wanted):
    client.force_login(people.priya)
    made = ticket(by=people.mira)
    answer = client.post(f"/help/{made.key}/{path}", said, follow=True)
    assert wanted in answer.content.decode()
    assert not made.messages.filter(author=people.priya).exists()


def test_unknown_words_in_a_question_are_refused_by_name(people, client):
    client.force_login(people.mira)
    given = {"title": "x", "body": "y", "impact": "z", "urgency": "z", "category": "z", "entity": "z"}
    form = client.post("/help/ask/", given).context["form"]
    assert set(form.errors) == {"impact", "urgency", "category", "entity"}
