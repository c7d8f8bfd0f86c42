"""Each lesson that asks for a form, a default, a guardrail or a check is in the product, by its row's number.

The lesson table itself lies outside of the repository; where it is at hand, the list here is held against it.
"""

import os
import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROWS = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 26, 27, 28, 29, 30, 31,
    33, 34, 37, 41, 45, 46, 47, 48, 49, 50, 54, 56, 58, 60, 63, 64, 65, 66, 68, 69, 74, 75, 77, 79, 82,
    85, 88, 91,
]  # fmt: skip
# What is not there yet, and what for.
OPEN = {
    3: "needs what was used in two weeks, and no metrics are read yet",
    74: "the queue of tickets does not report what is asked for most yet",
}
PLACES = ("services", "portal", "templates")
SUFFIXES = {".py", ".yaml", ".html"}
NAMED = re.compile(
    r"\b[Rr]ows? (\d+(?:(?:, | and | to )(?:row )?\d+)*)|lessons[\"']?[:=] ?[\"'(\[]?([\d, ]+)"
)


def places() -> dict[int, list[str]]:
    """Where each row is named: in comments of the product, and in the annotations of guardrails."""
    found: dict[int, list[str]] = defaultdict(list)
    for folder in PLACES:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in SUFFIXES and "examples" not in path.parts:
                for match in NAMED.finditer(path.read_text()):
                    for number in _numbers(match[1] or match[2]):
                        found[number].append(str(path.relative_to(ROOT)))
    return found


def _numbers(said: str) -> set[int]:
    found = {int(each) for each in re.findall(r"\d+", said)}
    for first, last in re.findall(r"(\d+) to (\d+)", said):
        found |= set(range(int(first), int(last) + 1))
    return found


def test_every_row_is_somewhere_in_the_product() -> None:
    found = places()
    missing = [row for row in ROWS if row not in OPEN and not found[row]]
    assert missing == [], "name the row beside what it asks for"
    assert [row for row in OPEN if found.get(row)] == [], "there by now: it is not open any more"


def test_the_list_of_rows_is_that_of_the_table() -> None:
    data = Path(os.environ.get("SLIPWAY_SHARED_DATA", ROOT.parent / "shared" / "data"))
    table = data.parent / "reference" / "kubernetes.md"
    if table.exists():
        lessons = table.read_text().partition("\n## 2")[0]
        asked = re.findall(r"^\|(\d+)\|[^|]*\|[^|]*\|(.*)\|\s*$", lessons, re.MULTILINE)
        letters = re.compile(r"(^|[;.,] )(D|G|C)( prod| non-prod|,| )|\bforms?\b")
        assert [int(row) for row, said in asked if letters.search(said)] == ROWS
