"""Booking a shared environment, and giving it back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.clusters.models import Environment
from services.onboarding.errors import NotAllowed, Refusal

from .. import queries, rules
from ..errors import Impossible
from ..models import Booking

LONGEST = timedelta(days=14)
FARTHEST = timedelta(days=180)


class Taken(Refusal):
    """Somebody has it then; `free_at` is when a slot as long begins."""

    status = 409

    def __init__(self, message: str, free_at: datetime) -> None:
        super().__init__(message)
        self.free_at = free_at


@transaction.atomic
def book(
    *, environment: Environment, by: User, begins_at: datetime, ends_at: datetime, purpose: str
) -> Booking:
    """Refuses: a preview or production (Impossible), times that make no sense (Impossible), Taken."""
    place = Environment.objects.select_for_update().get(pk=environment.pk)
    if place.is_preview or place.is_production:
        raise Impossible(f"{place} is not for booking.")
    now = timezone.now()
    if ends_at <= begins_at or ends_at <= now or ends_at - begins_at > LONGEST or begins_at > now + FARTHEST:
        raise Impossible("It ends after it begins, within two weeks, and begins within half a year.")
    if clash := _between(place, begins_at, ends_at):
        free = free_after(place, begins_at, ends_at - begins_at)
        when = f"{_said(clash.begins_at)} to {_said(clash.ends_at)}"
        raise Taken(f"{clash.booked_by} has {place} from {when}. As long is free from {_said(free)}.", free)
    made = Booking.objects.create(
        environment=place, begins_at=begins_at, ends_at=ends_at, purpose=purpose.strip()[:200], booked_by=by
    )
    audit.record(by=by, action="booking.made", obj=made, summary=f"{place}: {made.purpose}")
    transaction.on_commit(queries.forget_bookings)
    return made


def _said(at: datetime) -> str:
    return f"{timezone.localtime(at):%-d %b %H:%M}"


def _between(place: Environment, begins_at: datetime, ends_at: datetime) -> Booking | None:
    rows = Booking.objects.filter(environment=place, cancelled_at=None).select_related("booked_by")
    return rows.filter(begins_at__lt=ends_at, ends_at__gt=begins_at).first()


def free_after(place: Environment, begins_at: datetime, length: timedelta) -> datetime:
    """The nearest beginning, not before `begins_at`, of a slot of this length that nobody has."""
    while clash := _between(place, begins_at, begins_at + length):
        begins_at = clash.ends_at
    return begins_at


@transaction.atomic
def give_back(*, booking: Booking, by: User) -> Booking:
    """Cancels it; again without effect. Refuses somebody else's (NotAllowed)."""
    row = Booking.objects.select_for_update(of=("self",)).select_related("booked_by").get(pk=booking.pk)
    if not rules.can_give_back(by, row):
        raise NotAllowed("Whoever booked it gives it back, or the platform team.", ask=[str(row.booked_by)])
    if row.cancelled_at is None:
        row.cancelled_at = timezone.now()
        row.save(update_fields=["cancelled_at"])
        audit.record(by=by, action="booking.cancelled", obj=row, summary=row.purpose)
        transaction.on_commit(queries.forget_bookings)
    return row
