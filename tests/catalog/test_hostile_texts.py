"""Texts in uploads that mean ill: to memory, to time, to those who read the evidence, to the reader."""

import json

import pytest

from services.catalog.derivation import derive, helm
from services.catalog.descriptors.examine import examine
from tests.catalog.test_derivation import CART, door, pod


def chart(template: str, values: str = "") -> dict[str, bytes]:
    return {"c/templates/a.yaml": template.encode(), "c/values.yaml": values.encode()}


def rendered(template: str, values: str = "") -> str:
    return helm.rendered("c/templates/a.yaml", chart(template, values)).decode()


def test_an_indent_of_a_template_is_no_deeper_than_one_writes_by_hand():
    line = '{{- include "labels" . | nindent %s -}}'
    assert rendered(line % 8) == " " * 8 + "app.kubernetes.io/name: c"
    assert rendered(line % 9_999_999) == ""


def test_a_value_of_a_chart_does_not_multiply():
    assert len(rendered("{{ .Values.a }}" * 1_000, f"a: {'x' * 100_000}")) <= 1_000_000


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("a: {{ .Values.a }}/{{- .Values.b -}}", "a: 1/2"),
        ('a: {{ .Values.c | default "{x}" }}', "a: {x}"),
        ("a: {b: {{ .Values.b }}}", "a: {b: 2}"),
    ],
)
def test_actions_of_a_template_are_told_apart(line, told):
    assert rendered(line, "a: 1\nb: 2\n") == told


def evidence(key: str, value: str) -> set[str]:
    web = pod("web", env=[{"name": key, "value": value}])
    items = [web, *CART, pod("cache"), door("cache", 6379)]
    files = {"a.json": json.dumps({"apiVersion": "v1", "kind": "List", "items": items}).encode()}
    edges = [edge for edge in derive(files).edges if edge.source == "web"]
    return {proof.value for edge in edges for proof in edge.evidence}


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("CART", "cart:8080", {"cart:8080"}),
        ("CART_HOST", "cart", {"cart"}),
        ("BROKERS", "cart:8080,cache:6379", {"cart:8080,cache:6379"}),
        ("CONFIG", '{"db_password":"hunter2","db_host":"cart:8080"}', {"cart:8080"}),
        ("CONFIG", '["hunter2", "http://cart:8080"]', {"http://cart:8080"}),
        ("SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/hunter2", {"https://hooks.slack.com"}),
        (
            "STORE_URL",
            "https://x.blob.core.windows.net/c?sv=1&sig=hunter2",
            {"https://x.blob.core.windows.net"},
        ),
        ("URLS", "postgres://u:hun/ter2@cart/db,redis://cache:6379", {"redis://cache:6379"}),
        ("URL", "http://u:hunter2@cart:8080/hunter2#hunter2", {"http://cart:8080"}),
        ("DSN", "host=cart user=u pass=hunter2", {"cart"}),
        ("DSN", "u:hunter2@tcp(cart:8080)/x", {"cart:8080"}),
    ],
)
def test_evidence_shows_the_place_and_nothing_beside_it(key, value, shown):
    assert evidence(key, value) == shown


@pytest.mark.parametrize("port", ["'²'", "'" + "1" * 5_000 + "'", "0x" + "f" * 5_000, "1" * 5_000, ".inf"])
def test_a_port_that_is_none_is_left_out(port):
    web = f"{{image: web, ports: [{port}, '80:8080'], environment: [A=http://cart]}}"
    text = f"services:\n  web: {web}\n  cart: {{image: cart}}\n"
    assert [(e.source, e.target) for e in derive({"compose.yaml": text.encode()}).edges] == [("web", "cart")]


class Odd(bytes):
    """A file that fails whoever reads its text, as a defect nobody knows of yet would."""

    def decode(self, *_: str, **__: str) -> str:
        raise ValueError


SHOP = b"services:\n  web: {image: web, environment: [A=http://cart]}\n  cart: {image: cart}\n"


@pytest.mark.parametrize(
    ("odd", "more"),
    [
        ("odd/templates/a.yaml", {"odd/templates/a.yaml": Odd(b"{{")}),
        ("odd/compose.yaml", {"odd/compose.yaml": b"services: {a: {image: a, env_file: x}}", "odd/x": Odd()}),
        ("cart/application.properties", {"cart/application.properties": Odd(b"a=1")}),
    ],
)
def test_a_file_that_fails_the_reader_is_noted_and_the_others_are_read(odd, more):
    result = derive({"compose.yaml": SHOP, **more})
    assert [(edge.source, edge.target) for edge in result.edges] == [("web", "cart")]
    assert [(note.kind, note.file) for note in result.notes] == [("failed", odd)]
    assert "ValueError" in result.notes[0].message


@pytest.mark.parametrize("broken", ["containers.UPSTREAMS", "edges.MOST_HINTS"])
def test_a_workload_that_fails_the_reader_is_noted_and_the_others_are_read(monkeypatch, broken):
    monkeypatch.setattr(f"services.catalog.derivation.{broken}", [])
    web = pod("b", env=[{"name": "X_URL", "value": "http://xx:1"}])
    files = {"compose.yaml": SHOP, "b.json": json.dumps(web).encode()}
    result = derive(files)
    assert [(edge.source, edge.target) for edge in result.edges] == [("web", "cart")]
    assert [note.file for note in result.notes if note.kind == "failed"] == ["b.json"]
    reports = {report.file: report for report in examine(files)}
    assert "TypeError" in reports["b.json"].warnings[0].message
