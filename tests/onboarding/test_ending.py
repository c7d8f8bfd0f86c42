"""What was asked for until a day is proposed for removal when that day is over, once."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from services.accounts.models import User
from services.catalog.models import Entity
from services.onboarding import actions, tasks
from services.onboarding.models import Request, State

from .test_journey import merged

WANTED = {"reason": "Finding out why orders are late.", "ticket": "T-1042", "environments": ["staging"]}


@pytest.fixture
def given(world) -> Request:
    """Access until next week, merged and in the catalog."""
    row = actions.submit(by=world.mira, blueprint="access", answers={**WANTED, "owner": "checkout"})
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    row = merged(world, row)
    Request.objects.filter(pk=row.pk).update(state=State.LIVE)
    return row


def later(days: int):
    return time_machine.travel(timezone.now() + timedelta(days=days))


def test_access_that_is_over_is_proposed_for_removal_once(world, given):
    entity = Entity.objects.get(ref="resource:default/access-mira")
    assert (entity.spec["until"], entity.spec["role"]) == (given.answers["until"], "look")
    with later(7):
        assert tasks.end() == 0
    with later(8):
        assert (tasks.end(), tasks.end()) == (1, 0)
        removal = Request.objects.get(kind=Request.Kind.RETIRE)
        assert removal.created_by == world.mira
        assert removal.answers["reason"] == f"Its last day was {given.answers['until']}."
        assert "apps/checkout/access-mira/staging/rolebinding.yaml" in removal.removed
        actions.withdraw(request=removal, by=world.mira)
        assert tasks.end() == 0
    with later(10):
        assert tasks.end() == 1


def test_whoever_left_is_stood_in_for_and_one_that_fails_holds_up_no_other(world, given):
    User.objects.filter(pk=world.mira.pk).update(is_active=False)
    ghost = {"kind": "Resource", "name": "ghost", "type": "access", "owner_ref": "group:default/checkout"}
    spec = {"until": "2020-01-01"}
    Entity.objects.create(ref="resource:default/aghost", spec=spec, metadata={"name": "aghost"}, **ghost)
    with later(8):
        assert tasks.end() == 1
    assert Request.objects.get(kind=Request.Kind.RETIRE).created_by in (world.noah, world.sam)
