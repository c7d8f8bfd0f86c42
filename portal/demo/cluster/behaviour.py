"""How a simulated program behaves, from annotations of its pod template.

    slipway.dev/simulate-memory: 127Mi      what it uses; from 97 % of its limit on it is OOMKilled
    slipway.dev/simulate-exit: "1"          it ends with this code soon after it started
    slipway.dev/simulate-readiness: fail    it never becomes ready (any other text is the probe's answer)
    slipway.dev/simulate-startup: 5s        how long it takes to become ready
    slipway.dev/simulate-duration: 30s      how long a job's pod runs
    slipway.dev/simulate-log: "…"           what it writes, line by line

Each may be given for one container by a suffix: `slipway.dev/simulate-memory.api`.
"""

from dataclasses import dataclass
from typing import Any

from portal.demo.cluster.quantities import duration, number

PREFIX = "slipway.dev/simulate-"
NEAR_LIMIT = 0.97
# Shorter than a start takes: what is about to be killed never looks healthy.
OOM_AFTER = 1.2
EXIT_AFTER = 1.0


@dataclass(frozen=True)
class Behaviour:
    """`ends_after` is None for a program that keeps running; `not_ready` is a failing probe's answer."""

    startup: float
    ends_after: float | None = None
    exit_code: int = 0
    reason: str = "Completed"
    not_ready: str = ""
    log: str = ""


def _said(pod: dict[str, Any], container: str, what: str) -> str:
    notes = pod["metadata"].get("annotations") or {}
    return str(notes.get(f"{PREFIX}{what}.{container}") or notes.get(f"{PREFIX}{what}") or "")


def _limit(container: dict[str, Any]) -> float:
    return number(((container.get("resources") or {}).get("limits") or {}).get("memory", ""))


def _readiness(pod: dict[str, Any], container: dict[str, Any]) -> str:
    said = _said(pod, container["name"], "readiness")
    if said in ("", "ok"):
        return ""
    return "HTTP probe failed with statuscode: 503" if said == "fail" else said


def of(pod: dict[str, Any], container: dict[str, Any]) -> Behaviour:
    name = container["name"]
    startup = duration(_said(pod, name, "startup"), 1.5)
    log, not_ready = _said(pod, name, "log"), _readiness(pod, container)
    limit, used = _limit(container), number(_said(pod, name, "memory"))
    if limit and used >= limit * NEAR_LIMIT:
        return Behaviour(startup, OOM_AFTER, 137, "OOMKilled", not_ready, log)
    code = _said(pod, name, "exit")
    if code.isdigit() and int(code):
        return Behaviour(startup, EXIT_AFTER, int(code), "Error", not_ready, log)
    if pod["spec"].get("restartPolicy") in ("Never", "OnFailure"):
        return Behaviour(startup, duration(_said(pod, name, "duration"), 4.0), log=log)
    return Behaviour(startup, not_ready=not_ready, log=log)
