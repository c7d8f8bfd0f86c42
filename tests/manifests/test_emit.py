"""YAML that every reader reads back alike; hostile YAML refused quickly."""

import contextlib
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.manifests.emit import Document, ManifestError, dump, load_all, ordered
from services.manifests.reader import load_each


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text("[]{}:,-&*!|>'\"%@ \n\tab01#?", max_size=60))
def test_reading_gives_documents_or_a_manifest_error_and_nothing_else(text):
    with contextlib.suppress(ManifestError):
        load_all(text)


def test_dump_keeps_people_s_order_and_is_plain_where_safe():
    deployment = {
        "kind": "Deployment",
        "spec": {"template": {"spec": {"containers": [{"image": "r/x:1", "name": "web", "env": []}]}}},
        "metadata": {"labels": {"b": "1", "a": "x"}, "namespace": "shop", "name": "wishlist"},
        "apiVersion": "apps/v1",
    }
    assert dump([deployment], comment="Managed by Slipway.\n\nChange the form.") == (
        "# Managed by Slipway.\n#\n# Change the form.\n"
        "apiVersion: apps/v1\nkind: Deployment\n"
        'metadata:\n  name: wishlist\n  namespace: shop\n  labels:\n    a: x\n    b: "1"\n'
        "spec:\n  template:\n    spec:\n      containers:\n"
        "      - name: web\n        image: r/x:1\n        env: []\n"
    )


def test_dump_writes_no_anchors_and_separates_documents():
    shared = {"a": ["x"]}
    text = dump([{"one": shared, "two": shared}, {"three": 3}])
    assert "&" not in text
    assert [each.data for each in load_all(text)] == [{"one": shared, "two": shared}, {"three": 3}]
    assert ordered("x") == "x"


def test_load_all_knows_lines_and_counts_empty_documents():
    text = "# hello\n---\na: 1\n---\n---\nspec:\n  containers:\n  - name: web\n    image: x\n"
    first, second = load_all(text, "deployment.yaml")
    assert (first.index, first.line, second.index, second.line) == (0, 3, 2, 6)
    assert second.position("spec.containers[0].image") == (9, 5)
    assert second.line_of("spec.containers[0].resources.limits") == 8
    assert second.line_of(("nothing",)) == 6
    assert second.file == "deployment.yaml"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y", True), ("on", True), ("No", False), ("22:22", "22:22"), ("2020-01-01", "2020-01-01"),
        ("0755", 493), ("0o14", 12), ("0x1F", 31), ("-0x1F", -31), ("0b11", 3), ("1_000", 1000), ("08", 8.0),
        ("~", None), (".inf", float("inf")), ("1.5.2", "1.5.2"), ("'1'", "1"), ("!!str 1", "1"), ("1e3", 1e3),
        ("18446744073709551615", 2**64 - 1), ("18446744073709551616", 1.8446744073709552e19),
        ("0x1FFFFFFFFFFFFFFFF", "0x1FFFFFFFFFFFFFFFF"), ("9" * 400, "9" * 400), ("9" * 5000, "9" * 5000),
        ("!!int '1'", 1), ("! 1", "1"), ("-x", "-x"), ("0", 0), ("0x", "0x"), ("!!binary aGk=", "aGk="),
    ],
)  # fmt: skip
def test_plain_scalars_are_what_kubernetes_takes_them_for(text, value):
    assert load_all(f"v: {text}")[0].data == {"v": value}
    assert load_all("- -")[0].data == [[None]]


def test_aliases_and_merges_are_resolved():
    text = "base: &b {a: 1, b: 2}\nlist: &l [*b]\nx:\n  <<: *b\n  b: 3\nz:\n  <<: [*b, {c: 4}]\n"
    text += "same: *l\n1: one\ny: yes\n~: none\n"
    data = load_all(text)[0].data
    assert data["x"] == {"a": 1, "b": 3}
    assert data["z"] == {"a": 1, "b": 2, "c": 4}
    assert data["same"] == [{"a": 1, "b": 2}]
    assert data["1"] == "one"
    assert data["true"] is True
    assert data["null"] == "none"


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("a: 1\na: 2\n", "'a' is there twice", 2),
        ("a: &x [*x]\n", "refers to itself", 1),
        ("a: *x\n", "never defined", 1),
        ("a: b: c\n", "not YAML: there is a colon too many", 1),
        ("a: 'x\n", "not YAML", 2),
        ("? [a]\n: b\n", "a key must be plain text", 1),
        ("a: !Ref x\n", "tag !Ref is not known", 1),
        ("a:\n  <<: 1\n", "<< must name a mapping", 0),
        ("a: \x01\n", "not YAML", 0),
        (b"\xff\xfe\xff", "not UTF-8", 0),
        ("[" * 5000, "deep", 1),
        ("- " * 5000, "deep", 1),
        ("x" * 5_000_001, "larger than 5 MB", 0),
        ("--- 1\n" * 2001, "more than 2000 documents", 2001),
    ],
)
def test_refused_files_say_where_and_why(text, says, line):
    with pytest.raises(ManifestError) as caught:
        load_all(text, "some.yaml")
    assert says in caught.value.message
    assert caught.value.line == line
    assert str(caught.value).startswith("some.yaml")


def test_the_number_of_the_document_is_in_the_error():
    with pytest.raises(ManifestError) as caught:
        load_all("a: 1\n---\nb: 1\nb: 2\n")
    assert (caught.value.document, caught.value.line, caught.value.column) == (1, 4, 1)


def levels(number):
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, number)]
    return "\n".join(rows)


# The large ones are made when it is their turn.
BOMBS = {
    "aliases": levels(12),
    "aliases of 306 bytes": levels(9)[:306].rpartition("\n")[0],
    "merged aliases": "a: &a {"
    + ", ".join(f"k{n}: 1" for n in range(2_000))
    + "}\nb: {<<: ["
    + "*a, " * 400
    + "]}",
    "10 MB": lambda: "a: " + "x" * 10_000_000,
    "10 MB of bytes": lambda: b"a: b\n" * 2_000_000,
    "a million keys": lambda: "".join(f"k{n}: v\n" for n in range(1_000_000)),
    "a million keys in 5 MB": lambda: "{" + ",".join(f"{n:x}" for n in range(1_000_000))[:4_900_000] + "}",
    "a million lines": lambda: "\n" * 1_000_000 + "a: b: c",
    "many empty lines before an error": lambda: "\n" * 300_000 + "a: b: c",
    "blanks before an error": lambda: (" " * 1_000 + "\n") * 4_000 + "a: b: c",
    "documents of nothing": lambda: "---\n" * 1_900 + "\n" * 100_000 + "a: b: c",
    "10,000 brackets": "[" * 10_000,
    "10,000 braces": "{a: " * 10_000,
    "10,000 dashes": "- " * 10_000,
    "3,000 indents": lambda: "".join(" " * n + "a:\n" for n in range(3_000)),
    "NUL": "a: b\0c",
    "UTF-16": "a: b".encode("utf-16"),
    "UTF-32": "a: b".encode("utf-32"),
    "UTF-7, kind of": b"a: +AGI-\xff",
    "overlong UTF-8": b"a: \xc0\xaf",
    "a surrogate": b"a: \xed\xa0\x80",
    "a colon for each character": lambda: ": " * 2_000_000,
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_bombs_are_refused_before_they_go_off(bomb):
    """Mostly in 50 ms on a quiet machine, which the benchmark tells; a busy one takes many times as long."""
    made = BOMBS[bomb]
    text = made() if callable(made) else made
    started = time.thread_time()
    with pytest.raises(ManifestError):
        load_all(text, "bomb.yaml")
    assert time.thread_time() - started < 1
    _, errors = load_each(text, "bomb.yaml")
    assert errors
    assert time.thread_time() - started < 2


def test_a_bomb_takes_little_memory():
    """Ten times the text itself at most; without bounds the aliases alone are gigabytes."""
    for text in (levels(12), "[" * 10_000, "".join(f"k{n}: v\n" for n in range(1_000_000))):
        tracemalloc.start()
        with pytest.raises(ManifestError):
            load_all(text)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 10_000_000


def test_numbers_of_millions_of_digits_are_text_as_they_are_to_kubernetes():
    started = time.thread_time()
    for text in ("9" * 4_000_000, "0x" + "f" * 1_000_000, "1e" + "9" * 1_000_000, "1" * 1_000_000 + ".5"):
        assert load_all(f"a: {text}")[0].data == {"a": text}
    assert time.thread_time() - started < 0.5


def test_without_positions_every_line_is_that_of_the_document():
    assert Document(0, 7, {}).line_of("a.b") == 7


def test_values_are_counted_as_they_are_read(monkeypatch):
    monkeypatch.setattr("services.manifests.reader.MAX_NODES", 10)
    with pytest.raises(ManifestError, match="too many values"):
        load_all("- a\n" * 11)
