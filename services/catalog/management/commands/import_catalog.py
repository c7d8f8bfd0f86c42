"""Judge descriptors and Kubernetes manifests on disk, or take them into the catalog."""

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.catalog.actions import import_documents
from services.catalog.descriptors.examine import VERDICTS, WRONG, counts, examine
from services.catalog.descriptors.reading import MAX_FILE
from services.catalog.models import Source
from services.catalog.sources.fetching import CannotFetch, from_folder


class Command(EngineCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH", help="files or folders")
        parser.add_argument("--dry-run", action="store_true", help="only say what would happen; no database")

    def run(self, **options: Any) -> dict[str, Any]:
        found = [(path, self._files(path)) for path in options["paths"]]
        if options["dry_run"]:
            reports = [report for _, files in found for report in examine(files)]
            return {"documents": [report.as_dict() for report in reports], "counts": counts(reports)}
        return _merged([_import(path, files) for path, files in found])

    def _files(self, path: str) -> dict[str, bytes]:
        """Contents by name relative to the path that was given."""
        place = Path(path)
        try:
            if place.is_file():
                with place.open("rb") as stream:
                    return {place.name: stream.read(MAX_FILE + 1)}
            return from_folder(path).files
        except (CannotFetch, OSError) as error:
            raise Unusable(str(error)) from error

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return any(row["verdict"] in WRONG for row in document["documents"])

    def text(self, document: dict[str, Any]) -> str:
        lines = [line for row in document["documents"] for line in _lines(row)]
        tally = ", ".join(f"{count} {name}" for name, count in document["counts"].items() if count)
        return "\n".join([*lines, tally or "nothing found"])


def _import(path: str, files: dict[str, bytes]) -> dict[str, Any]:
    place = Path(path).resolve()
    run = import_documents(
        files=files, title=place.name, by=None, kind=Source.Kind.FOLDER, location=str(place)
    )
    return {"documents": run.documents, "counts": run.counts, "changes": run.changes}


def _merged(results: list[dict[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {"documents": [], "counts": {}, "changes": []}
    for result in results:
        merged["documents"] += result["documents"]
        merged["changes"] += result["changes"]
        for name, count in result["counts"].items():
            merged["counts"][name] = merged["counts"].get(name, 0) + count
    return merged


def _lines(row: dict[str, Any]) -> list[str]:
    """A document for people: one line, and one more for each thing that is wrong."""
    place = f"{row['file']}:{row['line']}"
    head = f"{place:50} {row['verdict']:{max(map(len, VERDICTS))}} {row['ref'] or ''}".rstrip()
    if row["verdict"] == "not-a-descriptor":
        return [head]
    told = [f"    {e['field']} (line {e['line']}): {e['message']}" for e in row["errors"] + row["warnings"]]
    return [head, *told]
