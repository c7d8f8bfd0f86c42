"""The simulated cluster and the environments on it."""

from pathlib import Path

from django.conf import settings

from portal.demo import harbour


def seed() -> str:
    """The manifests lie where the cluster looks on its first start; later it remembers by itself."""
    folder = Path(settings.STATE_DIR) / "cluster" / "manifests"
    if not folder.is_dir():
        harbour.write(folder)
    return f"the simulated cluster with {len(list(folder.rglob('*.yaml')))} files to start from"
