"""Base of the commands that also work from a shell on files (see `docs/commands.md`)."""

import json
import re
import sys
from abc import ABC, abstractmethod
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

# What Python makes of file names that are not UTF-8; no stream takes it.
_UNPRINTABLE = re.compile("[\ud800-\udfff]")


class Unusable(CommandError):
    """Arguments that make no sense: exit 2."""

    def __init__(self, message: str) -> None:
        super().__init__(message, returncode=2)


class EngineCommand(BaseCommand, ABC):
    """Prints one JSON document, or text for people; exits 0 when nothing is wrong, 1 when something is.

    Subclasses implement `run(**options) -> dict`, `text(document) -> str` and `is_wrong(document) -> bool`.
    Progress and logs belong on standard error.
    """

    requires_system_checks: list[str] = []
    formats = ["text", "json"]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--format", choices=self.formats, default="text")

    def handle(self, *args: Any, **options: Any) -> None:
        document = self.run(**options)
        self.stdout.write(_UNPRINTABLE.sub("\ufffd", self.render(document, options["format"])))
        if self.is_wrong(document):
            self.stdout.flush()
            sys.exit(1)

    def render(self, document: dict[str, Any], fmt: str) -> str:
        if fmt == "json":
            return json.dumps(document, indent=2, default=str, ensure_ascii=False)
        return self.text(document)

    @abstractmethod
    def run(self, **options: Any) -> dict[str, Any]: ...

    @abstractmethod
    def text(self, document: dict[str, Any]) -> str: ...

    @abstractmethod
    def is_wrong(self, document: dict[str, Any]) -> bool: ...
