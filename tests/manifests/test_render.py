"""Filling in templates on the parsed tree."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from services.manifests.emit import dump, load_all
from services.manifests.render import RenderError, compile_template, render

VALUES = {"name": "wishlist", "port": 8080, "on": True, "off": False, "nothing": None, "list": ["a", "b"]}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("${{ port }}", 8080),
        (" ${{ port }}", " 8080"),
        ("${{ on }}", True),
        ("${{ nothing }}", None),
        ("${{ list }}", ["a", "b"]),
        ("${{name}}-${{ port + 1 }}!", "wishlist-8081!"),
        ("on: ${{ on }}", "on: true"),
        ('${{ {"a": {"b": port}} }}', {"a": {"b": 8080}}),
        ('${{ "}}" + name }}', "}}wishlist"),
        ("$${{ port }}", "${{ port }}"),
        ("$(VAR) ${X} }}", "$(VAR) ${X} }}"),
        ({"${{ name }}": 1, "$$if": 2}, {"wishlist": 1, "$if": 2}),
        ([1, {"$if": "on", "a": 1}, {"$if": "off", "a": 2}], [1, {"a": 1}]),
        ({"x": {"$if": "off", "a": 1}, "y": 1}, {"y": 1}),
        ({"x": {"$if": "off", "$then": 1, "$else": [2]}}, {"x": [2]}),
        ({"x": {"$if": "on", "$else": 1}}, {}),
        ({"$if": "off", "a": 1}, None),
        ([0, {"$each": "list", "$do": "${{ item }}"}, 9], [0, "a", "b", 9]),
        (
            {"env": {"$each": "list", "$as": "e", "$do": {"name": "${{ e }}", "of": "${{ name }}"}}},
            {"env": [{"name": "a", "of": "wishlist"}, {"name": "b", "of": "wishlist"}]},
        ),
        ({"data": {"$each": "list", "$key": "${{ item }}.x", "$do": 1}}, {"data": {"a.x": 1, "b.x": 1}}),
        ([{"$each": "list", "$do": {"$if": 'item == "b"', "is": "${{ item }}"}}], [{"is": "b"}]),
        ({"$each": "list", "$key": "${{ item }}", "$do": {"$if": 'item == "b"', "x": 1}}, {"b": {"x": 1}}),
        (
            [{"$each": "list", "$as": "x", "$do": {"$each": "list", "$as": "y", "$do": "${{ x + y }}"}}],
            [["aa", "ab"], ["ba", "bb"]],
        ),
        ([None, 1.5, {}], [None, 1.5, {}]),
    ],
)
def test_render(template, expected):
    assert render(template, VALUES) == expected


@pytest.mark.parametrize(
    ("template", "says"),
    [
        ({"a": "${{ port"}, "never closed"),
        ({"a": "${{ {1: 2 }"}, "never closed"),
        ({"a": "${{ port } }}"}, "never closed"),
        ({"a": "${{ port + }}"}, "mismatched input"),
        ({"a": ["x", "${{ zz }}"]}, "a[1]: unknown name or wrong arguments: zz"),
        ({"a": "x${{ nothing }}"}, "gives nothing"),
        ({"a": "x${{ list }}"}, "list or mapping"),
        ({"a": '${{ timestamp("2020-01-01T00:00:00Z") }}'}, "datetime"),
        ({"${{ port }}": 1}, "a key must be text"),
        ({"${{ name }}": 1, "wishlist": 2}, "there twice"),
        ({"$fi": "on"}, "$fi is not known; write $$fi"),
        ({"$if": "on", "$then": 1, "x": 2}, "x cannot stand beside $if"),
        ({"$if": "port", "x": 2}, "must give true or false, not 8080"),
        ({"$if": 3, "x": 2}, "must be an expression"),
        ({"$each": "list"}, "needs $do"),
        ({"$each": "list", "$as": "a b", "$do": 1}, "plain name"),
        ({"$each": "port", "$do": 1}, "needs a list"),
        ({"$each": "list", "$do": 1, "more": 1}, "more cannot stand beside $each"),
        ({"$each": "list", "$key": "k", "$do": 1}, "there twice"),
        (
            {"$each": "list", "$do": {"$each": "list", "$do": {"$each": "list", "$do": 1}}},
            "nested more than 2 deep",
        ),
    ],
)
def test_render_refuses_with_the_place(template, says):
    with pytest.raises(RenderError) as caught:
        render(template, VALUES)
    assert says in str(caught.value)


def test_errors_name_file_and_line():
    document = load_all("a: 1\nspec:\n  port: ${{ answers.prot }}\n", "manifests/service.yaml")[0]
    with pytest.raises(RenderError) as caught:
        render(document, {"answers": {}})
    assert (caught.value.file, caught.value.line, caught.value.path) == (
        "manifests/service.yaml",
        3,
        "spec.port",
    )
    assert str(caught.value).startswith("manifests/service.yaml:3: spec.port: there is no 'prot'")


def test_a_template_knows_its_names_and_can_be_filled_often():
    template = compile_template({"a": "${{ x }}", "b": {"$each": "l", "$as": "i", "$do": "${{ i + y }}"}})
    assert template.names == {"x", "l", "y"}
    assert template.render({"x": 1, "l": [1], "y": 2}) == {"a": 1, "b": [3]}
    assert template.render({"x": 2, "l": [], "y": 2}) == {"a": 2, "b": []}


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text("\n :-[]{}#&*!|>'\"%$i", max_size=30))
def test_what_people_type_never_becomes_structure(typed):
    if any("\ud800" <= character <= "\udfff" for character in typed):
        return
    template = {"name": "${{ v }}", "text": "a ${{ v }} b", "env": [{"value": "${{ v }}"}], "${{ v }}": "key"}
    result = render(template, {"v": typed}) if typed not in ("name", "text", "env") else None
    if result is not None:
        assert result == {"name": typed, "text": f"a {typed} b", "env": [{"value": typed}], typed: "key"}
        assert yaml.safe_load(dump([result])) == result


def test_a_value_never_becomes_an_annotation_that_commands_a_tool():
    tree = {"metadata": {"annotations": {"${{ key }}": "x"}}}
    assert render(tree, {"key": "example.org/note"}) == {
        "metadata": {"annotations": {"example.org/note": "x"}}
    }
    for key in (
        "argocd.argoproj.io/hook",
        "helm.sh/hook",
        "service.beta.kubernetes.io/aws-load-balancer-type",
    ):
        with pytest.raises(RenderError, match="must not become"):
            render(tree, {"key": key})
