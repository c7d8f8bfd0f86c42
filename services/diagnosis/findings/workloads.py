"""What goes wrong above the pods: rollouts, quotas, jobs, volumes claimed, autoscalers, services."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from services.diagnosis import objects, times
from services.diagnosis.findings.model import (
    Evidence,
    Finding,
    Picture,
    Severity,
    event_evidence,
    evidence,
    message_of,
)
from services.diagnosis.objects import Object, condition, find, number

PODS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")


def rollout(workload: Object, picture: Picture) -> Iterator[Finding]:
    given = condition(workload, "Progressing")
    if given.get("reason") != "ProgressDeadlineExceeded":
        return
    wanted, updated = number(workload, "spec.replicas", 1), number(workload, "status.updatedReplicas")
    available = number(workload, "status.availableReplicas")
    seen = [
        evidence(workload, "Progressing", given.get("message", ""), given.get("lastUpdateTime")),
        evidence(workload, "status", f"{updated} of {wanted} updated, {available} available"),
    ]
    advice = "The new pods do not become ready: the reason stands with them. Going back helps now."
    title = f"The rollout of {objects.name(workload)} is stuck"
    yield Finding("rollout-stuck", "error", title, seen, advice)


_QUOTA = re.compile(
    r"exceeded quota: (?P<quota>[^,]+), requested: (?P<asked>.+?), used: (?P<used>.+?), limited: (?P<most>.+)"
)
_SECURITY = re.compile(r'violates PodSecurity "(?P<level>[^"]+)": (?P<why>.+)')
_WEBHOOK = re.compile(r'admission webhook "(?P<name>[^"]+)" denied the request:? ?(?P<why>.*)', re.DOTALL)
_POLICY = re.compile(r"ValidatingAdmissionPolicy '(?P<name>[^']+)'.* denied request: (?P<why>.*)", re.DOTALL)
_ACCOUNT = re.compile(r'serviceaccount "(?P<name>[^"]+)" not found')


def not_created(workload: Object, picture: Picture) -> Iterator[Finding]:
    """Pods that the API refuses to create."""
    given = condition(workload, "ReplicaFailure")
    events = picture.events_of(workload, "FailedCreate")
    if given.get("status") != "True" and not (events and not _has_all_pods(workload)):
        return
    said = str(given.get("message") or (message_of(events[-1]) if events else ""))
    seen = [evidence(workload, "ReplicaFailure", said, given.get("lastTransitionTime"))] if given else []
    seen += [event_evidence(each, workload) for each in events[-1:]]
    yield _refused(workload, said, seen)


def _has_all_pods(workload: Object) -> bool:
    if objects.kind(workload) == "Job":
        return any(number(workload, f"status.{each}") for each in ("active", "succeeded", "failed"))
    wanted = find(workload, "spec.replicas", find(workload, "status.desiredNumberScheduled", 1))
    return isinstance(wanted, int) and number(workload, "status.replicas") >= wanted


def _refused(workload: Object, said: str, seen: list[Evidence]) -> Finding:
    name = objects.name(workload)
    if match := _QUOTA.search(said):
        used = f"{match['used']} of {match['most']} is used"
        advice = f"It asks for {match['asked']}; {used}. Ask for less, or for more quota."
        title = f"The quota {match['quota']} has no room for {name}"
        return Finding("quota-exceeded", "error", title, seen, advice, _quota_field(match["asked"]))
    if match := _SECURITY.search(said):
        advice = f"This namespace is under the {match['level']} profile: {match['why']}."
        return Finding("pod-security", "error", f"The pods of {name} are not allowed here", seen, advice)
    if match := _WEBHOOK.search(said) or _POLICY.search(said):
        title = f"The policy {match['name']} refuses the pods of {name}"
        return Finding("policy-denied", "error", title, seen, match["why"].strip() or said)
    if match := _ACCOUNT.search(said):
        title = f"{name} needs the service account {match['name']}, which is not there"
        return Finding("account-missing", "error", title, seen, "Create it, or correct the name.")
    return Finding("failed-create", "error", f"The pods of {name} cannot be created", seen, said)


def _quota_field(asked: str) -> dict[str, Any]:
    field = (
        "memory_limit"
        if "limits.memory" in asked
        else "memory_request"
        if "memory" in asked
        else "cpu_request"
    )
    return {"field": "replicas" if "pods" in asked else field, "label": "Ask for less"}


_JOB_ENDS = {
    "BackoffLimitExceeded": "Every try failed: the log of the last pod says why.",
    "DeadlineExceeded": "It ran longer than its deadline allows: make it faster, or give it more time.",
    "PodFailurePolicy": "A failure that its policy does not retry.",
}


def job(workload: Object, picture: Picture) -> Iterator[Finding]:
    given = condition(workload, "Failed")
    events = [] if find(workload, "status.conditions") else picture.events_of(workload, *_JOB_ENDS)
    if given.get("status") != "True" and not events:
        return
    reason = str(given.get("reason") or "") or str(events[-1].get("reason") if events else "")
    said = f"{reason}: {given.get('message', '')}"
    seen = [evidence(workload, "Failed", said, given.get("lastTransitionTime"))] if given else []
    seen += [event_evidence(each, workload) for each in events[-1:]]
    seen.append(evidence(workload, "status.failed", number(workload, "status.failed")))
    advice = _JOB_ENDS.get(reason, str(given.get("message", "")))
    yield Finding("job-failed", "error", f"The job {objects.name(workload)} failed", seen, advice)


def cron_job(workload: Object, picture: Picture) -> Iterator[Finding]:
    if find(workload, "spec.suspend"):
        seen = [evidence(workload, "spec.suspend", "true"), _last(workload)]
        advice = "Nothing runs while it is suspended; switch it on again when it should."
        yield Finding("cron-suspended", "warn", f"{objects.name(workload)} is suspended", seen, advice)
    scheduled, succeeded = (
        find(workload, "status.lastScheduleTime"),
        find(workload, "status.lastSuccessfulTime"),
    )
    if scheduled and succeeded and not find(workload, "status.active") and str(succeeded) < str(scheduled):
        seen = [_last(workload), evidence(workload, "status.lastSuccessfulTime", succeeded, succeeded)]
        advice = "Its last run did not succeed: the log of the job's last pod says why."
        yield Finding(
            "cron-failing", "error", f"The last run of {objects.name(workload)} failed", seen, advice
        )
    yield from _silent(workload, picture)
    missed = picture.events_of(workload, "TooManyMissedTimes", "FailedNeedsStart", "MissSchedule")
    if missed:
        seen = [event_evidence(missed[-1], workload), _last(workload)]
        advice = "Set a starting deadline, so that it starts again after an outage."
        yield Finding("cron-missed", "warn", f"{objects.name(workload)} missed its time", seen, advice)


_DAILY, _HOURLY = timedelta(days=1), timedelta(hours=1)


def longest_gap(schedule: str) -> timedelta:
    """How long a cron schedule may be silent at most; rather too long than too short."""
    named = {"@hourly": _HOURLY, "@daily": _DAILY, "@midnight": _DAILY, "@weekly": 7 * _DAILY}
    parts = schedule.split()
    if len(parts) != 5:
        return named.get(schedule.strip(), 366 * _DAILY)
    _, hour, day, month, weekday = parts
    if month != "*":
        return 366 * _DAILY
    if day != "*":
        return 31 * _DAILY
    if weekday != "*":
        return 7 * _DAILY
    return _HOURLY if hour == "*" else _DAILY


def _silent(workload: Object, picture: Picture) -> Iterator[Finding]:
    """Due twice since it last ran, and nobody knows why it did not."""
    last = find(workload, "status.lastScheduleTime") or find(workload, "metadata.creationTimestamp", "")
    since, gap = times.parse(last), longest_gap(str(find(workload, "spec.schedule", "")))
    if find(workload, "spec.suspend") or not since or not picture.now or picture.now - since < 2 * gap:
        return
    seen = [evidence(workload, "spec.schedule", find(workload, "spec.schedule", "none")), _last(workload)]
    advice = "Nothing starts it: look at its events, and whether the jobs before it ever end."
    yield Finding("cron-missed", "warn", f"{objects.name(workload)} did not run when it should", seen, advice)


def _last(workload: Object) -> Evidence:
    return evidence(workload, "status.lastScheduleTime", find(workload, "status.lastScheduleTime", "never"))


_CLASS = re.compile(r'storageclass(?:es)?(?:\.storage\.k8s\.io)? "(?P<name>[^"]*)" not found')


def volume_claim(claim: Object, picture: Picture) -> Iterator[Finding]:
    if find(claim, "status.phase") != "Pending":
        return
    events = picture.events_of(claim, "ProvisioningFailed", "FailedBinding", "WaitForFirstConsumer")
    said = message_of(events[-1]) if events else ""
    wanted = find(claim, "spec.storageClassName")
    seen = [
        evidence(claim, "status.phase", "Pending"),
        evidence(claim, "spec.storageClassName", wanted or "default"),
    ]
    seen += [event_evidence(each, claim) for each in events[-1:]]
    title, severity = f"The volume {objects.name(claim)} is not there yet", "error"
    match = _CLASS.search(said)
    if match:
        advice = f"There is no storage class {match['name'] or wanted}: choose one of the cluster's."
    elif "WaitForFirstConsumer" in {each.get("reason") for each in events[-1:]}:
        return
    elif "no storage class is set" in said or (not wanted and "no persistent volumes available" in said):
        advice = "No storage class is named and the cluster has no default: name one."
    else:
        advice = (
            said or "The storage of the cluster has not provided it: ask the platform team if this lasts."
        )
        severity = "error" if said else "warn"
    yield Finding("volume-pending", "error" if severity == "error" else "warn", title, seen, advice)


def autoscaler(scaler: Object, picture: Picture) -> Iterator[Finding]:
    active, limited = condition(scaler, "ScalingActive"), condition(scaler, "ScalingLimited")
    able, name = condition(scaler, "AbleToScale"), objects.name(scaler)
    if able.get("status") == "False" and str(able.get("reason")) in ("FailedGetScale", "FailedUpdateScale"):
        said = str(able.get("message", ""))
        seen = [evidence(scaler, "AbleToScale", said, able.get("lastTransitionTime"))]
        advice = "What it should scale is not there, or may not be scaled: correct `scaleTargetRef`."
        yield Finding("autoscaler-blind", "error", f"The autoscaler {name} cannot scale", seen, advice)
        return
    if active.get("status") == "False" and active.get("reason") != "ScalingDisabled":
        said = str(active.get("message", ""))
        seen = [evidence(scaler, "ScalingActive", said, active.get("lastTransitionTime"))]
        cpu = "missing request" in said
        advice = (
            "It measures use as a share of the request, and there is none: set a CPU request."
            if cpu
            else "It cannot read what it scales by: is the metrics server there, and does the metric exist?"
        )
        fix = {"field": "cpu_request", "label": "Set a CPU request"} if cpu else None
        yield Finding("autoscaler-blind", "error", f"The autoscaler {name} sees nothing", seen, advice, fix)
    most, current = number(scaler, "spec.maxReplicas"), number(scaler, "status.currentReplicas")
    if limited.get("status") == "True" and limited.get("reason") == "TooManyReplicas" and current >= most > 0:
        seen = [evidence(scaler, "status.currentReplicas", f"{current} of at most {most}")]
        advice = "It would scale further: raise the maximum, or make each pod do more."
        fix = {"field": "replicas", "label": "Allow more replicas"}
        yield Finding(
            "autoscaler-at-max", "warn", f"The autoscaler {name} is at its maximum", seen, advice, fix
        )


def budget(found: Object, picture: Picture) -> Iterator[Finding]:
    if find(found, "status.disruptionsAllowed") == 0 and number(found, "status.expectedPods") > 0:
        healthy, wanted = number(found, "status.currentHealthy"), number(found, "status.desiredHealthy")
        seen = [evidence(found, "status.disruptionsAllowed", f"0 ({healthy} healthy, {wanted} must be)")]
        advice = "Nodes cannot be drained while no pod may be away: more replicas, or a looser budget."
        if healthy < wanted:  # what keeps them from being healthy is the trouble, not the budget
            advice = "Nodes cannot be drained until its pods are healthy again: see what keeps them from it."
        title = f"The budget {objects.name(found)} lets no pod be moved"
        severity: Severity = "warn" if healthy >= wanted else "info"
        yield Finding("budget-blocks", severity, title, seen, advice, {"field": "replicas"})


def terminating(found: Object, picture: Picture) -> Iterator[Finding]:
    holders = find(found, "metadata.finalizers")
    if find(found, "metadata.deletionTimestamp") and holders:
        seen = [
            evidence(
                found, "metadata.finalizers", ", ".join(holders), find(found, "metadata.deletionTimestamp")
            )
        ]
        advice = "It goes when these are done; if they never are, whoever set them is not working any more."
        title = f"{objects.kind(found)} {objects.name(found)} is being deleted and held back"
        yield Finding("terminating", "info", title, seen, advice)
