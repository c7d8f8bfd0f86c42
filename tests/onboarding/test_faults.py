"""At once, twice, and killed at each step: one request, one pull request, one outcome."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from threading import Event as Flag

import pytest
from django.db import connection, transaction
from django.utils import timezone

from services.effects import worker
from services.effects.handlers import Claim
from services.effects.models import Effect, Silence
from services.integrations import githosts
from services.integrations.errors import IntegrationError, Unauthorised, Unavailable
from services.integrations.githosts.base import Person
from services.integrations.githosts.errors import UnknownProposal
from services.integrations.githosts.local import LocalHost
from services.integrations.models import PullRequest
from services.onboarding import actions, tasks
from services.onboarding.actions import deciding
from services.onboarding.errors import ContentChanged, NameTaken, NotAllowed, Refusal, WrongState
from services.onboarding.models import TERMINAL, Approval, Request, State
from tests.effects_driver import run_due_effects
from tests.factories.requests import make_request
from tests.fakes.trouble import at_once, die, die_at, in_a_process_that_dies

from .conftest import EXPENSIVE, REPO, answers, said

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


@pytest.fixture
def use_host() -> Iterator[Callable[[LocalHost], None]]:
    """Puts another host in the place of the local one; in a forked process, in that process only."""
    yield lambda host: githosts.register("local", lambda: host)
    githosts.register("local", LocalHost)


def abandoned() -> None:
    """The worker is gone; its lease runs out."""
    assert (
        Effect.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1)) == 1
    )


def send(world, **same) -> Request:
    return actions.submit(by=world.mira, blueprint="web-service", answers=answers(), **same)


# Submitting


def test_one_form_sent_from_several_tabs_at_once_is_one_request(world) -> None:
    found = at_once(4, lambda _: send(world, token="form-1"))
    assert len({row.pk for row in found}) == 1
    assert Request.objects.count() == Effect.objects.count() == 1
    assert said(found[0]).count("submitted") == 1


def test_one_draft_sent_from_several_tabs_at_once_is_one_request(world) -> None:
    draft = actions.save_draft(by=world.mira, blueprint="web-service", answers=answers())
    found = at_once(4, lambda _: send(world, request=draft))
    assert {row.pk for row in found} == {draft.pk}
    assert Effect.objects.count() == 1
    assert Request.objects.get().generation == 1


def test_a_name_cannot_be_taken_between_the_check_and_the_row(world) -> None:
    """Another request for the same name is written, and committed only when ours was evaluated."""
    written = Flag()

    def other() -> None:
        with transaction.atomic():
            make_request(world.noah, state=State.IN_REVIEW)
            written.set()
            time.sleep(1.5)

    def ours() -> object:
        written.wait()
        return send(world)

    _, refused = at_once(2, lambda n: ours() if n else other())
    assert isinstance(refused, NameTaken)
    assert Request.objects.get(created_by=world.mira).state == State.DRAFT


# Deciding


def test_two_who_approve_at_once_send_it_on_once(world, submit) -> None:
    needs = [{"key": "x", "who": "member", "team": "checkout", "reason": ""}]
    row = make_request(world.mira, state=State.AWAITING_APPROVAL, needs=needs)
    found = at_once(
        2,
        lambda n: actions.approve(request=row, by=(world.noah, world.sam)[n], tree_hash=row.tree_hash),
    )
    row.refresh_from_db()
    assert row.state == State.PROPOSING
    assert sorted(type(each) for each in found if isinstance(each, Refusal)) == [WrongState]
    assert Effect.objects.filter(kind="onboarding.propose").count() == 1


@pytest.mark.parametrize("round_", range(5))
def test_approve_against_withdraw_has_one_outcome(world, round_) -> None:
    needs = [{"key": "x", "who": "member", "team": "checkout", "reason": ""}]
    row = make_request(world.mira, state=State.AWAITING_APPROVAL, needs=needs, name=f"n{round_}")
    at_once(
        2,
        lambda n: (
            actions.withdraw(request=row, by=world.mira)
            if n
            else actions.approve(request=row, by=world.noah, tree_hash=row.tree_hash)
        ),
    )
    row.refresh_from_db()
    assert row.state == State.WITHDRAWN
    assert ("approved" in said(row)) == Approval.objects.exists()


def test_merge_against_reject_has_one_outcome(world, submit) -> None:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    at_once(
        2,
        lambda n: (
            actions.reject(request=row, by=world.sam, reason="No")
            if n
            else actions.merge(request=row, by=world.mira, head=row.head_sha)
        ),
    )
    run_due_effects()
    row.refresh_from_db()
    assert row.state in (State.REJECTED, State.MERGED, State.NEEDS_ATTENTION)
    expected = "closed" if row.state in TERMINAL else "merged"
    assert world.host.proposal(REPO, 1).state == expected


def test_an_edit_against_an_approval_is_never_approved_unseen(world, submit) -> None:
    row = submit(**EXPENSIVE)
    found = at_once(
        2,
        lambda n: (
            actions.edit_and_resubmit(
                request=row, by=world.mira, answers=answers(**EXPENSIVE | {"replicas": 12}), generation=1
            )
            if n
            else actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
        ),
    )
    row.refresh_from_db()
    if row.generation == 2:
        assert isinstance(found[0], ContentChanged)
        assert row.state == State.AWAITING_APPROVAL
    else:
        assert isinstance(found[1], WrongState | NotAllowed)
        assert row.state == State.PROPOSING


# Killed


STEPS = ["tree written", "commit written", "branch written", "row written"]


def killed_while_proposing(use_host, step: str) -> None:
    """A worker dies at a step of the host, or ("told") after it answered and before that is written down."""

    class DiesWhenTold(LocalHost):
        def propose(self, *args, **kwargs):
            super().propose(*args, **kwargs)
            die()

    def work() -> None:
        use_host(DiesWhenTold() if step == "told" else LocalHost(at=die_at(step)))
        worker.run_one()

    in_a_process_that_dies(work)


@pytest.mark.parametrize("step", [*STEPS, "told"])
def test_a_worker_killed_while_proposing_leaves_one_pull_request(world, submit, use_host, step) -> None:
    row = submit()
    killed_while_proposing(use_host, step)
    row.refresh_from_db()
    assert row.state == State.PROPOSING
    abandoned()
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.pull_number) == (State.IN_REVIEW, 1)
    assert PullRequest.objects.count() == 1
    assert len(world.host.log(REPO, row.branch)) == 2
    assert said(row).count("proposed") == 1


@pytest.mark.parametrize("step", ["merge written", "base moved", "told"])
def test_a_worker_killed_while_merging_leaves_one_merge(world, submit, use_host, step) -> None:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    Effect.objects.exclude(state="done").update(state="cancelled")
    actions.merge(request=row, by=world.mira, head=row.head_sha)

    class DiesWhenTold(LocalHost):
        def merge(self, *args, **kwargs):
            super().merge(*args, **kwargs)
            die()

    def work() -> None:
        use_host(DiesWhenTold() if step == "told" else LocalHost(at=die_at(step)))
        worker.run_one()

    in_a_process_that_dies(work)
    abandoned()
    worker.run_one()
    row.refresh_from_db()
    assert (row.state, row.merge_sha) == (State.MERGED, world.host.head(REPO))
    assert len(world.host.log(REPO, "main")) == 3
    assert said(row).count("merged") == 1


@pytest.mark.parametrize("step", ["branch written", "told"])
def test_a_pull_request_opened_by_a_worker_that_died_is_closed_when_the_request_was_withdrawn(
    world, submit, use_host, step
) -> None:
    row = submit()
    killed_while_proposing(use_host, step)
    actions.withdraw(request=row, by=world.mira)
    abandoned()
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.WITHDRAWN
    assert {pull.state for pull in PullRequest.objects.all()} <= {"closed"}
    assert PullRequest.objects.count() == (step == "told")


def test_a_pull_request_that_cannot_be_seen_yet_is_closed_later(world, submit, use_host) -> None:
    """A host shows what was made a moment later; nothing there is no sign that nothing is."""
    row = submit()
    run_due_effects()
    row.refresh_from_db()

    class Slow(LocalHost):
        def find_proposal(self, repo, branch):
            return None

    use_host(Slow())
    actions.withdraw(request=row, by=world.mira)
    run_due_effects()
    assert world.host.proposal(REPO, 1).state == "open"
    use_host(LocalHost())
    run_due_effects(skip_waits=True)
    assert world.host.proposal(REPO, 1).state == "closed"


# Looking again and again


@pytest.mark.parametrize(
    ("error", "calls"),
    [
        (Unauthorised("the token was revoked"), 1),
        (UnknownProposal("gone"), 2),
        (IntegrationError("slow down", retry_after=60), 1),
        (Unavailable("502"), 10),
    ],
)
def test_a_host_that_refuses_is_not_asked_again_and_again(world, submit, use_host, error, calls) -> None:
    """Two requests, looked at five times: whoever said no is left alone, whoever just failed is not."""
    submit()
    submit(name="other")
    run_due_effects()
    asked = []

    class Refuses(LocalHost):
        def proposal(self, repo, number):
            asked.append(number)
            raise error

    use_host(Refuses())
    for _ in range(5):
        tasks.reconcile()
    assert len(asked) == calls
    Silence.objects.update(until=timezone.now())
    tasks.reconcile()
    assert len(asked) > calls


def test_a_merge_that_was_seen_is_not_undone_when_its_effect_gives_up(world, submit) -> None:
    """Its workers died after the merge; the reconciler saw it first, and nobody has anything to retry."""
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    effect = Effect.objects.get(kind="onboarding.merge")
    by = Person("sam", "Sam")
    world.host.merge(REPO, row.pull_number, by=by, expected_head=row.head_sha, message="Merge")
    tasks.reconcile()
    actions.gave_up(effect)
    row.refresh_from_db()
    assert (row.state, row.problem) == (State.MERGED, {})


@pytest.mark.parametrize(
    ("kind", "state"),
    [("propose", State.IN_REVIEW), ("merge", State.ROLLING_OUT), ("apply", State.IN_REVIEW)],
)
def test_giving_up_on_a_step_that_is_behind_changes_nothing(world, kind, state) -> None:
    row = make_request(world.mira, state=state)
    about = {"request": row.pk, "generation": row.generation, "merge_sha": "", "environment": "staging"}
    actions.gave_up(Effect(kind=f"onboarding.{kind}", key="x", payload=about, last_error="lost"))
    row.refresh_from_db()
    assert row.state == state


# Twice


def claim(effect: Effect) -> Claim:
    return Claim(effect.pk, effect.kind, effect.key, effect.payload, 1, 1)


def test_the_same_proposal_run_by_four_workers_at_once(world, submit) -> None:
    row = submit()
    effect = Effect.objects.get()
    found = at_once(4, lambda _: tasks.propose(claim(effect)))
    assert len({done.result["head_sha"] for done in found}) == 1
    assert PullRequest.objects.count() == 1
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.IN_REVIEW


def test_outcomes_written_twice_are_written_once(world, submit) -> None:
    row = submit()
    run_due_effects()
    effect = Effect.objects.get(kind="onboarding.propose")
    actions.proposed(effect, effect.result)
    row.refresh_from_db()
    version = row.version
    assert said(row).count("proposed") == 1
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    run_due_effects(rounds=1)
    merge = Effect.objects.get(kind="onboarding.merge")
    actions.merge_answered(merge, merge.result)
    row.refresh_from_db()
    assert said(row).count("merged") == 1
    assert row.version > version


def test_a_person_does_not_see_a_deadlock(world, submit, monkeypatch) -> None:
    """The first approval is undone by PostgreSQL; the second, by itself, is the one that counts."""
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    say_who, lost = deciding.say_who, []

    def deadlock(request: Request) -> None:
        if not lost:
            lost.append(request)
            with connection.cursor() as cursor:
                cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
        say_who(request)

    monkeypatch.setattr(deciding, "say_who", deadlock)
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    assert lost
    assert Approval.objects.count() == 1
    assert said(row).count("approved") == 1
