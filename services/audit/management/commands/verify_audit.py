from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.audit import actions
from services.audit.chain import Head


class Command(EngineCommand):
    help = "Compute the audit's chain of hashes again and name the events that are not what they were."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--expect",
            metavar="HEAD",
            action="append",
            default=[],
            help="a head noted earlier (position:hash)",
        )

    def run(self, **options: Any) -> dict[str, Any]:
        try:
            noted = [Head.parse(text) for text in options["expect"]]
        except ValueError as error:
            raise Unusable(f"--expect takes a head as this command prints it: {error}") from error
        report = actions.verify(noted=noted)
        return {
            "events": report.events,
            "broken": report.broken,
            "problems": [{"event": each.event, "problem": each.what} for each in report.problems],
            "head": str(report.head),
        }

    def text(self, document: dict[str, Any]) -> str:
        found = [f"event {each['event']}: {each['problem']}" for each in document["problems"]]
        broken = f"{len(document['broken'])} broken" if found else "the chain is intact"
        return "\n".join([*found, f"{document['events']} events, {broken}.", f"Head: {document['head']}"])

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return bool(document["broken"])
