"""Check manifests against schemas, good sense and guardrails, in anybody's CI."""

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.manifests import exceptions, files, report, schema
from services.manifests.check import check, unreadable
from services.manifests.guardrails import Guardrails, PolicyError, load, shipped


class Command(EngineCommand):
    help = "Check manifests; exits with 1 when something blocks."
    formats = ["text", "json", "sarif"]

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH")
        parser.add_argument("--environment", default="production", help="decides severities (production)")
        parser.add_argument(
            "--kubernetes", default="1.33", help="the version they are for, 1.25 to 1.37 (1.33)"
        )
        parser.add_argument("--policies", metavar="DIR", help="ValidatingAdmissionPolicy files of your own")
        parser.add_argument(
            "--exceptions", metavar="FILE", help="exceptions in force, from the portal's page"
        )
        parser.add_argument(
            "--set", action="append", default=[], metavar="KEY=VALUE", help="e.g. registries=a,b"
        )

    def run(self, **options: Any) -> dict[str, Any]:
        settings = _settings(options["set"])
        found, documents = [], []
        try:
            kubernetes = schema.selected(options["kubernetes"])
            guardrails = _guardrails(options["policies"])
            granted = _granted(options["exceptions"], guardrails)
            for file in files.read(options["paths"]):
                found += [unreadable(error) for error in file.errors]
                documents += file.documents
        except OSError as error:
            raise Unusable(f"{error.filename}: {error.strerror}") from error
        except (files.NoSuchPath, schema.UnknownKubernetes, PolicyError, exceptions.Unreadable) as error:
            raise Unusable(str(error)) from error
        found += check(
            documents,
            environment=options["environment"],
            kubernetes=kubernetes,
            guardrails=guardrails,
            settings=settings,
        )
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        found = list(exceptions.applied(found, documents, granted, options["environment"], today))
        return report.as_json(sorted(found, key=lambda each: (each.file, each.document)), len(documents))

    def render(self, document: dict[str, Any], fmt: str) -> str:
        if fmt == "sarif":
            return json.dumps(report.as_sarif(document), indent=2, default=str, ensure_ascii=False)
        return super().render(document, fmt)

    def text(self, document: dict[str, Any]) -> str:
        return report.as_text(document)

    def is_wrong(self, document: dict[str, Any]) -> bool:
        return bool(document["counts"]["block"])


def _guardrails(folder: str | None) -> Guardrails:
    return load(folder) if folder else shipped()


def _granted(file: str | None, guardrails: Guardrails) -> Sequence[exceptions.Granted]:
    """Only guardrails have exceptions: what the API refuses, it refuses."""
    found = exceptions.read(Path(file).read_bytes(), file) if file else []
    unknown = next((each.lease.rule for each in found if each.lease.rule not in guardrails.rules), None)
    if unknown is not None:
        raise exceptions.Unreadable(f"{file}: {unknown} is no guardrail, and only those have exceptions")
    return found


def _settings(given: list[str]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    wrong = next((key for key, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise Unusable(f"--set takes KEY=VALUE, not {wrong!r}")
    return {key: value for key, _, value in pairs}
