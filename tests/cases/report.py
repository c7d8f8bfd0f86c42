"""The table of cases: id, title, tests or why there are none."""

from collections import Counter

from tests.cases.collecting import functions
from tests.cases.plugin import Covered
from tests.cases.registry import ABSENT, CASES


def standing(case: str, covered: Covered) -> str:
    """`covered`, `not applicable` or `open`."""
    if covered.get(case):
        return "covered"
    return "not applicable" if case in ABSENT else "open"


def table(covered: Covered) -> list[str]:
    width = max(len(title) for title in CASES.values())
    lines = []
    for case, title in CASES.items():
        said = _tests(covered.get(case, [])) or [_reason(case)]
        lines.append(f"{case:<4} {title:<{width}}  {said[0]}")
        lines += [f"{'':<4} {'':<{width}}  {more}" for more in said[1:]]
    return lines


def _tests(nodes: list[str]) -> list[str]:
    return [name + (f" ({times})" if times > 1 else "") for name, times in functions(nodes).items()]


def _reason(case: str) -> str:
    return f"not applicable: {ABSENT[case][0]}" if case in ABSENT else "open"


def summary(covered: Covered) -> str:
    """The last line."""
    counts = Counter(standing(case, covered) for case in CASES)
    absent = [case for case in CASES if standing(case, covered) == "not applicable"]
    why = ", ".join(f"{reason} {n}" for reason, n in Counter(ABSENT[case][0] for case in absent).items())
    return (
        f"{len(CASES)} cases: {counts['covered']} covered, "
        f"{counts['not applicable']} not applicable ({why}), {counts['open']} open"
    )
