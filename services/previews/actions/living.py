"""Living with previews: renewed, asleep and awake, ended."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.effects.actions import enqueue
from services.notices import actions as notices
from services.notices.actions import Words
from services.onboarding import actions as onboarding
from services.onboarding.errors import NotAllowed, WrongState
from services.onboarding.models import ACTIVE, Request, State

from .. import nights, rules
from ..models import Preview

REMINDED = timedelta(hours=24)
RENEWAL = timedelta(hours=72)
FARTHEST = timedelta(days=14)


def locked(preview: Preview) -> Preview:
    rows = Preview.objects.select_for_update(of=("self",)).select_related(
        "request", "ending", "update_request", "team", "created_by", "environment"
    )
    return rows.get(pk=preview.pk)


def _mine(preview: Preview, by: User) -> Preview:
    row = locked(preview)
    if not rules.can_manage(by, row):
        raise NotAllowed(f"{row.team} looks after {row.name}.", ask=[str(row.created_by)])
    return row


@transaction.atomic
def renew(*, preview: Preview, by: User) -> Preview:
    """Three more days from now, at most two weeks ahead. Refuses what ends or has ended (WrongState)."""
    row = _mine(preview, by)
    if row.is_over or row.is_going:
        raise WrongState(f"{row.name} is going already; bring it back when it is gone.")
    now = timezone.now()
    row.until = min(max(row.until, now) + RENEWAL, now + FARTHEST)
    row.save(update_fields=["until"])
    audit.record(
        by=by,
        action="preview.renewed",
        obj=row,
        summary=f"until {timezone.localtime(row.until):%-d %b %H:%M}",
    )
    return row


@transaction.atomic
def end(*, preview: Preview, by: User | None, reason: str = "") -> Preview:
    """Takes it away: what waits is withdrawn, what is there goes by a request of its own. Again: as it is.

    Refuses: those who do not look after it (NotAllowed).
    """
    row = locked(preview) if by is None else _mine(preview, by)
    if row.is_over or row.is_going:
        return row
    row.reason = reason or "Not needed any more"
    row.save(update_fields=["reason"])
    audit.record(by=by, action="preview.ending", obj=row, summary=row.reason)
    _stop_update(row)
    asked = row.request
    if asked.state in ACTIVE and not asked.merge_sha and asked.merge_asked_by_id is None:
        onboarding.withdraw(request=asked, by=row.created_by, reason=row.reason)
        return locked(row)
    if asked.state in ACTIVE and asked.merge_sha and asked.state == State.NEEDS_ATTENTION:
        onboarding.close(request=asked, by=row.created_by, reason=row.reason)
    elif asked.state in ACTIVE:
        raise WrongState(f"{row.name} is just coming up; end it in a moment.")
    row.ending = _removal(row, by or row.created_by)
    row.save(update_fields=["ending"])
    return row


def _stop_update(row: Preview) -> None:
    """What was to change in it changes no more; what has changed goes with the rest."""
    update, row.update_request = row.update_request, None
    if update is None or update.state not in ACTIVE:
        return
    if update.merge_sha or update.merge_asked_by_id is not None:
        row.request = update  # the files are its files by now
    else:
        onboarding.withdraw(request=update, by=row.created_by, reason=row.reason)
    row.save(update_fields=["request", "update_request"])


def _removal(row: Preview, by: User) -> Request:
    wanted = onboarding.Wanted(
        kind=Request.Kind.END, title=f"End preview {row.name}", ref=row.ref, team=row.team,
        environments=[row.place], base="", reason=row.reason, removed=list(row.request.files),
    )  # fmt: skip
    return onboarding.ask_for_set(by=by, wanted=wanted, render=lambda request: {})


@transaction.atomic
def turn(*, preview: Preview, by: User, asleep: bool) -> Preview:
    """Wakes it, or puts it to sleep, against the clock. Refuses what is not up (WrongState)."""
    row = _mine(preview, by)
    if not row.is_up:
        raise WrongState(f"{row.name} is not up.")
    row.held_asleep, row.held_until = asleep, nights.hold_until(row, timezone.now())
    row.save(update_fields=["held_asleep", "held_until"])
    _turn(row, asleep, by)
    return row


def _turn(row: Preview, asleep: bool, by: User | None) -> None:
    if row.wanted_asleep == asleep:
        return
    row.wanted_asleep = asleep
    row.turns += 1
    row.save(update_fields=["wanted_asleep", "turns"])
    audit.record(
        by=by, action="preview.sent_to_sleep" if asleep else "preview.woken", obj=row, summary=row.name
    )
    said = {"preview": row.pk, "turn": row.turns, "asleep": asleep}
    enqueue(kind="previews.turn", key=f"{row.pk}/{row.turns}", payload=said, subject=row, by=by)


def tend() -> int:
    """Looks after all: asleep and awake by the clock, reminded before the end, taken away after it."""
    done = 0
    for row in Preview.objects.standing():
        done += _tend(row)
    return done


@transaction.atomic
def _tend(preview: Preview) -> int:
    row, now = locked(preview), timezone.now()
    if row.is_over or row.is_going:
        return 0
    if row.until <= now:
        return _over(row)
    if not row.is_up:
        return 0
    asleep = nights.wants_sleep(row, now)
    if asleep != row.wanted_asleep:
        _turn(row, asleep, None)
        return 1
    return _remind(row) if row.until - now <= REMINDED and _is_long(row) else 0


def _over(row: Preview) -> int:
    try:
        end(preview=row, by=None, reason="Its time was up")
    except WrongState:  # it comes up just now; the next look ends it
        return 0
    return 1


def _is_long(row: Preview) -> bool:
    """Of one that is there for a day only nobody is reminded at once."""
    return row.until - row.created_at > REMINDED or row.until - timezone.now() < timedelta(hours=3)


def _remind(row: Preview) -> int:
    if row.reminded_for == row.until:
        return 0
    row.reminded_for = row.until
    row.save(update_fields=["reminded_for"])
    text = "It is taken away then. One click keeps it for three more days."
    words = Words(f"Preview {row.name} ends soon", text, row.get_absolute_url(), "clock", "warn", waits=True)
    notices.tell(people=[row.created_by], key=f"preview/{row.pk}/{row.until:%s}", words=words, about=row)
    return 1
