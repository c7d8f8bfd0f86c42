"""How our verdicts compare with those of other tools: `python -m tests.manifests.agreement [--json]`."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from services.manifests.check import check
from services.manifests.problems import Finding
from services.manifests.reader import load_each

ROWS = [line.split(" | ") for line in (Path(__file__).parent / "verdicts.txt").read_text().splitlines()[3:]]
SAME = {row[0]: row[1] for row in ROWS if len(row) == 2}
DELIBERATE = {row[0]: row[1] for row in ROWS if len(row) == 3}
Verdict = tuple[str, list[str], dict[str, Any]]


def verdicts_of(index: Path) -> Iterator[Verdict]:
    """Each verdict with the tool and check it is of."""
    for verdict in json.loads(index.read_text()):
        given = verdict["file"] if isinstance(verdict["file"], list) else [verdict["file"]]
        if verdict["expected"] in ("pass", "fail"):
            yield f"{given[0].split('/')[0]}/{verdict['check']}", given, verdict


@cache
def findings_in(folder: Path, given: tuple[str, ...]) -> list[Finding]:
    """Many checks are about the same files."""
    documents = [each for file in given for each in load_each((folder / file).read_bytes(), file)[0]]
    return check(documents, environment="production")


def agrees(rules: str, given: list[str], verdict: dict[str, Any], folder: Path) -> bool:
    """Whether ours find what theirs finds, or are silent where theirs is."""
    found = [each for each in findings_in(folder, tuple(given)) if each.rule in rules.split()]
    kind, _, name = (verdict.get("resource") or "").partition("/")
    if name:
        found = [
            each for each in found if each.object.startswith(f"{kind}/") and each.object.endswith(f"/{name}")
        ]
    return bool(found) == (verdict["expected"] == "fail")


def table(folder: Path) -> dict[str, Counter[str]]:
    """By tool: how many agree, differ though they should not, differ on purpose, are not compared."""
    found: dict[str, Counter[str]] = {}
    for name, given, verdict in verdicts_of(folder / "index.json"):
        row = found.setdefault(name.split("/")[0], Counter(agree=0, differ=0, purpose=0, uncompared=0))
        rules = SAME.get(name) or DELIBERATE.get(name)
        if rules is None:
            row["uncompared"] += 1
        elif agrees(rules, given, verdict, folder):
            row["agree"] += 1
        else:
            row["purpose" if name in DELIBERATE else "differ"] += 1
    return found


def main(arguments: list[str]) -> int:
    """Exits with 1 when a verdict differs that should not."""
    paths = [each for each in arguments if not each.startswith("-")]
    folder = Path(paths[0] if paths else os.environ.get("SLIPWAY_SHARED_DATA", "../shared/data")) / "5-policy"
    rows = table(folder)
    rows["all"] = sum(rows.values(), Counter())
    if "--json" in arguments:
        print(json.dumps(rows))
    else:
        print(f"  {'tool':<14}{'agree':>7}{'differ':>8}{'on purpose':>12}{'not compared':>14}")
        for tool, row in rows.items():
            print(
                f"  {tool:<14}{row['agree']:>7}{row['differ']:>8}{row['purpose']:>12}{row['uncompared']:>14}"
            )
    return 1 if rows["all"]["differ"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
