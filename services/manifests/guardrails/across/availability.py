"""Replicas, disruption budgets and autoscalers, seen together."""

import math
from collections.abc import Iterator
from typing import Any

from services.manifests import pointers
from services.manifests.guardrails.across.rule import AcrossRule, Together, of_kind, together
from services.manifests.objects import Object, kind, name, namespace, pod_labels, selects
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

WORKLOADS = ("Deployment", "StatefulSet")
AUTOSCALERS = ("HorizontalPodAutoscaler", "ScaledObject")
SCALABLE = ("Deployment", "StatefulSet", "ReplicaSet", "ReplicationController")
REPLICAS: Path = ("spec", "replicas")
TARGET: Path = ("spec", "scaleTargetRef")
Found = Iterator[tuple[int, Problem]]


def autoscaler_of(workload: Object, objects: Together) -> Object | None:
    for _, scaler in of_kind(objects, *AUTOSCALERS):
        target = pointers.mapping(scaler, TARGET)
        same = target.get("name") == name(workload) and target.get("kind", "Deployment") == kind(workload)
        if same and together(scaler, workload):
            return scaler
    return None


def least_replicas(workload: Object, objects: Together) -> int | None:
    """How many pods there are at the fewest; None where it is not a number."""
    scaler = autoscaler_of(workload, objects)
    if scaler is None:
        found = pointers.find(workload, REPLICAS, 1)
    elif kind(scaler) == "ScaledObject":
        found = pointers.find(scaler, ("spec", "minReplicaCount"), 0)
    else:
        found = pointers.find(scaler, ("spec", "minReplicas"), 1)
    return found if isinstance(found, int) else None


def one_replica(rule: Rule, objects: Together) -> Found:
    wanted = "Deployment" if rule.id == "one-replica-prod" else "StatefulSet"
    for index, workload in of_kind(objects, wanted):
        if least_replicas(workload, objects) == 1 and autoscaler_of(workload, objects) is None:
            message = f"{name(workload)} runs as a single pod"
            yield index, Problem(rule, REPLICAS, message, {REPLICAS: 3}, "Run 3 replicas")


def budgets_of(workload: Object, objects: Together) -> Iterator[tuple[int, Object]]:
    for index, budget in of_kind(objects, "PodDisruptionBudget"):
        selector = pointers.find(budget, ("spec", "selector"))
        if together(budget, workload) and selects(selector, pod_labels(workload)):
            yield index, budget


def budget_missing(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *WORKLOADS):
        several = (least_replicas(workload, objects) or 0) > 1
        if several and not any(budgets_of(workload, objects)):
            message = f"no PodDisruptionBudget protects {name(workload)}: a drain may take all its pods"
            yield index, Problem(rule, (), message)


def budget_against_replicas(rule: Rule, objects: Together) -> Found:
    for _, workload in of_kind(objects, *WORKLOADS):
        least = least_replicas(workload, objects)
        scaled = autoscaler_of(workload, objects) is not None
        for index, budget in budgets_of(workload, objects) if least else ():
            kept = _kept(pointers.find(budget, ("spec", "minAvailable")), least or 0)
            if kept is not None and kept >= (least or 0):
                yield index, _never(rule, workload, kept, least or 0, scaled)


def _kept(available: Any, replicas: int) -> int | None:
    """minAvailable as a number of pods; percentages are rounded up, as Kubernetes does."""
    if isinstance(available, bool) or available is None:
        return None
    if isinstance(available, int):
        return available
    percent = str(available).removesuffix("%")
    return math.ceil(int(percent) * replicas / 100) if percent.isdecimal() else None


def _never(rule: Rule, workload: Object, kept: int, least: int, scaled: bool) -> Problem:
    if kept <= least:
        many = "all of them must stay"
    else:
        many = f"{kept} must stay, more than {'its autoscaler may leave' if scaled else 'there are'}"
    message = f"{name(workload)} has {least} pods at the fewest, {many}: none can ever be moved"
    changes: dict[Path, Any] = {("spec", "minAvailable"): None, ("spec", "maxUnavailable"): 1}
    return Problem(rule, ("spec", "minAvailable"), message, changes, "Allow one pod to be away")


def budget_selects_nothing(rule: Rule, objects: Together) -> Found:
    for index, budget in of_kind(objects, "PodDisruptionBudget"):
        near = [each for _, each in of_kind(objects, *SCALABLE) if together(each, budget)]
        selector = pointers.find(budget, ("spec", "selector"))
        if near and not any(selects(selector, pod_labels(each)) for each in near):
            message = f"the budget {name(budget)} selects none of the workloads beside it"
            yield index, Problem(rule, ("spec", "selector"), message)
        elif not near and (far := _elsewhere(selector, objects)):
            message = (
                f"the pods of {name(far)} are in {namespace(far)}, not in its namespace {namespace(budget)}"
            )
            yield index, Problem(rule, ("metadata", "namespace"), message)


def _elsewhere(selector: Any, objects: Together) -> Object | None:
    there = (each for _, each in of_kind(objects, *SCALABLE))
    return next((each for each in there if selects(selector, pod_labels(each))), None)


def target_missing(rule: Rule, objects: Together) -> Found:
    for index, scaler in of_kind(objects, *AUTOSCALERS):
        target = pointers.mapping(scaler, TARGET)
        near = [name(each) for _, each in of_kind(objects, str(target.get("kind"))) if together(each, scaler)]
        if near and target.get("name") not in near:
            place = (*TARGET, "name")
            missing = f"{target.get('kind')} {target.get('name')!r}"
            message = f"there is no {missing} beside it, but {', '.join(near[:5])}"
            yield index, Problem(rule, place, message)


def replicas_with_autoscaler(rule: Rule, objects: Together) -> Found:
    for index, workload in of_kind(objects, *WORKLOADS):
        scaler = autoscaler_of(workload, objects)
        if scaler is not None and pointers.find(workload, REPLICAS) is not None:
            message = f"{name(workload)} has replicas, and {kind(scaler)} {name(scaler)} sets them as well"
            yield (
                index,
                Problem(rule, REPLICAS, message, {REPLICAS: None}, "Leave them to the autoscaler"),
            )


def two_autoscalers(rule: Rule, objects: Together) -> Found:
    seen: set[tuple[str, ...]] = set()
    for index, scaler in of_kind(objects, *AUTOSCALERS):
        target = pointers.mapping(scaler, TARGET)
        key = (str(target.get("kind", "Deployment")), str(target.get("name")), namespace(scaler))
        if key in seen:
            yield index, Problem(rule, TARGET, f"{key[1]} has an autoscaler already")
        seen.add(key)


RULES = (
    AcrossRule(
        Rule(
            "one-replica-prod",
            "A single pod in production",
            "With one pod every drain, eviction and crash is an outage.",
            {"": "info", "production": "block"},
            (12,),
        ),
        one_replica,
        frozenset({""}),
    ),
    AcrossRule(
        Rule(
            "one-replica-stateful",
            "A single stateful pod in production",
            "With one pod every drain and crash is an outage; alone is for what cannot be replicated.",
            {"": "info", "production": "warn"},
            (12, 55),
        ),
        one_replica,
        frozenset({""}),
    ),
    AcrossRule(
        Rule(
            "pdb-missing",
            "No disruption budget",
            "Without a budget a drain may take every pod of a service away at the same time.",
            {"": "info", "production": "warn"},
            (12,),
        ),
        budget_missing,
        frozenset({""}),
    ),
    AcrossRule(
        Rule(
            "pdb-against-replicas",
            "The budget asks for every pod",
            "A budget that all pods must satisfy lets no node be drained: upgrades hang.",
            {"": "warn", "production": "block"},
            (12,),
        ),
        budget_against_replicas,
    ),
    AcrossRule(
        Rule(
            "pdb-selects-nothing",
            "A budget for nobody",
            "A budget whose selector matches no pods protects nothing, unnoticed.",
            {"": "warn"},
            (12,),
        ),
        budget_selects_nothing,
    ),
    AcrossRule(
        Rule(
            "hpa-target",
            "An autoscaler without a target",
            "It scales nothing, unnoticed, until the load comes.",
            {"": "warn"},
            (14,),
        ),
        target_missing,
    ),
    AcrossRule(
        Rule(
            "hpa-duplicate",
            "Two autoscalers for one workload",
            "Each undoes what the other has just done.",
            {"": "block"},
            (14,),
        ),
        two_autoscalers,
    ),
    AcrossRule(
        Rule(
            "replicas-with-hpa",
            "Replicas and an autoscaler",
            "Every deployment sets the number back to what git says, in the middle of the load.",
            {"": "warn"},
            (14,),
        ),
        replicas_with_autoscaler,
    ),
)
