"""The worked examples of `docs/blueprints.md` are what is shipped, line by line; none has grown old."""

import re
from pathlib import Path

import pytest

from services.onboarding.blueprints import SHIPPED, texts_of

DOCS = Path(__file__).parents[2] / "docs/blueprints.md"
EXAMPLE = re.compile(r"^\*\*(.+?)\*\* \(`([a-z-]+)`\).*?^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
SAID_OF_A_FILE = re.compile(r"# (manifests/\S+)\s*(\$if: \S+(?: \S+)*?)?(?:\s{2,}.*)?")


def examples() -> dict[str, tuple[str, list[str]]]:
    part = DOCS.read_text().partition("## Five examples")[2].partition("\n## ")[0]
    return {title: (name, code.splitlines()) for title, name, code in EXAMPLE.findall(part)}


def told(lines: list[str]) -> str:
    """In one line, so that it does not matter where lines were broken."""
    return " ".join(" ".join(lines).replace(">-", "").split())


def test_there_are_five() -> None:
    assert len(examples()) == 5


@pytest.mark.parametrize("title", examples())
def test_each_line_of_an_example_is_in_the_shipped_blueprint(title: str) -> None:
    name, lines = examples()[title]
    texts = texts_of(SHIPPED / name)
    whole = told([line for text in texts.values() for line in text.splitlines()])
    for line in lines:
        if said := SAID_OF_A_FILE.fullmatch(line):
            assert said[1] in texts, line
            assert not said[2] or said[2] in texts[said[1]], line
        elif line.strip() not in ("", "…"):
            assert told([line]) in whole, line
