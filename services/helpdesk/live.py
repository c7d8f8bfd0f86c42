"""What the clusters know about the service a ticket is about: as it is now, and frozen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from services.clusters import queries as clusters
from services.clusters.picture import ContainerState, EnvironmentState, worst
from services.helpdesk.models import Ticket
from services.helpdesk.redaction import redact

BETTER_LAST = ["Degraded", "Missing", "Progressing", "Unknown", "Suspended", "Healthy"]
SEVERITIES = ["block", "critical", "bad", "error", "high", "warn", "warning", "info"]
EVIDENCE_SHOWN = 6


def states(entity_ref: str, environment: str = "") -> list[EnvironmentState]:
    """The state of a service in each environment (or the one asked for), from the portal's own picture."""
    if not entity_ref:
        return []
    found = clusters.live_state(entity_ref)
    return [state for state in found if not environment or state.environment.name == environment]


def where(ticket: Ticket, found: Sequence[EnvironmentState]) -> EnvironmentState | None:
    """The state in the ticket's environment; when it names none, the worst there is."""
    if ticket.environment:
        return next((state for state in found if state.environment.name == ticket.environment), None)
    return min(found, key=lambda state: _rank(state.shown_health), default=None)


def environments() -> list[tuple[str, str]]:
    """Name and title of every environment, in their order."""
    return [(environment.name, environment.title) for environment in clusters.environments()]


def health_by_ref(refs: set[str]) -> dict[str, str]:
    """The worst health of each service over its environments, for lists: one query."""
    found = clusters.health_by_entity(refs - {""}) if refs - {""} else {}
    return {ref: worst(by_environment.values()) for ref, by_environment in found.items()}


def findings(found: Sequence[EnvironmentState], limit: int = 2) -> list[dict[str, Any]]:
    """What is wrong, worst first, each once, with the environment it was seen in."""
    seen: dict[str, dict[str, Any]] = {}
    for state in found:
        for finding in state.findings:
            seen.setdefault(finding.id, {**_finding(finding), "environment": state.environment.name})
    return sorted(seen.values(), key=_severity)[:limit]


def _severity(finding: dict[str, Any]) -> int:
    word = finding["severity"]
    return SEVERITIES.index(word) if word in SEVERITIES else len(SEVERITIES)


def freeze(entity_ref: str, environment: str = "") -> dict[str, Any] | None:
    """The snapshot a ticket keeps: a row for each environment, findings, and every value behind them."""
    found = states(entity_ref, environment)
    if not found:
        return None
    frozen: dict[str, Any] = redact(
        {
            "as_of": timezone.now().isoformat(),
            "environments": [_frozen(state) for state in found],
            "findings": findings(found, limit=10),
            "values": clusters.snapshot(entity_ref),
        }
    )
    return frozen


def _frozen(state: EnvironmentState) -> dict[str, Any]:
    containers = [c for work in state.workloads for pod in work.pods for c in pod.containers]
    return {
        "environment": state.environment.name,
        "health": state.shown_health,
        "message": state.message,
        "ready": state.ready,
        "desired": state.desired,
        "version": state.version,
        "image": state.image,
        "restarts": sum(c.restarts for c in containers),
        "limit": _words(c.limit for c in containers),
        "last_exit": _words(c.last_reason for c in containers),
        "waiting": _words(c.reason for c in containers if _waits(c)),
        "findings": len(state.findings),
        "as_of": state.as_of.isoformat() if state.as_of else None,
    }


def _waits(container: ContainerState) -> bool:
    return container.state == "waiting"


def _words(values: Any) -> str:
    return ", ".join(sorted({value for value in values if value}))


def _finding(finding: Any) -> dict[str, Any]:
    shown = finding.evidence[:EVIDENCE_SHOWN]
    return {
        "id": finding.id,
        "severity": str(finding.severity),
        "title": finding.title,
        "advice": finding.advice,
        "fix": finding.fix,
        "evidence": [{"object": str(e.object), "field": e.field, "value": str(e.value)} for e in shown],
    }


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


COMPARED = [
    ("Health", "health"),
    ("Pods ready", "ready"),
    ("Restarts", "restarts"),
    ("Waits for", "waiting"),
    ("Last exit", "last_exit"),
    ("Memory limit", "limit"),
    ("Version", "version"),
    ("Findings", "findings"),
]


def then_and_now(ticket: Ticket, found: Sequence[EnvironmentState]) -> ThenNow | None:
    """The frozen row of the ticket's environment beside the live one; None when nothing was frozen."""
    frozen = (ticket.snapshot or {}).get("environments") or []
    then = next((row for row in frozen if row["environment"] == ticket.environment), None)
    then = then or min(frozen, key=lambda row: _rank(row.get("health", "")), default=None)
    if then is None:
        return None
    state = next((s for s in found if s.environment.name == then["environment"]), None)
    now = _frozen(state) if state else {}
    rows = [row for row in (_row(label, key, then, now) for label, key in COMPARED) if row]
    return ThenNow(rows, ticket.snapshot_at, state.as_of if state else None, then["environment"])


def _row(label: str, key: str, then: dict[str, Any], now: dict[str, Any]) -> Row | None:
    before, after = _shown(key, then), _shown(key, now)
    if not before and not after:
        return None
    nothing = "unknown" if not now else "none"
    tone = _tone(key, then, now) if now and before != after else ""
    return Row(label, before or "none", after or nothing, tone)


def _shown(key: str, row: dict[str, Any]) -> str:
    if key == "ready" and row.get("desired") is not None:
        return f"{row.get('ready') or 0} of {row['desired']}"
    value = row.get(key)
    return "" if value is None else str(value)


def _rank(health: str) -> int:
    return BETTER_LAST.index(health) if health in BETTER_LAST else BETTER_LAST.index("Unknown")


def _tone(key: str, then: dict[str, Any], now: dict[str, Any]) -> str:
    """Better is green, worse is red; a new version or limit is neither."""
    if key in ("version", "limit", "last_exit"):
        return ""
    if key == "health":
        better = _rank(now["health"]) > _rank(then["health"])
    elif key == "waiting":
        better = not now["waiting"]
    elif key == "ready":
        better = (now["ready"] or 0) > (then.get("ready") or 0)
    else:
        better = (now[key] or 0) < (then.get(key) or 0)
    return "ok" if better else "bad"


def flat(snapshot: Any, prefix: str = "") -> list[tuple[str, str]]:
    """Every value of a snapshot with its path, in order."""
    if isinstance(snapshot, dict):
        return [row for key, value in snapshot.items() for row in flat(value, f"{prefix}.{key}".lstrip("."))]
    if isinstance(snapshot, list):
        return [row for i, value in enumerate(snapshot) for row in flat(value, f"{prefix}[{i}]")]
    return [] if snapshot in (None, "") else [(prefix, str(snapshot))]
