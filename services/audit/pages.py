"""What the audit adds to the pages that belong to nobody: a finding, where platform engineers see it."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only
from portal.shell.registry import Gauge, NavItem, NeedsItem, Vital
from services.audit import queries


def register() -> None:
    registry.nav.add(
        NavItem(
            "audit",
            "Audit",
            "shield-check",
            "audit:event_list",
            order=90,
            section="platform",
            visible=lambda request: platform_only(request.user),
        )
    )
    registry.needs_me.add(broken_chain)
    registry.vitals.add(Vital("audit", 30, privileges))
    registry.metrics.add(gauges)


def privileges() -> str:
    return "the database role of the application could rewrite it" if queries.can_be_rewritten() else "ok"


def gauges() -> Iterator[Gauge]:
    last = queries.last_check()
    age = float("inf") if last is None else (timezone.now() - last.at).total_seconds()
    yield Gauge("slipway_audit_check_age_seconds", "Since the audit was last looked through.", {(): age})


def broken_chain(request: HttpRequest) -> Iterator[NeedsItem]:
    """For platform engineers: the last look through the audit found events that are not what they were."""
    if not platform_only(request.user):
        return
    last = queries.last_check()
    if last is not None and last.broken:
        some = ", ".join(str(event) for event in last.broken[:5])
        yield NeedsItem(
            icon="shield",
            tone="bad",
            title="The audit is not what was written",
            text=f"Changed, removed or forged: event {some}. Run verify_audit on the server for all of it.",
            url=reverse("audit:event_list"),
            action="Look at it",
            at=last.at,
            order=5,
        )
