"""Who really works on what: gathered a few entities at a time, and held against who is named as the owner."""

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils import timezone

from portal.shell import registry
from portal.shell.registry import Deed
from services.accounts.models import Membership, User
from services.catalog.models import Entity, Evidence, Tenure, Weighed
from services.effects.errors import OutsideError

WINDOW = timedelta(days=90)
AT_ONCE, SECONDS = 50, 45.0
LEAST, TIMES = 5, 2  # another team must have done this much, and this many times what the owner did
log = structlog.get_logger(__name__)


def gather(now: datetime | None = None) -> int:
    """Look again at what was looked at longest ago, for as long as there is time. Safe to run twice."""
    now, until = now or timezone.now(), time.monotonic() + SECONDS
    done = 0
    while rows := list(_due(now)[:AT_ONCE]):
        _gather(rows, now)
        done += len(rows)
        if time.monotonic() > until:
            break
    return done


def _due(now: datetime) -> Any:
    """Tenures, those never looked at first; each at most once in some hours."""
    recent = Q(entity__weighed__at__gt=now - timedelta(hours=6))
    rows = Tenure.objects.select_related("entity").only("owner_ref", "standing", "entity__ref")
    return rows.exclude(recent).order_by(F("entity__weighed__at").asc(nulls_first=True), "pk")


def _gather(rows: list[Tenure], now: datetime) -> None:
    refs = {row.entity.ref: row.pk for row in rows}
    for source in registry.deeds:
        try:
            deeds = list(source.gather(list(refs), now - WINDOW))
        except OutsideError as error:
            log.warning("catalog.evidence_kept", kind=source.key, error=str(error))
            continue
        _write(source.key, refs, deeds)
    _weigh(rows, now)


@transaction.atomic
def _write(kind: str, refs: dict[str, int], deeds: Iterable[Deed]) -> None:
    """What was found of one kind, instead of what was known of it."""
    found = [deed for deed in deeds if deed.ref in refs]
    people = _accounts({deed.person for deed in found})
    tally: dict[tuple[int, str], Evidence] = {}
    for deed in found:
        user = people.get(deed.person.lower())
        person = user.username if user else deed.person[:150]
        row = tally.setdefault(
            (refs[deed.ref], person),
            Evidence(
                entity_id=refs[deed.ref], kind=kind, person=person, user=user, count=0, last_at=deed.last_at
            ),
        )
        row.count, row.last_at = row.count + deed.count, max(row.last_at, deed.last_at)
    Evidence.objects.filter(entity_id__in=refs.values(), kind=kind).delete()
    Evidence.objects.bulk_create(tally.values())


def _accounts(names: set[str]) -> dict[str, User]:
    """Accounts by username and by mail address, both in lower case; one query."""
    wanted = {name.lower() for name in names}
    rows = User.objects.alias(low=Lower("username"), mail=Lower("email"))
    found: dict[str, User] = {}
    for user in rows.filter(Q(low__in=wanted) | Q(mail__in=wanted)):
        found |= {user.username.lower(): user, user.email.lower(): user}
    return found


@dataclass
class Work:
    """How much each owner did for one entity: groups by their members, and people."""

    by_ref: Counter[str] = field(default_factory=Counter)
    helpers: set[str] = field(default_factory=set)

    def leader(self) -> tuple[str, int]:
        """The group that did most, without those who help everybody; nobody when nobody did anything."""
        groups = {
            ref: n for ref, n in self.by_ref.items() if ref.startswith("group:") and ref not in self.helpers
        }
        return max(groups.items(), key=lambda pair: (pair[1], pair[0]), default=("", 0))


def speaks_against(leader: tuple[str, int], owner: str, owner_count: int) -> bool:
    """Whether so much is another's work that it is worth a question."""
    ref, count = leader
    return bool(ref) and ref != owner and count >= LEAST and count > TIMES * owner_count


@transaction.atomic
def _weigh(rows: list[Tenure], now: datetime) -> None:
    work = work_on([row.pk for row in rows])
    weighed = []
    for row in rows:
        one = work.get(row.pk, Work())
        leader, count = one.leader()[0], one.by_ref[row.owner_ref]
        against = speaks_against(one.leader(), row.owner_ref, count)
        weighed.append(
            Weighed(
                entity_id=row.pk, at=now, leader_ref=leader, leader_count=one.leader()[1],
                owner_ref=row.owner_ref, owner_count=count, speaks_against=against,
            )
        )  # fmt: skip
    fields = ["at", "leader_ref", "leader_count", "owner_ref", "owner_count", "speaks_against"]
    Weighed.objects.bulk_create(
        weighed, update_conflicts=True, unique_fields=["entity"], update_fields=fields
    )


def work_on(pks: list[int]) -> dict[int, Work]:
    """Who did how much for each of some entities; two queries."""
    rows = list(Evidence.objects.filter(entity_id__in=pks, user__isnull=False).select_related("user"))
    teams: dict[int, list[Membership]] = {}
    for member in Membership.objects.filter(user__in={row.user_id for row in rows}).select_related("team"):
        teams.setdefault(member.user_id, []).append(member)
    found: dict[int, Work] = {}
    for row in rows:
        work = found.setdefault(row.entity_id, Work())
        work.by_ref[row.user.ref] += row.count
        for member in teams.get(row.user_id or 0, []):
            work.by_ref[member.team.ref] += row.count
            if member.team.runs_platform:
                work.helpers.add(member.team.ref)
    return found


@dataclass
class Worker:
    """One person on the page of an entity: what they did, and when last."""

    name: str
    user: User | None
    said: list[str]
    last_at: datetime
    total: int


def workers(entity: Entity, most: int = 5) -> list[Worker]:
    """Who did most for an entity lately; one query."""
    kinds = {source.key: source for source in registry.deeds}
    found: dict[str, Worker] = {}
    for row in Evidence.objects.filter(entity=entity).select_related("user"):
        kind = kinds.get(row.kind)
        name = str(row.user) if row.user else row.person
        one = found.setdefault(row.person, Worker(name, row.user, [], row.last_at, 0))
        if kind is not None:
            one.said.append(f"{row.count} {kind.one if row.count == 1 else kind.many}")
            one.total += row.count
        one.last_at = max(one.last_at, row.last_at)
    return sorted(found.values(), key=lambda one: (-one.total, one.name))[:most]


@dataclass
class Piece:
    """One entity on the page of a person: what they did for it, and when last."""

    entity: Entity
    said: list[str]
    last_at: datetime
    total: int


def work_of(username: str, most: int = 8) -> list[Piece]:
    """What somebody works on lately, the most first; one query."""
    kinds = {source.key: source for source in registry.deeds}
    rows = Evidence.objects.filter(user__username__iexact=username).select_related("entity")
    found: dict[int, Piece] = {}
    for row in rows.defer("entity__spec", "entity__metadata", "entity__search")[:500]:
        one = found.setdefault(row.entity_id, Piece(row.entity, [], row.last_at, 0))
        kind = kinds.get(row.kind)
        if kind is not None:
            one.said.append(f"{row.count} {kind.one if row.count == 1 else kind.many}")
            one.total += row.count
        one.last_at = max(one.last_at, row.last_at)
    return sorted(found.values(), key=lambda one: (-one.total, one.entity.name))[:most]
