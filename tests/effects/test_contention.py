"""Two who want the same two rows in the other order: one loses, and does it again."""

from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction
from psycopg import errors

from services.effects import actions, contention
from services.effects.contention import again_when_lost
from services.effects.models import Effect
from tests.fakes.trouble import at_once

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(contention, "FIRST_WAIT", 0.001)


def lost(cause=errors.DeadlockDetected) -> OperationalError:
    error = OperationalError("deadlock detected")
    error.__cause__ = cause("deadlock detected")
    return error


def test_a_real_deadlock_is_lost_by_one_and_done_by_both():
    with transaction.atomic():
        rows = [actions.enqueue(kind="test", key=key).pk for key in "ab"]
    barrier, runs = Barrier(2), []

    @again_when_lost
    def take(order: list[int]) -> None:
        first = not any(order is each for each in runs)
        runs.append(order)
        with transaction.atomic():
            Effect.objects.select_for_update().get(pk=order[0])
            if first:
                barrier.wait(5)
            effect = Effect.objects.select_for_update().get(pk=order[1])
            effect.result = {"taken": len(effect.result.get("by", "")) + 1}
            effect.save()

    orders = [rows, rows[::-1]]

    def take_in_order(number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET deadlock_timeout = '100ms'")
        take(orders[number])

    assert at_once(2, take_in_order) == [None, None]
    assert len(runs) >= 3, "nobody lost"
    assert Effect.objects.filter(result__taken__gte=1).count() == 2


@pytest.mark.parametrize("cause", [errors.DeadlockDetected, errors.SerializationFailure])
def test_it_is_tried_three_times_and_no_more(cause):
    tries = []

    @again_when_lost
    def always(what):
        tries.append(what)
        raise lost(cause)

    with pytest.raises(OperationalError):
        always("it")
    assert tries == ["it"] * contention.TRIES


@pytest.mark.parametrize("error", [OperationalError("the server is away"), ValueError("no")])
def test_what_was_not_lost_is_not_tried_again(error):
    tries = []

    @again_when_lost
    def fails():
        tries.append(1)
        raise error

    with pytest.raises(type(error)):
        fails()
    assert tries == [1]


def test_inside_a_transaction_it_is_the_callers_to_do_again():
    tries = []

    @again_when_lost
    def fails():
        tries.append(1)
        raise lost()

    with pytest.raises(OperationalError), transaction.atomic():
        fails()
    assert tries == [1]
