"""Write what the simulated cluster starts with: the company's manifests and what is never in git."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from portal.demo import manifests
from services.manifests import emit


class Command(BaseCommand):
    help = "Write the demo company's manifests, namespaces and Secrets below DIR, for the simulated cluster."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("dir", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        count = write(options["dir"])
        self.stderr.write(f"{count} manifests in {options['dir']}")


def write(folder: Path) -> int:
    """Write every file; namespaces and Secrets sort first, so that a loader in order finds them there."""
    files = {"_cluster/objects.yaml": emit.dump(manifests.cluster_only())}
    files.update(manifests.tree())
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return len(files)
