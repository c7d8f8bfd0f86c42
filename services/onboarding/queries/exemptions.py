"""Exceptions from guardrails: those in force for a service, those somebody has to look at."""

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import timezone

from services.accounts.models import User
from services.manifests.problems import Lease

from ..exemptions import Exemption, ExemptionQuerySet
from ..models import Request
from ..rules import may_grant


def leases_of(entity_ref: str) -> list[Lease]:
    """As the engine takes them."""
    if not entity_ref:
        return []
    rows = Exemption.objects.effective().filter(entity_ref=entity_ref.lower())
    return [row.lease for row in rows.select_related("asked_by", "decided_by")]


def asked_for(entity_refs: Iterable[str]) -> ExemptionQuerySet:
    """Those of some entities that nobody has decided yet."""
    return Exemption.objects.asked().filter(entity_ref__in=[ref.lower() for ref in entity_refs])


def to_decide(user: User) -> list[Exemption]:
    """Those that wait for this person's word."""
    if not user.is_platform:
        return []
    rows = Exemption.objects.asked().select_related("asked_by", "team", "request")
    return [row for row in rows.prefetch_related("request__contributors") if may_grant(user, row)]


def ending_for(user: User) -> ExemptionQuerySet:
    """Those of this person, or of their teams, that soon protect nothing any more."""
    return Exemption.objects.ending().of(user).distinct().order_by("until")


def run_out(row: Request) -> str:
    """What an exception that is over let pass when this request was sent; empty while all of them hold."""
    return next((told for _, told in over_in(row)), "")


def over_in(row: Request) -> Iterator[tuple[int, str]]:
    """The findings of a request whose exceptions are over, by their place, each with what to say."""
    today = timezone.localdate().isoformat()
    for place, found in enumerate(row.findings):
        if not found.get("excepted"):
            continue
        exemption = Exemption.objects.get(pk=found["excepted"]["ref"])  # none is ever deleted
        leases = leases_of(exemption.entity_ref)  # another may have taken its place
        if not any(
            each.is_for(found["rule"], found["environment"], found["object"], today) for each in leases
        ):
            yield place, _told(found, exemption)


def _told(found: dict[str, Any], exemption: Exemption) -> str:
    early = exemption.state == Exemption.State.ENDED
    ended = "was ended early" if early else f"ended on {exemption.until:%-d %B %Y}"
    return (
        f"The exception for “{found['title']}” in {found['environment']} {ended}. "
        "Ask for a new one, or open the form and change what it was for."
    )
