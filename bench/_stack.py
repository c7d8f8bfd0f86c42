"""The whole portal, started by the command people use, in a folder and on ports of its own."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """`make up` without make, as a context manager; a second one on the same folder is a second start."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port, self.cluster_port = free_port(), free_port()
        self.url = f"http://localhost:{self.port}"
        self.start_seconds = 0.0
        self.process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Stack":
        environment = {
            **os.environ,
            "SLIPWAY_HOME": str(self.home),
            "SLIPWAY_PORT": str(self.port),
            "SLIPWAY_BASE_URL": self.url,
            "SLIPWAY_SIMULATED_CLUSTER_URL": f"http://127.0.0.1:{self.cluster_port}",
            "SLIPWAY_PROFILE": "1",
        }
        started = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "portal.run.up"],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._wait_for_greeting()
        self.start_seconds = time.monotonic() - started
        return self

    def __exit__(self, *error: object) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=60)

    def _wait_for_greeting(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        said = []
        for line in self.process.stdout:
            said.append(line)
            if "Slipway is up" in line:
                return
        raise RuntimeError("the portal did not start:\n" + "".join(said))

    def memory(self) -> dict[str, float]:
        """Proportional set size in MiB by process, the embedded servers included."""
        assert self.process is not None
        sizes: dict[str, float] = {}
        for process in [psutil.Process(self.process.pid), *self._all()]:
            name = self._name(process)
            sizes[name] = sizes.get(name, 0) + process.memory_full_info().pss / 2**20
        return sizes

    def _all(self) -> list[psutil.Process]:
        assert self.process is not None
        found = psutil.Process(self.process.pid).children(recursive=True)
        for process in psutil.process_iter(["name", "cmdline"]):
            line = " ".join(process.info["cmdline"] or [])
            if str(self.home) in line or (process.info["name"] == "postgres" and self._serves_us(process)):
                found.append(process)
        return list({process.pid: process for process in found}.values())

    def _serves_us(self, process: psutil.Process) -> bool:
        return any(str(self.home) in " ".join(parent.cmdline()) for parent in process.parents())

    def _name(self, process: psutil.Process) -> str:
        line = " ".join(process.cmdline())
        signs = {
            "portal.run.up": "supervisor",
            "gunicorn": "web",
            "celery.*worker": "worker",
            "celery.*beat": "beat",
            "watch_clusters": "watcher",
            "portal.demo.cluster": "cluster (simulated)",
            "postgres": "postgres",
            "redis": "redis",
        }
        return next((name for sign, name in signs.items() if re.search(sign, line)), process.name())
