"""Play requests of the past again: `manage.py rehearse --blueprint PATH | --guardrails PATH [--last N]`."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.manifests.guardrails import PolicyError
from services.onboarding import queries
from services.onboarding.blueprints import BlueprintError, load
from services.onboarding.blueprints.rehearsing import BROKEN, DIFFERS, REFUSED, SAME

USUAL = 20


class Command(EngineCommand):
    help = "Say what a changed blueprint or guardrail would make of the last requests; needs the database."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("--blueprint", type=Path, metavar="PATH", help="the changed blueprint's folder")
        parser.add_argument("--guardrails", type=Path, metavar="PATH", help="a file of policies, or a folder")
        parser.add_argument("--last", type=int, default=USUAL, metavar="N", help=f"requests ({USUAL})")

    def run(self, **options: Any) -> dict[str, Any]:
        change = _change(options["blueprint"], options["guardrails"])
        rows = queries.of_the_past(change, options["last"])
        found = list(self.played(list(rows), change))
        verdicts = Counter(each["verdict"] for each in found)
        return {
            "requests": found,
            "counts": {word: verdicts[word] for word in (SAME, DIFFERS, REFUSED, BROKEN)},
        }

    def played(self, rows: list[Any], change: queries.Change) -> Iterator[dict[str, Any]]:
        for number, row in enumerate(rows, 1):
            yield _told(queries.rehearsed(row, change))
            self.stderr.write(f"{number} of {len(rows)}")

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return bool(document["counts"][REFUSED] or document["counts"][BROKEN])

    def text(self, document: dict[str, Any]) -> str:
        lines = []
        for each in document["requests"]:
            lines.append(f"{each['verdict']:8} {each['request']}: {each['title']}")
            lines += [f"         {what}" for what in _lines(each)]
        return "\n".join([*lines, ", ".join(f"{count} {word}" for word, count in document["counts"].items())])


def _lines(told: dict[str, Any]) -> Iterator[str]:
    for each in told["files"]:
        yield f"{each['status']} {each['path']} +{each['additions']} -{each['deletions']}"
    for sign, name in (("+", "gained"), ("-", "lost")):
        yield from (f"{sign} {each['severity']} {each['rule']}: {each['message']}" for each in told[name])
    for word in ("refused", "mended"):
        yield from (f"{word}: {each['field']}: {each['message']}" for each in told[word])


def _change(blueprint: Path | None, guardrails: Path | None) -> queries.Change:
    if blueprint is None and guardrails is None:
        raise Unusable("say what is changed: --blueprint PATH, --guardrails PATH, or both")
    try:
        return queries.Change(
            load(blueprint) if blueprint else None, queries.guardrails_at(guardrails) if guardrails else None
        )
    except OSError as error:
        raise Unusable(f"{error.filename}: {error.strerror}") from error
    except (BlueprintError, PolicyError) as error:
        raise Unusable(str(error)) from error


def _told(found: queries.Rehearsed) -> dict[str, Any]:
    row, what = found.request, found.difference
    findings = {
        name: [
            {key: getattr(each, key) for key in ("rule", "severity", "object", "path", "message")}
            for each in some
        ]
        for name, some in (("gained", what.gained), ("lost", what.lost))
    }
    mistakes = {
        name: [{key: getattr(each, key) for key in ("field", "rule", "message")} for each in some]
        for name, some in (("refused", what.refused), ("mended", what.mended))
    }
    files = [
        {**asdict(each), "lines": [f"{_MARK[line.kind]}{line.text}" for line in each.lines]}
        for each in what.files
    ]
    return {
        "request": row.ref, "title": row.title, "blueprint": row.blueprint, "verdict": what.verdict,
        "files": files, **findings, **mistakes, "cost": {"before": what.costs[0], "after": what.costs[1]},
    }  # fmt: skip


_MARK = {"add": "+", "del": "-", "same": " ", "skip": "@"}
