"""How long one evaluation of a form takes, as somebody types: cold, warm, and with everything answered."""

import sys
import time
from typing import Any

from bench._report import percentiles, show, timed
from services.onboarding.blueprints import (
    SHIPPED,
    Blueprint,
    Choice,
    Context,
    EnvironmentInfo,
    Person,
    TeamRef,
    evaluate,
    load,
    shipped,
)
from services.onboarding.blueprints.parts import PLAN

TIMES = 100
SETTINGS = {
    "registry": "registry.example.com",
    "domain": "example.net",
    "public_domain": "example.com",
    "gateway": {"name": "shared", "namespace": "gateway"},
    "prices": {"cpu": 18.0, "memory": 2.4, "currency": "EUR"},
}
MINIMAL = {"name": "parcels", "description": "Tells where parcels are."}
EVERYTHING = {
    **MINIMAL,
    "exposure": "public",
    "config": [{"name": f"SETTING_{number}", "value": str(number)} for number in range(20)],
    "secrets": [
        {"name": f"SECRET_{number}", "secret": "parcels", "key": str(number)} for number in range(10)
    ],
    "depends_on": [f"component:default/service-{number}" for number in range(10)],
}


def context(components: int) -> Context:
    return Context(
        user=Person("ada", "Ada Example", [TeamRef("orders", "Orders")]),
        environments=[
            EnvironmentInfo("staging", "Staging", "example-staging", False, SETTINGS),
            EnvironmentInfo("production", "Production", "example", True, SETTINGS),
        ],
        components=[
            Choice(f"component:default/service-{number}", f"service-{number}") for number in range(components)
        ],
        request="R-1001",
    )


def measured(blueprint: Blueprint, what: str, answers: dict[str, Any], components: int) -> dict[str, Any]:
    known = context(components)
    limits = iter(range(200, 200 + TIMES + 10))
    samples = timed(lambda: evaluate(blueprint, {**answers, "memory_limit": next(limits)}, known), TIMES)
    p50, p95 = percentiles(samples)
    return {"evaluation": what, "p50 ms": p50, "p95 ms": p95}


def composed() -> dict[str, Any]:
    """A service with its database, cache and address: four forms, wired, judged together."""
    known, parts = context(20), {PLAN: ["db:postgres", "cache:cache", "route:public-route"]}
    blueprints, limits = shipped(), iter(range(130, 130 + TIMES + 10))
    samples = timed(
        lambda: evaluate(
            blueprints["web-service"], {**MINIMAL, **parts, "memory_limit": next(limits)}, known, blueprints
        ),
        TIMES,
    )
    p50, p95 = percentiles(samples)
    return {"evaluation": "four parts, wired", "p50 ms": p50, "p95 ms": p95}


def cold() -> dict[str, Any]:
    """Reading the blueprint and evaluating it for the first time in a process."""
    started = time.perf_counter()
    evaluate(load(SHIPPED / "web-service"), MINIMAL, context(20))
    spent = (time.perf_counter() - started) * 1000
    return {"evaluation": "first in a process", "p50 ms": spent, "p95 ms": spent}


def main(arguments: list[str]) -> None:
    first = cold()
    blueprint = load(SHIPPED / "web-service")
    rows = [
        first,
        measured(blueprint, "three answers, two environments", MINIMAL, 20),
        measured(blueprint, "everything answered, 10,000 components", EVERYTHING, 10_000),
        composed(),
    ]
    show("live form", rows, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
