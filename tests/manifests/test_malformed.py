"""Whatever shape a manifest has, a check answers with findings: wrong types are told, never stumbled over."""

import copy
import random
from pathlib import Path

import pytest

from services.manifests.check import check
from services.manifests.guardrails import FOLDER
from services.manifests.reader import load_all

SHAPES = (None, 3, -1, "x", "", [], [1], [None], [{}], [[1]], {}, {"a": 1}, {"a": [1]}, {"a": None}, True)
FILES = sorted(FOLDER.glob("examples/*/good.yaml"))
CHANGES = 4


def places(value, at=()):
    if at:
        yield at
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in steps:
        yield from places(item, (*at, key))


def with_shape(document, place, shape):
    changed = copy.deepcopy(document)
    around = changed
    for key in place[:-1]:
        around = around[key]
    around[place[-1]] = shape
    return changed


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parent.name)
def test_a_value_of_any_type_anywhere_is_judged(file: Path):
    documents = [each.data for each in load_all(file.read_bytes())]
    chance = random.Random(file.parent.name)
    for _ in range(CHANGES):
        at = chance.randrange(len(documents))
        place, shape = chance.choice(list(places(documents[at]))), chance.choice(SHAPES)
        given = [*documents[:at], with_shape(documents[at], place, shape), *documents[at + 1 :]]
        assert isinstance(check(given, environment="production"), list), (place, shape)


DEPLOYMENT = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
CONTAINERS = "  template: {metadata: {labels: {app: web}}, spec: {containers: [%s]}}\n"
SERVICE = (
    "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: %s}"
)
MALFORMED = {
    "target": DEPLOYMENT
    + (CONTAINERS % "{}")
    + "---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\n"
    "spec: {scaleTargetRef: 3}",
    "targets": "\n---\n".join(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n"
        f"  name: {name}\nspec: {{scaleTargetRef: {{name: {{a: 1}}}}}}"
        for name in ("a", "b")
    ),
    "port names": DEPLOYMENT + (CONTAINERS % "{name: web, ports: [{name: {a: 1}}, {name: [1]}]}"),
    "service ports": DEPLOYMENT + (CONTAINERS % "{}") + (SERVICE % "[{name: {a: 1}, port: [1]}, {port: {}}]"),
    "selector": DEPLOYMENT + "  selector: {matchLabels: [1], matchExpressions: [3, {key: a, values: 1}]}\n"
    "  template: {metadata: {labels: {app: web}}, spec: {containers: []}}",
    "expressions": DEPLOYMENT + "  selector: {matchExpressions: [{key: [a], operator: In, values: 1}]}\n"
    "  template: {metadata: {labels: {app: web}}, spec: {containers: []}}",
    "service selector": DEPLOYMENT + (CONTAINERS % "{}") + "---\napiVersion: v1\nkind: Service\n"
    "metadata: {name: web}\nspec: {selector: true}",
    "paths": "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\n"
    "spec: {rules: [{host: [a], http: {paths: [{path: [1], backend: {service: {port: x}}}]}}]}",
    "references": "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: web}\n"
    "spec: {rules: [{backendRefs: [x, 3]}]}",
    "data": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: 3\n---\n"
    + DEPLOYMENT
    + (CONTAINERS % "{env: [{name: A, valueFrom: {configMapKeyRef: {name: web, key: a}}}]}"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_what_cannot_be_compared_is_still_told(what):
    assert check(load_all(MALFORMED[what]), environment="production")
