"""Who is told what on the way, once each."""

import pytest

from services.effects.models import Effect
from services.notices.models import Notice
from services.onboarding import actions, tasks, telling
from services.onboarding.models import State
from tests.effects_driver import run_due_effects

from .conftest import EXPENSIVE


def heard(person):
    """The events of which a person was told, the first first."""
    keys = Notice.objects.filter(person=person).order_by("pk").values_list("key", flat=True)
    return [key.split("/")[1] for key in keys]


def reviewed(world, row):
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    run_due_effects()
    return row


def test_asker_and_team_are_told_on_the_way_to_merged(world, submit):
    row = reviewed(world, submit())
    assert heard(world.mira) == ["proposed", "approved"]
    assert heard(world.sam) == heard(world.noah) == ["proposed"]
    assert heard(world.priya) == heard(world.jonas) == []
    notice = Notice.objects.get(person=world.sam)
    assert (notice.waits, notice.url) == (True, f"/requests/{row.ref}/")
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    run_due_effects()
    assert heard(world.mira)[:3] == ["proposed", "approved", "merged"]


def test_those_who_may_approve_are_told_and_the_reason_of_a_no_comes_back(world, submit):
    row = submit(**EXPENSIVE)
    run_due_effects()
    assert heard(world.sam) == ["awaits_approval"]
    assert heard(world.mira) == heard(world.noah) == []
    row.refresh_from_db()
    actions.reject(request=row, by=world.sam, reason="Too large for a wish list.")
    run_due_effects()
    (notice,) = Notice.objects.filter(person=world.mira)
    assert notice.text == "Rejected by Sam: Too large for a wish list."


def test_nobody_is_told_of_what_they_did_themselves(world, submit):
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    actions.close(request=row, by=world.mira, reason="Not needed.")
    run_due_effects()
    assert heard(world.mira) == ["proposed"]


def test_what_waits_for_nobody_any_more_is_not_said_to_wait(world, submit):
    row = submit(**EXPENSIVE)
    row.refresh_from_db()
    actions.withdraw(request=row, by=world.mira)
    run_due_effects()
    assert not Notice.objects.exists()
    other = submit(name="other")
    run_due_effects()
    other.refresh_from_db()
    actions.approve(request=other, by=world.sam, tree_hash=other.tree_hash)
    actions.merge(request=other, by=world.mira, head=other.head_sha)
    run_due_effects()
    assert "approved" not in heard(world.mira)


def test_a_failure_is_told_unless_it_is_mended_by_then(world, submit):
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    row.state, row.problem = State.NEEDS_ATTENTION, {"title": "Not healthy in staging"}
    told = list(telling.tellings(row, telling.FAILED, ""))
    assert [(each.people, each.words.text) for each in told] == [([world.mira], "Not healthy in staging.")]
    row.state = State.ROLLING_OUT
    assert list(telling.tellings(row, telling.FAILED, "")) == []


def test_live_names_the_environments_and_a_team_of_one_is_reviewed_by_the_platform(world, submit):
    row = submit(by=world.jonas, owner="discovery")
    run_due_effects()
    assert heard(world.priya) == heard(world.tomas) == ["proposed"]
    row.refresh_from_db()
    (told,) = telling.tellings(row, "live", "")
    assert told.words.text == "It is live in staging."
    row.environments = []
    (told,) = telling.tellings(row, "live", "")
    assert told.words.text == "It is live."
    world.jonas.is_active = False
    row.created_by = world.jonas
    assert list(telling.tellings(row, "live", "")) == []


def test_a_later_submission_overtakes_what_was_to_be_said(world, submit):
    row = submit()
    effect = Effect(kind="onboarding.tell", payload={"request": row.pk, "generation": 0})
    assert tasks.tell(effect).result == {}


@pytest.mark.parametrize(
    ("action", "to", "event"),
    [
        ("proposed", "in_review", "proposed"),
        ("retried", "in_review", ""),
        ("merge_failed", "needs_attention", "failed"),
        ("approved", "", ""),
        ("submitted", "submitted", ""),
    ],
)
def test_which_changes_are_told(action, to, event):
    assert telling.event_of(action, to) == event
