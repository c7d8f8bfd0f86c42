"""One mistake in one manifest: found, at its place and on its line, and nothing else that blocks."""

import re
from pathlib import Path

import pytest

from services.manifests.check import check
from services.manifests.pointers import parse, with_value
from services.manifests.reader import load_all

FOLDER = Path(__file__).parent
HEAD = re.compile(r"^=== (.*)\n", re.MULTILINE)


def cases(file: str) -> dict[str, str]:
    """Text by head line."""
    parts = HEAD.split((FOLDER / file).read_text())[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


MISTAKES = cases("mistakes.txt")
RIGHT = cases("unusual.txt")


def found(text: str):
    return check(load_all(text), environment="staging")


@pytest.mark.parametrize("head", MISTAKES)
def test_a_mistake_is_found_at_its_place(head):
    _, rule, path = head.split(" | ")
    text = MISTAKES[head]
    findings = found(text)
    (mine,) = [each for each in findings if each.rule == rule]
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "# <--" in each)
    assert (mine.path, mine.line) == (path, line)
    assert [each.message for each in findings if each.blocks and each is not mine] == []


@pytest.mark.parametrize("head", MISTAKES)
def test_a_fix_makes_the_mistake_go_away(head):
    documents = load_all(MISTAKES[head])
    rule = head.split(" | ")[1]
    (mine,) = [each for each in found(MISTAKES[head]) if each.rule == rule]
    if mine.fix is None:
        return
    data = [each.data for each in documents]
    for place, value in mine.fix.changes.items():
        data[mine.document] = _changed(data[mine.document], parse(place), value)
    assert [each.message for each in check(data, environment="staging") if each.blocks] == []


def _changed(data, path, value):
    if value is not None:
        return with_value(data, path, value)
    around = data
    for step in path[:-1]:
        around = around[step]
    del around[path[-1]]
    return data


@pytest.mark.parametrize("head", RIGHT)
def test_what_is_unusual_and_right_is_not_blocked(head):
    assert [(each.path, each.message) for each in found(RIGHT[head]) if each.blocks] == []
