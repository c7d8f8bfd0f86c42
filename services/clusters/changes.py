"""What changed around a service: rollouts, configuration, what people did; and what just before trouble."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from services.audit.models import Event
from services.clusters import picture
from services.clusters.models import KubeObject

SHOWN = 6
LOOKED_BACK = timedelta(days=7)
# What changed so shortly before a trouble began is the first suspect.
BEFORE, AFTER = timedelta(minutes=30), timedelta(minutes=1)
WATCHED = {"ConfigMap": "Configuration", "ResourceQuota": "Quota", "NetworkPolicy": "Network policy"}


@dataclass(frozen=True)
class Change:
    """`is_near`: shortly before the trouble began."""

    at: datetime
    what: str
    who: str = ""
    request: str = ""
    is_near: bool = False


def changes_of(
    rows: Iterable[KubeObject], deeds: Iterable[Event], environment: str, trouble: datetime | None
) -> list[Change]:
    """The latest of a week in one environment, newest first."""
    rows = list(rows)
    found = [*_rollouts(rows), *_configuration(rows), *_deeds(deeds, environment)]
    recent = [each for each in found if each.at > timezone.now() - LOOKED_BACK]
    newest = sorted(recent, key=lambda each: each.at, reverse=True)[:SHOWN]
    return [_beside(each, trouble) for each in newest]


def _beside(change: Change, trouble: datetime | None) -> Change:
    near = trouble is not None and trouble - BEFORE <= change.at <= trouble + AFTER
    return Change(change.at, change.what, change.who, change.request, near)


def _rollouts(rows: Sequence[KubeObject]) -> list[Change]:
    """Every set of a deployment is a rollout; the annotation on it says which request it came from."""
    return [
        Change(
            row.born_at,
            f"Rollout {_annotation(row, picture.REVISION)} of {_deployment(row)}: {picture.image_of(row)}",
            request=_annotation(row, picture.REQUEST),
        )
        for row in rows
        if row.kind == "ReplicaSet" and row.owner_uid and row.born_at
    ]


def _annotation(row: KubeObject, key: str) -> str:
    return str(((row.data.get("metadata") or {}).get("annotations") or {}).get(key) or "")


def _deployment(row: KubeObject) -> str:
    owners = (row.data.get("metadata") or {}).get("ownerReferences") or [{}]
    return str(owners[0].get("name") or row.name)


def _configuration(rows: Sequence[KubeObject]) -> list[Change]:
    return [
        Change(row.born_at, f"{WATCHED[row.kind]} {row.name} is new")
        for row in rows
        if row.kind in WATCHED and row.born_at
    ]


def _deeds(deeds: Iterable[Event], environment: str) -> list[Change]:
    return [
        Change(each.at, each.summary, each.actor_name or each.actor)
        for each in deeds
        if each.action.startswith("workload.") and (each.details or {}).get("environment") == environment
    ]


def began(findings: Iterable[Any]) -> datetime | None:
    """When the first of what is wrong began, as far as evidence tells."""
    times = [picture.time(seen.at) for each in findings if each.severity == "error" for seen in each.evidence]
    return min((each for each in times if each), default=None)
