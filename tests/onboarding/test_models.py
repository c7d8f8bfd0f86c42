"""What the database holds by itself, whatever the code above it does."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from services.onboarding.actions.moves import move
from services.onboarding.errors import WrongState
from services.onboarding.models import TRANSITIONS, Approval, Hop, Request, Rollout, State
from tests.factories.requests import make_request


@pytest.fixture
def row(people) -> Request:
    return make_request(people.mira, state=State.IN_REVIEW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "nearly"},
        {"state": "draft"},
        {"submitted_at": None},
        {"tree_hash": ""},
        {"team": None},
        {"generation": 0},
        {"state": "merged"},
        {"state": "live", "merge_sha": ""},
        {"state": "rejected", "reason": ""},
        {"state": "closed", "reason": ""},
    ],
)
def test_a_state_without_what_it_stands_for_is_refused(row, wrong) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Request.objects.update(**wrong)


def test_one_open_request_per_entity_and_any_number_of_ended_ones(people, row) -> None:
    make_request(people.noah, state=State.REJECTED)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_request(people.noah, state=State.PROPOSING)


def test_one_request_per_token(people) -> None:
    make_request(people.mira, token="t")
    make_request(people.noah, token="t")
    with pytest.raises(IntegrityError), transaction.atomic():
        make_request(people.mira, token="t")


def test_one_open_hop(row) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row.hops.create(name=Hop.Name.APPLIED)


def test_a_hop_ends_after_it_starts(row) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row.hops.update(finished_at=timezone.now() - timedelta(days=1))


def test_one_approval_per_person_need_and_content(people, row) -> None:
    said = {"request": row, "key": "x", "by": people.sam, "tree_hash": "h"}
    Approval.objects.create(**said, voided_at=timezone.now())
    Approval.objects.create(**said)
    with pytest.raises(IntegrityError), transaction.atomic():
        Approval.objects.create(**said)


def test_one_rollout_per_environment(row) -> None:
    row.rollouts.create(environment="staging")
    with pytest.raises(IntegrityError), transaction.atomic():
        row.rollouts.create(environment="staging")


@pytest.mark.parametrize("here", list(State))
def test_only_the_table_moves_a_request(people, here) -> None:
    row = make_request(people.mira, state=here)
    for to in set(State) - TRANSITIONS[here]:
        with pytest.raises(WrongState), transaction.atomic():
            move(row, to, by=None, action="skipped")


def test_rows_say_what_they_are(people, row) -> None:
    row.rollouts.create(environment="staging")
    Approval.objects.create(request=row, key="x", by=people.sam, tree_hash="h")
    ref = row.ref
    assert [str(row), str(row.hops.get()), str(Rollout.objects.get()), str(Approval.objects.get())] == [
        ref, f"{ref} Merged", f"{ref} in staging", f"Sam approved {ref} (x)"
    ]  # fmt: skip
    assert (row.entity_name, row.is_open, row.is_discarded) == ("wishlist", True, False)
    assert row.branch == f"slipway/r-{row.number}"
