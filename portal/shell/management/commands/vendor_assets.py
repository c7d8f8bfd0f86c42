"""Fetch the front-end files of others at the versions of the lock file and build the icon sprite."""

import tempfile
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from portal.shell import assets


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--update", action="store_true", help="accept new bytes and write their hashes")
        parser.add_argument(
            "--icons", type=Path, help="only rebuild the sprite, from this folder of SVG files"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        root: Path = settings.BASE_DIR
        if options["icons"]:
            self.stdout.write(f"{assets.write_sprite(root, options['icons'])} icons")
            return
        with tempfile.TemporaryDirectory() as folder:
            packages = {
                name: assets.fetch(name, version, Path(folder))
                for name, version in assets.read_lock(root)["packages"].items()
            }
            assets.copy_files(root, packages, update=options["update"])
            count = assets.write_sprite(root, packages[assets.ICONS] / "icons" / "outline")
        self.stdout.write(f"{len(assets.read_lock(root)['files'])} files, {count} icons")
