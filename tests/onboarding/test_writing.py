import pytest

from services.effects.models import Effect
from services.onboarding import actions
from services.onboarding.actions.writing import MAX_ANSWERS, TooLong
from services.onboarding.errors import Blocked, NotAllowed, Refusal, WrongState
from services.onboarding.models import Hop, Request, State
from tests.factories.requests import make_request

from .conftest import EXPENSIVE, answers, said


def draft(world, **over):
    return actions.save_draft(by=world.mira, blueprint="web-service", **{"answers": {"name": "x"}, **over})


# Drafts


def test_a_draft_keeps_everything_typed_valid_or_not(world) -> None:
    typed = {"name": "Not Valid!\n", "replicas": "many", "unknown": {"deep": [1, None, "ü"]}}
    row = draft(world, answers=typed)
    row.refresh_from_db()
    assert (row.answers, row.state) == (typed, State.DRAFT)
    assert [h.name for h in row.hops.all()] == [Hop.Name.FORM]


def test_numbers_count_up_from_1001(world) -> None:
    first, second = draft(world), draft(world)
    assert first.number >= 1001
    assert second.number == first.number + 1
    assert second.ref == f"R-{second.number}"


def test_several_drafts_of_one_blueprint(world) -> None:
    draft(world), draft(world)
    assert Request.objects.drafts().count() == 2


def test_one_token_is_one_draft(world) -> None:
    first = draft(world, token="abc")
    again = draft(world, token="abc", answers={"name": "y"})
    assert (again.pk, again.answers) == (first.pk, {"name": "y"})
    other = actions.save_draft(by=world.sam, blueprint="web-service", answers={}, token="abc")
    assert other.pk != first.pk


def test_autosave_after_submitting_changes_nothing(world) -> None:
    sent = actions.submit(by=world.mira, blueprint="web-service", answers=answers(), token="abc")
    late = draft(world, token="abc", answers={"name": "late"})
    assert (late.pk, late.answers["name"], late.draft_answers) == (sent.pk, "wishlist", None)
    by_number = draft(world, request=sent, answers={"name": "late"}, generation=0)
    assert by_number.draft_answers is None


def test_answers_of_a_request_under_way_wait_beside_the_accepted_ones(world, submit) -> None:
    row = draft(world, request=submit(**EXPENSIVE), answers={"name": "changed"})
    row.refresh_from_db()
    assert (row.answers["name"], row.draft_answers) == ("wishlist", {"name": "changed"})


def test_drafts_of_others_and_of_ended_requests_are_refused(world) -> None:
    row = draft(world)
    with pytest.raises(NotAllowed):
        actions.save_draft(by=world.sam, blueprint="web-service", answers={}, request=row)
    done = make_request(world.mira, state=State.REJECTED)
    with pytest.raises(WrongState):
        draft(world, request=done)


def test_a_draft_has_a_size_limit(world) -> None:
    with pytest.raises(TooLong):
        draft(world, answers={"name": "x" * MAX_ANSWERS})


def test_discard_and_restore(world) -> None:
    row = draft(world)
    actions.discard(request=row, by=world.mira)
    assert not Request.objects.listed().exists()
    back = actions.restore(request=row, by=world.mira)
    assert (back.state, back.finished_at, back.answers) == (State.DRAFT, None, {"name": "x"})
    assert said(row) == ["started", "discarded", "restored"]


def test_discard_refuses_others_and_the_submitted(world, submit) -> None:
    with pytest.raises(NotAllowed):
        actions.discard(request=draft(world), by=world.sam)
    with pytest.raises(WrongState):
        actions.discard(request=submit(), by=world.mira)
    with pytest.raises(WrongState):
        actions.restore(request=draft(world), by=world.mira)


# Submitting


def test_submit_renders_on_the_server_and_queues_the_pull_request(world, submit) -> None:
    row = submit()
    row.refresh_from_db()
    assert row.state == State.PROPOSING
    assert (row.entity_ref, row.team.slug, row.environments) == (
        "component:default/wishlist",
        "checkout",
        ["staging"],
    )
    assert "apps/checkout/wishlist/staging/deployment.yaml" in row.files
    assert f"slipway.dev/request: {row.ref}" in row.files["apps/checkout/wishlist/staging/deployment.yaml"]
    assert row.cost["monthly"] > 0
    assert row.base_sha == world.host.head("shop/deploy")
    assert said(row) == ["started", "submitted", "proposing"]
    assert Effect.objects.get().key == f"{row.ref}/1"
    assert [(h.name, h.finished_at is None) for h in row.hops.all()] == [
        ("form", False),
        ("pull_request", True),
    ]


def test_submit_asks_for_the_approvals_the_blueprint_wants(world, submit) -> None:
    row = submit(**EXPENSIVE)
    assert row.state == State.AWAITING_APPROVAL
    assert row.needs[0]["who"] == ["lead"]
    assert row.hops.last().waits_for == "Sam"
    assert [effect.kind for effect in Effect.objects.all()] == ["onboarding.tell"]


def test_blocked_answers_are_refused_and_kept(world) -> None:
    with pytest.raises(Blocked) as caught:
        actions.submit(by=world.mira, blueprint="web-service", answers=answers("Not a name"), token="t")
    assert caught.value.evaluation.blocked
    row = Request.objects.get()
    assert (row.state, row.answers["name"]) == (State.DRAFT, "Not a name")
    assert said(row) == ["started"]


@pytest.mark.parametrize("how", ["token", "draft"])
def test_submitting_again_returns_the_same_request(world, how) -> None:
    row = draft(world, token="t")
    same = {"token": "t"} if how == "token" else {"request": row}
    sent = [
        actions.submit(by=world.mira, blueprint="web-service", answers=answers(image=image), **same)
        for image in ("registry.larkfield.shop/wishlist:1.0.0", "registry.larkfield.shop/wishlist:2.0.0")
    ]
    assert sent[0].pk == sent[1].pk == row.pk
    row.refresh_from_db()
    assert row.answers["image"].endswith(":1.0.0")
    assert (row.generation, row.draft_answers, Effect.objects.count()) == (1, None, 1)


def test_extra_fields_change_nothing_but_answers(world, submit) -> None:
    row = submit(state="live", created_by="sam", tree_hash="x", status="approved")
    row.refresh_from_db()
    assert (row.state, row.created_by) == (State.PROPOSING, world.mira)
    assert "status" not in row.answers


def test_a_name_in_an_open_request_is_taken(world, submit) -> None:
    submit()
    with pytest.raises(Blocked):
        submit(world.noah)


# Correcting


def resubmit(row: Request, by, generation: int | None = None, **over):
    generation = row.generation if generation is None else generation
    return actions.edit_and_resubmit(request=row, by=by, answers=answers(**over), generation=generation)


def test_an_edit_voids_approvals_and_makes_its_author_a_contributor(world, submit) -> None:
    row = submit(**EXPENSIVE)
    changed = resubmit(row, world.noah, **EXPENSIVE | {"replicas": 11})
    assert (changed.state, changed.generation) == (State.AWAITING_APPROVAL, 2)
    assert changed.tree_hash != row.tree_hash
    assert set(changed.contributors.all()) == {world.mira, world.noah}


def test_an_edit_sent_twice_counts_once(world, submit) -> None:
    row = submit(**EXPENSIVE)
    resubmit(row, world.mira, replicas=11)
    again = resubmit(row, world.mira, generation=1, replicas=12)
    again.refresh_from_db()
    assert (again.generation, again.answers["replicas"], again.draft_answers) == (2, 11, None)


def test_edits_are_refused_to_others_and_in_ended_requests(world, submit) -> None:
    row = submit(**EXPENSIVE)
    with pytest.raises(NotAllowed):
        resubmit(row, world.jonas)
    actions.withdraw(request=row, by=world.mira)
    with pytest.raises(WrongState):
        resubmit(row, world.mira)


def test_an_edit_while_the_pull_request_is_being_opened_is_refused(world, submit) -> None:
    with pytest.raises(WrongState):
        resubmit(submit(), world.mira)


def test_an_edit_during_the_merge_is_refused(world) -> None:
    row = make_request(world.mira, state=State.IN_REVIEW, merge_asked_by=world.sam)
    with pytest.raises(WrongState):
        resubmit(row, world.mira)


def test_a_correction_that_changes_nothing_is_refused(world, submit) -> None:
    row = submit()
    Request.objects.filter(pk=row.pk).update(state=State.NEEDS_ATTENTION, merge_sha="b" * 40)
    row.refresh_from_db()
    with pytest.raises(Refusal, match="retry"):
        resubmit(row, world.mira)


def test_a_correction_of_what_is_merged_is_a_pull_request_of_its_own(world, submit) -> None:
    row = submit(environments=["staging", "production"])
    Request.objects.filter(pk=row.pk).update(state=State.NEEDS_ATTENTION, merge_sha="b" * 40, pull_number=1)
    row.refresh_from_db()
    changed = resubmit(row, world.mira, environments=["staging"])
    assert changed.branch == f"slipway/r-{row.number}-2"
    assert (changed.pull_number, changed.merge_sha) == (None, "")
    assert "apps/checkout/wishlist/production/deployment.yaml" in changed.removed


# Opening again


def test_reopen_with_a_fix_filled_in(world) -> None:
    row = make_request(world.mira, state=State.NEEDS_ATTENTION)
    opened = actions.reopen_as_draft(request=row, by=world.mira, changes={"image": "a/b:2"})
    assert opened.pk == row.pk
    assert opened.draft_answers == {"name": "wishlist", "image": "a/b:2"}


def test_reopen_an_ended_request_as_a_new_draft(world) -> None:
    row = make_request(world.mira, state=State.REJECTED)
    opened = actions.reopen_as_draft(request=row, by=world.noah)
    assert (opened.pk != row.pk, opened.state, opened.created_by) == (True, State.DRAFT, world.noah)
    with pytest.raises(NotAllowed):
        actions.reopen_as_draft(request=row, by=world.jonas)
    with pytest.raises(WrongState):
        actions.reopen_as_draft(request=make_request(world.mira, state=State.MERGED), by=world.mira)
