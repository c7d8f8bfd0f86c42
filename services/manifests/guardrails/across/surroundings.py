"""What a workload needs around it: network policies, accounts, nodes that stay, eyes that watch it."""

from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.guardrails.across.availability import WORKLOADS, budgets_of, least_replicas
from services.manifests.guardrails.across.rule import AcrossRule, Together, of_kind, together
from services.manifests.objects import (
    POD_SPECS,
    Object,
    entries,
    kind,
    labels,
    name,
    pod_labels,
    pod_path,
    pod_spec,
    selects,
)
from services.manifests.problems import Problem, Rule

Found = Iterator[tuple[int, Problem]]
# How each cloud marks nodes that it may take away, and how many seconds of notice it gives.
SPOT: Mapping[str, tuple[str, int]] = {
    "karpenter.sh/capacity-type": ("spot", 120),
    "eks.amazonaws.com/capacityType": ("SPOT", 120),
    "cloud.google.com/gke-spot": ("true", 30),
    "kubernetes.azure.com/scalesetpriority": ("spot", 30),
}
USUAL_GRACE = 30


POLICIES = ("NetworkPolicy", "CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy")
DIRECTIONS = {"Ingress": "everybody may call them", "Egress": "they may call everybody"}


def not_isolated(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *POD_SPECS):
        near = (each for _, each in of_kind(objects, *POLICIES) if together(each, workload))
        having = labels(workload) if kind(workload) == "Pod" else pod_labels(workload)
        wanted = (part for each in near for part in _parts(each))
        covered = {side for each in wanted if selects(_of_pods(each), having) for side in _directions(each)}
        if open_sides := [said for side, said in DIRECTIONS.items() if side not in covered]:
            said = " and ".join(open_sides)
            message = f"no NetworkPolicy beside it selects the pods of {name(workload)}: {said}"
            yield index, Problem(rule, (), message)


def _parts(policy: Object) -> Iterator[Object]:
    """Cilium takes several specs in one object."""
    if not (several := list(entries(policy, ("specs",)))):
        yield policy
    for _, spec in several:
        yield {"kind": kind(policy), "spec": spec}


def _of_pods(policy: Object) -> Any:
    return pointers.find(policy, ("spec", "podSelector"), pointers.find(policy, ("spec", "endpointSelector")))


def _directions(policy: Object) -> set[str]:
    """Those it isolates its pods in, by its types or, where it names none, by the rules it has.

    One that names a direction and has no rules for it denies it: as isolated as can be.
    """
    given = pointers.find(policy, ("spec", "policyTypes"))
    if isinstance(given, list) and given:
        return {str(each) for each in given}
    egress = {"Egress"} if pointers.find(policy, ("spec", "egress")) is not None else set()
    if kind(policy) == "NetworkPolicy":
        return {"Ingress", *egress}
    return egress | ({"Ingress"} if pointers.find(policy, ("spec", "ingress")) is not None else set())


def isolates_nothing(rule: Rule, objects: Together) -> Found:
    for index, policy in of_kind(objects, "NetworkPolicy"):
        near = [each for _, each in of_kind(objects, *POD_SPECS) if together(each, policy)]
        selector = _of_pods(policy)
        if near and not any(
            selects(selector, labels(each)) or selects(selector, pod_labels(each)) for each in near
        ):
            message = f"{name(policy)} selects none of the pods beside it"
            yield index, Problem(rule, ("spec", "podSelector"), message)


def account_missing(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *POD_SPECS):
        path = pod_path(workload)
        wanted = pod_spec(workload).get("serviceAccountName")
        near = [name(each) for _, each in of_kind(objects, "ServiceAccount") if together(each, workload)]
        if path and wanted and wanted != "default" and near and wanted not in near:
            place = (*path, "serviceAccountName")
            message = f"there is no ServiceAccount {wanted!r} beside it, but {', '.join(near[:5])}"
            changes = {place: near[0]} if len(near) == 1 else {}
            yield index, Problem(rule, place, message, changes, f"Use {near[0]}" if changes else "")


def watches_nothing(rule: Rule, objects: Together) -> Found:
    for index, monitor in of_kind(objects, "ServiceMonitor"):
        if pointers.find(monitor, ("spec", "namespaceSelector")):
            continue
        near = [each for _, each in of_kind(objects, "Service") if together(each, monitor)]
        selector = pointers.find(monitor, ("spec", "selector"))
        if near and not any(selects(selector, labels(each)) for each in near):
            message = (
                f"{name(monitor)} selects none of the services beside it: {', '.join(map(name, near[:5]))}"
            )
            yield index, Problem(rule, ("spec", "selector"), message)


def notice(workload: Object) -> int | None:
    """Seconds between the news and the end, where its pods may or must run on nodes that are taken away."""
    pod = pod_spec(workload)
    seconds = [
        SPOT[key][1]
        for key, value in pointers.mapping(pod, ("nodeSelector",)).items()
        if _is_spot(key, value)
    ]
    for _, each in entries(pod, ("tolerations",)):
        if _is_spot(
            str(each.get("key")), each.get("value", "") if each.get("operator") != "Exists" else None
        ):
            seconds.append(SPOT[str(each["key"])][1])
    return min(seconds, default=None)


def _is_spot(key: str, value: Any) -> bool:
    return key in SPOT and (value is None or str(value).lower() == SPOT[key][0].lower())


def spot_unsafe(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *WORKLOADS):
        seconds = notice(workload)
        reasons = list(_unready(workload, objects, seconds)) if seconds is not None else []
        if reasons:
            message = f"{name(workload)} may run on nodes that are taken away, and {'; '.join(reasons)}"
            yield index, Problem(rule, pod_path(workload) or (), message)


def _unready(workload: Object, objects: Together, seconds: int) -> Iterator[str]:
    least = least_replicas(workload, objects)
    if least is not None and least < 3:
        yield f"has {least} pods where it needs three"
    if not any(budgets_of(workload, objects)):
        yield "has no disruption budget"
    grace = pod_spec(workload).get("terminationGracePeriodSeconds", USUAL_GRACE)
    if isinstance(grace, int) and grace > seconds:
        yield f"takes {grace} seconds to end where it is given {seconds}"
    claims = any("persistentVolumeClaim" in each for _, each in entries(pod_spec(workload), ("volumes",)))
    if claims or pointers.find(workload, ("spec", "volumeClaimTemplates")):
        yield "keeps data on a volume"


RULES = (
    AcrossRule(
        Rule(
            "network-policy-missing",
            "No network policy for these pods",
            "Without one every pod of the cluster may call every port, and call out: one is all of them.",
            {"": "info"},
            (26,),
        ),
        not_isolated,
    ),
    AcrossRule(
        Rule(
            "network-policy-selects-nothing",
            "A network policy for nobody",
            "A policy whose selector matches no pods protects nothing, unnoticed.",
            {"": "warn"},
            (26,),
        ),
        isolates_nothing,
    ),
    AcrossRule(
        Rule(
            "service-account-missing",
            "A service account that is not there",
            "The pods are never made: the controller is refused, and only its events say so.",
            {"": "warn"},
            (77,),
        ),
        account_missing,
    ),
    AcrossRule(
        Rule(
            "monitor-selects-nothing",
            "Nothing is measured",
            "The dashboard stays empty, unnoticed, until somebody needs it.",
            {"": "warn"},
            (47,),
        ),
        watches_nothing,
    ),
    AcrossRule(
        Rule(
            "spot-unsafe",
            "On nodes that are taken away",
            "Spot nodes end within two minutes: what runs there needs others to take over, and no data.",
            {"": "info", "production": "block"},
            (11,),
        ),
        spot_unsafe,
        frozenset({""}),
    ),
)
