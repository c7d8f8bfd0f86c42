"""The whole product as people start it: its own servers, web, worker, watcher and simulated cluster."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 200
STOP_SECONDS = 40
GREETING = "Slipway is up"
# What the test run itself set must not reach the stack: it has servers and settings of its own.
NOT_PASSED_ON = (
    "DATABASE_URL", "REDIS_URL", "SLIPWAY_HOME", "DJANGO_SETTINGS_MODULE", "SLIPWAY_LOG_LEVEL",
    "DJANGO_ALLOW_ASYNC_UNSAFE",
)  # fmt: skip


@dataclass(frozen=True)
class Stack:
    """A portal that answers at `address`; `start_seconds` passed until it greeted."""

    address: str
    pid: int
    start_seconds: float


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, all different: each is held until the last is found."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextmanager
def running(home: Path, **settings: str) -> Iterator[Stack]:
    """Start the supervisor below `home`, with more settings if given, and stop it as Ctrl-C does.

    A second one on the same folder is a second start.
    """
    web, cluster = free_ports(2)
    address = f"http://localhost:{web}"
    environment = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON} | {
        "SLIPWAY_HOME": str(home),
        "SLIPWAY_PORT": str(web),
        "SLIPWAY_BASE_URL": address,
        "SLIPWAY_SIMULATED_CLUSTER_URL": f"http://127.0.0.1:{cluster}",
        "SLIPWAY_DEMO": "1",
        "SLIPWAY_DEBUG": "0",
        **settings,
    }
    home.mkdir(parents=True, exist_ok=True)
    said, started = home / "up.log", time.monotonic()
    with said.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.run.up"],
            cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for_greeting(process, said)
        yield Stack(address, process.pid, time.monotonic() - started)
    finally:
        _stop(process)


def _wait_for_greeting(process: subprocess.Popen[bytes], said: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while GREETING not in said.read_text():
        if time.monotonic() > end or process.poll() is not None:
            raise RuntimeError(f"The portal did not start:\n{said.read_text()}")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
