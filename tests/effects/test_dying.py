"""Workers that die, clocks that disagree, a database that goes away: what becomes of the row."""

from datetime import timedelta

import pytest
import time_machine
from django.db import OperationalError, connection
from django.utils import timezone
from structlog.testing import capture_logs

from services.effects import actions, tasks, worker
from services.effects.errors import OutsideError
from services.effects.handlers import Done, Later
from services.effects.models import Effect
from services.effects.once import find_else_create
from tests.effects.conftest import queue
from tests.effects_driver import run_due_effects
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def worker_dies() -> None:
    """A worker claims the row and is gone; the lease runs out."""
    assert worker.claim() is not None
    Effect.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


# Poison


def test_a_row_that_kills_two_workers_is_put_before_a_person_and_the_next_one_runs(handler):
    seen = []
    handler(lambda claim: Done(), on_attention=lambda effect: seen.append(effect.key))
    poison, good = queue("poison"), queue("good")
    worker_dies()
    worker_dies()
    assert worker.run_one()
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state, seen) == ("needs_attention", "done", ["poison"])
    assert "lost 2 times" in poison.last_error
    assert poison.finished_at is not None


def test_deaths_count_only_in_a_row(handler):
    answers = iter([OutsideError("503"), Done()])

    def run(claim):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    handler(run)
    effect = queue()
    worker_dies()
    worker.run_one()
    Effect.objects.update(due_at=timezone.now())
    worker_dies()
    worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.deaths) == ("done", 0)


def test_retry_forgives_the_deaths(handler):
    handler(lambda claim: Done())
    effect = queue()
    worker_dies()
    worker_dies()
    assert not worker.run_one()
    actions.retry(effect=effect, by=UserFactory())
    worker_dies()
    run_due_effects()
    effect.refresh_from_db()
    assert effect.state == "done"


def test_parking_does_not_depend_on_what_follows_from_it(handler):
    def explode(effect):
        raise ZeroDivisionError

    handler(lambda claim: Done(), on_attention=explode)
    poison, good = queue("poison"), queue("good")
    worker_dies()
    worker_dies()
    with capture_logs() as logs:
        worker.run_one()
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("needs_attention", "done")
    assert "effect.attention_failed" in [entry["event"] for entry in logs]


def test_who_could_not_be_told_is_told_by_a_later_sweep(handler):
    answers, told = iter([ZeroDivisionError, ZeroDivisionError]), []

    def tell(effect):
        if problem := next(answers, None):
            raise problem
        told.append(effect.key)

    handler(lambda claim: Done(), on_attention=tell)
    effect = queue("poison")
    worker_dies()
    worker_dies()
    for expected in ([], [], ["poison"], ["poison"]):
        tasks.sweep()
        tasks.sweep()  # not again before its time
        assert told == expected
        later = timezone.now() - timedelta(seconds=1)
        Effect.objects.filter(tell_at__isnull=False).update(tell_at=later, finished_at=later)
    effect.refresh_from_db()
    assert (effect.state, effect.tell_at) == ("needs_attention", None)


def test_of_what_a_person_took_back_meanwhile_nothing_is_told(handler):
    told = []

    def tell(effect):
        told.append(effect.key)
        raise ZeroDivisionError

    handler(lambda claim: Done(), on_attention=tell)
    effect = queue("poison")
    worker_dies()
    worker_dies()
    worker.claim()
    actions.cancel(effect=effect, by=UserFactory())
    assert not Effect.objects.filter(tell_at__isnull=False).exists()
    worker.tell(effect.pk)
    assert told == ["poison"]


@pytest.mark.django_db(transaction=True)
def test_what_follows_from_parking_may_kill_and_costs_one_worker_only(handler):
    class Killed(BaseException):
        """As the kernel does it: nothing after it runs."""

    def kill(effect):
        raise Killed

    handler(lambda claim: Done(), on_attention=kill)
    poison, good = queue("poison"), queue("good")
    worker_dies()
    worker_dies()
    with pytest.raises(Killed):
        tasks.sweep()
    assert tasks.sweep() == 1
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("needs_attention", "done")
    Effect.objects.filter(pk=poison.pk).update(
        tell_at=timezone.now(), finished_at=timezone.now() - timedelta(minutes=20)
    )
    with pytest.raises(Killed):
        tasks.sweep()
    poison.refresh_from_db()
    assert timedelta(minutes=19) < poison.tell_at - timezone.now() < timedelta(minutes=21)


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_while_telling_is_tried_again(handler, monkeypatch):
    monkeypatch.setattr(worker, "REWRITES", (0.01, 0.01, 0.01))
    tries = []

    def deadlock(effect):
        tries.append(effect.pk)
        if len(tries) < 3:
            raise OperationalError("deadlock detected")

    handler(lambda claim: Done(), on_attention=deadlock)
    effect = queue()
    worker_dies()
    worker_dies()
    assert not worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.tell_at, len(tries)) == ("needs_attention", None, 3)


def test_a_poison_row_of_a_kind_nobody_handles_is_parked_too():
    effect = queue()
    worker_dies()
    worker_dies()
    assert worker.claim() is None
    effect.refresh_from_db()
    assert effect.state == "needs_attention"


def test_what_follows_from_giving_up_does_not_stop_the_others_when_it_fails(handler):
    def explode(effect):
        raise ZeroDivisionError

    def run(claim):
        if claim.key == "bad":
            raise OutsideError("gone", permanent=True)
        return Done()

    handler(run, on_attention=explode)
    bad, good = queue("bad"), queue("good")
    assert tasks.sweep() == 2
    bad.refresh_from_db()
    good.refresh_from_db()
    assert (bad.state, good.state) == ("running", "done")
    Effect.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.run_one()
    Effect.objects.filter(state="running").update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.run_one()
    bad.refresh_from_db()
    assert bad.state == "needs_attention"


# Clocks


@pytest.mark.parametrize("hours", [-1, 1])
def test_leases_and_due_times_are_by_the_databases_clock(handler, hours):
    """A worker whose clock is an hour off neither takes a lease that holds nor waits for what is due."""
    handler(lambda claim: Later(timedelta(minutes=10), "later"))
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        effect = queue()
        assert worker.claim() is not None
        assert worker.claim() is None
        effect.refresh_from_db()
        Effect.objects.update(state="due", lease_until=None)
        worker.run_one()
    effect.refresh_from_db()
    assert timedelta(minutes=9) < effect.due_at - timezone.now() < timedelta(minutes=11)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_lease_taken_by_a_wrong_clock_holds_for_the_others(handler, hours):
    handler(lambda claim: Done())
    queue()
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        assert worker.claim() is not None
    assert worker.claim() is None
    lease = Effect.objects.get().lease_until - timezone.now()
    assert timedelta(minutes=1) < lease <= timedelta(minutes=2)


@pytest.mark.parametrize("hours", [-1, 1])
def test_retries_and_delays_are_by_the_databases_clock(handler, hours):
    handler(lambda claim: Done())
    with time_machine.travel(timezone.now() + timedelta(hours=hours)):
        late = queue("late", delay=timedelta(minutes=10))
        stuck = queue("stuck")
        Effect.objects.filter(pk=stuck.pk).update(state="needs_attention")
        stuck = actions.retry(effect=stuck, by=UserFactory())
    assert abs(stuck.due_at - timezone.now()) < timedelta(seconds=30)
    assert abs(late.due_at - timezone.now() - timedelta(minutes=10)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    ("asked", "waited"), [(90, 90), (0, 1), (-5, 1), (1e15, 24 * 3600), (float("inf"), 24 * 3600)]
)
def test_what_the_other_side_asks_us_to_wait_is_believed_within_bounds(asked, waited):
    error = OutsideError("slow down", retry_after=asked)
    assert worker.wait_before(2, error) == timedelta(seconds=waited)


def test_waits_longer_than_the_lease_hold(handler):
    calls = []

    def limited(claim):
        calls.append(claim.attempt)
        raise OutsideError("slow down", retry_after=3600)

    handler(limited, lease=timedelta(seconds=1))
    effect = queue()
    run_due_effects()
    assert calls == [1]
    effect.refresh_from_db()
    assert effect.due_at - timezone.now() > timedelta(minutes=59)


# The database


@pytest.mark.django_db(transaction=True)
def test_an_outcome_is_written_on_a_new_connection_when_the_old_one_was_cut(handler):
    def cut(claim):
        with connection.cursor() as cursor, pytest.raises(OperationalError):
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return Done({"seen": True})

    handler(cut)
    effect = queue()
    assert worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.result) == ("done", {"seen": True})


@pytest.mark.django_db(transaction=True)
def test_a_handler_that_lost_the_database_is_tried_again(handler):
    def cut(claim):
        if claim.attempt == 1:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return Done()

    handler(cut)
    effect = queue()
    assert worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.attempts, effect.deaths) == ("due", 1, 0)


@pytest.mark.django_db(transaction=True)
def test_a_deadlock_while_writing_is_tried_again_a_few_times(handler, monkeypatch):
    monkeypatch.setattr(worker, "REWRITES", (0.01, 0.01, 0.01))
    tries = []

    def deadlock(effect, result):
        tries.append(effect.pk)
        if len(tries) < 3:
            raise OperationalError("deadlock detected")

    handler(lambda claim: Done(), on_done=deadlock)
    effect = queue()
    worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, len(tries)) == ("done", 3)


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_leaves_the_row_to_the_next_worker(handler, monkeypatch):
    monkeypatch.setattr(worker, "REWRITES", (0.01,))
    there = [False]

    def away(effect, result=None):
        if not there[0]:
            raise OperationalError("the server is starting up")

    def refuse(claim):
        raise OutsideError("no", permanent=True)

    handler(refuse, on_attention=away)
    effect = queue()
    with capture_logs() as logs:
        worker.run_one()
    effect.refresh_from_db()
    assert effect.state == "running"
    assert [e["event"] for e in logs if e["log_level"] == "error"] == ["effect.unwritten"]
    there[0] = True
    Effect.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    worker.run_one()
    effect.refresh_from_db()
    assert effect.state == "needs_attention"


def test_inside_a_transaction_nothing_is_written_twice(handler):
    """The caller's transaction is broken then; only the caller can begin another."""

    def deadlock(effect, result):
        raise OperationalError("deadlock detected")

    handler(lambda claim: Done(), on_done=deadlock)
    effect = queue()
    worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.last_error) == ("due", "OperationalError: deadlock detected")


# Fences


@pytest.mark.parametrize("ending", ["later", "fails", "refused"])
def test_whatever_a_worker_past_its_lease_has_to_say_is_not_written(handler, ending):
    outcomes = {"later": None, "fails": OutsideError("503"), "refused": OutsideError("no", permanent=True)}

    def overtaken(claim):
        if claim.fence == 2:
            return Done({"by": "the second"})
        Effect.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        worker.run_one()
        if error := outcomes[ending]:
            raise error
        return Later(timedelta(seconds=1), "later")

    handler(overtaken)
    effect = queue()
    with capture_logs() as logs:
        worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.result) == ("done", {"by": "the second"})
    assert "effect.fenced_off" in [entry["event"] for entry in logs]


# Sweeping


def test_a_sweep_starts_nothing_more_when_its_time_is_over(handler, monkeypatch):
    handler(lambda claim: Done())
    for key in "abc":
        queue(key)
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 0.0)
    assert tasks.sweep() == 0
    monkeypatch.setattr(tasks, "SWEEP_SECONDS", 5.0)
    assert tasks.sweep() == 3


def test_a_doorbell_runs_its_effect_and_only_that(handler):
    handler(lambda claim: Done())
    first, second = queue("a"), queue("b")
    tasks.run_effect(second.pk)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("due", "done")


# Once


def test_find_else_create_looks_before_and_after():
    made = []

    def create():
        made.append("it")
        raise OutsideError("the reply was lost", outcome_unknown=True)

    assert find_else_create(lambda: made[-1] if made else None, create) == "it"
    assert find_else_create(lambda: made[-1] if made else None, create) == "it"
    assert made == ["it"]


def test_find_else_create_passes_on_what_really_failed():
    def create():
        raise OutsideError("no", permanent=True)

    with pytest.raises(OutsideError, match="no"):
        find_else_create(lambda: None, create)


def test_find_else_create_returns_what_it_made():
    assert find_else_create(lambda: None, lambda: "new") == "new"
