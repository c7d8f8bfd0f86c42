"""How our verdicts compare with those of other tools: `python -m tests.manifests.agreement [--json]`."""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from services.manifests.check import check
from services.manifests.problems import Finding
from services.manifests.reader import load_each

ROWS = [line.split(" | ") for line in (Path(__file__).parent / "verdicts.txt").read_text().splitlines()[6:]]
Verdict = tuple[str, list[str], dict[str, Any]]


@dataclass(frozen=True)
class Claim:
    """Which of our findings answer somebody's check; `reason`: why not always as they do."""

    rules: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    reason: str = ""

    @classmethod
    def of(cls, ours: str, reason: str = "") -> "Claim":
        words = ours.split()
        settings = [word.partition("=") for word in words if "=" in word]
        return cls(
            tuple(word for word in words if "=" not in word),
            tuple((key, value) for key, _, value in settings),
            reason,
        )

    def covers(self, finding: Finding) -> bool:
        """By the rule's name; after a colon may stand a part of the place or of the message."""
        named = (each.partition(":") for each in self.rules)
        return any(finding.rule == rule and part in finding.path + finding.message for rule, _, part in named)


CLAIMS = {row[0]: Claim.of(*row[1:]) for row in ROWS}


def claim_of(name: str, given: list[str]) -> Claim | None:
    """The line for the check; or for those of its files that have a word in their names."""
    for known, claim in CLAIMS.items():
        check_, _, word = known.partition(" @ ")
        if check_ == name and word in given[0]:
            return claim
    return None


def verdicts_of(index: Path) -> Iterator[Verdict]:
    """Each verdict with the tool and check it is of."""
    for verdict in json.loads(index.read_text()):
        given = verdict["file"] if isinstance(verdict["file"], list) else [verdict["file"]]
        if verdict["expected"] in ("pass", "fail"):
            yield f"{given[0].split('/')[0]}/{verdict['check']}", given, verdict


@cache
def findings_in(folder: Path, given: tuple[str, ...], settings: tuple[tuple[str, str], ...]) -> list[Finding]:
    """Many checks are about the same files. Settings are the parameters that their check was given."""
    documents = [each for file in given for each in load_each((folder / file).read_bytes(), file)[0]]
    known = dict(settings)
    kubernetes = known.pop("kubernetes", "1.33")
    return check(documents, environment="production", kubernetes=kubernetes, settings=known)


def agrees(claim: Claim, given: list[str], verdict: dict[str, Any], folder: Path) -> bool:
    """Whether ours find what theirs finds, or are silent where theirs is."""
    found = [each for each in findings_in(folder, tuple(given), claim.settings) if claim.covers(each)]
    kind, _, name = (verdict.get("resource") or "").partition("/")
    if name:
        found = [
            each for each in found if each.object.startswith(f"{kind}/") and each.object.endswith(f"/{name}")
        ]
    return bool(found) == (verdict["expected"] == "fail")


@cache
def judged(folder: Path) -> list[tuple[str, str, str]]:
    """Each verdict there is: its check, what we say of it in a word, and its file."""
    found = []
    for name, given, verdict in verdicts_of(folder / "index.json"):
        claim = claim_of(name, given)
        if claim is None:
            word = "uncompared"
        elif agrees(claim, given, verdict, folder):
            word = "agree"
        else:
            word = "purpose" if claim.reason else "differ"
        found.append((name, word, f"{verdict['expected']} {given[0]} {verdict.get('resource') or ''}"))
    return found


def table(folder: Path) -> dict[str, Counter[str]]:
    """By tool: how many agree, differ though they should not, differ on purpose, are not compared."""
    found: dict[str, Counter[str]] = {}
    for name, word, _ in judged(folder):
        row = found.setdefault(name.split("/")[0], Counter(agree=0, differ=0, purpose=0, uncompared=0))
        row[word] += 1
    return found | {"all": sum(found.values(), Counter())}


def share(row: Counter[str]) -> float:
    """Of what we claim, those that differ on purpose counted as differing."""
    return row["agree"] / max(row["agree"] + row["differ"] + row["purpose"], 1)


def lines(rows: dict[str, Counter[str]]) -> list[str]:
    head = f"  {'tool':<24}{'agree':>7}{'differ':>8}{'on purpose':>12}{'agreement':>11}{'not compared':>14}"
    return [
        head,
        *(
            f"  {tool:<24}{row['agree']:>7}{row['differ']:>8}{row['purpose']:>12}"
            f"{share(row):>11.1%}{row['uncompared']:>14}"
            for tool, row in rows.items()
        ),
    ]


def main(arguments: list[str]) -> int:
    """Exits with 1 when a verdict differs that should not."""
    paths = [each for each in arguments if not each.startswith("-")]
    folder = Path(paths[0] if paths else os.environ.get("SLIPWAY_SHARED_DATA", "../shared/data")) / "5-policy"
    rows = table(folder)
    if "--json" in arguments:
        print(json.dumps({tool: {**row, "agreement": round(share(row), 4)} for tool, row in rows.items()}))
    else:
        apart = [(word, name, what) for name, word, what in judged(folder) if word in ("differ", "purpose")]
        print(
            "\n".join([*lines(rows), *(f"  {word:<8} {name}: {what}" for word, name, what in sorted(apart))])
        )
    return 1 if rows["all"]["differ"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
