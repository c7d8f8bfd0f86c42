"""A changed value touches its own lines and means exactly what was wanted; real trees keep all else."""

import copy
import difflib
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.manifests.editing import revise
from services.manifests.merging import same, three_way
from services.manifests.reader import ManifestError, load_all

WHOLE = os.environ.get("SLIPWAY_WHOLE") == "1"
TEXT = """\
# Who owns it: checkout
kind: Deployment   # one of several
metadata:
  name: 'cart'
  labels: {app: cart, tier: "1"}
spec:
  replicas: 2

  template:
    containers:
    # the one that serves
    - name: web
      image: cart:1   # pinned
      args: ["-v"]
      env:
      - name: NOTE
        value: |
          two
          lines
    - name: sidecar
  empty:
---
kind: Service
"""


def changed(value, *path, text=TEXT):
    """The lines taken and given, `-` and `+`, when the value at the path is another (None: it goes)."""
    wanted = copy.deepcopy(load_all(text)[0].data)
    at = wanted
    for key in path[:-1]:
        at = at[key]
    if value is GONE:
        del at[path[-1]]
    elif isinstance(at, list) and path[-1] == len(at):
        at.append(value)
    else:
        at[path[-1]] = value
    after = revise(text, wanted)
    assert same(load_all(after)[0].data, wanted)
    return [line for line in difflib.ndiff(text.splitlines(), after.splitlines()) if line[0] in "+-"]


GONE = object()
WEB = ("spec", "template", "containers", 0)


@pytest.mark.parametrize(
    ("value", "path", "lines"),
    [
        (3, ("spec", "replicas"), ["-   replicas: 2", "+   replicas: 3"]),
        (True, ("spec", "replicas"), ["-   replicas: 2", "+   replicas: true"]),
        ("basket", ("metadata", "name"), ["-   name: 'cart'", "+   name: 'basket'"]),
        ("it's", ("metadata", "name"), ["-   name: 'cart'", "+   name: 'it''s'"]),
        ("no", ("kind",), ["- kind: Deployment   # one of several", '+ kind: "no"   # one of several']),
        (
            "2",
            ("metadata", "labels", "tier"),
            ['-   labels: {app: cart, tier: "1"}', '+   labels: {app: cart, tier: "2"}'],
        ),
        (
            "x",
            ("metadata", "labels", "more"),
            ['-   labels: {app: cart, tier: "1"}', '+   labels: {app: cart, tier: "1", "more": "x"}'],
        ),
        ("cart:2", (*WEB, "image"), ["-       image: cart:1   # pinned", "+       image: cart:2   # pinned"]),
        ("-q", (*WEB, "args", 1), ['-       args: ["-v"]', '+       args: ["-v", "-q"]']),
        ("two\nother\n", (*WEB, "env", 0, "value"), ["-           lines", "+           other"]),
        ({"name": "MORE", "value": "1"}, (*WEB, "env", 1), ["+       - name: MORE", '+         value: "1"']),
        ("IfNotPresent", (*WEB, "imagePullPolicy"), ["+       imagePullPolicy: IfNotPresent"]),
        (GONE, (*WEB, "image"), ["-       image: cart:1   # pinned"]),
        (GONE, ("spec", "replicas"), ["-   replicas: 2"]),
        (5, ("spec", "empty"), ["-   empty:", "+   empty: 5"]),
        ({"a": [1]}, ("spec", "empty"), ["+     a:", "+     - 1"]),
        (1, ("status",), ["+ status: 1"]),
    ],
)
def test_a_change_touches_its_own_lines(value, path, lines):
    found = changed(value, *path)
    assert [line.rstrip() for line in found] == lines


def test_what_is_the_same_stays_to_the_byte():
    for text in (TEXT, TEXT.replace("\n", "\r\n"), "\ufeff" + TEXT, TEXT.rstrip("\n")):
        assert revise(text, load_all(text)[0].data) == text


def test_line_ends_and_other_documents_stay():
    wanted = {"kind": "Service", "metadata": {"name": "x"}}
    after = revise(TEXT.replace("\n", "\r\n"), wanted, 1)
    assert after == TEXT.replace("\n", "\r\n") + "metadata:\r\n  name: x\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: 1}\nc: *x\nd: 1\n",
        "base: &x\n  b: 1\nc:\n  <<: *x\n  d: 1\n",
        "? a\n: b\nc: d\n",
        "a:\n- b: 1\n  c: 2\n",
        "{a: 1, b: [2]}\n",
        "a: 1",
        "--- # first\na: 1\n...\n",
    ],
)
def test_what_is_written_oddly_means_what_is_wanted(text):
    """Anchors, merges and the like may be written anew around the place; nothing else changes its meaning."""
    try:
        before = load_all(text)[0].data
    except ManifestError:
        return
    for key in before:
        for wanted in ({**before, key: "other"}, {k: v for k, v in before.items() if k != key} or {"x": 1}):
            assert same(load_all(revise(text, wanted))[0].data, wanted)


@given(
    st.text(),
    st.sampled_from([("kind",), ("metadata", "name"), (*WEB, "env", 0, "value"), ("spec", "empty")]),
)
@settings(max_examples=60, deadline=None)
def test_a_value_never_becomes_structure(value, path):
    wanted = copy.deepcopy(load_all(TEXT)[0].data)
    at = wanted
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    try:
        found = load_all(revise(TEXT, wanted))
    except ManifestError:  # what YAML cannot hold is refused, never written
        return
    assert same(found[0].data, wanted)
    assert found[1].data == {"kind": "Service"}


def leaves(data, path=()):
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key))
    if not items and path and not isinstance(data, dict | list):
        yield path, data


def test_real_trees_keep_every_line_but_the_one(shared_data: Path):
    """A no-op is the same to the byte, one value touches its own lines; in seven real GitOps trees.

    One file in four, and one value of each; all of them, and ten values, with SLIPWAY_WHOLE=1.
    """
    files, wide = 0, []
    paths = sorted((shared_data / "3-gitops").rglob("*.y*ml"))
    for path in paths if WHOLE else paths[::4]:
        try:
            text = path.read_text()
            document = load_all(text)[-1]
        except (ManifestError, UnicodeDecodeError, IndexError):
            continue
        found = [(at, old) for at, old in leaves(document.data) if "\n" not in str(old)]
        if not found:
            continue
        files += 1
        assert revise(text, copy.deepcopy(document.data), document.index) == text
        for number in range(10 if WHOLE else 1):
            at, old = found[(files + number * 7) % len(found)]
            gone, come = _moved(text, document, at, 7 if isinstance(old, str) else "changed")
            if len(come) > 2 or len(come) > len(gone):  # a text over several lines becomes one
                wide.append((path, at, gone, come))
    assert files > 200
    assert wide == []


def _moved(text: str, document: Any, at: tuple[str | int, ...], value: Any) -> tuple[list[str], list[str]]:
    """The lines that go and come when one value changes."""
    wanted = copy.deepcopy(document.data)
    place = wanted
    for key in at[:-1]:
        place = place[key]
    place[at[-1]] = value
    before, after = text.splitlines(), revise(text, wanted, document.index).splitlines()
    gone, come = Counter(before) - Counter(after), Counter(after) - Counter(before)
    return list(gone.elements()), list(come.elements())


HERE = {"image": "a:2", "env": [{"name": "A", "value": "1"}, {"name": "MINE", "value": "x"}], "by": "hand"}


def test_two_changes_come_together_value_by_value():
    base = {"image": "a:1", "env": [{"name": "A", "value": "1"}], "args": [1, 2]}
    wanted = {"image": "a:3", "env": [{"name": "A", "value": "2"}, {"name": "NEW"}], "args": [1, 2]}
    here = {**HERE, "args": [1, 2]}
    assert three_way(base, here, wanted) == {
        "image": "a:3",
        "env": [{"name": "A", "value": "2"}, {"name": "MINE", "value": "x"}, {"name": "NEW"}],
        "by": "hand",
        "args": [1, 2],
    }
    assert three_way(base, base, {"image": "a:1"}) == {"image": "a:1"}
    assert three_way({"a": 1}, {"a": 1, "b": 2}, {"a": True}) == {"a": True, "b": 2}
    assert three_way({"a": [1]}, {"a": [1, 2]}, {"a": [0]}) == {"a": [0]}
    assert three_way({"a": [{"name": "x"}]}, {"a": [{"name": "x"}] * 2}, {"a": []}) == {"a": []}


REWRITTEN = {
    "a key into braces": ("a: {b: 1}\n", {"a": {"b": 1, "c": 2}}, 'a: {b: 1, "c": 2}\n'),
    "an item into brackets": ("a: [1]\n", {"a": [1, 2]}, "a: [1, 2]\n"),
    "an item less": ("a: [1, 2]\n", {"a": [1]}, "a: [1]\n"),
    "an item less, and another one": ("a:\n- b: 1\n- c: 1\n", {"a": [{"b": 2}]}, "a:\n- b: 2\n"),
    "an item more": ("a:\n- 1 # one\n", {"a": [1, 2]}, "a:\n- 1 # one\n- 2\n"),
    "the first key of an item": ("l:\n- a: 1\n  b: 2\n", {"l": [{"b": 2}]}, "l:\n- b: 2\n"),
    "the first key, with a comment": ("l:\n- a: 1 # no\n  b: 2\n", {"l": [{"b": 2}]}, "l:\n- b: 2\n"),
    "a key out of braces": ("a: {b: 1, c: 2}\n", {"a": {"b": 1}}, "a:\n  b: 1\n"),
    "the last key for another": ("a:\n  b: 1\n  c: 2\n", {"a": {"b": 1, "d": 3}}, "a:\n  b: 1\n  d: 3\n"),
    "a value that was merged": (
        "x: &x {k: 1}\na:\n  <<: *x\n  b: 1\n",
        {"x": {"k": 1}, "a": {"k": 1, "b": 2}},
        "x: &x {k: 1}\na:\n  k: 1\n  b: 2\n",
    ),
    "behind a byte order mark": ("\ufeffa: 1\n", {"a": 2}, "a: 2\n"),
    "a line of a block": ("a: |\n  one\n  two\n", {"a": "one\nthree\n"}, "a: |\n  one\n  three\n"),
    "everything": ("a: 1\n", {"b": [1]}, "b:\n- 1\n"),
    "a mapping for a value": ("a: 1\nc: 2\n", {"a": {"b": 1}, "c": 2}, "a:\n  b: 1\nc: 2\n"),
}


@pytest.mark.parametrize("what", REWRITTEN)
def test_what_cannot_be_changed_where_it_stands_is_written_anew_around_it(what):
    text, wanted, expected = REWRITTEN[what]
    assert revise(text, wanted) == expected
    assert load_all(expected)[0].data == wanted
