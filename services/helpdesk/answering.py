"""Which known answers fit a question: by what they are attached to, their words, and what runs now."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.search import SearchQuery, SearchRank
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone

from services.helpdesk.fitting import words
from services.helpdesk.models import Answer, Deflection, Link, Problem, Ticket
from services.helpdesk.models.answers import WRITTEN, answers_seen_by
from services.manifests.expressions import ExpressionError, holds

QUIET = timedelta(hours=24)
SAMPLE: dict[str, Any] = {"service": "checkout", "environment": "production", "findings": ["oom-killed"],
                          "health": "Degraded", "category": "broken", "kind": "component"}  # fmt: skip


def situation(
    *, entity_ref: str, environment: str, category: str, states: Sequence[Any], findings: Sequence[Any]
) -> dict[str, Any]:
    """What conditions speak of: names as in SAMPLE."""
    healths = [state.shown_health for state in states]
    worst = next((health for health in healths if health != "Healthy"), "Healthy" if healths else "Unknown")
    return {
        "service": entity_ref.rpartition("/")[2],
        "kind": entity_ref.partition(":")[0],
        "environment": environment,
        "category": category,
        "health": worst,
        "findings": [finding["id"] for finding in findings],
    }


def fitting(
    user: Any, text: str, now: dict[str, Any], *, entity_ref: str = "", limit: int = 3
) -> list[Answer]:
    """Answers for this question, those tied to a finding that is there or to this very service first.

    One whose condition does not hold is not shown; one whose condition cannot be read neither.
    """
    wanted = sorted(words(text))[:12]
    tied = Q(entity_ref=entity_ref.lower()) if entity_ref else Q(pk__in=[])
    if now["findings"]:
        tied |= Q(finding__in=now["findings"])
    rows = answers_seen_by(user).filter(published=True)
    rows = rows.filter(Q(entity_ref="") | Q(entity_ref=entity_ref.lower()))
    rows = rows.filter(Q(finding="") | Q(finding__in=now["findings"]))
    if now["category"]:
        rows = rows.filter(Q(category=None) | Q(category__slug=now["category"]))
    found = Q(pk__in=[])
    if wanted:
        query = SearchQuery(" | ".join(wanted), config="english", search_type="raw")
        rows = rows.annotate(written=WRITTEN, rank=SearchRank(WRITTEN, query))
        found = Q(written=query)
        rows = rows.order_by("-rank", "pk")
    shown = [answer for answer in rows.filter(tied | found)[: limit * 5] if holds_for(answer, now)]
    shown.sort(key=lambda answer: not (answer.finding or answer.entity_ref))
    return shown[:limit]


def holds_for(answer: Answer, now: dict[str, Any]) -> bool:
    if not answer.condition:
        return True
    try:
        return holds(answer.condition, now)
    except ExpressionError:
        return False


def search(user: Any, text: str) -> Any:
    """Published answers with their votes; with words, those that say them, best first."""
    rows = answers_seen_by(user).annotate(
        good=Count("votes", filter=Q(votes__helped=True), distinct=True),
        bad=Count("votes", filter=Q(votes__helped=False), distinct=True),
    )
    wanted = sorted(words(text))[:12]
    if not text.strip():
        return rows.order_by("title")
    query = SearchQuery(" | ".join(wanted) or "zzz", config="english", search_type="raw")
    return (
        rows.annotate(written=WRITTEN, rank=SearchRank(WRITTEN, query))
        .filter(written=query)
        .order_by("-rank")
    )


def deflected(since: datetime, now: datetime | None = None) -> int:
    """How many were really spared a ticket: answered, left, and nothing asked about the same service within a
    day. Those of the last day are not counted yet.
    """
    later = Ticket.objects.filter(
        asker=OuterRef("person"), entity_ref=OuterRef("entity_ref"), created_at__gte=OuterRef("at"),
        created_at__lt=OuterRef("at") + QUIET,
    )  # fmt: skip
    over = (now or timezone.now()) - QUIET
    rows = Deflection.objects.filter(at__gte=since, at__lt=over).filter(~Exists(later))
    return rows.values("person", "entity_ref", "at__date").distinct().count()


def incidents(entity_ref: str, text: str, user: Any, limit: int = 2) -> list[Ticket]:
    """Open problems that may be behind it: of this service, of a service named with it, or of these words."""
    problems = Problem.objects.values("ticket")
    rows = Ticket.objects.visible_to(user).open().filter(pk__in=problems).for_rows()
    about = Q(entity_ref=entity_ref.lower()) if entity_ref else Q(pk__in=[])
    if entity_ref:
        behind = Link.objects.filter(kind=Link.Kind.PROBLEM, ticket__entity_ref=entity_ref.lower())
        about |= Q(pk__in=behind.values("other"))
    wanted = sorted(words(text))[:12]
    if wanted:
        about |= Q(search=SearchQuery(" | ".join(wanted), config="english", search_type="raw"))
    return list(rows.filter(about).order_by("-created_at")[:limit])


def due_for_review() -> Any:
    return Answer.objects.filter(review_on__lte=timezone.localdate(), published=True).order_by("review_on")
