"""YAML that every reader reads back alike; hostile YAML refused quickly."""

import contextlib
import io
import time

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from services.manifests.emit import Document, ManifestError, dump, load_all, ordered

# Words that one reader or another turns into something else.
HOSTILE = [
    *("y", "n", "Y", "N", "yes", "No", "on", "Off", "true", "False", "null", "~", "", " ", "none", "NaN"),
    *("1e3", "5e9", "5e-3", "123e4", "0.1e1", "08", "09", "0o14", "014", "0x1F", "1_000", "12:30:45"),
    *("+1", "-1", ".5", "5.", ".inf", "-.Inf", "2020-01-01", "2001-12-14t21:59:43.10-05:00", "=", "<<"),
    *("a: b", "a #b", "#a", "a:", ":a", "- a", "[a]", "{a}", "&a", "*a", "!a", "|", ">", "'", '"', "%", "@"),
    *("a\nb", "a\n", "\na", "a\n\n", " a\nb", "a \nb", "a\tb", "\ta", "a\rb", "a\r\nb", "a\x85b"),
    *("\x00", "\x1b[31m", "\x7f", "\ufeffa", "é", "日本", "😀\nb", "---", "...", "--- a", "a\n---\nb", "\\"),
    *("128Mi", "100m", "1Gi", "registry.larkfield.shop/wishlist:0.1.0", "a:b:c", "/healthz", "x" * 300),
    *("${{ answers.name }}", "a\n# b\nc", "key: |\n  x", "a\n  b\n c", "~\n", "\u00a0", "a\u00a0\nb", "0"),
    *("1.10", "-", "?", "`", ".nan", "22:22", "a\u2028b", "a\\nb"),
]


def readers(text: str) -> list[object]:
    ruamel = YAML(typ="safe", pure=True)
    return [
        yaml.safe_load(text),
        yaml.load(text, Loader=yaml.CSafeLoader),
        ruamel.load(io.StringIO(text)),
        load_all(text)[0].data,
    ]


@pytest.mark.parametrize("value", HOSTILE)
def test_hostile_strings_read_back_alike_as_value_item_and_key(value):
    tree = {"v": value, "list": [value, {"in": value}], "map": {value: value}}
    for data in readers(dump([tree])):
        assert data == tree


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
@example("a\n\tb")
@example("\t\n")
@example("\U0001f600\n")
def test_any_text_reads_back_alike(value):
    if any("\ud800" <= character <= "\udfff" for character in value):
        return
    for data in readers(dump([{"v": value, "l": [value]}])):
        assert data == {"v": value, "l": [value]}


scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.text("ab:-#1 \n'\"é"),
)
trees = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc.:0y", min_size=1), inner),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text("abkm", min_size=1), trees, min_size=1, max_size=4))
def test_any_tree_reads_back_and_dumping_is_stable(tree):
    text = dump([tree])
    assert load_all(text)[0].data == tree
    assert dump(load_all(text)) == text
    assert yaml.safe_load(text) == tree


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


def test_bombs_are_refused_quickly():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    many = "".join(f"k{n}: v\n" for n in range(200_000))
    for text in ["\n".join(rows), many]:
        started = time.perf_counter()
        with pytest.raises(ManifestError, match=r"expand|too many"):
            load_all(text)
        assert time.perf_counter() - started < 5


def test_without_positions_every_line_is_that_of_the_document():
    assert Document(0, 7, {}).line_of("a.b") == 7
