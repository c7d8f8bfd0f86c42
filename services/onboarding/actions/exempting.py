"""Exceptions from guardrails: asked for, granted or refused by somebody else, ended."""

from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.clusters.models import Environment
from services.manifests.guardrails import shipped
from services.notices import actions as notices

from .. import queries, rules
from ..errors import NotAllowed, ReasonMissing, Refusal, WrongState
from ..exemptions import LONGEST, Exemption, last_day
from ..models import Request
from .moves import locked

PLATFORM = ["the platform team"]


@transaction.atomic
def ask_exemption(
    *, by: User, request: Request, guardrail: str, environment: str, object: str, reason: str, until: date
) -> Exemption:
    """Asks the platform team to let a guardrail be silent for what stops this request. Twice is once.

    Refuses: other people's requests (NotAllowed), no reason (ReasonMissing), a day that is past or too far
    away, what is no guardrail, and what nothing was found of.
    """
    row = locked(request)
    if not rules.can_ask_exemption(by, row):
        raise NotAllowed(f"{row.ref} belongs to {row.team or row.created_by}.", ask=[str(row.created_by)])
    if not reason.strip():
        raise ReasonMissing("Say why it has to be so: whoever decides reads only that.")
    _check_day(until)
    entity_ref, finding = _found(row, by, guardrail, environment, object)
    exemption, created = Exemption.objects.get_or_create(
        guardrail=guardrail,
        entity_ref=entity_ref,
        environment=environment,
        object=object,
        state=Exemption.State.ASKED,
        defaults={
            "title": finding.title,
            "message": finding.message,
            "reason": reason.strip(),
            "until": until,
            "request": row,
            "team": row.team or by.teams.first(),
            "asked_by": by,
        },
    )
    if created:
        _note(exemption, by, "asked", reason=exemption.reason)
    return exemption


def _check_day(until: date) -> None:
    if until < timezone.localdate():
        raise Refusal("That day is past. An exception ends on a day to come.")
    if until > last_day():
        raise Refusal(f"{LONGEST.days} days are the longest. It can be asked for again before it ends.")


def _found(row: Request, by: User, guardrail: str, environment: str, object: str) -> tuple[str, Any]:
    """The entity and the finding: only what stops somebody can be excepted."""
    if guardrail not in shipped().rules or not Environment.objects.filter(name=environment).exists():
        raise Refusal("Only guardrails have exceptions: what the API refuses, it refuses.")
    answers = row.answers if row.draft_answers is None else row.draft_answers
    found = queries.evaluate(row.blueprint, answers, user=by, request=row, alone=True)
    for finding in found.findings:
        at = (finding.rule, finding.environment, finding.object if object else "")
        if at == (guardrail, environment, object) and finding.excepted is None:
            return found.part_of(finding).entity_ref.lower(), finding
    raise Refusal(f"Nothing in {row.ref} needs that exception any more.")


@transaction.atomic
def grant_exemption(
    *, exemption: Exemption, by: User, until: date | None = None, remark: str = ""
) -> Exemption:
    """Lets the guardrail be silent until a day, that asked for or an earlier one.

    Refuses: who asked or wrote the request, who is not of the platform team (NotAllowed), what is decided
    already (WrongState), a day past or later than asked for.
    """
    row = _to_decide(exemption, by)
    day = until or row.until
    _check_day(day)
    if day > row.until:
        raise Refusal(f"It was asked for until {row.until:%-d %B}, and not longer.")
    row.until = day
    return _decided(row, by, Exemption.State.GRANTED, remark)


@transaction.atomic
def refuse_exemption(*, exemption: Exemption, by: User, remark: str) -> Exemption:
    """Leaves the guardrail as it is. Refuses: as `grant_exemption`, and without a reason (ReasonMissing)."""
    row = _to_decide(exemption, by)
    if not remark.strip():
        raise ReasonMissing("Say why not: the person who asked reads this.")
    return _decided(row, by, Exemption.State.REFUSED, remark)


@transaction.atomic
def end_exemption(*, exemption: Exemption, by: User, remark: str = "") -> Exemption:
    """Takes back what was asked for, or ends what was granted before its day: the guardrail stops again.

    Refuses: people it does not concern (NotAllowed), what is over (WrongState).
    """
    row = _locked(exemption)
    if row.state != Exemption.State.ASKED and not row.is_effective:
        raise WrongState("This exception is over already.")
    if not rules.may_end(by, row):
        raise NotAllowed("This exception is another team's.", ask=[str(row.asked_by), *PLATFORM])
    row.state, row.remark = Exemption.State.ENDED, remark.strip() or row.remark
    row.save(update_fields=["state", "remark"])
    _note(row, by, "ended", remark=remark)
    return row


def _locked(exemption: Exemption) -> Exemption:
    return Exemption.objects.select_for_update(of=("self",)).get(pk=exemption.pk)


def _to_decide(exemption: Exemption, by: User) -> Exemption:
    row = _locked(exemption)
    if row.state != Exemption.State.ASKED:
        raise WrongState(f"It is {row.get_state_display().lower()} already.")
    if not rules.may_grant(by, row):
        raise NotAllowed("Somebody of the platform team decides, and never who asked.", ask=PLATFORM)
    return row


def _decided(row: Exemption, by: User, state: str, remark: str) -> Exemption:
    row.state, row.remark = state, remark.strip()
    row.decided_by, row.decided_at = by, timezone.now()
    row.save(update_fields=["state", "remark", "until", "decided_by", "decided_at"])
    _note(row, by, state, until=row.until.isoformat(), remark=row.remark)
    granted = state == Exemption.State.GRANTED
    said = f"{by} granted it until {row.until:%-d %B}." if granted else f"{by} refused it: {row.remark}"
    words = notices.Words(
        f"Exception: {row.title.lower()} ({row.entity_name})", said, row.get_absolute_url(),
        "shield-check" if granted else "circle-x", "ok" if granted else "bad",
    )  # fmt: skip
    notices.tell(people=[row.asked_by], key=f"exemption-{row.pk}-{state}", words=words, about=row)
    return row


def _note(row: Exemption, by: User, what: str, **details: str) -> None:
    known = {"entity": row.entity_ref, "environment": row.environment, "guardrail": row.guardrail}
    audit.record(by=by, action=f"exemption.{what}", obj=row, summary=str(row), details={**known, **details})
