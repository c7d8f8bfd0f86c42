"""Z of the attack list: what is not yours you do not see, and nobody says yes to themselves."""

import re
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from services.accounts.models import Membership, Team
from services.audit.models import Event
from services.catalog.models import Entity
from services.effects.models import Effect
from services.onboarding import actions
from services.onboarding.models import Approval, Request, State
from tests.factories.people import member
from tests.factories.requests import make_request
from tests.hostile import doors
from tests.hostile.asking import Asked
from tests.hostile.world import ANSWERS

pytestmark = pytest.mark.django_db
NEED = {"key": "production", "who": "lead", "reason": "It is production", "team": "checkout"}


# Where tickets are listed, counted, found or compared.
EVERYWHERE = (
    "/help/?who=all",
    "/help/?who=all&format=csv",
    "/help/?q=Mine",
    "/palette?q=Mine",
    "/",
    "/insights/",
    "/help/ask/similar/?title=Mine+alone",
    "/help/ask/?title=Mine+alone&entity=checkout",
    "/help/KEY/",
    "/catalog/component/default/checkout/?tab=tickets",
)
FOUND_BY = ("/requests/?show=all", "/requests/?show=all&format=csv", "/palette?q=draft", "/new/")


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def waiting(people) -> Request:
    """A request of mira's that waits for a lead of checkout."""
    return make_request(people.mira, state=State.AWAITING_APPROVAL, name="waiting", needs=[NEED])


def approve(person: Any, row: Request, **more: Any) -> Any:
    return signed_in(person).post(f"/requests/{row.ref}/approve/", {"tree_hash": row.tree_hash, **more})


def state_of(row: Request) -> str:
    return str(Request.objects.values_list("state", flat=True).get(pk=row.pk))


# ---- Z2: other people's things ---------------------------------------------------------------------------


@pytest.mark.case("Z2")
def test_z2_a_private_ticket_is_nowhere_for_others(world):
    """Not by its address, in no list, search, count, download, nor beside tickets that are like it."""
    client = signed_in(world.jonas)
    asked = Asked(client, "jonas")
    for door in doors.doors():
        if door.name.startswith("helpdesk:") and "number" in door.converters:
            other = door.arguments(doors.known(world))[0]
            path = door.address(**{**other, "number": world.private.number})
            for method in ("GET", "POST"):
                answer = asked.ask(method, path, {"to": "closed", "body": "x", "private": "no", "on": "yes"})
                asked.expect(answer is None or answer.status_code in (403, 404, 405), f"{path}: {answer}")
    asked.all_well()
    for path in EVERYWHERE:
        page = client.get(path.replace("KEY", world.ticket.key)).content.decode()
        assert world.private.key not in page, path


@pytest.mark.case("Z2")
def test_z2_a_draft_is_its_authors_alone(world):
    draft = world.requests[State.DRAFT]
    client = signed_in(world.priya)
    asked = Asked(client, "priya")
    for door in doors.doors():
        if door.name.startswith("onboarding:") and "ref" in door.converters:
            for method in ("GET", "POST"):
                answer = asked.ask(method, door.address(ref=draft.ref), {"reason": "x"})
                asked.expect(answer is None or answer.status_code in (404, 405), f"{door.name}: {answer}")
    asked.all_well()
    for path in (*FOUND_BY, f"/requests/?q={draft.ref}"):
        assert draft.title not in client.get(path).content.decode(), path
    assert state_of(draft) == State.DRAFT


@pytest.mark.case("Z2")
def test_z2_sorting_is_no_oracle(world):
    """Only columns that are shown can be sorted by: what is asked for beyond them changes nothing."""
    client = signed_in(world.jonas)
    for path in ("/help/?who=all", "/requests/?show=all", "/catalog/?kind=any"):
        plain = rows(client.get(path))
        for column in (
            "private",
            "-asker__password",
            "search",
            "answers__name",
            "created_by__email",
            "pk",
            "?",
        ):
            assert rows(client.get(f"{path}&sort={column}")) == plain, column


def rows(answer: Any) -> list[str]:
    return re.findall(r'href="(/(?:help/T-|requests/R-|catalog/)[^"?]+)"', answer.content.decode())


@pytest.mark.case("L6")
def test_l6_hidden_and_missing_are_told_alike(world):
    client = signed_in(world.jonas)
    hidden = client.get(f"/help/{world.private.key}/").content.decode().replace(world.private.key, "T-x")
    missing = client.get("/help/T-98765432/").content.decode().replace("T-98765432", "T-x")
    varying = r"[0-9a-f]{8}|csrf[^>]+|nonce-\S+|\b[A-Za-z0-9]{64}\b"
    assert re.sub(varying, "", hidden) == re.sub(varying, "", missing)


@pytest.mark.case("Z2")
def test_z2_an_original_that_is_hidden_is_not_there(world):
    """Marking as a duplicate must not tell which private tickets exist."""
    said = []
    for original in (world.private.key, "T-98765432"):
        ask = {"to": "duplicate", "original": original}
        answer = signed_in(world.jonas).post(f"/help/{world.ticket.key}/state/", ask)
        said.append([str(message).replace(original, "T-x") for message in get_messages(answer.wsgi_request)])
    assert said[0] == said[1] != []


# ---- Z4 to Z6: approvals ---------------------------------------------------------------------------------


@pytest.mark.case("Z4")
def test_z4_nobody_approves_what_they_asked_for(people, waiting):
    Membership.objects.filter(user=people.mira).update(role=Membership.Role.LEAD)
    approve(people.mira, waiting)
    assert not waiting.approvals.exists()
    assert state_of(waiting) == State.AWAITING_APPROVAL
    assert Event.objects.filter(action="request.approval_refused", actor="mira").count() == 1


@pytest.mark.case("Z4")
def test_z4_nobody_approves_what_they_wrote_a_part_of(people, waiting):
    waiting.contributors.add(people.sam, people.priya)
    for person in (people.sam, people.priya):
        approve(person, waiting)
    assert not Approval.objects.exists()


@pytest.mark.case("Z4")
def test_z4_a_colleague_without_the_role_does_not_approve(people, waiting):
    for person in (member("noah", "checkout"), people.jonas):
        approve(person, waiting, key="production", who="lead", by="sam")
    assert not Approval.objects.exists()


@pytest.mark.case("Z4")
def test_z4_who_left_the_team_does_not_approve(people, waiting):
    client = signed_in(people.sam)
    Membership.objects.filter(user=people.sam).delete()
    client.post(f"/requests/{waiting.ref}/approve/", {"tree_hash": waiting.tree_hash})
    assert not Approval.objects.exists()


@pytest.mark.case("Z4")
def test_z4_a_yes_is_to_what_was_read(people, waiting):
    """Another hash than that of the content as it is now: nothing is approved."""
    for tree_hash in ("", "sha256:" + "2" * 64, waiting.tree_hash.upper(), waiting.tree_hash + " "):
        approve(people.sam, waiting, tree_hash=tree_hash)
    assert not Approval.objects.exists()


@pytest.mark.case("Z4")
def test_z4_an_edit_after_the_yes_takes_it_back(world):
    row = world.requests[State.IN_REVIEW]
    approve(world.sam, row)
    assert row.approvals.filter(voided_at=None).count() == 1
    changed = {**ANSWERS, "description": "Something else altogether."}
    actions.edit_and_resubmit(request=row, by=world.mira, answers=changed)
    assert not row.approvals.filter(voided_at=None).exists()


@pytest.mark.case("Z5")
def test_z5_two_decisions_give_one_end(people, waiting):
    """A no and a withdrawal after each other: the first counts, the second is told so and changes nothing."""
    signed_in(people.sam).post(f"/requests/{waiting.ref}/reject/", {"reason": "Not now"})
    assert state_of(waiting) == State.REJECTED
    signed_in(people.mira).post(f"/requests/{waiting.ref}/withdraw/", {"reason": "Never mind"})
    approve(people.sam, waiting)
    assert state_of(waiting) == State.REJECTED
    assert not Approval.objects.exists()


STEPS = ("approve", "reject", "withdraw", "close", "retry", "discard", "restore", "changes/merge", "fix")
ALLOWED: dict[str, set[str]] = {
    State.DRAFT: {"discard"},
    State.AWAITING_APPROVAL: {"withdraw", "close", "fix"},
    State.LIVE: set(),
    State.REJECTED: {"fix"},
}


@pytest.mark.parametrize("state", list(ALLOWED))
@pytest.mark.case("Z6")
def test_z6_steps_cannot_be_skipped(people, state):
    """By its author, who may most: only what the state allows moves anything outside or inside."""
    client, effects = signed_in(people.mira), Effect.objects.count()
    for step in [step for step in STEPS if step not in ALLOWED[state]]:
        row = make_request(people.mira, state=state, name=f"skip-{step.replace('/', '-')}", needs=[NEED])
        answer = client.post(
            f"/requests/{row.ref}/{step}/", {"tree_hash": row.tree_hash, "head": row.head_sha, "reason": "x"}
        )
        assert answer.status_code == 302, step
        assert state_of(row) == state, step
    assert Effect.objects.count() == effects


@pytest.mark.case("Z6")
def test_z6_nothing_is_merged_without_the_yes_of_another(world):
    row = world.requests[State.IN_REVIEW]
    for person in (world.mira, world.sam, world.priya):
        signed_in(person).post(f"/requests/{row.ref}/changes/merge/", {"head": row.head_sha})
    assert state_of(row) == State.IN_REVIEW
    assert not Effect.objects.filter(kind="onboarding.merge").exists()


# ---- Z8 and the catalog ----------------------------------------------------------------------------------


@pytest.mark.case("Z8")
def test_z8_a_new_team_of_an_old_name_inherits_nothing(people, waiting):
    Team.objects.filter(slug="checkout").update(slug="checkout-old", name="Checkout (old)")
    stranger = member("stranger", "checkout", role=Membership.Role.LEAD)
    waiting.needs = [{**NEED, "team": ""}]
    waiting.save()
    approve(stranger, waiting)
    for step in ("withdraw", "reject", "close"):
        signed_in(stranger).post(f"/requests/{waiting.ref}/{step}/", {"reason": "Mine now"})
    assert not Approval.objects.exists()
    assert state_of(waiting) == State.AWAITING_APPROVAL


def test_imports_are_applied_by_who_looked_or_the_platform(world):
    before = Entity.objects.count()
    for path in (f"/catalog/import/{world.planned.pk}/apply/", f"/catalog/import/{world.applied.pk}/undo/"):
        assert signed_in(world.jonas).post(path).status_code == 302
    world.planned.refresh_from_db()
    assert (world.planned.state, Entity.objects.count()) == ("planned", before)
    Entity.objects.filter(name="checkout").update(state="orphan")
    signed_in(world.jonas).post("/catalog/component/default/checkout/remove/")
    assert Entity.objects.count() == before


def test_developers_do_not_triage(world):
    key, client = world.ticket.key, signed_in(world.mira)
    before = (world.ticket.state, world.ticket.priority, world.ticket.assignee)
    for path, said in {
        f"/help/{key}/assign/": {"to": "priya"},
        f"/help/{key}/sort/": {"priority": "1"},
        f"/help/{key}/state/": {"to": "closed"},
        f"/help/{key}/reply/": {"body": "secret note", "vis": "note"},
    }.items():
        assert client.post(path, said).status_code in (302, 403, 409, 422), path
    world.ticket.refresh_from_db()
    assert (world.ticket.state, world.ticket.priority, world.ticket.assignee) == before
    assert not world.ticket.messages.filter(internal=True).exists()
