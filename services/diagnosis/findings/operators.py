"""What operators say went wrong: certificates, secrets, databases, what comes from git, removed APIs."""

from collections.abc import Iterator
from datetime import timedelta

from services.diagnosis import health, objects, times
from services.diagnosis.findings.model import Finding, Picture, Severity, evidence
from services.diagnosis.objects import Object, condition, find, items, number

ENDS_SOON = timedelta(days=14)
RENEWED_WITHIN = timedelta(days=1)
# Gone from Kubernetes: interface and kind, the version without it, what to write instead.
REMOVED = {
    ("extensions/v1beta1", "Ingress"): ("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "Ingress"): ("1.22", "networking.k8s.io/v1"),
    ("networking.k8s.io/v1beta1", "IngressClass"): ("1.22", "networking.k8s.io/v1"),
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): ("1.22", "apiextensions.k8s.io/v1"),
    ("rbac.authorization.k8s.io/v1beta1", "*"): ("1.22", "rbac.authorization.k8s.io/v1"),
    ("admissionregistration.k8s.io/v1beta1", "*"): ("1.22", "admissionregistration.k8s.io/v1"),
    ("scheduling.k8s.io/v1beta1", "PriorityClass"): ("1.22", "scheduling.k8s.io/v1"),
    ("certificates.k8s.io/v1beta1", "*"): ("1.22", "certificates.k8s.io/v1"),
    ("extensions/v1beta1", "*"): ("1.16", "apps/v1"),
    ("apps/v1beta1", "*"): ("1.16", "apps/v1"),
    ("apps/v1beta2", "*"): ("1.16", "apps/v1"),
    ("batch/v1beta1", "CronJob"): ("1.25", "batch/v1"),
    ("policy/v1beta1", "PodDisruptionBudget"): ("1.25", "policy/v1"),
    ("policy/v1beta1", "PodSecurityPolicy"): ("1.25", "Pod Security Admission"),
    ("discovery.k8s.io/v1beta1", "EndpointSlice"): ("1.25", "discovery.k8s.io/v1"),
    ("events.k8s.io/v1beta1", "Event"): ("1.25", "events.k8s.io/v1"),
    ("autoscaling/v2beta1", "HorizontalPodAutoscaler"): ("1.25", "autoscaling/v2"),
    ("autoscaling/v2beta2", "HorizontalPodAutoscaler"): ("1.26", "autoscaling/v2"),
    ("flowcontrol.apiserver.k8s.io/v1beta2", "*"): ("1.29", "flowcontrol.apiserver.k8s.io/v1"),
    ("flowcontrol.apiserver.k8s.io/v1beta3", "*"): ("1.32", "flowcontrol.apiserver.k8s.io/v1"),
}
# Who writes with these did it by hand.
BY_HAND = (
    "kubectl-edit",
    "kubectl-patch",
    "kubectl-scale",
    "kubectl-set",
    "kubectl-label",
    "kubectl-rollout",
)
FROM_GIT = ("slipway", "argocd-controller", "argocd-application-controller", "kustomize-controller",
            "helm-controller", "flux", "fluxcd")  # fmt: skip


def certificate(found: Object, picture: Picture) -> Iterator[Finding]:
    name, ready = objects.name(found), condition(found, "Ready")
    until = times.parse(find(found, "status.notAfter", ""))
    soon = picture.now is not None and until is not None and until - picture.now < ENDS_SOON
    due = times.parse(find(found, "status.renewalTime", ""))
    late = picture.now is not None and due is not None and picture.now - due > RENEWED_WITHIN
    if ready.get("status") != "False" and not soon and not late:
        return
    said = str(ready.get("message") or "")
    seen = [evidence(found, "Ready", said, ready.get("lastTransitionTime"))] if ready else []
    if until:
        seen.append(evidence(found, "status.notAfter", find(found, "status.notAfter")))
    if late:
        seen.append(evidence(found, "status.renewalTime", find(found, "status.renewalTime")))
    for each in picture.of_kind("Challenge", "Order"):
        if each.get("metadata", {}).get("name", "").startswith(name) and find(each, "status.reason"):
            seen.append(evidence(each, "status.reason", find(each, "status.reason")))
            said = str(find(each, "status.reason"))
    over = until is not None and picture.now is not None and until <= picture.now
    word = (
        "has ended" if over else "ends soon" if soon else "is overdue" if until and late else "is not issued"
    )
    advice = (
        f"Check the host's DNS and the issuer: {said}" if said else "Check the host's DNS and the issuer."
    )
    severity = "error" if ready.get("status") == "False" or over else "warn"
    fix = {"field": "host", "label": "Correct the host"}
    yield Finding("certificate", "error" if severity == "error" else "warn",
                  f"The certificate {name} {word}", seen, advice, fix)  # fmt: skip


def external_secret(found: Object, picture: Picture) -> Iterator[Finding]:
    ready = condition(found, "Ready")
    if ready.get("status") != "False":
        yield from _not_refreshed(found, picture)
        return
    said = f"{ready.get('reason', '')}: {ready.get('message', '')}"
    seen = [evidence(found, "Ready", said, ready.get("lastTransitionTime"))]
    seen.append(evidence(found, "status.refreshTime", find(found, "status.refreshTime", "never")))
    advice = "The store refuses it, or has nothing there: check the path, and the role that reads it."
    fix = {"field": "secrets", "label": "Correct the path"}
    title = f"The secret of {objects.name(found)} does not come"
    yield Finding("external-secret", "error", title, seen, advice, fix)


def _not_refreshed(found: Object, picture: Picture) -> Iterator[Finding]:
    """What was changed in the store does not arrive: the last refresh is three turns ago."""
    every = times.span(find(found, "spec.refreshInterval", "1h"))
    last = times.parse(find(found, "status.refreshTime", ""))
    if not every or not last or not picture.now or picture.now - last < max(3 * every, timedelta(minutes=10)):
        return
    seen = [evidence(found, "status.refreshTime", find(found, "status.refreshTime"))]
    seen.append(evidence(found, "spec.refreshInterval", find(found, "spec.refreshInterval", "1h")))
    advice = "The operator does not come round to it: what changes in the store stays unseen."
    title = f"The secret of {objects.name(found)} was not refreshed for long"
    yield Finding("external-secret", "warn", title, seen, advice)


def postgres(found: Object, picture: Picture) -> Iterator[Finding]:
    """A CloudNativePG cluster with fewer instances than it should have, or whose backup failed."""
    judged = health.assess(found).status
    name, phase = objects.name(found), str(find(found, "status.phase", ""))
    wanted = number(found, "spec.instances", number(found, "status.instances"))
    ready = number(found, "status.readyInstances")
    if find(found, "status") and ready < wanted and judged != "Suspended":
        seen = [evidence(found, "status.readyInstances", f"{ready} of {wanted}")]
        seen.append(evidence(found, "status.phase", find(found, "status.phaseReason", phase) or phase))
        seen.append(evidence(found, "status.currentPrimary", find(found, "status.currentPrimary", "none")))
        advice = "The database serves while one instance is there; look at the others' pods and volumes."
        title = f"The database {name} has {ready} of {wanted} instances: {phase}"
        severity: Severity = "info" if judged == "Progressing" else "warn" if ready else "error"
        yield Finding("database", severity, title, seen, advice)
    failed, good = find(found, "status.lastFailedBackup", ""), find(found, "status.lastSuccessfulBackup", "")
    if failed and str(failed) > str(good):
        seen = [evidence(found, "status.lastFailedBackup", failed, failed)]
        advice = "Without a backup what is lost stays lost: check the bucket and its credentials."
        yield Finding("backup-failed", "error", f"The last backup of {name} failed", seen, advice)


WARMING = timedelta(minutes=30)


def failed_over(found: Object, picture: Picture) -> Iterator[Finding]:
    """Another instance has just taken over: what it reads is not in its memory yet."""
    since = times.parse(find(found, "status.currentPrimaryTimestamp", ""))
    if not since or not picture.now or picture.now - since > WARMING:
        return
    born = times.parse(find(found, "metadata.creationTimestamp", ""))
    if born is None or since - born < WARMING:
        return
    primary = find(found, "status.currentPrimary", "another instance")
    seen = [evidence(found, "status.currentPrimary", primary, find(found, "status.currentPrimaryTimestamp"))]
    advice = "Its memory is cold: queries are slow for 10 to 30 minutes. Nothing to do, if that passes."
    yield Finding("failed-over", "info", f"{primary} has taken over {objects.name(found)}", seen, advice)


def from_git(found: Object, picture: Picture) -> Iterator[Finding]:
    """What Argo CD and Flux say of a deployment from git."""
    if objects.group(found) == "argoproj.io":
        yield from _argo(found)
        return
    ready = condition(found, "Ready")
    if ready.get("status") == "False":
        said = f"{ready.get('reason', '')}: {ready.get('message', '')}"
        seen = [evidence(found, "Ready", said, ready.get("lastTransitionTime"))]
        title = f"{objects.name(found)} is not what git says: {ready.get('reason', '')}"
        yield Finding("out-of-sync", "error", title, seen, str(ready.get("message") or "See its events."))


def _argo(found: Object) -> Iterator[Finding]:
    name = objects.name(found)
    for given in items(found, "status.conditions"):
        if str(given.get("type")).endswith("Error"):
            seen = [
                evidence(found, str(given["type"]), given.get("message"), given.get("lastTransitionTime"))
            ]
            title = f"{name} cannot be brought to what git says: {given['type']}"
            yield Finding("out-of-sync", "error", title, seen, str(given.get("message") or ""))
            return
    if find(found, "status.sync.status") == "OutOfSync":
        odd = [
            str(each.get("name"))
            for each in items(found, "status.resources")
            if each.get("status") == "OutOfSync"
        ]
        seen = [evidence(found, "status.sync.status", f"OutOfSync: {', '.join(odd) or 'unknown'}")]
        yield Finding("out-of-sync", "warn", f"{name} is not what git says", seen, "Sync it, or correct git.")


def going(found: Object, picture: Picture) -> Iterator[Finding]:
    """An interface that newer clusters do not have any more."""
    version, kind = str(found.get("apiVersion")), objects.kind(found)
    gone = REMOVED.get((version, kind)) or REMOVED.get((version, "*"))
    if gone:
        seen = [evidence(found, "apiVersion", version)]
        advice = f"Write {gone[1]}; a cluster from {gone[0]} on refuses this one."
        title = f"{kind} {objects.name(found)} is written for {version}, which is gone since {gone[0]}"
        yield Finding("removed-api", "warn", title, seen, advice, {"field": "apiVersion", "value": gone[1]})


def by_hand(found: Object, picture: Picture) -> Iterator[Finding]:
    """Somebody changed by hand what comes from git."""
    writers = items(found, "metadata.managedFields")
    if not any(str(each.get("manager", "")).startswith(FROM_GIT) for each in writers):
        return
    for each in writers:
        if str(each.get("manager", "")).startswith(BY_HAND):
            fields = ", ".join(sorted(_fields(each.get("fieldsV1"))))[:200] or "unknown fields"
            seen = [
                evidence(found, "metadata.managedFields", f"{each['manager']}: {fields}", each.get("time"))
            ]
            title = f"{objects.kind(found)} {objects.name(found)} was changed by hand"
            advice = "Bring the change to git, or let git have it back."
            yield Finding("changed-by-hand", "warn", title, seen, advice)


def _fields(given: object, before: str = "") -> Iterator[str]:
    """Paths of the fields that somebody owns."""
    if not isinstance(given, dict):
        return
    inner = {key: value for key, value in given.items() if key not in (".", "f:metadata", "f:status")}
    for key, value in inner.items():
        path = f"{before}.{key.removeprefix('f:')}".lstrip(".")
        if isinstance(value, dict) and value.keys() - {"."}:
            yield from _fields(value, path)
        else:
            yield path


def unwell(found: Object, picture: Picture) -> Iterator[Finding]:
    """Anything else that says of itself that it is not well."""
    judged = health.assess(found)
    missing = objects.kind(found) == "APIService" and not find(found, "status.conditions")
    if judged.status == "Degraded" or missing:
        reason = judged.message or judged.status
        seen = [evidence(found, "status", reason)]
        title = f"{objects.kind(found)} {objects.name(found)} is not well"
        yield Finding("unwell", "warn" if missing else "error", title, seen, reason)
