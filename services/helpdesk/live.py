"""What the clusters know about the service a ticket is about: as it is now, and frozen."""

from dataclasses import dataclass
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from django.urls import reverse
from django.utils import timezone

from services.helpdesk.models import Ticket
from services.helpdesk.redaction import redact

HEALTH_RANK = {"Degraded": 0, "Missing": 1, "Progressing": 2, "Unknown": 3, "Suspended": 4, "Healthy": 5}


def states(entity_ref: str, environment: str = "") -> list[Any]:
    """The state of a service in each environment (or the one asked for), from the portal's own picture."""
    if not entity_ref or find_spec("services.clusters.queries") is None:
        return []
    from services.clusters import queries as clusters

    found = clusters.live_state(entity_ref)
    return [state for state in found if not environment or name_of(state) == environment]


def findings(found: list[Any], limit: int = 2) -> list[dict[str, Any]]:
    """What is wrong, worst first, each once, with the environment it was seen in."""
    seen: dict[str, dict[str, Any]] = {}
    for state in found:
        for finding in state.findings:
            seen.setdefault(finding.id, {**_finding(finding), "environment": name_of(state)})
    ranked = sorted(seen.values(), key=lambda f: _SEVERITIES.get(str(f["severity"]), 9))
    return ranked[:limit]


_SEVERITIES = {"block": 0, "critical": 0, "bad": 0, "error": 1, "high": 1, "warn": 2, "warning": 2, "info": 4}


def freeze(entity_ref: str, environment: str = "") -> dict[str, Any] | None:
    """The snapshot a ticket keeps: one row per environment, findings, and every value behind them."""
    found = states(entity_ref, environment)
    if not found:
        return None
    from services.clusters import queries as clusters

    return redact(
        {
            "as_of": timezone.now().isoformat(),
            "environments": [_frozen(state) for state in found],
            "findings": findings(found, limit=10),
            "values": clusters.snapshot(entity_ref),
        }
    )


def _frozen(state: Any) -> dict[str, Any]:
    return {
        "environment": name_of(state),
        "health": str(state.health),
        "message": state.message,
        "ready": state.ready,
        "desired": state.desired,
        "version": state.version,
        "image": state.image,
        "restarts": _restarts(state),
        "findings": len(state.findings),
        "as_of": state.as_of.isoformat() if state.as_of else None,
    }


def _finding(finding: Any) -> dict[str, Any]:
    return {
        "id": finding.id,
        "severity": str(finding.severity),
        "title": finding.title,
        "advice": finding.advice,
        "fix": finding.fix,
        "evidence": [
            {"object": str(e.object), "field": e.field, "value": str(e.value)} for e in finding.evidence[:6]
        ],
    }


def name_of(state: Any) -> str:
    """The environment's name, whether the state carries the row or the word."""
    return str(getattr(state.environment, "name", state.environment))


def _restarts(state: Any) -> int | None:
    counts = [w.restarts for w in state.workloads if getattr(w, "restarts", None) is not None]
    return sum(counts) if counts else None


@dataclass(frozen=True)
class Row:
    """One line of then and now; `tone` colours what changed."""

    label: str
    then: str
    now: str
    tone: str = ""


@dataclass(frozen=True)
class ThenNow:
    rows: list[Row]
    then_at: datetime | None
    now_at: datetime | None
    environment: str


def then_and_now(ticket: Ticket, found: list[Any]) -> ThenNow | None:
    """The frozen row of the ticket's environment beside the live one; None when nothing was frozen."""
    frozen = (ticket.snapshot or {}).get("environments") or []
    then = next((row for row in frozen if row["environment"] == ticket.environment), None)
    then = then or min(frozen, key=lambda row: HEALTH_RANK.get(row["health"], 3), default=None)
    if then is None:
        return None
    state = next((s for s in found if name_of(s) == then["environment"]), None)
    now = _frozen(state) if state else {}
    rows = [row for row in (_row(label, key, then, now) for label, key in COMPARED) if row]
    return ThenNow(rows, ticket.snapshot_at, state.as_of if state else None, then["environment"])


COMPARED = [
    ("Health", "health"),
    ("Pods ready", "ready"),
    ("Restarts", "restarts"),
    ("Version", "version"),
    ("Findings", "findings"),
]


def _row(label: str, key: str, then: dict[str, Any], now: dict[str, Any]) -> Row | None:
    before, after = _shown(key, then), _shown(key, now)
    if before == after == "":
        return None
    tone = _tone(key, then, now) if before != after else ""
    return Row(label, before or "unknown", after or "unknown", tone)


def _shown(key: str, row: dict[str, Any]) -> str:
    if key == "ready" and row.get("desired") is not None:
        return f"{row.get('ready') or 0} of {row['desired']}"
    value = row.get(key)
    return "" if value is None else str(value)


def _tone(key: str, then: dict[str, Any], now: dict[str, Any]) -> str:
    """Better is green, worse is red; a new version is neither."""
    if not now or key == "version":
        return ""
    if key == "health":
        better = HEALTH_RANK.get(now["health"], 3) > HEALTH_RANK.get(then["health"], 3)
    elif key == "ready":
        better = (now.get("ready") or 0) > (then.get("ready") or 0)
    else:
        better = (now.get(key) or 0) < (then.get(key) or 0)
    return "ok" if better else "bad"


def health_by_ref(refs: set[str]) -> dict[str, str]:
    """The worst health of each service over its environments, for lists: one query."""
    refs = {ref for ref in refs if ref}
    if not refs or find_spec("services.clusters.queries") is None:
        return {}
    from services.clusters import queries as clusters

    found = clusters.health_by_entity(refs)
    return {ref: _worst(list(healths.values())) for ref, healths in found.items() if healths}


def _worst(healths: list[Any]) -> str:
    words = [str(getattr(health, "status", health)) for health in healths]
    return min(words, key=lambda word: HEALTH_RANK.get(word, 3))


def flat(snapshot: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Every value of a snapshot with its path, in order."""
    if isinstance(snapshot, dict):
        return [row for key, value in snapshot.items() for row in flat(value, f"{prefix}.{key}".lstrip("."))]
    if isinstance(snapshot, list):
        return [row for i, value in enumerate(snapshot) for row in flat(value, f"{prefix}[{i}]")]
    return [] if snapshot in (None, "") else [(prefix, str(snapshot))]


def environments() -> list[tuple[str, str]]:
    """Name and title of every environment, in their order."""
    if find_spec("services.clusters.models") is None:
        return []
    from services.clusters.models import Environment

    return list(Environment.objects.order_by("position", "name").values_list("name", "title"))


def fix_url(finding: dict[str, Any], entity_ref: str) -> str:
    """The service's page, where what is wrong stands beside what changes it."""
    kind, _, rest = entity_ref.partition(":")
    namespace, _, name = rest.partition("/")
    if not name:
        return reverse("helpdesk:ticket_new")
    return reverse("catalog:entity_detail", args=[kind, namespace, name]) + "?tab=live"
