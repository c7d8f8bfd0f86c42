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
AT_ONCE, SECONDS, SHOWN = 50, 45.0, 5
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
    people: list[dict[str, Any]] = field(default_factory=list)

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
                owner_ref=row.owner_ref, owner_count=count, speaks_against=against, people=one.people,
            )
        )  # fmt: skip
    fields = ["at", "leader_ref", "leader_count", "owner_ref", "owner_count", "speaks_against", "people"]
    Weighed.objects.bulk_create(
        weighed, update_conflicts=True, unique_fields=["entity"], update_fields=fields
    )


def work_on(pks: list[int]) -> dict[int, Work]:
    """Who did how much for each of some entities; two queries."""
    by_entity: dict[int, list[Evidence]] = {}
    for row in Evidence.objects.filter(entity_id__in=pks).select_related("user"):
        by_entity.setdefault(row.entity_id, []).append(row)
    people = {row.user_id for rows in by_entity.values() for row in rows if row.user_id}
    teams: dict[int, list[Membership]] = {}
    for member in Membership.objects.filter(user__in=people).select_related("team"):
        teams.setdefault(member.user_id, []).append(member)
    return {pk: _work(rows, teams) for pk, rows in by_entity.items()}


def _work(rows: list[Evidence], teams: dict[int, list[Membership]]) -> Work:
    work = Work(people=_people(rows))
    for row in rows:
        if row.user is not None:
            work.by_ref[row.user.ref] += row.count
        for member in teams.get(row.user_id or 0, []):
            work.by_ref[member.team.ref] += row.count
            if member.team.runs_platform:
                work.helpers.add(member.team.ref)
    return work


def _people(rows: Iterable[Evidence]) -> list[dict[str, Any]]:
    """Who did most for one entity, as its page shows them without asking again."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        empty = {"name": str(row.user or row.person), "username": row.user.username if row.user else ""}
        one = found.setdefault(row.person, {**empty, "did": {}, "last_at": ""})
        one["did"][row.kind] = row.count
        one["last_at"] = max(one["last_at"], row.last_at.isoformat())
    return sorted(found.values(), key=lambda one: (-sum(one["did"].values()), one["name"]))[:SHOWN]


@dataclass(frozen=True)
class Worker:
    """One person on the page of an entity: what they did, and when last."""

    name: str
    username: str
    said: str
    last_at: datetime

    @property
    def initials(self) -> str:
        words = self.name.split() or ["?"]
        return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()

    def __str__(self) -> str:
        return self.name


def workers(weighed: Weighed | None) -> list[Worker]:
    """Who did most for an entity lately; asks nothing."""
    return [
        Worker(one["name"], one["username"], told(one["did"]), datetime.fromisoformat(one["last_at"]))
        for one in ((weighed.people if weighed else None) or [])
    ]


def told(did: dict[str, int]) -> str:
    """How often which kind of work, in words: "6 commits, 1 approval"."""
    kinds = [(source, did[source.key]) for source in registry.deeds if source.key in did]
    return ", ".join(f"{count} {source.one if count == 1 else source.many}" for source, count in kinds)


@dataclass
class Piece:
    """One entity on the page of a person: what they did for it, and when last."""

    entity: Entity
    did: dict[str, int]
    last_at: datetime

    @property
    def said(self) -> str:
        return told(self.did)


def work_of(username: str, most: int = 8) -> list[Piece]:
    """What somebody works on lately, the most first; one query."""
    rows = Evidence.objects.filter(user__username__iexact=username).select_related("entity")
    found: dict[int, Piece] = {}
    for row in rows.defer("entity__spec", "entity__metadata", "entity__search")[:500]:
        one = found.setdefault(row.entity_id, Piece(row.entity, {}, row.last_at))
        one.did[row.kind] = row.count
        one.last_at = max(one.last_at, row.last_at)
    return sorted(found.values(), key=lambda one: (-sum(one.did.values()), one.entity.name))[:most]
