"""How an object of any other kind is: one rule over conditions, words, counts and generations.

What operators write into a status follows a few habits (the API conventions of Kubernetes, kstatus, the
phases of older kinds). Each habit is asked in turn, from what people decided to what merely can be counted;
the first that has an answer gives it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from services.diagnosis.judgement import HEALTHY, UNOBSERVED, Health, Status
from services.diagnosis.objects import Object, condition, find, items, number

Answer = Health | None
NO_STATUS = "Waiting for a status"

# Conditions that say whether it is as it should be, the most telling first; then by how their names end.
GOOD = (
    "Ready",
    "Available",
    "Healthy",
    "Succeeded",
    "Complete",
    "Completed",
    "Synced",
    "Established",
    "Valid",
    "Accepted",
    "Programmed",
)
GOOD_ENDS = (
    "Ready",
    "Available",
    "Healthy",
    "Synced",
    "Synchronized",
    "Succeeded",
    "Applied",
    "Compliant",
    "Valid",
    "Accepted",
    "Deployed",
    "Installed",
    "Provisioned",
    "Created",
    "Exists",
)
BAD = re.compile(r"(Fail(ed|ure)|Errors?|Invalid|Degraded|Stalled|Orphan|Rejected|Unhealthy)$")
AT_WORK = ("Reconciling", "Progressing", "Creating", "Updating", "Installing", "Upgrading", "Pending")
STOPPED = ("Paused", "Suspended", "Stopped", "Hibernated")
_AT_WORK = re.compile(
    r"reconciling|progressing|creating|^pending|updating|inprogress|installing|provisioning|initiali[sz]ing|"
    r"waiting|deploying|starting|scheduling|running$|notready$|dependencynotready|pending$|inqueue|requested",
    re.IGNORECASE,
)
_STOPPED = re.compile(r"paused$|suspended$|^stopped$|^disabled$", re.IGNORECASE)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


WORDS: dict[Status, frozenset[str]] = {
    "Healthy": _words(
        "ready running active bound succeeded success successful completed complete healthy"
        " available deployed ok green installed exists created online up synced enabled connected"
        " reconciled applied compliant valid normal finished done accepted stable in-sync insync"
        " promoted initialized configured operational good optimal fulfilled health_ok passed"
        " provisioned published resolved up-to-date connectionready"
    ),
    "Degraded": _words(
        "failed failure error degraded unhealthy crashed lost invalid red rejected noncompliant"
        " unavailable fatal errored canceled cancelled aborted terminated faulted faulty configerror"
        " broken offline down warning timeout timedout expired denied unreachable misconfigured dead"
        " health_err health_warn stalled conflict unschedulable"
    ),
    "Suspended": _words("suspended paused stopped disabled hibernated hibernating shutdown"),
    "Missing": _words("notfound missing absent"),
    "Unknown": _words("unknown"),
}
# The places of such a word, the most telling first.
PLACES = ("phase", "state", "status", "health", "currentState", "compliant", "lastOperationStatus")
FLAGS = ("ready", "readyToUse", "applied", "synced", "deployed", "available", "healthy", "succeeded")
COMPLAINTS = ("error", "errorMessage", "errors", "failureMessage", "failureReason", "lastError")


def judge(obj: Object) -> Health:
    """The first habit that answers; an object that keeps a status without saying anything is under way."""
    for habit in HABITS:
        if answer := habit(obj):
            return answer
    return Health("Progressing", "Nothing in its status says how it is")


def without_status(obj: Object) -> Answer:
    status = obj.get("status")
    if isinstance(status, Mapping) and status:
        return None
    return _stopped_by_people(obj) or Health("Progressing", NO_STATUS)


def unobserved(obj: Object) -> Answer:
    """Its controller has not seen the latest change yet, so what it says is about another object."""
    wanted = number(obj, "metadata.generation")
    seen = find(obj, "status.observedGeneration")
    behind = isinstance(seen, int) and 0 < seen < wanted
    return UNOBSERVED if behind else None


def _stopped_by_people(obj: Object) -> Answer:
    for path in ("spec.suspend", "spec.suspended", "spec.paused", "spec.pause", "spec.reconciliation.paused"):
        if find(obj, path) is True:
            return Health("Suspended")
    return None


def stopped(obj: Object) -> Answer:
    for type_ in STOPPED:
        given = condition(obj, type_)
        if given.get("status") == "True":
            return Health("Suspended", _said(given))
    for given in items(obj, "status.conditions"):
        if given.get("status") != "True" and _STOPPED.search(str(given.get("reason", ""))):
            return Health("Suspended", _said(given) or str(given["reason"]))
    return _stopped_by_people(obj)


def broken(obj: Object) -> Answer:
    """Conditions whose very presence is bad news."""
    for given in _conditions(obj):
        if given.get("status") == "True" and BAD.search(str(given.get("type"))):
            return Health("Degraded", _said(given))
    return None


def _conditions(obj: Object) -> list[Mapping[str, Any]]:
    """All conditions, wherever operators keep them."""
    direct = items(obj, "status.conditions") or items(obj, "status.conditionedStatus.conditions")
    return direct or [each for part in _parts(obj) for each in items(part, "conditions")]


def _parts(obj: Object) -> Iterator[Mapping[str, Any]]:
    """What a status says of each parent, ancestor, or component."""
    for name in ("parents", "ancestors"):
        yield from items(obj, f"status.{name}")


def readiness(obj: Object) -> Answer:
    conditions = _conditions(obj)
    telling = _most_telling(conditions)
    if not telling:
        return None
    wanted = number(obj, "metadata.generation")
    if any(_seen_before(each, wanted) for each in telling):
        return UNOBSERVED
    failed = next(filter(_has_failed, conditions), None)
    if failed and any(each.get("status") != "True" for each in telling):
        return Health("Degraded", _said(failed))
    for given in telling:
        if given.get("status") != "True":
            return Health(_not_yet(given, conditions), _said(given))
    return Health("Healthy", _said(telling[0]))


def _seen_before(given: Mapping[str, Any], generation: int) -> bool:
    seen = given.get("observedGeneration")
    return isinstance(seen, int) and 0 < seen < generation


def _most_telling(conditions: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of the one best type (with several parents there are several), else all with a good ending."""
    for type_ in GOOD:
        if found := [each for each in conditions if each.get("type") == type_]:
            return found
    return [each for each in conditions if str(each.get("type")).endswith(GOOD_ENDS)]


def _not_yet(given: Mapping[str, Any], conditions: list[Mapping[str, Any]]) -> Status:
    at_work = any(each.get("status") == "True" and each.get("type") in AT_WORK for each in conditions)
    if given.get("status") != "False" or _AT_WORK.search(str(given.get("reason", ""))):
        return "Progressing"
    return "Progressing" if at_work and not _is_failure(given) else "Degraded"


def _has_failed(given: Mapping[str, Any]) -> bool:
    """One that ought to hold and does not, for a reason that is a failure."""
    return (
        given.get("status") == "False" and str(given.get("type")).endswith(GOOD_ENDS) and _is_failure(given)
    )


def _is_failure(given: Mapping[str, Any]) -> bool:
    return bool(re.search(r"fail|error|invalid", str(given.get("reason", "")), re.IGNORECASE))


def at_work(obj: Object) -> Answer:
    for given in _conditions(obj):
        if given.get("type") in AT_WORK:
            working = given.get("status") == "True"
            return Health("Progressing" if working else "Healthy", _said(given))
    return None


def word(obj: Object) -> Answer:
    """What `status.phase` or the like says: a word of the status first, then one of its parts."""
    status = find(obj, "status", {})
    last: Answer = None
    for holder in (status, *(each for each in status.values() if isinstance(each, Mapping))):
        for place in (*PLACES, *(key for key in holder if key not in PLACES and _tells(key))):
            said = holder.get(place)
            if not isinstance(said, str) or not said:
                continue
            known = meaning(said)
            if known:
                return Health(known, str(find(status, "message") or find(status, "reason") or said))
            last = last or (Health("Progressing", said) if holder is status or place in PLACES[:3] else None)
    return last


def _tells(key: str) -> bool:
    return key.lower().endswith(("status", "state", "phase", "health"))


def meaning(said: str) -> Status | None:
    """The health a word stands for; None for one that says it is at work, and for one nobody knows."""
    low = said.strip().lower().replace("_", "").replace(" ", "")
    for health, words in WORDS.items():
        if low in words or said.strip().lower() in words:
            return health
    if low.endswith(("failed", "error", "failure", "invalid")) or low.startswith(
        ("failed", "error", "invalid")
    ):
        return "Degraded"
    if low.endswith(("inprogress", "ing", "pending", "notready")):
        return None
    return "Healthy" if low.endswith(("succeeded", "completed", "ready")) else None


def flags(obj: Object) -> Answer:
    """`ready: true`; a complaint beside a false one is a failure."""
    complaint = next((text for each in COMPLAINTS if (text := _text(find(obj, f"status.{each}")))), "")
    for flag in FLAGS:
        given = find(obj, f"status.{flag}")
        if isinstance(given, bool):
            if given:
                return HEALTHY
            return Health("Degraded", complaint) if complaint else Health("Progressing")
    return Health("Degraded", complaint) if complaint else None


def _text(found: Any) -> str:
    if isinstance(found, Mapping):
        return str(found.get("message") or "; ".join(map(str, found.values())))
    return "; ".join(map(str, found)) if isinstance(found, list) else str(found or "")


COUNTS = (
    ("status.readyReplicas", ("spec.replicas", "status.replicas")),
    ("status.availableReplicas", ("spec.replicas", "status.replicas")),
    ("status.availableNodes", ("status.expectedNodes",)),
    ("status.readyInstances", ("spec.instances", "status.instances")),
    ("status.ready", ("status.size", "spec.size")),
)


def counts(obj: Object) -> Answer:
    """As many ready as wanted."""
    for having, wants in COUNTS:
        wanted = next((found for each in wants if isinstance(found := find(obj, each), int)), None)
        if wanted is None or isinstance(wanted, bool) or not isinstance(find(obj, having, 0), int):
            continue
        if find(obj, having) is None and find(obj, wants[-1]) is None:
            continue
        ready = number(obj, having)
        return HEALTHY if ready >= wanted else Health("Progressing", f"{ready} of {wanted} are ready")
    return None


def nothing_bad(obj: Object) -> Answer:
    """Only conditions that would be bad news, and none of them holds."""
    given = _conditions(obj)
    if given and all(BAD.search(str(each.get("type"))) for each in given):
        return HEALTHY
    return None


def _said(given: Mapping[str, Any]) -> str:
    return str(given.get("message") or "")


HABITS: tuple[Callable[[Object], Answer], ...] = (
    without_status,
    unobserved,
    stopped,
    broken,
    readiness,
    word,
    at_work,
    flags,
    counts,
    nothing_bad,
)
