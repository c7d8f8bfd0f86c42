"""The demo is seeded completely, quickly and only once."""

import io
import time

import pytest
from django.core.management import call_command
from django.utils import timezone

from portal.demo import company
from portal.demo.history.questions import past_tickets
from portal.demo.seeding import people
from services.accounts.models import Membership, Team, User
from services.audit.models import Event
from services.catalog.models import Entity, ImportRun, Relation
from services.helpdesk.models import Category, Message, Ticket, TicketEvent
from services.helpdesk.states import OPEN_STATES, Cause, State
from services.integrations.models import PullRequest
from services.onboarding.models import Approval, Hop, Request, Rollout

COUNTED = [
    User, Team, Membership, Category, Ticket, Message, TicketEvent, Event, PullRequest,
    Request, Hop, Approval, Rollout, Entity, Relation, ImportRun,
]  # fmt: skip

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_state(settings, tmp_path) -> None:
    settings.STATE_DIR = tmp_path


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in COUNTED}


def seed(**options) -> str:
    said = io.StringIO()
    call_command("seed_demo", stderr=said, **options)
    return said.getvalue()


def test_seeding_twice_gives_the_same_counts_in_under_15_seconds() -> None:
    started = time.monotonic()
    seed()
    assert time.monotonic() - started < 15
    first = counts()
    seed()
    assert counts() == first
    assert first["User"] == 17
    assert 380 <= first["Ticket"] <= 460


def test_one_line_per_step_and_silence_when_asked() -> None:
    assert "17 people in 5 teams" in seed()
    assert seed(verbosity=0) == ""


def test_without_history_there_are_only_open_things() -> None:
    seed(history=False)
    assert not Ticket.objects.filter(state=State.CLOSED).exists()
    assert Ticket.objects.open().count() == 11


def test_five_people_can_sign_in_with_the_demo_password_and_the_others_cannot() -> None:
    seed(history=False)
    able = {user.username for user in User.objects.all() if user.check_password(people.PASSWORD)}
    assert able == set(company.TO_BECOME)


def test_leads_and_platform_engineers() -> None:
    seed(history=False)
    sam, priya = User.objects.get(username="sam"), User.objects.get(username="priya")
    assert sam.leads(Team.objects.get(slug="checkout"))
    assert priya.is_platform
    assert not sam.is_platform


def test_open_tickets_are_in_the_states_they_tell_of() -> None:
    seed(history=False)
    states = {ticket.title: ticket.state for ticket in Ticket.objects.all()}
    assert states["Checkout restarts every few minutes"] == State.WAITING_REQUESTER
    assert states["Tax does not start in staging"] == State.NEW
    assert set(states.values()) >= set(OPEN_STATES) - {State.CONVERTED} | {State.RESOLVED}


def test_past_tickets_lie_in_the_past_and_people_help_themselves_more_often() -> None:
    now = timezone.now()
    tickets = past_tickets(now)
    assert all(t.opened <= t.answered <= t.resolved < now for t in tickets)
    assert {t.cause for t in tickets} == set(Cause.values)
    half = now - timezone.timedelta(days=182)
    by_hand = [t.opened for t in tickets if t.cause == Cause.NO_SELF_SERVICE]
    assert sum(at < half for at in by_hand) > 1.5 * sum(at >= half for at in by_hand)


def test_past_tickets_have_the_versions_of_their_events() -> None:
    seed()
    for ticket in Ticket.objects.filter(submission__startswith="demo-past").prefetch_related("events")[:20]:
        assert [event.version for event in ticket.events.all()] == list(range(1, ticket.version + 1))


def test_past_requests_are_told_with_hops_approvals_and_events_and_the_next_gets_the_next_number() -> None:
    seed()
    assert Request.objects.filter(state="live").count() == 157
    for request in Request.objects.filter(state="live").prefetch_related("hops")[:20]:
        names = [hop.name for hop in request.hops.all() if hop.name != "approval"]
        assert names == ["form", "pull_request", "merged", "applied", "healthy"]
        assert PullRequest.objects.get(number=request.pull_number).merge_sha == request.merge_sha
    assert Event.objects.filter(action="request.live").count() == 157
    newest = Request.objects.create(title="Next", blueprint="web-service", created_by=User.objects.first())
    newest.refresh_from_db()
    assert newest.number > 1180


def test_the_catalog_is_imported_whole_and_only_one_owner_is_nobody() -> None:
    seed()
    run = ImportRun.objects.get()
    assert {document["verdict"] for document in run.documents} == {"ok"}
    assert Entity.objects.services().count() == 23
    assert list(Entity.objects.without_owner().values_list("name", flat=True).order_by("name")) == [
        "loyalty",
        "loyalty-api",
        "loyalty-db",
    ]
    assert not Relation.objects.filter(target=None).exclude(target_ref="user:default/ruben").exists()
    assert Entity.objects.exclude(onboarded_request="").count() == 18
