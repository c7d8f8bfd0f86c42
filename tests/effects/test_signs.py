import math
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from services.effects import actions, signs
from services.effects.models import Effect, Pulse

pytestmark = pytest.mark.django_db


def gauges():
    return {gauge.name: gauge for gauge in signs.gauges()}


def test_what_never_ran_says_so_and_is_infinitely_old():
    assert signs.state_of("sweep") == "has not run yet"
    ages = gauges()["slipway_last_run_age_seconds"].values
    assert set(ages) == {("beat",), ("sweep",), ("watcher",)}
    assert all(math.isinf(age) for age in ages.values())


def test_what_ran_just_now_is_ok_and_what_did_not_says_since_when():
    actions.pulse("sweep")
    assert signs.state_of("sweep") == "ok"
    assert gauges()["slipway_last_run_age_seconds"].values["sweep",] < 30
    Pulse.objects.update(at=timezone.now() - timedelta(seconds=300))
    assert signs.state_of("sweep").startswith("last ran 30")
    assert str(Pulse.objects.get()).startswith("sweep at ")


def test_the_age_of_the_oldest_due_effect_and_every_state_are_told():
    with transaction.atomic():
        actions.enqueue(kind="nobody.handles", key="1")
    Effect.objects.update(due_at=timezone.now() - timedelta(minutes=5))
    told = gauges()
    assert told["slipway_effect_oldest_due_seconds"].values[()] >= 300
    states = told["slipway_effects"].values
    assert states["due",] == 1
    assert {state for (state,) in states} == set(Effect.State.values)
    assert sum(states.values()) == 1
