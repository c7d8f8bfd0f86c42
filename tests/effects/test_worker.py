import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from services.effects import actions, queries, tasks, worker
from services.effects.bell import Bell
from services.effects.errors import OutsideError
from services.effects.handlers import Done, Later
from services.effects.models import Effect
from tests.effects.conftest import queue
from tests.effects_driver import run_due_effects
from tests.factories.people import UserFactory

pytestmark = pytest.mark.django_db


def test_enqueue_is_idempotent_on_its_natural_key():
    assert queue("a", payload={"n": 1}) == queue("a", payload={"n": 2})
    assert Effect.objects.get().payload == {"n": 1}


@pytest.mark.django_db(transaction=True)
def test_enqueue_refuses_to_run_outside_a_transaction():
    with pytest.raises(RuntimeError):
        actions.enqueue(kind="test", key="1")


def test_done_writes_the_result_and_runs_on_done(handler):
    seen = []
    handler(lambda claim: Done({"n": claim.payload["n"]}), on_done=lambda e, r: seen.append((e.pk, r)))
    effect = queue(payload={"n": 7})
    assert run_due_effects() == 1
    effect.refresh_from_db()
    assert (effect.state, effect.result, effect.lease_until) == ("done", {"n": 7}, None)
    assert seen == [(effect.pk, {"n": 7})]


def test_what_was_done_long_ago_is_forgotten_of_one_kind_and_nothing_else():
    now = timezone.now()
    for key, state, age in (("old", "done", 9), ("new", "done", 1), ("stuck", "needs_attention", 9)):
        pk = queue(key).pk
        Effect.objects.filter(pk=pk).update(state=state, finished_at=now - timedelta(days=age))
    assert actions.forget(kind="other", before=now) == 0
    assert actions.forget(kind="test", before=now - timedelta(days=2)) == 1
    assert set(Effect.objects.values_list("key", flat=True)) == {"new", "stuck"}


def test_failure_waits_longer_each_time_and_ends_with_a_person(handler):
    given_up = []

    def fail(claim):
        raise OutsideError("the host answers 503")

    handler(fail, max_attempts=3, on_attention=lambda e: given_up.append(e.pk))
    effect = queue()
    run_due_effects()
    effect.refresh_from_db()
    assert (effect.state, effect.attempts) == ("due", 1)
    assert effect.due_at > timezone.now()
    run_due_effects(skip_waits=True)
    effect.refresh_from_db()
    assert (effect.state, effect.attempts, effect.last_error) == (
        "needs_attention",
        3,
        "the host answers 503",
    )
    assert given_up == [effect.pk]
    assert list(queries.waiting_for_people()) == [effect]


def test_permanent_failure_is_not_tried_again(handler):
    def refuse(claim):
        raise OutsideError("the repository is gone", permanent=True)

    handler(refuse)
    effect = queue()
    run_due_effects(skip_waits=True)
    effect.refresh_from_db()
    assert (effect.state, effect.attempts) == ("needs_attention", 1)


def test_lost_reply_is_unknown_until_the_handler_finds_out(handler):
    outside = []

    def create(claim):
        if outside:
            return Done({"found": True})
        outside.append(claim.key)
        raise OutsideError("the reply was lost", outcome_unknown=True)

    handler(create)
    effect = queue()
    run_due_effects()
    effect.refresh_from_db()
    assert effect.state == "unknown"
    run_due_effects(skip_waits=True)
    effect.refresh_from_db()
    assert (effect.state, effect.result, outside) == ("done", {"found": True}, ["1"])


def test_the_other_side_says_when_to_come_back():
    error = OutsideError("slow down", retry_after=90)
    assert worker.wait_before(2, error) == timedelta(seconds=90)


def test_waiting_grows_and_is_capped():
    waits = [worker.wait_before(n, OutsideError("x")).total_seconds() for n in range(2, 30)]
    assert waits[0] < 3 < waits[3]
    assert max(waits) <= 600 * 1.2


def test_later_costs_no_attempt(handler):
    handler(lambda claim: Later(timedelta(seconds=30), "rollout goes on"))
    effect = queue()
    run_due_effects()
    effect.refresh_from_db()
    assert (effect.state, effect.attempts, effect.last_error) == ("due", 0, "rollout goes on")
    assert effect.due_at > timezone.now() + timedelta(seconds=20)


def test_poison_row_does_not_stop_the_others(handler):
    def run(claim):
        if claim.key == "poison":
            raise ZeroDivisionError
        return Done()

    handler(run)
    poison, good = queue("poison"), queue("good")
    run_due_effects()
    poison.refresh_from_db()
    good.refresh_from_db()
    assert (poison.state, good.state) == ("due", "done")
    assert "ZeroDivisionError" in poison.last_error


def test_failing_on_done_leaves_the_effect_to_be_found_again(handler):
    def explode(effect, result):
        raise ZeroDivisionError

    handler(lambda claim: Done(), on_done=explode)
    effect = queue()
    run_due_effects()
    effect.refresh_from_db()
    assert (effect.state, effect.result) == ("due", {})


def test_kind_without_handler_needs_attention():
    effect = queue()
    run_due_effects()
    effect.refresh_from_db()
    assert effect.state == "needs_attention"
    assert "'test'" in effect.last_error


def test_worker_past_its_lease_is_fenced_off(handler):
    def overtaken(claim):
        Effect.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        if claim.fence == 1:
            worker.run_one()
            return Done({"by": "the slow one"})
        return Done({"by": "the second"})

    handler(overtaken)
    effect = queue()
    worker.run_one()
    effect.refresh_from_db()
    assert (effect.state, effect.result, effect.fence) == ("done", {"by": "the second"}, 2)


def test_effect_of_a_dead_worker_is_claimed_when_its_lease_ends(handler):
    handler(lambda claim: Done())
    effect = queue()
    assert worker.claim() is not None
    assert worker.claim() is None
    Effect.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    run_due_effects()
    effect.refresh_from_db()
    assert (effect.state, effect.attempts) == ("done", 2)


def test_retry_starts_afresh_and_is_audited(handler):
    effect = queue()
    run_due_effects()
    handler(lambda claim: Done())
    actions.retry(effect=effect, by=UserFactory())
    run_due_effects()
    effect.refresh_from_db()
    assert (effect.state, effect.attempts) == ("done", 1)
    with pytest.raises(actions.NotRetryable):
        actions.retry(effect=effect, by=UserFactory())


def test_cancel_takes_back_what_has_not_run(handler):
    handler(lambda claim: Done())
    effect = queue()
    actions.cancel(effect=effect, by=UserFactory())
    assert run_due_effects() == 0
    with pytest.raises(actions.NotCancellable):
        actions.cancel(effect=effect, by=UserFactory())


@pytest.mark.django_db(transaction=True)
def test_two_workers_never_run_one_effect(handler):
    runs, barrier = [], threading.Barrier(2)
    handler(lambda claim: runs.append(claim.pk) or Done())
    queue()

    def work():
        barrier.wait()
        worker.run_one()
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(runs) == 1


@pytest.mark.django_db(transaction=True)
def test_lost_doorbell_loses_nothing(handler, monkeypatch):
    handler(lambda claim: Done())
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(tasks, "bell", Bell())
    with capture_logs() as logs:
        effect = queue()
    assert [entry["event"] for entry in logs] == ["doorbell.unheard"]
    assert tasks.sweep() == 1
    effect.refresh_from_db()
    assert effect.state == "done"


def test_effects_for_an_object_are_those_queued_on_its_behalf():
    person = UserFactory()
    mine = queue("mine", subject=person, by=person)
    queue("somebody's", subject=UserFactory())
    queue("nobody's")
    assert list(queries.effects_for(person)) == [mine]
    assert mine.created_by == person.username


def test_oldest_due_age_is_what_waits_longest():
    assert queries.oldest_due_age() == timedelta()
    queue()
    Effect.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    assert queries.oldest_due_age() >= timedelta(minutes=5)
