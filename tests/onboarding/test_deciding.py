"""Approving, rejecting, withdrawing, merging, retrying: who may, when, and bound to what."""

from types import SimpleNamespace

import pytest

from services.audit.queries import events_for
from services.effects.models import Effect
from services.integrations.githosts.base import Person
from services.integrations.githosts.errors import OwnApproval
from services.onboarding import actions, queries, rules, tasks
from services.onboarding.errors import ContentChanged, NotAllowed, OwnRequest, ReasonMissing, WrongState
from services.onboarding.models import Approval, Hop, Request, State
from tests.effects_driver import run_due_effects
from tests.factories.requests import make_request

from .conftest import EXPENSIVE, REPO, answers, copied, said


@pytest.fixture
def world(once, db) -> SimpleNamespace:
    return copied(once)


@pytest.fixture
def waiting(submit) -> Request:
    return submit(**EXPENSIVE)


@pytest.fixture
def in_review(submit) -> Request:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.IN_REVIEW
    return row


def approve(row: Request, by, **over) -> Request:
    return actions.approve(request=row, by=by, **{"tree_hash": row.tree_hash, **over})


# Approving


def test_the_last_approval_sends_it_on(world, waiting) -> None:
    row = approve(waiting, world.sam, remark="Fine")
    assert row.state == State.PROPOSING
    given = Approval.objects.get()
    assert (given.key, given.by, given.tree_hash, given.note) == ("cost", world.sam, row.tree_hash, "Fine")
    assert said(row)[-2:] == ["approved", "proposing"]
    assert [h.name for h in row.hops.filter(finished_at__isnull=True)] == [Hop.Name.PULL_REQUEST]


def test_with_two_needs_it_waits_for_the_other(world, submit) -> None:
    needs = [
        {"key": "cost", "who": "lead", "team": "checkout", "reason": ""},
        {"key": "public", "who": "member", "team": "platform", "reason": ""},
    ]
    row = make_request(world.mira, state=State.AWAITING_APPROVAL, needs=needs)
    row = approve(row, world.sam)
    assert row.state == State.AWAITING_APPROVAL
    assert row.hops.get().waits_for == "Priya or Tomas"
    assert approve(row, world.priya, key="public").state == State.PROPOSING


@pytest.mark.parametrize("state", [State.AWAITING_APPROVAL, State.IN_REVIEW])
@pytest.mark.parametrize("path", ["asker", "editor", "lead", "platform"])
def test_nobody_approves_their_own_by_any_path(world, state, path) -> None:
    asker = {"lead": world.sam, "platform": world.priya}.get(path, world.mira)
    needs = [{"key": "x", "who": "member", "team": "checkout", "reason": ""}]
    row = make_request(asker, state=state, needs=needs)
    by = world.noah if path == "editor" else asker
    if path == "editor":
        row.contributors.add(by)
    with pytest.raises(OwnRequest):
        approve(row, by)
    assert not Approval.objects.exists()
    row.refresh_from_db()
    assert row.state == state
    assert said(row) == ["approval_refused"]


def test_nobody_approves_their_own_on_the_host(world, in_review) -> None:
    with pytest.raises(OwnApproval):
        world.host.approve(REPO, in_review.pull_number, by=Person("mira", "Mira"), head=in_review.head_sha)


def test_an_approval_given_before_one_joined_in_does_not_count(world, waiting) -> None:
    row = approve(waiting, world.sam)
    run_due_effects()
    row.refresh_from_db()
    assert rules.is_reviewed(row)
    actions.edit_and_resubmit(request=row, by=world.sam, answers=answers(**EXPENSIVE), generation=1)
    row.refresh_from_db()
    assert not rules.is_reviewed(row)


def test_the_approval_is_of_what_was_looked_at(world, waiting) -> None:
    with pytest.raises(ContentChanged):
        approve(waiting, world.sam, tree_hash="sha256:other")


def test_an_edit_voids_approvals(world, waiting) -> None:
    Approval.objects.create(request=waiting, key="cost", by=world.sam, tree_hash=waiting.tree_hash)
    edited = answers(**EXPENSIVE | {"replicas": 12})
    row = actions.edit_and_resubmit(request=waiting, by=world.mira, answers=edited, generation=1)
    assert row.state == State.AWAITING_APPROVAL
    assert Approval.objects.get().voided_at is not None
    with pytest.raises(ContentChanged):
        approve(waiting, world.sam)


def test_an_edit_of_a_pull_request_is_a_new_commit_and_voids_reviews(world, in_review) -> None:
    row = approve(in_review, world.sam)
    edited = answers(image="registry.larkfield.shop/wishlist:2.0.0")
    row = actions.edit_and_resubmit(request=row, by=world.mira, answers=edited, generation=1)
    assert not rules.is_reviewed(row)
    run_due_effects()
    row.refresh_from_db()
    pull = world.host.proposal(REPO, 1)
    assert (row.state, row.head_sha, row.pull_number) == (State.IN_REVIEW, pull.head_sha, 1)
    assert row.head_sha != in_review.head_sha
    assert world.host.is_ancestor(REPO, in_review.head_sha, row.head_sha)
    with pytest.raises(NotAllowed):
        actions.merge(request=row, by=world.mira, head=row.head_sha)


def test_a_push_voids_approvals_and_they_can_be_given_again_in_review(world, waiting) -> None:
    approve(waiting, world.sam)
    run_due_effects()
    waiting.refresh_from_db()
    pushed = {"catalog/wishlist.yaml": b"pushed: 1\n"}
    world.host.commit(REPO, branch=waiting.branch, files=pushed, author=Person("m", "M"), message="x")
    tasks.reconcile()
    waiting.refresh_from_db()
    assert waiting.hops.last().waits_for == "Sam"
    assert queries.waits_for(world.noah) == []
    approve(waiting, world.noah)
    with pytest.raises(NotAllowed):
        actions.merge(request=waiting, by=world.mira, head=waiting.head_sha)
    assert queries.waits_for(world.sam) == [waiting]
    approve(waiting, world.sam)
    assert actions.merge(request=waiting, by=world.mira, head=waiting.head_sha).merge_asked_by == world.mira


def test_those_who_may_not_are_told_who_may(world, waiting) -> None:
    with pytest.raises(NotAllowed) as caught:
        approve(waiting, world.jonas)
    assert caught.value.ask == ["Sam"]


def test_a_review_is_said_on_the_host_too(world, in_review) -> None:
    approve(in_review, world.noah)
    run_due_effects()
    assert [r.by.username for r in world.host.approvals(REPO, 1)] == ["noah"]
    with pytest.raises(NotAllowed) as caught:
        approve(in_review, world.jonas)
    assert "Sam" in caught.value.ask


def test_a_review_of_an_older_commit_says_nothing_on_the_host(world, in_review) -> None:
    approve(in_review, world.noah)
    world.host.commit(
        REPO, branch=in_review.branch, files={"x.yaml": b"1"}, author=Person("m", "M"), message="x"
    )
    run_due_effects()
    assert world.host.approvals(REPO, 1) == []


@pytest.mark.parametrize("state", [State.DRAFT, State.PROPOSING, State.MERGED, State.LIVE, State.REJECTED])
def test_there_is_nothing_to_approve_elsewhere(world, state) -> None:
    with pytest.raises(WrongState):
        approve(make_request(world.mira, state=state), world.sam)


# Saying no


def test_reject_with_a_reason_closes_the_pull_request(world, in_review) -> None:
    row = actions.reject(request=in_review, by=world.sam, reason=" Use the shared one ")
    assert (row.state, row.reason) == (State.REJECTED, "Use the shared one")
    run_due_effects()
    pull = world.host.proposal(REPO, 1)
    assert (pull.state, pull.reason, pull.closed_by) == ("closed", "Use the shared one", "sam")
    assert not row.hops.filter(finished_at__isnull=True).exists()


def test_reject_refuses_without_reason_and_those_who_may_not(world, in_review) -> None:
    with pytest.raises(ReasonMissing):
        actions.reject(request=in_review, by=world.sam, reason=" ")
    for user in (world.mira, world.jonas):
        with pytest.raises(NotAllowed):
            actions.reject(request=in_review, by=user, reason="No")


def test_withdraw_twice_is_once(world, in_review) -> None:
    actions.withdraw(request=in_review, by=world.mira, reason="Changed my mind")
    row = actions.withdraw(request=in_review, by=world.mira)
    assert (row.state, row.reason) == (State.WITHDRAWN, "Changed my mind")
    assert said(row).count("withdrawn") == 1


def test_withdrawing_while_the_pull_request_is_being_opened_leaves_none_open(world, submit) -> None:
    row = submit()
    actions.withdraw(request=row, by=world.mira)
    run_due_effects()
    assert world.host.find_proposal(REPO, row.branch) is None


def test_withdraw_and_close_refuse_those_who_may_not(world, in_review) -> None:
    for user in (world.jonas, world.noah):
        with pytest.raises(NotAllowed):
            actions.withdraw(request=in_review, by=user)
    with pytest.raises(NotAllowed):
        actions.close(request=in_review, by=world.jonas, reason="x")
    assert actions.close(request=in_review, by=world.noah, reason="Stale").state == State.CLOSED


@pytest.mark.parametrize("action", [actions.withdraw, actions.reject, actions.close])
def test_what_is_being_merged_cannot_end_otherwise(world, in_review, action) -> None:
    row = approve(in_review, world.sam)
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    with pytest.raises(WrongState):
        action(request=row, by=world.sam, reason="Too late")


@pytest.mark.parametrize("state", [State.DRAFT, State.MERGED, State.LIVE])
def test_steps_cannot_be_skipped(world, state) -> None:
    row = make_request(world.mira, state=state)
    with pytest.raises(WrongState):
        actions.reject(request=row, by=world.sam, reason="No")
    with pytest.raises(WrongState):
        actions.retry(request=row, by=world.mira)
    if state == State.DRAFT:
        with pytest.raises(WrongState):
            actions.merge(request=row, by=world.sam, head="")


# Merging


def test_merge_waits_for_somebody_elses_yes(world, in_review) -> None:
    with pytest.raises(NotAllowed) as caught:
        actions.merge(request=in_review, by=world.sam, head=in_review.head_sha)
    assert set(caught.value.ask) == {"Noah", "Sam", "Priya", "Tomas"}
    approve(in_review, world.sam)
    with pytest.raises(NotAllowed):
        actions.merge(request=in_review, by=world.jonas, head=in_review.head_sha)
    with pytest.raises(ContentChanged):
        actions.merge(request=in_review, by=world.mira, head="0" * 40)
    row = actions.merge(request=in_review, by=world.mira, head=in_review.head_sha)
    assert row.merge_asked_by == world.mira
    again = actions.merge(request=in_review, by=world.sam, head=in_review.head_sha)
    assert again.merge_asked_by == world.mira
    assert Effect.objects.filter(kind="onboarding.merge").count() == 1


def test_a_conflict_changes_nothing_and_resubmitting_resolves_it(world, in_review) -> None:
    path = "catalog/wishlist.yaml"
    world.host.commit(REPO, files={path: b"theirs: 1\n"}, author=Person("sam", "Sam"), message="By hand")
    approve(in_review, world.sam)
    actions.merge(request=in_review, by=world.mira, head=in_review.head_sha)
    run_due_effects()
    in_review.refresh_from_db()
    assert in_review.state == State.NEEDS_ATTENTION
    assert [c["path"] for c in in_review.problem["conflicts"]] == [path]
    assert (in_review.merge_asked_by, world.host.proposal(REPO, 1).state) == (None, "open")
    actions.edit_and_resubmit(request=in_review, by=world.mira, answers=answers(), generation=1)
    run_due_effects()
    in_review.refresh_from_db()
    assert in_review.state == State.IN_REVIEW
    assert world.host.proposal(REPO, 1).mergeable
    assert not rules.is_reviewed(in_review)


def test_a_retried_merge_is_a_merge_again(world, in_review) -> None:
    approve(in_review, world.sam)
    problem = {"step": "merge", "title": "x", "message": ""}
    Request.objects.filter(pk=in_review.pk).update(state=State.NEEDS_ATTENTION, problem=problem)
    with pytest.raises(NotAllowed):
        actions.retry(request=in_review, by=world.jonas)
    row = actions.retry(request=in_review, by=world.mira)
    assert (row.state, row.merge_asked_by, row.problem) == (State.IN_REVIEW, world.mira, {})


def test_a_merge_of_a_commit_that_moved_is_refused(world, in_review) -> None:
    approve(in_review, world.sam)
    actions.merge(request=in_review, by=world.mira, head=in_review.head_sha)
    world.host.commit(
        REPO, branch=in_review.branch, files={"x.yaml": b"1"}, author=Person("m", "M"), message="x"
    )
    run_due_effects()
    in_review.refresh_from_db()
    assert in_review.state == State.NEEDS_ATTENTION
    assert world.host.proposal(REPO, 1).state == "open"


def test_a_merge_of_what_was_closed_meanwhile_ends_closed(world, in_review) -> None:
    approve(in_review, world.sam)
    actions.merge(request=in_review, by=world.mira, head=in_review.head_sha)
    world.host.close(REPO, 1, by=Person("priya", "Priya"), reason="Not this one")
    run_due_effects()
    in_review.refresh_from_db()
    assert in_review.state == State.NEEDS_ATTENTION
    tasks.reconcile()
    in_review.refresh_from_db()
    assert (in_review.state, in_review.reason) == (State.CLOSED, "Not this one")


# Comments


def test_comment_once_per_key(world, in_review) -> None:
    for _ in range(2):
        actions.comment(request=in_review, by=world.jonas, body=" Nice ", key="k1")
        run_due_effects()
    assert [(c.author.username, c.body) for c in world.host.comments(REPO, 1)] == [("jonas", "Nice")]
    assert said(in_review).count("commented") == 1


def test_comment_refuses_nothing_and_nowhere(world, in_review) -> None:
    with pytest.raises(ReasonMissing):
        actions.comment(request=in_review, by=world.sam, body=" ", key="k")
    with pytest.raises(WrongState):
        actions.comment(request=make_request(world.mira, name="b"), by=world.mira, body="x", key="k")


# What waits for whom


def test_what_waits_for_whom(world, waiting) -> None:
    assert queries.waits_for(world.sam) == [waiting]
    assert queries.waits_for(world.mira) == []
    row = approve(waiting, world.sam)
    run_due_effects()
    row.refresh_from_db()
    assert queries.waits_for(world.mira) == [row]
    assert queries.waits_for(world.noah) == []
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    assert queries.waits_for(world.mira) == []


def test_a_review_waits_for_team_and_platform(world, in_review) -> None:
    waits = {
        name for name in ("mira", "noah", "sam", "jonas", "priya") if queries.waits_for(getattr(world, name))
    }
    assert waits == {"noah", "sam", "priya"}
    assert in_review.hops.last().waits_for == "a reviewer in Checkout"


def test_what_failed_waits_for_its_author(world) -> None:
    row = make_request(world.mira, state=State.NEEDS_ATTENTION)
    assert queries.waits_for(world.mira) == [row]
    assert queries.waits_for(world.priya) == []


def test_events_are_the_transitions(world, in_review) -> None:
    """Each change of state has its event, and the version counts every change."""
    moves = [e.details["to"] for e in events_for(in_review) if "to" in e.details]
    assert moves == ["submitted", "proposing", "in_review"]
    assert in_review.version == events_for(in_review).count()
