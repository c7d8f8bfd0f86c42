"""The demo is seeded completely, quickly and only once."""

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.forms import Form
from django.utils import timezone

from portal.demo import company, manifests
from portal.demo.history.questions import past_tickets
from portal.demo.seeding import people
from services.accounts.models import Membership, Team, User
from services.audit.models import Event
from services.catalog.models import Entity, Evidence, Handover, ImportRun, Relation, Tenure
from services.catalog.ownership import evidence, tenures
from services.clusters.models import Cluster, Environment
from services.clusters.queries import health_by_entity
from services.effects.models import Effect
from services.helpdesk import answering, deeds, rota
from services.helpdesk.models import Category, Message, Ticket, TicketEvent
from services.helpdesk.states import OPEN_STATES, Cause, State
from services.helpdesk.views.settings import KINDS
from services.integrations.githosts.local import LocalHost
from services.integrations.models import PullRequest
from services.onboarding import actions, rules, waiting
from services.onboarding.models import Approval, Hop, Request, Rollout
from tests.effects_driver import run_due_effects

COUNTED = [
    User, Team, Membership, Category, Ticket, Message, TicketEvent, Event, PullRequest, Cluster, Environment,
    Request, Hop, Approval, Rollout, Entity, Relation, ImportRun,
]  # fmt: skip

pytestmark = pytest.mark.django_db


class Seeded(NamedTuple):
    home: Path
    said: str
    seconds: float


@pytest.fixture(scope="module")
def seeded(django_db_setup, django_db_blocker, tmp_path_factory) -> Iterator[Seeded]:
    """The demo, once for all tests of this module."""
    home = tmp_path_factory.mktemp("seeded")
    kept = settings.STATE_DIR, settings.GIT_ROOT
    settings.STATE_DIR, settings.GIT_ROOT = home, home / "git"
    with django_db_blocker.unblock(), transaction.atomic():
        started = time.process_time()
        said = seed()
        connection.check_constraints()  # once here instead of after every test
        yield Seeded(home, said, time.process_time() - started)
        transaction.set_rollback(True)
    settings.STATE_DIR, settings.GIT_ROOT = kept


@pytest.fixture(autouse=True)
def _at_home(seeded, settings, _own_git_root) -> None:
    settings.STATE_DIR, settings.GIT_ROOT = seeded.home, seeded.home / "git"


def counts() -> dict[str, int]:
    return {model.__name__: model.objects.count() for model in COUNTED}


def seed(**options) -> str:
    said = io.StringIO()
    call_command("seed_demo", stderr=said, **options)
    return said.getvalue()


def test_seeding_again_changes_nothing() -> None:
    first = counts()
    assert "are there" in seed()
    assert counts() == first
    assert first["User"] == 17
    assert 380 <= first["Ticket"] <= 460


def test_one_line_per_step_and_silence_when_asked(seeded) -> None:
    assert "17 people in 5 teams" in seeded.said
    assert len(seeded.said.splitlines()) == 11
    assert seed(verbosity=0) == ""


def test_what_is_set_up_at_the_desk_is_what_its_pages_would_take_and_helps() -> None:
    """Each through the form it would be changed with; and an answer to what is wrong with checkout."""
    priya = User.objects.get(username="priya")
    for kind in KINDS.values():
        for row in kind.rows(priya):
            more = {"user": priya} if kind.personal else {}
            sent = _as_sent(kind.form(instance=row, **more))
            again = kind.form(sent, instance=row, **more)
            assert again.is_valid(), (kind.key, str(row), again.errors)
    now = {"category": "", "findings": ["oom-killed"]}
    answers = answering.fitting(priya, "", now, entity_ref="component:default/checkout")
    assert [answer.title for answer in answers] == ["My service is killed for memory"]
    assert rota.Desk().plan.at(timezone.now()).person == priya


def _as_sent(form: Form) -> dict[str, Any]:
    sent = {name: form[name].value() for name in form.fields}
    return {name: value for name, value in sent.items() if value not in (None, False)}


def test_it_takes_less_than_15_seconds_of_one_core(seeded) -> None:
    assert seeded.seconds < 15


def test_five_people_can_sign_in_with_the_demo_password_and_the_others_cannot() -> None:
    able = {user.username for user in User.objects.all() if user.has_usable_password()}
    assert able == set(company.TO_BECOME)
    assert User.objects.get(username="hanna").check_password(people.PASSWORD)


def test_leads_and_platform_engineers() -> None:
    sam, priya = User.objects.get(username="sam"), User.objects.get(username="priya")
    assert sam.leads(Team.objects.get(slug="checkout"))
    assert priya.is_platform
    assert not sam.is_platform


def test_requests_are_on_their_way_in_every_state_worth_seeing() -> None:
    open_ones = {request.entity_name: request for request in Request.objects.filter(number__gt=1180)}
    assert {name: request.state for name, request in open_ones.items() if name} == {
        "search-indexer": "needs_attention",
        "size-guide": "in_review",
        "address-check": "awaiting_approval",
    }
    assert Request.objects.get(state="draft").created_by.username == "mira"
    sam = User.objects.get(username="sam")
    assert rules.can_approve(sam, open_ones["address-check"])
    assert waiting.whom(open_ones["address-check"]) == "Sam Okafor"


def test_what_sam_approves_becomes_a_pull_request() -> None:
    request, sam = Request.objects.get(state="awaiting_approval"), User.objects.get(username="sam")
    actions.approve(request=request, by=sam, tree_hash=request.tree_hash)
    run_due_effects()
    request.refresh_from_db()
    assert request.state == "in_review", list(Effect.objects.values("state", "last_error"))


def test_the_environments_are_on_the_simulated_cluster() -> None:
    assert list(Environment.objects.values_list("name", "is_production", "cluster__is_simulated")) == [
        ("staging", False, True),
        ("production", True, True),
    ]


def test_another_address_of_the_cluster_is_taken_over(settings) -> None:
    settings.SIMULATED_CLUSTER_URL = "http://127.0.0.1:8055"
    seed()
    assert Cluster.objects.get().server == "http://127.0.0.1:8055"


def test_open_tickets_are_in_the_states_they_tell_of() -> None:
    opened = Ticket.objects.filter(submission__startswith="demo-open")
    states = {ticket.title: ticket.state for ticket in opened}
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
    for ticket in Ticket.objects.filter(submission__startswith="demo-past").prefetch_related("events")[:20]:
        assert [event.version for event in ticket.events.all()] == list(range(1, ticket.version + 1))


def test_past_requests_are_told_with_hops_approvals_and_events_and_the_next_gets_the_next_number() -> None:
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
    run = ImportRun.objects.get(source__kind="git")
    assert {document["verdict"] for document in run.documents} == {"ok"}
    assert Entity.objects.services().count() == 23
    assert list(Entity.objects.without_owner().values_list("name", flat=True).order_by("name")) == [
        "loyalty",
        "loyalty-api",
        "loyalty-db",
    ]
    assert (
        not Relation.objects.filter(target=None)
        .exclude(target_ref__in=["user:default/ruben", "resource:default/products-media"])
        .exists()
    )
    assert Entity.objects.exclude(onboarded_request="").count() == 18


def test_pages_know_the_cluster_before_anybody_watched_it() -> None:
    health = health_by_entity([f"component:default/{name}" for name in company.workloads()])
    troubled = {
        (ref.rpartition("/")[2], environment)
        for ref, states in health.items()
        for environment, state in states.items()
        if state != "Healthy"
    }
    assert troubled == {
        ("checkout", "production"),
        ("gift-cards", "staging"),
        ("search-indexer", "staging"),
        ("tax", "staging"),
    }


def test_what_runs_and_nobody_described_waits_as_a_plan() -> None:
    run = ImportRun.objects.get(source__kind="cluster")
    told = {change["ref"]: change["action"] for change in run.changes}
    assert {ref for ref, action in told.items() if action == "new"} == {
        "component:default/log-shipper", "component:default/stock-forecast",
    }  # fmt: skip
    assert set(told.values()) == {"new", "skipped"}
    assert told["resource:default/shop-queue"] == told["component:default/cart"] == "skipped"
    assert (run.state, run.counts.get("unowned", 0)) == ("planned", 1)


def test_the_ticket_about_checkout_keeps_what_was_wrong() -> None:
    ticket = Ticket.objects.get(title="Checkout restarts every few minutes")
    assert ticket.snapshot["environments"][0]["health"] == "Degraded"
    assert "OOMKilled" in str(ticket.snapshot["findings"])


def test_some_things_wait_for_their_owners_and_some_owners_are_gone() -> None:
    assert list(Tenure.objects.filter(standing="dead").values_list("name", flat=True)) == ["campaign-banners"]
    due = tenures.due().values_list("owner_ref", flat=True)
    assert {"group:default/checkout", "group:default/payments"} <= set(due)
    assert 4 <= len(due) <= 12
    asked = Handover.objects.get()
    assert (asked.entity.name, asked.to_ref) == ("notifications", "group:default/discovery")


def test_evidence_comes_from_commits_approvals_and_answers() -> None:
    assert set(Evidence.objects.values_list("kind", flat=True)) == {
        "commits",
        "changes",
        "reviews",
        "answers",
    }
    found = evidence.work_on(
        list(Entity.objects.filter(name="checkout", kind="Component").values_list("pk", flat=True))
    )
    (work,) = found.values()
    assert work.leader()[0] == "group:default/checkout"
    assert list(deeds.answers(["component:default/nothing"], timezone.now())) == []


def test_the_repository_ends_with_the_manifests_of_today() -> None:
    files = LocalHost().read_tree(company.REPOSITORY, "main")
    manifests_in_git = {path: data.decode() for path, data in files.items() if path.startswith("apps/")}
    assert manifests_in_git == manifests.tree()
    assert {path for path in files if path.startswith("catalog/")} == {
        f"catalog/{name}" for name in company.descriptors()
    }


def test_every_pull_request_of_the_past_can_be_looked_at() -> None:
    host = LocalHost()
    assert PullRequest.objects.filter(state="merged").count() == 158
    for pull in PullRequest.objects.all():
        assert host.diff(company.REPOSITORY, pull.number), pull
        assert pull.created_at < timezone.now()
    first = PullRequest.objects.get(number=1)
    assert host.find_proposal(company.REPOSITORY, first.branch).additions > 100
