"""The doorbell's way: requests whose effects only a real Celery worker runs, woken through a real Redis.

Every second the sweep and the reconciler are rung for, as beat does. Meanwhile the worker's processes are
killed at crash points, the whole worker is killed, and Redis forgets everything or goes away.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kombu.exceptions import KombuError

from portal.celery import app
from services.effects import crashpoints
from tests.faults.driver import Driver
from tests.faults.journeys import Injected
from tests.faults.nemesis import Fault
from tests.faults.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
KILLED_AT = (
    "onboarding.propose.claimed", "githost.branch_written", "onboarding.merge.ran", "githost.base_moved",
    "cluster.applied", "onboarding.apply.writing", "catalog.entity.written",
)  # fmt: skip
BEAT = 1.0
BETWEEN = 0.8
STOPS_WITHIN = 25.0


class Ringing:
    """Adds its own faults to those of the driver it is given: `wanted` more."""

    def __init__(self, driver: Driver, *, also_stop: bool) -> None:
        """`also_stop`: the worker is told to end as well, which takes another start."""
        self.driver = driver
        self.orders = driver.stack.home / "celery"
        self.orders.mkdir()
        self.worker: subprocess.Popen[bytes] | None = None
        self.obeyed = 0
        around: list[tuple[str, Callable[[], None]]] = [
            ("flush", driver.stack.flush_redis),
            ("stop", self._redis_away),
            ("worker killed", self._kill_worker),
            ("flush again", driver.stack.flush_redis),
        ]
        self.faults = around + [("worker told to stop", self._stop_worker)] * also_stop
        self.wanted = len(KILLED_AT) + len(self.faults)

    def run(self) -> None:
        """Requests keep coming until every fault has happened."""
        for point in KILLED_AT:
            (self.orders / point).write_text("kill")
        self.driver.stack.flush_redis()  # what was rung for before has been done without it
        self.worker = self._start_worker()
        self.driver.rings = True
        self.driver.wanted += self.wanted
        self.driver.later(0, self._beat, once=False)
        self.driver.later(BETWEEN, self._next, once=False)
        try:
            self.driver.run()
        finally:
            self.worker.kill()
            self.worker.wait()

    def _start_worker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "portal.celery", "worker", "--concurrency", "2"]
        return subprocess.Popen(
            [*command, "--loglevel", "critical", "--without-mingle", "--without-gossip"],
            cwd=ROOT, env={**os.environ, crashpoints.FOLDER: str(self.orders)}, start_new_session=True,
            preexec_fn=die_with_parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def _beat(self) -> None:
        with contextlib.suppress(KombuError, OSError):  # Redis is away, as it is meant to be now and then
            for task in ("effects.sweep", "onboarding.reconcile"):
                app.send_task(task, expires=2 * BEAT, retry=False)
        self.driver.later(BEAT, self._beat, once=False)

    def _next(self) -> None:
        """Notes what was obeyed; then the next fault, once a worker has lived long enough to be killed."""
        log = self.orders / crashpoints.OBEYED
        lines = log.read_text().splitlines() if log.exists() else []
        for line in lines[self.obeyed :]:
            point = line.split()[-1]
            self.driver.killed_at.add((point, 0))
            self._happened(f"kill {point}")
        self.obeyed = len(lines)
        if self.faults and self.obeyed > 1:
            name, act = self.faults.pop(0)
            act()
            self._happened(name)
        self.driver.later(BETWEEN, self._next, once=False)

    def _redis_away(self) -> None:
        self.driver.stack.stop_redis()
        self.driver.later(1.5, self.driver.stack.start_redis)

    def _kill_worker(self) -> None:
        """The parent and its children at once, as when a machine goes away; then another is started."""
        assert self.worker is not None
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.worker = self._start_worker()

    def _stop_worker(self) -> None:
        """As a new release does: it ends what it has begun, starts nothing more, and is gone soon."""
        assert self.worker is not None
        self.worker.terminate()
        try:
            self.worker.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.driver.refused.append(f"the worker went on for {STOPS_WITHIN} s after SIGTERM")
            os.killpg(self.worker.pid, signal.SIGKILL)
            self.worker.wait()
        self.worker = self._start_worker()

    def _happened(self, name: str) -> None:
        driver = self.driver
        driver.reserved += 1
        driver.counts["through celery"] += 1
        driver.injected.append(Injected(Fault("celery", "any", mode=name), "", time.monotonic()))
        driver.journal.write("fault", fault=f"celery: {name}")
