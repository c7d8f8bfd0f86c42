import pkgutil

import pytest

from tests.cases import report
from tests.cases.collecting import collect, functions
from tests.cases.mutations import MUTATIONS
from tests.cases.outside import OUTSIDE
from tests.cases.plugin import COVERED, is_whole
from tests.cases.registry import ABSENT, CASES, REQUIRED


@pytest.fixture
def covered(request):
    """As this run found it; a run of a few tests looks at all of them."""
    config = request.config
    return config.stash[COVERED] if is_whole(config) else collect()


def test_there_are_102_cases():
    assert len(CASES) == 102


def test_no_case_that_must_hold_is_open(covered):
    assert [case for case in REQUIRED if report.standing(case, covered) == "open"] == []


@pytest.mark.parametrize("case", sorted(ABSENT))
def test_what_is_not_applicable_does_not_exist(case):
    reason, exists = ABSENT[case]
    assert not exists(), (
        f"{case} says “{reason}”, which is no longer so: write its test and take it off the list"
    )


def test_the_last_line_counts_every_case_once():
    line = report.summary(
        {"T1": ["tests/a.py::test_a[1]", "tests/a.py::test_a[2]"], "E8": ["tests/b.py::test_b"]}
    )
    assert line.startswith("102 cases: 2 covered, 17 not applicable (")
    assert line.endswith("), 83 open")
    assert functions(["a::b[1]", "a::b[2]", "a::c"]) == {"a::b": 2, "a::c": 1}


def test_what_a_mutation_takes_away_is_still_there():
    """Code moves; a mutation of a name that is gone would prove nothing, and stops the run of all."""
    known = [each for cases in (MUTATIONS, OUTSIDE) for some in cases.values() for each in some]
    paths = {path for each in known if (path := getattr(each.remove, "path", ""))}
    assert len(paths) > 30
    for path in sorted(paths):
        pkgutil.resolve_name(path)
