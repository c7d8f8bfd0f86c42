"""What every shipped blueprint promises: cases, few questions, its own guardrails passed."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.demo import company
from services.manifests.reader import Document
from services.onboarding.blueprints import SHIPPED, EnvironmentInfo, evaluate, shipped
from services.onboarding.blueprints.cases import _context, run_cases
from services.onboarding.blueprints.source import Piece, read_one
from tests.onboarding.test_blueprints import anything

NAMES = sorted(shipped())
ICONS = Path(__file__).parents[2] / "static" / "icons" / "names.txt"


def case(name: str, which: str) -> dict:
    return read_one(SHIPPED / name / "tests", f"{which}.yaml").data


@pytest.mark.parametrize("name", NAMES)
def test_its_cases_pass_and_the_first_two_of_them_with_whole_files(name):
    results = {each.case: each for each in run_cases(SHIPPED / name)}
    assert [each for each in results.values() if each.verdict != "ok"] == []
    assert len(results) >= 3
    for which in ("minimal", "everything"):
        assert case(name, which)["expect"]["blocked"] is False
        assert any((SHIPPED / name / "tests" / which).rglob("*.yaml"))
    assert any(case(name, each)["expect"].get("blocked") for each in results)


@pytest.mark.parametrize("name", NAMES)
def test_it_asks_little_and_says_what_it_is(name):
    blueprint = shipped()[name]
    asked = [each for each in blueprint.fields.values() if each.required is not False and not each.expert]
    assert len([each for each in asked if each.default is None]) <= 6
    assert len(asked) <= 12
    assert blueprint.category != "Other"
    assert blueprint.icon in ICONS.read_text().splitlines()
    assert 30 <= len(blueprint.description) <= 140
    assert len(case(name, "minimal")["answers"]) <= 6


def context_of(blueprint):
    return _context(blueprint, Piece(Document(0, 0, {}), (), {}))


@settings(max_examples=36, deadline=None)
@given(st.sampled_from(NAMES), st.data())
def test_no_answer_to_any_of_them_makes_the_evaluation_fail(name, data):
    blueprint = shipped()[name]
    answers = data.draw(st.dictionaries(st.sampled_from(sorted(blueprint.fields)), anything, max_size=4))
    chosen = {
        field.name: data.draw(st.sampled_from([option.value for option in field.options]))
        for field in blueprint.fields.values()
        if field.options and field.type == "string"
    }
    result = evaluate(
        blueprint, {**case(name, "minimal")["answers"], **chosen, **answers}, context_of(blueprint)
    )
    assert not [error for error in result.errors if error.rule == "blueprint"], result.errors


@pytest.mark.parametrize("name", NAMES)
def test_an_empty_form_shows_what_it_would_make(name):
    """Every question has an example, so that the files can be shown before anything is answered."""
    blueprint = shipped()[name]
    result = evaluate(blueprint, {}, context_of(blueprint))
    assert not [error for error in result.errors if error.rule == "blueprint"], result.errors
    assert len(result.files) >= 2
    assert not [each for each in result.findings if each.severity == "block"]


@pytest.mark.parametrize("name", NAMES)
def test_it_is_judged_also_with_many_environments_that_say_much(name):
    """Expressions are bounded by the data at hand: settings must not make a form unusable."""
    places = [(place, number) for number in range(3) for place in company.PLACES]
    environments = [
        EnvironmentInfo(
            f"{place.name}{number}", place.title, place.namespace, place.is_production, place.settings
        )
        for place, number in places
    ]
    about = replace(context_of(shipped()[name]), environments=environments)
    result = evaluate(shipped()[name], case(name, "minimal")["answers"], about)
    assert result.errors == ()
    assert not [each for each in result.findings if each.severity == "block"]


# Of the lesson table: the rows that say form or default and are kept by blueprints.
ROWS = {
    *(
        1,
        2,
        4,
        5,
        7,
        8,
        9,
        10,
        11,
        12,
        13,
        14,
        15,
        17,
        18,
        19,
        20,
        21,
        22,
        23,
        24,
        25,
        26,
        28,
        29,
        30,
        31,
        32,
        33,
        43,
    ),
    *(47, 48, 49, 50, 53, 54, 55, 56, 57, 58, 63, 64, 68, 75, 76, 77, 82, 85, 91),
}


def test_each_lesson_is_found_by_its_row():
    onboarding = SHIPPED.parent
    files = [*SHIPPED.glob("*/blueprint.yaml"), *SHIPPED.glob("*/manifests/*.yaml"), SHIPPED / "fields.yaml"]
    files += [
        *(onboarding / "blueprints").glob("*.py"),
        onboarding / "pages.py",
        *(onboarding / "queries").glob("*.py"),
    ]
    said = " ".join(file.read_text() for file in files)
    groups = re.findall(r"[Rr]ows? ((?:\d+)(?:(?:, | and | to )\d+)*)", said)
    found = {int(number) for group in groups for number in re.findall(r"\d+", group)}
    assert found >= ROWS, sorted(ROWS - found)


@pytest.mark.case("K1")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(
            ("role", each)
            for each in ("cluster-admin", "admin", "edit", "*", "", ["look"], "look\nkind: ClusterRole")
        ),
        *(
            ("person", each)
            for each in (
                "system:masters", "system:serviceaccount:kube-system:default", "system", "admin", "*",
                "mira,sam", "mira\n- kind: Group", 'mira"', "system%3Amasters",
            )
        ),
        ("kind", "ServiceAccount"),
        ("kind", "Group"),
        ("environments", ["kube-system"]),
    ],
)  # fmt: skip
def test_access_is_one_of_a_closed_list_for_somebody_who_can_be_a_person(field, value):
    """Nothing but the platform's own roles, bound in one namespace to one name, comes out of the form."""
    blueprint = shipped()["access"]
    minimal = Piece(document := read_one(blueprint.folder / "tests", "minimal.yaml"), (), document.data)
    answers = {**minimal.get("answers", dict), field: value}
    found = evaluate(blueprint, answers, _context(blueprint, minimal))
    assert [error.field for error in found.errors] == [field]
    assert found.blocked
    for text in found.files.values():
        assert "system:" not in text
        assert "cluster-admin" not in text
        assert "ClusterRoleBinding" not in text
