"""Run the test cases of blueprints: `manage.py test_blueprints [DIR…] [--update] [--format json]`."""

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.onboarding.blueprints import SHIPPED
from services.onboarding.blueprints.cases import run_cases


class Command(EngineCommand):
    help = "Run the test cases of the shipped blueprints, or of those in the given folders."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("folders", nargs="*", type=Path, metavar="DIR")
        parser.add_argument("--update", action="store_true", help="write the files rendered now as expected")

    def run(self, **options: Any) -> dict[str, Any]:
        folders = options["folders"] or [SHIPPED]
        found = [blueprint for folder in folders for blueprint in _blueprints(folder)]
        cases = [asdict(result) for folder in found for result in run_cases(folder, options["update"])]
        verdicts = Counter(case["verdict"] for case in cases)
        return {"cases": cases, "counts": {each: verdicts[each] for each in ("ok", "failed", "error")}}

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return bool(document["counts"]["failed"] or document["counts"]["error"])

    def text(self, document: dict[str, Any]) -> str:
        lines = []
        for case in document["cases"]:
            lines.append(f"{case['verdict']:6}  {case['blueprint']}: {case['case']}".rstrip(": "))
            lines += [f"        {line}" for line in case["diff"].splitlines()]
        counts = ", ".join(f"{number} {name}" for name, number in document["counts"].items())
        return "\n".join([*lines, counts])


def _blueprints(folder: Path) -> list[Path]:
    """The blueprint in a folder, or those in the folders within it."""
    if (folder / "blueprint.yaml").is_file():
        return [folder]
    found = sorted(path.parent for path in folder.glob("*/blueprint.yaml"))
    if not found:
        raise Unusable(f"there is no blueprint in {folder}")
    return found
