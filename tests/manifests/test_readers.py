"""What is written is what every reader reads: PyYAML, ruamel as YAML 1.1 and 1.2, and Kubernetes itself."""

import io
import os

import pytest
import yaml
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from services.manifests.emit import dump, load_all
from services.manifests.render import render
from tests.manifests import kubectl
from tests.manifests.strings import HARD

EXAMPLES = int(os.environ.get("SLIPWAY_EXAMPLES", "60"))
QUIET = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def ruamel(version):
    def read(text):
        reader = YAML(typ="safe", pure=True)
        reader.version = version
        return list(reader.load_all(io.StringIO(text)))

    return read


READERS = {
    "PyYAML in Python": lambda text: list(yaml.safe_load_all(text)),
    "PyYAML in C": lambda text: list(yaml.load_all(text, Loader=yaml.CSafeLoader)),
    "ruamel, YAML 1.1": ruamel((1, 1)),
    "ruamel, YAML 1.2": ruamel((1, 2)),
    "ours": lambda text: [each.data for each in load_all(text)],
}


def everywhere(number, text):
    """An object that has the text as a value, as a key, in a list, and deeper."""
    return {
        "apiVersion": "example.org/v1",
        "kind": "Text",
        "metadata": {"name": f"text-{number}"},
        "value": text,
        "list": [text, {"in": text}, [text]],
        "nested": {"map": {text: {"and": {text: text}}}},
    }


OBJECTS = [everywhere(number, text) for number, text in enumerate(HARD)]


def different(read, written):
    return [one["value"] for one, other in zip(written, read, strict=True) if one != other]


def test_there_are_as_many_hard_texts_as_others_were_found_to_get_wrong():
    assert len(HARD) >= 119


@pytest.mark.parametrize("reader", READERS)
def test_hard_texts_read_back_alike(reader):
    assert different(READERS[reader](dump(OBJECTS)), OBJECTS) == []


def test_kubernetes_reads_hard_texts_alike(tmp_path):
    """All in one call: each costs a process."""
    assert different(list(kubectl.read(dump(OBJECTS), str(tmp_path))), OBJECTS) == []


def test_the_comparison_notices_a_difference(tmp_path):
    text = dump(OBJECTS[:1]).replace('"y"', "y")
    assert different(list(kubectl.read(text, str(tmp_path))), OBJECTS[:1]) == ["y"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(
    "ab01yn-+._:,#&*!|>'\"%@`{}[]?=~ \t\n\r\x85\u2028\ufeff\\<", max_size=12
)
values = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts
scalars = values | st.floats(allow_nan=False)


def grown(leaves):
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=12,
    )


def read_alike(tree):
    for name, read in READERS.items():
        assert read(dump([{"v": tree}])) == [{"v": tree}], name
    text = dump([{"v": tree}])
    assert dump(load_all(text)) == text


@settings(max_examples=EXAMPLES, **QUIET)
@given(grown(scalars))
@example(["a\n\tb", "\t\n", "\U0001f600\n", 1e16, -0.0, 5e-324])
def test_any_tree_reads_back_alike(tree):
    read_alike(tree)


@settings(max_examples=max(2, EXAMPLES // 30), phases=[Phase.generate], **QUIET)
@given(st.lists(grown(values), min_size=20, max_size=60))
def test_kubernetes_reads_any_tree_alike(tmp_path_factory, many):
    objects = [{**everywhere(number, ""), "value": tree} for number, tree in enumerate(many)]
    read = list(kubectl.read(dump(objects), str(tmp_path_factory.getbasetemp())))
    assert different(read, objects) == []


TEMPLATE = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "menu", "annotations": {"note": "by ${{ who }}, ${{ what }}"}},
    "data": {
        "whole": "${{ what }}",
        "listed": [{"$each": "[what, who]", "$as": "one", "$do": {"name": "${{ one }}"}}],
        "chosen": {"$if": "what != who", "$then": "${{ what }}", "$else": "${{ what }}"},
    },
}


def shape(value):
    """Kinds of values and every key: all but the texts."""
    if isinstance(value, dict):
        return {key: shape(each) for key, each in value.items()}
    return [shape(each) for each in value] if isinstance(value, list) else type(value)


@settings(max_examples=EXAMPLES, **QUIET)
@given(texts | st.sampled_from(HARD), texts)
def test_no_answer_becomes_structure(what, who):
    """Neither in our tree nor in anybody's reading of the text."""
    harmless = render(TEMPLATE, {"what": "tea", "who": "ada"})
    filled = render(TEMPLATE, {"what": what, "who": who})
    assert shape(filled) == shape(harmless)
    assert filled["data"]["whole"] == what
    for read in READERS.values():
        assert read(dump([filled, harmless])) == [filled, harmless]
