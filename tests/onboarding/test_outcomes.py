"""What happened outside, written down: merges by anybody, rollouts that fail and recover."""

from types import SimpleNamespace

import pytest
from django.utils import timezone
from structlog.testing import capture_logs

import portal.celery
from services.catalog.queries import find
from services.clusters.models import Environment
from services.clusters.signals import workload_changed
from services.effects.bell import Bell
from services.effects.errors import OutsideError
from services.effects.models import Effect
from services.integrations.githosts.base import SLIPWAY, Person
from services.onboarding import actions, rules, tasks
from services.onboarding.models import Hop, Request, Rollout, State
from services.onboarding.queries import Picture
from tests.effects_driver import run_due_effects
from tests.factories.requests import make_request

from .conftest import REPO, answers, copied, said

FINDING = {
    "title": "The image cannot be pulled",
    "evidence": [{"object": "Pod/shop/wishlist-1", "field": "status", "value": "ImagePullBackOff"}],
    "advice": "Check the tag.",
    "fix": {"label": "Change the image", "changes": {"image": ""}},
}


def picture(state: str = "healthy", **over) -> Picture:
    said = {
        "state": Rollout.State(state), "message": state, "ready": 1, "desired": 1, "as_of": timezone.now(),
        "finding": FINDING if state == "failing" else None, "current": True,
    }  # fmt: skip
    return Picture(**said | over)


def states(row: Request) -> list[str]:
    return [r.state for r in row.rollouts.all()]


def reload(row: Request) -> Request:
    row.refresh_from_db()
    return row


@pytest.fixture
def world(once, db) -> SimpleNamespace:
    return copied(once)


@pytest.fixture
def in_review(submit) -> Request:
    row = submit(environments=["staging", "production"])
    run_due_effects()
    return reload(row)


@pytest.fixture
def merged(world, in_review) -> Request:
    """Merged, with staging's objects accepted by the cluster."""
    actions.approve(request=in_review, by=world.sam, tree_hash=in_review.tree_hash)
    actions.merge(request=in_review, by=world.mira, head=in_review.head_sha)
    Effect.objects.exclude(kind="onboarding.merge").update(state="cancelled")
    run_due_effects(rounds=1)
    return reload(in_review)


def accept(row: Request, environment: str = "staging") -> Request:
    """As if the cluster had taken the objects."""
    effect = Effect.objects.filter(kind="onboarding.apply", payload__environment=environment).latest("pk")
    effect.state = Effect.State.DONE
    effect.save()
    actions.applied(effect, {"applied": [{"kind": "Deployment", "name": "wishlist", "generation": 1}]})
    return reload(row)


def show(row: Request, **pictures: Picture) -> Request:
    actions.rollouts_seen(row, pictures)
    return reload(row)


# The pull request


def test_a_merge_on_the_host_is_noticed(world, in_review) -> None:
    world.host.merge(REPO, 1, by=Person("priya", "Priya"), expected_head=in_review.head_sha, message="Merge")
    tasks.reconcile()
    row = reload(in_review)
    assert (row.state, row.merge_sha) == (State.MERGED, world.host.head(REPO))
    assert states(row) == ["applying", "waiting"]
    assert "merged" in said(row)


def test_a_close_on_the_host_is_noticed(world, in_review) -> None:
    world.host.close(REPO, 1, by=Person("priya", "Priya"), reason="Duplicate")
    tasks.reconcile()
    assert (reload(in_review).state, in_review.reason) == (State.CLOSED, "Duplicate")


def test_a_close_without_words_still_has_a_reason(world, in_review) -> None:
    world.host.close(REPO, 1, by=SLIPWAY, reason="")
    tasks.reconcile()
    assert reload(in_review).reason == "The pull request was closed."


def test_a_push_voids_approvals(world, in_review) -> None:
    actions.approve(request=in_review, by=world.sam, tree_hash=in_review.tree_hash)
    pushed = world.host.commit(
        REPO, branch=in_review.branch, files={"x.yaml": b"1"}, author=Person("m", "M"), message="x"
    )
    tasks.reconcile()
    row = reload(in_review)
    assert (row.head_sha, row.tree_hash) == (pushed, f"commit:{pushed}")
    assert row.approvals.get().voided_at is not None
    assert said(row)[-1] == "pushed"


def test_seeing_what_is_known_changes_nothing(in_review) -> None:
    before = in_review.version
    tasks.reconcile()
    assert reload(in_review).version == before


def test_one_unreadable_request_does_not_hold_up_the_others(world, in_review) -> None:
    make_request(world.mira, state=State.IN_REVIEW, name="other", repo="shop/gone", updated_at=timezone.now())
    world.host.close(REPO, 1, by=SLIPWAY, reason="Done")
    assert tasks.reconcile() == 2
    assert reload(in_review).state == State.CLOSED


def test_a_pull_request_closed_while_it_was_opened(world, submit) -> None:
    row = submit()
    world.host.propose(REPO, **tasks.proposals.arguments(row))
    world.host.close(REPO, 1, by=SLIPWAY, reason="Early")
    run_due_effects()
    assert reload(row).state == State.CLOSED


def test_withdrawn_between_the_host_and_the_row_is_closed_again(world, submit) -> None:
    row = submit()
    found = tasks.as_result(world.host.propose(REPO, **tasks.proposals.arguments(row)))
    actions.withdraw(request=row, by=world.mira)
    actions.proposed(Effect.objects.get(kind="onboarding.propose"), found)
    run_due_effects()
    assert world.host.proposal(REPO, 1).state == "closed"


def test_an_answer_to_an_earlier_submission_counts_no_more(submit) -> None:
    row = submit()
    Request.objects.filter(pk=row.pk).update(generation=2)
    run_due_effects()
    assert (reload(row).state, row.pull_number) == (State.PROPOSING, None)


# The catalog


def test_the_entity_is_registered(world, merged) -> None:
    Effect.objects.filter(kind="onboarding.register").update(state="due")
    Effect.objects.filter(kind="onboarding.apply").update(state="cancelled")
    run_due_effects()
    entity = find("component:default/wishlist")
    assert entity is not None
    assert entity.onboarded_request == merged.ref


def test_a_descriptor_the_catalog_refuses_needs_attention(world, merged) -> None:
    accept(merged)
    Request.objects.filter(pk=merged.pk).update(
        entity={"kind": "Component", "metadata": {"name": "Bad Name"}}
    )
    Effect.objects.filter(kind="onboarding.register").update(state="due")
    run_due_effects()
    row = reload(merged)
    assert (row.state, row.problem["step"]) == (State.NEEDS_ATTENTION, "register")
    actions.retry(request=row, by=world.mira)
    assert reload(row).state == State.ROLLING_OUT
    assert Effect.objects.get(kind="onboarding.register").state == Effect.State.DUE


# Rollouts


def test_production_waits_until_staging_is_healthy(merged) -> None:
    assert (merged.state, states(merged)) == (State.MERGED, ["applying", "waiting"])
    row = accept(merged)
    assert (row.state, states(row)) == (State.ROLLING_OUT, ["progressing", "waiting"])
    assert states(show(row, staging=picture("progressing"))) == ["progressing", "waiting"]
    assert states(show(row, staging=picture())) == ["healthy", "applying"]
    row = show(accept(row, "production"), staging=picture(), production=picture())
    assert (row.state, states(row)) == (State.LIVE, ["healthy", "healthy"])
    assert row.finished_at is not None
    assert [h.name for h in row.hops.all()] == [name.value for name in Hop.Name if name != Hop.Name.APPROVAL]
    assert not row.hops.filter(finished_at__isnull=True).exists()


def test_an_old_picture_moves_nothing(merged) -> None:
    row = show(accept(merged), staging=picture(current=False))
    assert states(row) == ["progressing", "waiting"]
    assert states(show(row)) == ["progressing", "waiting"]


def test_a_failing_rollout_says_why_and_recovers(merged) -> None:
    row = show(accept(merged), staging=picture("failing"))
    assert row.state == State.NEEDS_ATTENTION
    assert row.problem["title"] == "The image cannot be pulled"
    assert row.problem["fix"] == FINDING["fix"]
    assert row.rollouts.first().finding == FINDING
    assert row.hops.get(finished_at__isnull=True).waits_for == "Mira"
    version = row.version
    assert show(row, staging=picture("failing")).version == version
    row = show(row, staging=picture())
    assert (row.state, row.problem, states(row)) == (State.ROLLING_OUT, {}, ["healthy", "applying"])
    assert said(row)[-3:] == ["rollout_failed", "rollout_changed", "recovered"]


def test_a_changed_finding_is_shown(merged) -> None:
    row = show(accept(merged), staging=picture("failing"))
    row = show(row, staging=picture("failing", finding=FINDING | {"title": "Now another"}))
    assert (row.state, row.problem["title"]) == (State.NEEDS_ATTENTION, "Now another")


def test_recovery_may_end_live_at_once(merged) -> None:
    row = show(accept(merged), staging=picture())
    row = show(accept(row, "production"), staging=picture(), production=picture("failing"))
    assert row.problem["environment"] == "production"
    assert show(row, staging=picture(), production=picture()).state == State.LIVE


def test_a_failure_without_a_finding_still_says_where(merged) -> None:
    row = show(accept(merged), staging=picture("failing", finding=None, message="0 of 1 ready"))
    assert (row.problem["title"], row.problem["message"]) == ("Not healthy in staging", "0 of 1 ready")


def test_retry_applies_again_where_it_fails(world, merged) -> None:
    row = show(accept(merged), staging=picture("failing"))
    row = actions.retry(request=row, by=world.mira)
    assert (row.state, states(row)) == (State.ROLLING_OUT, ["applying", "waiting"])
    assert Effect.objects.filter(kind="onboarding.apply", payload__environment="staging").count() == 2


def test_a_rollout_nobody_hears_of_can_be_corrected_or_closed(world, merged) -> None:
    row = accept(merged)
    assert rules.can_edit(world.mira, row)
    row = actions.close(request=row, by=world.priya, reason="The cluster is gone")
    assert (row.state, world.host.proposal(REPO, 1).state) == (State.CLOSED, "merged")


def test_a_fix_after_the_merge_is_a_new_pull_request(world, merged) -> None:
    row = show(accept(merged), staging=picture("failing"))
    fixed = answers(image="registry.larkfield.shop/wishlist:1.0.1", environments=["staging", "production"])
    actions.edit_and_resubmit(request=row, by=world.mira, answers=fixed, generation=row.generation)
    Effect.objects.exclude(kind="onboarding.propose").update(state="cancelled")
    run_due_effects()
    row = reload(row)
    assert (row.state, row.pull_number, row.problem) == (State.IN_REVIEW, 2, {})
    assert {c.path for c in world.host.diff(REPO, 2)} == {
        "apps/checkout/wishlist/slipway.yaml",
        "apps/checkout/wishlist/production/deployment.yaml",
        "apps/checkout/wishlist/staging/deployment.yaml",
    }
    assert row.state == show(row, staging=picture("failing")).state


def test_an_answer_about_an_earlier_merge_counts_no_more(merged) -> None:
    effect = Effect.objects.get(kind="onboarding.apply")
    Request.objects.filter(pk=merged.pk).update(merge_sha="c" * 40)
    actions.applied(effect, {"applied": []})
    assert states(merged) == ["applying", "waiting"]


def test_a_request_without_environments_is_live_when_merged(world, in_review) -> None:
    Request.objects.filter(pk=in_review.pk).update(environments=["nowhere"])
    world.host.merge(REPO, 1, by=SLIPWAY, expected_head=in_review.head_sha, message="Merge")
    tasks.reconcile()
    assert reload(in_review).state == State.LIVE


# News from the clusters


def queued() -> int:
    with portal.celery.app.connection_for_read() as connection:
        return connection.default_channel.client.llen("celery")


def tell(ref: str) -> None:
    workload_changed.send(sender=None, entity_ref=ref, environment=Environment(name="staging"))


def test_news_of_a_workload_looks_at_the_requests_that_wait_for_it(world, in_review) -> None:
    world.host.close(REPO, 1, by=SLIPWAY, reason="Duplicate")
    tasks.follow_entity("component:default/other")
    assert reload(in_review).state == State.IN_REVIEW
    tasks.follow_entity("component:default/wishlist")
    assert reload(in_review).state == State.CLOSED


def test_news_rings_only_for_entities_that_are_waited_for(in_review) -> None:
    before = queued()
    tell("component:default/other")
    assert queued() == before
    tell("component:default/wishlist")
    assert queued() == before + 1


def test_without_a_broker_beat_looks_later(in_review, monkeypatch) -> None:
    monkeypatch.setenv("CELERY_BROKER_WRITE_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(tasks, "bell", Bell())
    with capture_logs() as logs:
        tell("component:default/wishlist")
    assert [entry["event"] for entry in logs] == ["doorbell.unheard"]


# Giving up


def test_a_proposal_the_host_refuses_needs_attention_and_can_be_retried(world, submit) -> None:
    row = submit()
    world.host.commit(REPO, files=tasks.proposals.contents(row), author=SLIPWAY, message="The same by hand")
    Request.objects.filter(pk=row.pk).update(base_sha=world.host.head(REPO))
    run_due_effects()
    row = reload(row)
    assert (row.state, row.problem["step"]) == (State.NEEDS_ATTENTION, "propose")
    assert "exactly these files" in row.problem["message"]
    removed = dict.fromkeys(row.files)
    world.host.commit(REPO, files=removed, author=SLIPWAY, message="And away again")
    Request.objects.filter(pk=row.pk).update(base_sha=world.host.head(REPO))
    actions.retry(request=row, by=world.noah)
    run_due_effects()
    assert reload(row).state == State.IN_REVIEW
    assert Effect.objects.filter(kind="onboarding.propose").count() == 1


def test_giving_up_on_a_later_step_needs_attention_and_retry_goes_on(world, merged) -> None:
    effect = Effect.objects.get(kind="onboarding.apply")
    effect.state, effect.last_error = Effect.State.NEEDS_ATTENTION, "The cluster refused"
    effect.save()
    actions.gave_up(effect)
    row = reload(merged)
    assert row.problem == {
        "step": "apply", "title": "The cluster did not accept the objects", "message": "The cluster refused",
        "environment": "staging",
    }  # fmt: skip
    row = actions.retry(request=row, by=world.mira)
    assert (row.state, states(row)) == (State.ROLLING_OUT, ["applying", "waiting"])
    assert accept(row).state == State.ROLLING_OUT


def test_giving_up_on_a_comment_or_on_the_past_changes_nothing(world, merged) -> None:
    for kind, generation in (("comment", 1), ("apply", 0)):
        effect = Effect(kind=f"onboarding.{kind}", payload={"request": merged.pk, "generation": generation})
        actions.gave_up(effect)
    assert reload(merged).state == State.MERGED
    effect = Effect(kind="onboarding.register", payload={"request": merged.pk, "generation": 1})
    Request.objects.filter(pk=merged.pk).update(state=State.LIVE)
    actions.gave_up(effect)
    assert reload(merged).state == State.LIVE


def test_the_family_of_errors_is_that_of_effects(world) -> None:
    with pytest.raises(OutsideError):
        world.host.head("shop/gone")
