"""Print the catalog as catalog-info.yaml, a document for each entity, as Backstage and imports read it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from services.catalog.export import documents
from services.catalog.models import OWNABLE


class Command(BaseCommand):
    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--kind", action="append", default=[], help="only this kind; may be repeated")

    def handle(self, *args: Any, **options: Any) -> None:
        total = without = 0
        for entity, text in documents(options["kind"]):
            self.stdout.write(text, ending="")
            total += 1
            without += entity.kind in OWNABLE and not entity.spec.get("owner")
        self.stderr.write(f"{total} entities")
        if without:
            self.stderr.write(f"{without} of them name no owner: imports refuse those until they do")
