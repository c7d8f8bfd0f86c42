"""Texts in uploads that mean ill: to memory, to time, to those who read the evidence, to the reader."""

import json
import time

import pytest

from services.catalog.derivation import derive, helm
from services.catalog.derivation.texts import settings_in
from services.catalog.descriptors import locations
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


SIZE = 200_000
TOML = "".join(f'a{n} = "\\u0041{n}"\n' for n in range(SIZE // 20))


def component(kind: str, definition: str) -> bytes:
    spec = {"type": kind, "lifecycle": "p", "owner": "a", "definition": definition}
    api = {"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {"name": "x"}, "spec": spec}
    return json.dumps(api).encode()


def located(targets: list[str], name: str = "x") -> bytes:
    location = {"apiVersion": "backstage.io/v1alpha1", "kind": "Location", "metadata": {"name": name}}
    return json.dumps({**location, "spec": {"targets": targets}}).encode()


SLOW = {
    "open actions": ("web/templates/a.yaml", b"{{" * (SIZE // 2)),
    "open actions with space": ("web/templates/a.yaml", b"{{" + b" " * SIZE),
    "spaces of a value": ("web/application.properties", b"a=x" + b" " * SIZE + b"y"),
    "empty lines": ("web/nginx.conf", b"\n" * SIZE),
    "escapes of TOML": ("web/settings.toml", TOML.encode()),
    "a list of TOML": ("web/settings.toml", b"a = [" + b'"\\u0041",\n' * (SIZE // 10) + b"]"),
    "a long key of TOML": ("web/settings.toml", b"a." * (SIZE // 2) + b"a = 1"),
    "a long section": ("web/a.ini", b"[" + b"x" * SIZE + b"]\n" + b"a=1\n" * (SIZE // 4)),
    "open comments": ("a.json", component("grpc", "/* " * (SIZE // 3))),
    "escaped quotes": ("a.json", component("grpc", '\\"' * (SIZE // 2))),
    "escaped quotes of GraphQL": ("a.json", component("graphql", '\\"' * (SIZE // 2))),
    "open texts of GraphQL": ("a.json", component("graphql", '"""\\' * (SIZE // 4))),
}


@pytest.mark.parametrize("what", SLOW)
def test_a_text_takes_time_in_proportion_to_its_size(what):
    name, content = SLOW[what]
    started = time.process_time()
    files = {"compose.yaml": b"services:\n  web: {image: web}\n", name: content}
    derive(files)
    examine(files)
    assert time.process_time() - started < 4


def test_wildcards_of_an_import_are_bounded_and_told(monkeypatch):
    monkeypatch.setattr(locations, "MAX_STEPS", locations.MAX_STEPS // 5)
    files = {f"{n}.yaml": located([f"{n}{m}*" for m in range(1_000)], f"x{n}") for n in range(10)}
    files |= {f"a/{n}/b": b"" for n in range(2_000)}
    started = time.process_time()
    reports = {report.file: report for report in examine(files)}
    assert time.process_time() - started < 4
    assert "matches" in reports["0.yaml"].warnings[0].message
    assert "too many wildcards" in reports["9.yaml"].warnings[0].message


def test_a_long_circle_is_told_shortly():
    count = 3_000
    files = {f"{n}.yaml": located([f"{(n + 1) % count}.yaml", "0.yaml"], f"x{n}") for n in range(count)}
    started = time.process_time()
    reports = examine(files)
    assert time.process_time() - started < 8
    told = [warning.message for report in reports for warning in report.warnings if warning.rule == "circle"]
    assert len(told) == count
    assert max(map(len, told)) < 400


def test_a_setting_of_toml_is_found_where_its_key_stands():
    text = """
# cart:8080 is the old one
[web]
title = "about cart:8080"
cart_url = "cart:8080"
[[upstream]]
host = "cart:8080"
[[upstream]]
hosts = [
  "a:1",  # first
  "cart:8080",
]
[other]
host = "cart:8080"
port = 1_000
inner = { host = "cart:8080" }
"""
    rows = {(row.key, row.line) for row in settings_in("a.toml", text, file="a.toml")}
    assert rows == {
        ("web.title", 4), ("web.cart_url", 5), ("upstream.host", 7), ("upstream.hosts", 10),
        ("upstream.hosts", 11), ("other.host", 14), ("other.port", 15), ("other.inner.host", 16),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "is_called"),
    [
        ("BASE_URL", "redis://registry.somewhere.org:1", False),
        ("BASE_URL", "redis://repo1.somewhere.org:1", False),
        ("MIRROR_URL", "redis://x.somewhere.org:1", False),
        ("PIP_INDEX_URL", "redis://x.somewhere.org:1", False),
        ("BASE_URL", "redis://x.somewhere.org:1", True),
    ],
)
def test_where_packages_come_from_is_nobody_that_is_called(key, value, is_called):
    assert bool(evidence(key, value)) is is_called
