"""Write what the simulated cluster starts with. `seed_demo` does this too, where the cluster looks for it."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.demo import harbour


class Command(BaseCommand):
    help = "Write the demo company's manifests, namespaces and Secrets below DIR, for the simulated cluster."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dir", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        count = harbour.write(options["dir"])
        self.stderr.write(f"{count} files in {options['dir']}")
