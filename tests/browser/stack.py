"""The whole product as people start it: its own servers, web, worker, watcher and simulated cluster."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 200
# What the test run itself set must not reach the stack: it has servers and settings of its own.
NOT_PASSED_ON = ("DATABASE_URL", "REDIS_URL", "SLIPWAY_HOME", "DJANGO_SETTINGS_MODULE", "SLIPWAY_LOG_LEVEL")


def free_ports(count: int) -> list[int]:
    """Ports that nobody uses, all different: each is held until the last is found."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


@contextmanager
def running(state: Path) -> Iterator[str]:
    """Start the supervisor below `state`, give its address, stop it as Ctrl-C does."""
    web, cluster = free_ports(2)
    address = f"http://localhost:{web}"
    environment = {key: value for key, value in os.environ.items() if key not in NOT_PASSED_ON} | {
        "SLIPWAY_HOME": str(state),
        "SLIPWAY_PORT": str(web),
        "SLIPWAY_BASE_URL": address,
        "SLIPWAY_SIMULATED_CLUSTER_URL": f"http://127.0.0.1:{cluster}",
        "SLIPWAY_DEMO": "1",
        "SLIPWAY_DEBUG": "0",
    }
    state.mkdir(parents=True, exist_ok=True)
    with (state / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "portal.run.up"],
            cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_until_ready(process, address, state)
        yield address
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, state: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if urllib.request.urlopen(f"{address}/readyz", timeout=2).status == 200:
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise RuntimeError(f"The portal did not start for the browser tests:\n{(state / 'up.log').read_text()}")
