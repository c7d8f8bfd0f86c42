"""What the form of a web service made for the company: its answers, and the files rendered from them."""

import re
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import yaml

from portal.demo import company
from portal.demo.company import Colleague
from portal.demo.history.plan import every_request, live_numbers, row_at
from services.manifests.guardrails import Guardrails
from services.onboarding import blueprints
from services.onboarding.blueprints.model import (
    Blueprint,
    Choice,
    Context,
    EnvironmentInfo,
    Evaluation,
    Person,
    TeamRef,
)

BLUEPRINT = "web-service"
# What was merged long ago is not judged again; it would take most of the time of a first start.
UNJUDGED = Guardrails(())
# Made by the version before the newest.
BEHIND = ("cart", "mobile-api", "shipping")


@cache
def evaluation_of(number: int) -> Evaluation:
    """The form of a past request, as it was sent."""
    past = every_request()[number]
    row = row_at(past.service, past.number)
    if past.state != "live" and past.change is not None:
        row = past.change.applied_to(row)
    return _evaluate(past.service, row, past.by, past.key, UNJUDGED)


@cache
def today(service: str, *, judged: bool = False) -> Evaluation:
    """The form of a service as it runs today: its last request, and the version rolled out since."""
    last = live_numbers(service)[-1]
    by = every_request()[last].by
    return _evaluate(service, company.workloads()[service], by, f"R-{last}", None if judged else UNJUDGED)


def _evaluate(
    service: str, row: dict[str, Any], by: Colleague, key: str, guardrails: Guardrails | None = None
) -> Evaluation:
    blueprint = blueprint_of(service)
    context = replace(_context(by, key), guardrails=guardrails)
    return blueprints.evaluate(blueprint, answers_of(service, row), context)


def blueprint_of(service: str) -> Blueprint:
    """The version that made it: some services are behind, as in any company."""
    return older() if service in BEHIND else blueprints.shipped()[BLUEPRINT]


@cache
def older() -> Blueprint:
    """The version before: its pods looked outside names up four times, and opened nothing for others."""
    texts = blueprints.texts_of(blueprints.shipped()[BLUEPRINT].folder)
    manifest, about = "manifests/deployment.yaml", "blueprint.yaml"
    texts[manifest] = re.sub(r" +# Row 21.*?value: \"2\"\n", "", texts[manifest], flags=re.DOTALL)
    del texts["manifests/networkpolicy-uses.yaml"]
    changed = r"version: \"1\.1\"\n  changes:.*?(?=\n  title)"
    texts[about] = re.sub(changed, 'version: "1.0"', texts[about], flags=re.DOTALL)
    return blueprints.load(blueprints.sketch(texts))


def answers_of(service: str, row: dict[str, Any]) -> dict[str, Any]:
    descriptor = descriptor_of(service)
    return {
        "name": service,
        "owner": row["team"],
        "description": descriptor["metadata"].get("description", "Reviews of products by customers."),
        "system": descriptor["spec"]["system"],
        "image": f"{company.REGISTRY}/{service}:{row['version']}",
        "port": row["port"],
        "readiness_path": "/readyz",
        "environments": [place.name for place in company.PLACES],
        "config": [{"name": key, "value": value} for key, value in sorted(row["config"].items())],
        "secrets": [_secret(key, place) for key, place in sorted(row.get("secrets", {}).items())],
        "size": "small" if row["memory"][0] < 256 else "medium",
        "traffic": "daily",
        "memory_request": row["memory"][0],
        "memory_limit": row["memory"][1],
        "cpu_request": row["cpu"],
        "replicas": row["replicas"][1],
        "exposure": "public" if "host" in row else "internal",
        "internet": any(".example" in value for value in row["config"].values()),
        "depends_on": dependencies_of(row),
    }


def _secret(variable: str, place: str) -> dict[str, str]:
    secret, _, key = place.partition("/")
    return {"name": variable, "secret": secret, "key": key}


def dependencies_of(row: dict[str, Any]) -> list[str]:
    """Services of the company that the configuration names."""
    hosts = {urlsplit(value).hostname for value in row["config"].values() if "://" in value}
    return [f"component:default/{name}" for name in sorted(company.workloads()) if name in hosts]


@cache
def descriptor_of(service: str) -> dict[str, Any]:
    """What the catalog holds of it, or will: only what a form says of a service that is still wanted."""
    if service in company.wanted():
        row = company.wanted()[service]
        return {"metadata": {"description": row["description"]}, "spec": {"system": row["system"]}}
    return dict(next(yaml.load_all(company.descriptors()[f"{service}.yaml"], Loader=yaml.CSafeLoader)))


def _context(by: Colleague, key: str) -> Context:
    return Context(
        user=Person(by.username, by.name, [TeamRef(by.team, company.TEAMS[by.team])]),
        environments=_environments(),
        systems=_systems(),
        components=_components(),
        request=key,
    )


@cache
def _environments() -> tuple[EnvironmentInfo, ...]:
    return tuple(
        EnvironmentInfo(place.name, place.title, place.namespace, place.is_production, place.settings)
        for place in company.PLACES
    )


@cache
def _components() -> tuple[Choice, ...]:
    return tuple(Choice(f"component:default/{name}", name) for name in company.workloads())


@cache
def _systems() -> tuple[Choice, ...]:
    documents = yaml.safe_load_all(company.descriptors()["company.yaml"])
    names = [doc["metadata"]["name"] for doc in documents if doc["kind"] == "System"]
    return tuple(Choice(name, name) for name in names)
