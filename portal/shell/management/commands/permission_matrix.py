"""Write the permission matrix into docs/permissions.md, below its introduction."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from portal.shell.permissions import as_markdown, matrix


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        page: Path = settings.BASE_DIR / "docs" / "permissions.md"
        introduction = page.read_text().split("| address |")[0]
        page.write_text(introduction + as_markdown(matrix()))
