"""The portal's programs as production starts them, several of each, on the test's own database."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from django.conf import settings
from django.db import connection

from portal import embedded
from tests.stack import ROOT, free_ports

START_SECONDS = 120
CELERY = [sys.executable, "-m", "celery"]
TOKEN = "read-my-numbers"


def wait_until(true: Callable[[], object], what: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)


class Processes:
    """`start` what is needed; leaving the context kills what is left."""

    def __init__(self, home: Path, broker: str = "") -> None:
        self.home = home
        self.running: list[subprocess.Popen[bytes]] = []
        options = connection.settings_dict
        self.environment = {
            **os.environ,
            "SLIPWAY_HOME": str(home),
            "SLIPWAY_SECRET_KEY": settings.SECRET_KEY,
            "SLIPWAY_METRICS_TOKEN": TOKEN,
            "SLIPWAY_LOG_LEVEL": "INFO",
            "REMAP_SIGTERM": "SIGQUIT",
            "DATABASE_URL": embedded.database_url(embedded.state_dir(), options["NAME"]),
            "REDIS_URL": embedded.redis_url(home),
        } | ({"SLIPWAY_BROKER_URL": broker} if broker else {})
        self.environment.pop("DJANGO_SETTINGS_MODULE", None)

    def __enter__(self) -> "Processes":
        (self.home / "static").mkdir(parents=True, exist_ok=True)
        embedded.start_redis(self.home)
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.running:
            process.kill()
            process.wait()
        embedded.stop_redis(self.home)

    def start(self, name: str, command: list[str], **environment: str) -> subprocess.Popen[bytes]:
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment | environment, stdout=log, stderr=log
            )
        self.running.append(process)
        return process

    def web(self, workers: int = 1) -> "Web":
        (port,) = free_ports(1)
        name = f"web-{port}"
        command = [sys.executable, "-m", "gunicorn", "-c", "portal/run/gunicorn.py", "portal.wsgi"]
        process = self.start(name, command, SLIPWAY_PORT=str(port), SLIPWAY_WEB_WORKERS=str(workers))
        return Web(process, f"http://127.0.0.1:{port}")

    def worker(self, number: int, at_once: int = 1) -> subprocess.Popen[bytes]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "info"]
        name = f"worker-{number}"
        return self.start(
            name, [*CELERY, "-A", "portal.celery", "worker", "-c", str(at_once), "-n", name, *quiet]
        )

    def beat(self, number: int) -> subprocess.Popen[bytes]:
        return self.start(f"beat-{number}", [*CELERY, "-A", "portal.beat", "beat", "--pidfile="])

    def watcher(self) -> subprocess.Popen[bytes]:
        return self.start("watcher", [sys.executable, "manage.py", "watch_clusters"])

    def said(self, name: str) -> str:
        return (self.home / f"{name}.log").read_text(errors="replace")


class Web:
    """One gunicorn and its address."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self.process, self.url = process, url

    def wait(self) -> None:
        wait_until(self._answers, f"{self.url} answers", START_SECONDS)

    def _answers(self) -> bool:
        assert self.process.poll() is None, "the web server ended"
        try:
            return httpx.get(f"{self.url}/livez", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def health(self) -> dict[str, str]:
        return httpx.get(f"{self.url}/readyz", timeout=10).json()

    def metrics(self) -> dict[str, float]:
        answer = httpx.get(f"{self.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
        lines = [line for line in answer.text.splitlines() if line and not line.startswith("#")]
        return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def ended(process: subprocess.Popen[bytes], seconds: float) -> int:
    """The exit status of a process that was asked to end; fails when that takes longer."""
    started = time.monotonic()
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{process.args} still runs after {time.monotonic() - started:.1f} s") from None


def ask_to_end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
