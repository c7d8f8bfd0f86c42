"""Who may do what, in every state; and that nobody says yes to what they wrote."""

from collections.abc import Callable

import pytest

from services.onboarding import rules
from services.onboarding.models import TERMINAL, TRANSITIONS, Approval, Request, State
from tests.factories.people import member
from tests.factories.requests import make_request

LEAD_NEED = {"key": "production", "who": "lead", "reason": "It goes to production", "team": "checkout"}


def who(people, rule: Callable, row: Request) -> set[str]:
    return {name for name, user in vars(people).items() if rule(user, row)}


def test_every_state_has_an_exit_but_the_terminal_ones() -> None:
    assert set(TRANSITIONS) == set(State)
    for state, exits in TRANSITIONS.items():
        assert bool(exits) == (state not in TERMINAL or state == State.WITHDRAWN)
        assert state not in exits


def test_a_draft_is_its_authors_alone(people) -> None:
    row = make_request(people.mira)
    assert who(people, rules.can_withdraw, row) == set()
    assert who(people, rules.can_see, row) == {"mira"}
    assert who(people, rules.can_edit, row) == {"mira"}


def test_visible_to_hides_drafts_of_others(people) -> None:
    make_request(people.mira)
    assert Request.objects.visible_to(people.mira).count() == 1
    assert Request.objects.visible_to(people.sam).count() == 0
    make_request(people.mira, state=State.IN_REVIEW)
    assert Request.objects.visible_to(people.jonas).count() == 1


def test_approval_by_a_lead_of_the_team(people) -> None:
    row = make_request(people.mira, state=State.AWAITING_APPROVAL, needs=[LEAD_NEED])
    assert who(people, rules.can_approve, row) == {"sam"}
    assert who(people, rules.can_reject, row) == {"sam", "priya", "tomas"}
    assert who(people, rules.can_edit, row) == {"mira", "noah", "sam"}
    assert who(people, rules.can_withdraw, row) == {"mira", "sam"}
    assert who(people, rules.can_merge, row) == set()


def test_a_lead_who_asks_is_approved_by_the_platform_team(people) -> None:
    row = make_request(people.sam, state=State.AWAITING_APPROVAL, needs=[LEAD_NEED])
    assert who(people, rules.can_approve, row) == {"priya", "tomas"}


def test_another_lead_goes_before_the_platform_team(people) -> None:
    member("ines", "checkout", role="lead")
    row = make_request(people.sam, state=State.AWAITING_APPROVAL, needs=[LEAD_NEED])
    assert who(people, rules.can_approve, row) == set()
    assert [str(user) for user in rules.approvers(row, LEAD_NEED)] == ["Ines"]


def test_member_and_other_teams_needs(people) -> None:
    row = make_request(people.mira, state=State.AWAITING_APPROVAL, needs=[])
    for need, expected in (
        ({"key": "x", "who": "member", "team": "checkout"}, {"noah", "sam"}),
        ({"key": "x", "who": "member", "team": "discovery"}, {"jonas"}),
        ({"key": "x", "who": "platform", "team": ""}, {"priya", "tomas"}),
        ({"key": "x", "who": "lead", "team": ""}, {"sam"}),
    ):
        assert {user.username for user in rules.approvers(row, need)} == expected


def test_review_by_anybody_of_the_team_or_platform_who_did_not_write_it(people) -> None:
    row = make_request(people.mira, state=State.IN_REVIEW)
    assert who(people, rules.can_review, row) == {"noah", "sam", "priya", "tomas"}
    row.contributors.add(people.noah)
    assert who(people, rules.can_review, row) == {"sam", "priya", "tomas"}


def test_merge_needs_a_yes_of_somebody_else_to_this_very_content(people) -> None:
    row = make_request(people.mira, state=State.IN_REVIEW)
    assert who(people, rules.can_merge, row) == set()
    yes = Approval.objects.create(request=row, key="review", by=people.sam, tree_hash=row.tree_hash)
    assert who(people, rules.can_merge, row) == {"mira", "noah", "sam", "priya", "tomas"}
    for change in ({"tree_hash": "other"}, {"tree_hash": row.tree_hash, "by": people.mira}):
        Approval.objects.filter(pk=yes.pk).update(**change)
        assert who(people, rules.can_merge, row) == set()


def test_an_approval_stops_counting_when_its_giver_becomes_a_writer(people) -> None:
    row = make_request(people.mira, state=State.IN_REVIEW)
    Approval.objects.create(request=row, key="review", by=people.noah, tree_hash=row.tree_hash)
    assert rules.is_reviewed(row)
    row.contributors.add(people.noah)
    assert not rules.is_reviewed(row)


def test_every_need_must_be_met_before_the_merge(people) -> None:
    row = make_request(people.mira, state=State.IN_REVIEW, needs=[LEAD_NEED])
    Approval.objects.create(request=row, key="review", by=people.noah, tree_hash=row.tree_hash)
    assert not rules.is_reviewed(row)


def test_the_stuck_can_be_retried_edited_and_closed(people) -> None:
    row = make_request(people.mira, state=State.NEEDS_ATTENTION)
    assert who(people, rules.can_retry, row) == {"mira", "noah", "sam", "priya", "tomas"}
    assert who(people, rules.can_edit, row) == {"mira", "noah", "sam"}
    assert who(people, rules.can_close, row) == {"mira", "noah", "sam", "priya", "tomas"}
    assert who(people, rules.can_withdraw, row) == {"mira", "sam"}
    row.merge_sha = "b" * 40
    assert who(people, rules.can_withdraw, row) == set()


@pytest.mark.parametrize("state", sorted(TERMINAL))
def test_nothing_moves_what_has_ended(people, state) -> None:
    row = make_request(people.mira, state=state)
    for rule in (rules.can_edit, rules.can_approve, rules.can_merge, rules.can_retry, rules.can_close):
        assert who(people, rule, row) == set()
    assert who(people, rules.can_reject, row) == who(people, rules.can_withdraw, row) == set()


def test_comments_by_whoever_sees_it_once_there_is_a_pull_request(people) -> None:
    assert who(people, rules.can_comment, make_request(people.mira, state=State.IN_REVIEW)) == set(
        vars(people)
    )
    assert who(people, rules.can_comment, make_request(people.mira, state=State.DRAFT, name="b")) == set()


def test_the_deactivated_may_nothing(people) -> None:
    for user in vars(people).values():
        user.is_active = False
        user.save()
    for state in (State.AWAITING_APPROVAL, State.IN_REVIEW, State.NEEDS_ATTENTION):
        row = make_request(people.mira, state=state, name=state.replace("_", "-"), needs=[LEAD_NEED])
        for rule in (
            rules.can_edit, rules.can_approve, rules.can_reject, rules.can_withdraw, rules.can_close,
            rules.can_merge, rules.can_retry, rules.can_comment,
        ):  # fmt: skip
            assert who(people, rule, row) == set()
