"""What every shipped blueprint promises: cases, few questions, its own guardrails passed."""

from pathlib import Path

import pytest

from services.onboarding.blueprints import SHIPPED, shipped
from services.onboarding.blueprints.cases import run_cases
from services.onboarding.blueprints.source import read_one

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
