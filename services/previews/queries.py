"""Reading previews: lists, what pages show of one, the health of what is in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.db.models import Q, QuerySet
from django.utils import timezone

from services.accounts.models import Team, User
from services.catalog.models import Entity
from services.clusters import queries as clusters
from services.clusters.models import Environment, Health, KubeObject
from services.onboarding.models import Request, State

from .models import Booking, Preview, PreviewQuerySet

SHOWN = {"mine": "Mine", "standing": "All that stand", "ended": "Ended"}


def previews(user: User, show: str) -> PreviewQuerySet:
    rows = Preview.objects.for_page()
    if show == "ended":
        return rows.filter(ended_at__isnull=False)
    if show == "mine":
        return rows.standing().filter(Q(created_by=user) | Q(team__in=user.teams.all())).distinct()
    return rows.standing()


BOOKED = "previews:booked"
BOOKED_SECONDS = 15
Booked = tuple[str, str, datetime, datetime]


def soon_booked() -> list[Booked]:
    """Environment, person, beginning and end of what is booked now or soon, the latest beginning first.

    Kept for some seconds in each process, for the page of every service asks.
    """
    found: list[Booked] = cache.get_or_set(BOOKED, _booked, BOOKED_SECONDS) or []
    return found


def _booked() -> list[Booked]:
    soon = timezone.now() + timedelta(days=2)
    rows = Booking.objects.filter(cancelled_at=None, ends_at__gt=timezone.now(), begins_at__lt=soon)
    rows = rows.select_related("environment", "booked_by").order_by("-begins_at")
    return [(row.environment.name, str(row.booked_by), row.begins_at, row.ends_at) for row in rows]


def forget_bookings() -> None:
    cache.delete(BOOKED)


def find(pk: int) -> Preview | None:
    return Preview.objects.for_page().filter(pk=pk).first()


@dataclass(frozen=True)
class Standing:
    """One word for where a preview is; `health` for the dot, `tone` and `icon` for the pill."""

    word: str
    tone: str
    icon: str
    sentence: str


def standing(row: Preview) -> Standing:
    if row.is_over:
        return Standing("Ended", "line", "archive", row.reason)
    if row.is_going:
        return Standing("Going", "line", "archive", "What ran is being taken away.")
    state = State(row.request.state)
    if row.ending is not None or state in (State.CLOSED, State.NEEDS_ATTENTION):
        title = row.request.problem.get("title") if state == State.NEEDS_ATTENTION else ""
        return Standing("Needs attention", "bad", "alert-triangle", str(title or "End it to clean up."))
    if state == State.AWAITING_APPROVAL:
        return Standing("Waits for a yes", "warn", "hourglass-low", "Somebody else has to approve it first.")
    if state != State.LIVE:
        return Standing("Coming up", "accent", "progress", _coming(row))
    if row.is_asleep:
        return Standing("Asleep", "line", "moon", "Nothing of it runs just now. One click wakes it.")
    if row.wanted_asleep != row.is_asleep:
        return Standing("Waking up" if not row.wanted_asleep else "Falling asleep", "accent", "progress", "")
    return Standing("Up", "ok", "heartbeat", "Everything of it was healthy when it came up.")


def _coming(row: Preview) -> str:
    rollout = row.request.rollouts.first()
    return rollout.message if rollout and rollout.message else "The files go to the repository."


@dataclass(frozen=True)
class Running:
    """A workload of a preview as the cluster last showed it."""

    ref: str
    row: KubeObject
    ready: int
    desired: int

    @property
    def name(self) -> str:
        return self.row.name

    @property
    def health(self) -> str:
        return self.row.health


def running(row: Preview) -> list[Running]:
    """Every workload in it, the sick first; one query."""
    if row.environment is None:
        return []
    found = [
        Running(each.entity_ref, each, *clusters.counts(each))
        for each in clusters.workloads_in(row.environment)
    ]
    return sorted(found, key=lambda each: (each.health == Health.HEALTHY, each.name))


def followed_ref(entity: Entity) -> str:
    return f"follow:default/{entity.name}"


def followed(entity: Entity) -> Request | None:
    """The request by which Argo CD makes previews of a service's pull requests, until that is ended."""
    rows = Request.objects.filter(entity_ref=followed_ref(entity)).exclude(merge_sha="")
    last = rows.order_by("-number").first()
    return last if last is not None and last.kind == Request.Kind.COPY else None


def team_named(owner_ref: str) -> Team | None:
    """The team of an owner's reference; None for people, and for groups that are no team here."""
    kind, _, name = owner_ref.partition(":")
    return Team.objects.filter(slug=name.rpartition("/")[2]).first() if kind == "group" else None


def bookings() -> QuerySet[Booking]:
    rows = Booking.objects.filter(cancelled_at=None).select_related("environment", "booked_by")
    return rows.order_by("begins_at")


def bases() -> list[Environment]:
    """What a preview can be a copy of; the ones that are not production first."""
    return sorted(clusters.environments(), key=lambda each: each.is_production)
