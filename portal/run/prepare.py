"""What must be true before the first page: migrations applied, static files collected, the demo seeded.

One process for all of it, because starting Django costs more than any of them on a second run.
"""

import hashlib
import io
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import django
from django.core.management import call_command

from portal.run.steps import step


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    django.setup()
    from django.conf import settings

    import portal.celery  # noqa: F401  # tasks find their broker through it

    with step("Migrating the database"):
        call_command("migrate", verbosity=0, interactive=False)
    if collects(os.environ, debug=settings.DEBUG):
        with step("Collecting static files"):
            collect(Path(settings.STATIC_ROOT), Path(settings.BASE_DIR) / "static")
    if settings.DEMO:
        with step("Seeding the demo company"):
            call_command("seed_demo", verbosity=0)
    return 0


def collects(environment: Mapping[str, str], *, debug: bool) -> bool:
    """Whether static files are collected here: not for development, and not when the image brings its own."""
    return not debug and not environment.get("SLIPWAY_STATIC_ROOT")


def collect(target: Path, source: Path) -> None:
    """Collect only when a file changed: hashing and compressing takes longer than all the rest."""
    stamp = target / ".collected"
    files = sorted(path for path in source.rglob("*") if path.is_file())
    facts = "".join(f"{p}{p.stat().st_size}{p.stat().st_mtime_ns}" for p in files)
    digest = hashlib.sha256(facts.encode()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=target.exists(), stdout=io.StringIO())
    stamp.write_text(digest)


if __name__ == "__main__":
    sys.exit(main())
