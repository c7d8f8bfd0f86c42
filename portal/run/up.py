"""`make up`: everything from embedded servers to a signed-in page, then keep it running until Ctrl-C."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import psutil

from portal import embedded
from portal.embedded import ROOT
from portal.run.processes import Supervisor
from portal.run.steps import step

START_SECONDS = 60


class CannotStart(Exception):
    """Said to the person as it is."""


def main() -> int:
    state = embedded.state_dir()
    state.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    signal.signal(signal.SIGHUP, _stop)
    try:
        with only_one(state):
            run(state)
    except CannotStart as problem:
        print(f"\n  {problem}", file=sys.stderr)
        return 1
    return 0


def run(state: Path) -> None:
    started = time.monotonic()
    supervisor = Supervisor(state, environment=environment(), say=lambda text: print(f"  {text}", flush=True))
    if left := supervisor.stop_leftovers():
        print(f"  Stopped {left} processes that an earlier run left behind.")
    check_ports()
    try:
        start_servers(state)
        prepare()
        start_programs(supervisor)
        with step("Waiting for the first page"):
            wait_until_ready(supervisor)
        greet(time.monotonic() - started, state)
        while True:
            time.sleep(1)
            supervisor.watch()
    except (KeyboardInterrupt, SystemExit):
        print(flush=True)
    finally:
        supervisor.stop()
        stop_servers(state)
    print("  Stopped. Nothing is lost; `make up` goes on from here.")


def environment() -> dict[str, str]:
    """What the programs run in. REMAP_SIGTERM: a worker that is asked to end does so within its soft time."""
    return {
        "REMAP_SIGTERM": "SIGQUIT",
        **os.environ,
        "SLIPWAY_DEMO": os.environ.get("SLIPWAY_DEMO", "1"),
        "PYTHONUNBUFFERED": "1",
    }


def is_demo() -> bool:
    return environment()["SLIPWAY_DEMO"].lower() in ("1", "true", "yes")


def web_port() -> int:
    return int(os.environ.get("SLIPWAY_PORT", "8000"))


def cluster_port() -> int:
    url = os.environ.get("SLIPWAY_SIMULATED_CLUSTER_URL", "http://127.0.0.1:8001")
    return int(url.rsplit(":", 1)[1].strip("/"))


@contextlib.contextmanager
def only_one(state: Path) -> Iterator[None]:
    """Hold the lock of this folder. The system frees it when the holder dies, so it cannot go stale."""
    with (state / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"Slipway already runs in this folder (process {lock.read().strip() or 'unknown'}). "
                "Stop it with `make down`."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield
        lock.truncate(0)


def check_ports() -> None:
    ports = {web_port(): "SLIPWAY_PORT=8010 make up"}
    if is_demo():
        ports[cluster_port()] = "SLIPWAY_SIMULATED_CLUSTER_URL=http://127.0.0.1:8011 make up"
    for port, remedy in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                raise CannotStart(
                    f"Port {port} is taken{owner_of(port)}. Stop that program, or use another port: {remedy}"
                ) from None


def owner_of(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


def start_servers(state: Path) -> None:
    if not os.environ.get("DATABASE_URL"):
        with step("Starting PostgreSQL"):
            try:
                embedded.start_postgres(state)
                embedded.ensure_database(state)
            except (OSError, subprocess.SubprocessError) as error:
                raise CannotStart(
                    f"PostgreSQL did not start ({error}); see {state / 'postgres' / 'log'}"
                ) from error
    if not os.environ.get("REDIS_URL"):
        with step("Starting Redis"):
            embedded.start_redis(state)


def stop_servers(state: Path) -> None:
    if not os.environ.get("REDIS_URL"):
        embedded.stop_redis(state)
    if not os.environ.get("DATABASE_URL"):
        try:
            embedded.stop_postgres(state)
        except subprocess.SubprocessError:
            print(f"\n  PostgreSQL did not stop by itself; its log is {state / 'postgres' / 'log'}.")


def prepare() -> None:
    quiet = {
        "SLIPWAY_LOG_LEVEL": "WARNING",
        **environment(),
    }  # a line of the log would break a line of progress
    done = subprocess.run([sys.executable, "-m", "portal.run.prepare"], env=quiet, cwd=ROOT, check=False)
    if done.returncode:
        raise CannotStart("The portal could not be prepared; the reason stands above. Nothing is lost.")


def start_programs(supervisor: Supervisor) -> None:
    python = sys.executable
    celery = [python, "-m", "celery", "-A", "portal.celery"]
    if is_demo():
        supervisor.start("cluster", [python, "-m", "portal.demo.cluster", "--port", str(cluster_port())])
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    supervisor.start("worker", [*celery, "worker", "--concurrency", "2", "--loglevel", "info", *quiet])
    supervisor.start("beat", [python, "-m", "celery", "-A", "portal.beat", "beat", "--pidfile="])
    supervisor.start("watcher", [python, "manage.py", "watch_clusters"])
    supervisor.start("web", [python, "-m", "gunicorn", "-c", "portal/run/gunicorn.py", "portal.wsgi"])


def wait_until_ready(supervisor: Supervisor) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, OSError):
            if urllib.request.urlopen(f"http://127.0.0.1:{web_port()}/readyz", timeout=2).status == 200:
                return
        supervisor.watch()
        time.sleep(0.2)
    raise CannotStart("The web server did not answer within a minute; see .slipway/logs/web.log")


def greet(seconds: float, state: Path) -> None:
    print(f"\n  Slipway is up after {seconds:.0f} s: http://localhost:{web_port()}")
    if is_demo():
        print("  Sign in: pick one of five people on the page, or user mira with password slipway-demo.")
        print("  The cluster is simulated: deployments really progress or fail, but nothing runs.")
    print(
        f"  Logs are in {state / 'logs'}. Stop with Ctrl-C, or `make down` in another terminal.", flush=True
    )


def _stop(signum: int, frame: FrameType | None) -> None:
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
