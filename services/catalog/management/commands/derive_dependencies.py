"""Find who talks to whom in manifests, compose files and configuration on disk."""

from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.catalog.derivation import derive
from services.catalog.derivation.files import read_path
from services.catalog.derivation.model import SURE, Note


class Command(EngineCommand):
    help = "Find who talks to whom; each path is one system. Exits with 1 when a document cannot be read."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH", help="one system each: a file or a folder")
        parser.add_argument(
            "--confidence", type=float, default=SURE, metavar="C", help=f"leave out edges below this ({SURE})"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        self.unreadable = 0
        systems = [self._system(path, options["confidence"]) for path in options["paths"]]
        return {"systems": systems}

    def _system(self, path: str, least: float) -> dict[str, Any]:
        try:
            found = read_path(path)
        except (OSError, ValueError) as error:
            raise Unusable(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        system = derive(found.files)
        self._tell(path, [*found.notes, *system.notes])
        return system.as_dict(path, least)

    def _tell(self, path: str, notes: list[Note]) -> None:
        for note in notes:
            who = f"{note.source} {note.key}: " if note.source else ""
            self.stderr.write(f"{path}: {note.file}:{note.line}: {who}{note.message}")
            self.unreadable += note.kind in ("unreadable", "failed")

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return self.unreadable > 0

    def text(self, document: dict[str, Any]) -> str:
        return "\n".join(line for system in document["systems"] for line in _lines(system))


def _lines(system: dict[str, Any]) -> list[str]:
    """A system for people: each edge with the best place to see it."""
    head = f"{system['path']}: {len(system['nodes'])} nodes, {len(system['edges'])} edges"
    told = []
    for edge in system["edges"]:
        pair = f"{edge['from']} -> {edge['to']}"
        proof = edge["evidence"][0]
        place = f"{proof['file']}:{proof['line']} {proof['key']}={proof['value']}"
        told.append(f"  {pair:44} {edge['kind']:9} {edge['confidence']:.2f}  {place}")
    return [head, *told]
