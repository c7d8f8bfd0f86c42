"""What a change costs a month, by the prices each environment declares.

`settings["prices"]` of an environment: `cpu` (a core for a month), `memory` (a GiB for a month), `currency`.
Environments without prices cost nothing here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.quantities import NotAQuantity, parse
from services.onboarding.blueprints.model import Blueprint, Cost, EnvironmentInfo
from services.onboarding.blueprints.tree import Tree

RUNNING = ("Deployment", "StatefulSet")
GIB = 1024**3


def cost_of(blueprint: Blueprint, tree: Tree, environments: Mapping[str, EnvironmentInfo]) -> Cost:
    lines = [line for name in tree.objects for line in _pods(tree, environments[name])]
    for rule in blueprint.costs:
        lines.append((str(rule.label.render(tree.scope)), float(rule.amount.evaluate(tree.scope))))
    rounded = tuple((label, round(amount, 2)) for label, amount in lines)
    return Cost(round(sum(amount for _, amount in rounded), 2), _currency(environments), rounded)


def sum_of(costs: Mapping[str, Cost]) -> Cost:
    """Of several parts together; their lines say whose they are."""
    if len(costs) == 1:
        return next(iter(costs.values()))
    lines = tuple(
        (f"{name}: {label[:1].lower() + label[1:]}", amount)
        for name, cost in costs.items()
        for label, amount in cost.lines
        if amount
    )
    currency = next(iter(costs.values())).currency
    return Cost(round(sum(cost.monthly for cost in costs.values()), 2), currency, lines)


def _currency(environments: Mapping[str, EnvironmentInfo]) -> str:
    prices = (each.settings.get("prices", {}) for each in environments.values())
    return next((price["currency"] for price in prices if "currency" in price), "EUR")


def _pods(tree: Tree, environment: EnvironmentInfo) -> Iterator[tuple[str, float]]:
    prices = environment.settings.get("prices")
    if not prices:
        return
    for document in tree.objects[environment.name]:
        if document.data.get("kind") in RUNNING:
            replicas = pointers.find(document.data, ("spec", "replicas"), 1)
            pods = "1 pod" if replicas == 1 else f"{replicas} pods"
            yield f"{pods} in {environment.title}", replicas * _pod(document.data, prices)


def _pod(data: Mapping[str, Any], prices: Mapping[str, Any]) -> float:
    containers = pointers.find(data, ("spec", "template", "spec", "containers"), [])
    cpu = sum(_requested(each, "cpu") for each in containers)
    memory = sum(_requested(each, "memory") for each in containers)
    return cpu * float(prices.get("cpu", 0)) + memory / GIB * float(prices.get("memory", 0))


def _requested(container: Mapping[str, Any], resource: str) -> float:
    try:
        return float(parse(pointers.find(container, ("resources", "requests", resource), 0)))
    except NotAQuantity:
        return 0.0
