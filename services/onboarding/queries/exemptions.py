"""Exceptions from guardrails: those in force for a service, those somebody has to look at."""

from collections.abc import Iterable

from services.accounts.models import User
from services.manifests.problems import Lease

from ..exemptions import Exemption, ExemptionQuerySet
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
