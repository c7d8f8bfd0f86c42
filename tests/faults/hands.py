"""Real processes that do what the driver says, can be killed or stopped anywhere, and are replaced.

They are forked from the warm driver, so a new one costs milliseconds; each has its own database connection,
its own folder of crash orders, and its own git host that can be told to fail.
"""

import contextlib
import os
import signal
import time
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from django.db import close_old_connections, connection
from structlog.testing import capture_logs

from services.effects import crashpoints
from services.integrations import githosts
from tests.faults.acts import ACTS
from tests.faults.hosts import FaultyHost
from tests.faults.processes import live_and_end


class Hand:
    """One process. `job` is what it is doing, None while it waits."""

    def __init__(self, number: int, folder: Path, lossy: Path) -> None:
        self.number, self.lossy = number, lossy
        self.orders = folder / f"hand-{number}"
        self.orders.mkdir(parents=True)
        self.name = f"hand-{number}"
        self.job: Any = None
        self.is_stopped = False
        self.pipe, theirs = Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.pipe.close()
            live_and_end(lambda: self._live(theirs))
        theirs.close()

    # in the driver

    def start(self, job: Any, act: str, said: dict[str, Any], **extra: Any) -> None:
        self.job = job
        self.pipe.send((act, said, extra))

    def arm(self, point: str, word: str = "kill", passes: int = 0) -> None:
        (self.orders / point).write_text(f"{word} {passes}")

    def disarm(self) -> bool:
        """Take back an order that was not obeyed; whether there was one."""
        left = [each for each in self.orders.iterdir() if each.name != crashpoints.OBEYED]
        for each in left:
            each.unlink(missing_ok=True)
        return bool(left)

    def has_obeyed(self) -> str:
        """The last point at which it was killed or stopped, "" for none."""
        log = self.orders / crashpoints.OBEYED
        return (log.read_text().split() or [""])[-1] if log.exists() else ""

    def looks_stopped(self) -> bool:
        state = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state == "T"

    def resume(self) -> None:
        self.is_stopped = False
        os.kill(self.pid, signal.SIGCONT)

    def bury(self) -> int:
        """The signal that ended it."""
        self.pipe.close()
        _, status = os.waitpid(self.pid, 0)
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        self.bury()

    # in the process

    def _live(self, pipe: Connection) -> None:
        os.environ[crashpoints.FOLDER] = str(self.orders)
        os.environ["PGAPPNAME"] = self.name
        connection.connection = None  # the driver's, if it has one: not ours to close
        FaultyHost.shelf = self.orders.parent / "old"
        FaultyHost.shelf.mkdir(exist_ok=True)
        host = FaultyHost()
        githosts.register("local", lambda: host)
        with contextlib.suppress(EOFError, BrokenPipeError):
            while True:
                act, said, extra = pipe.recv()
                pipe.send(_answer(act, said, self.lossy, **extra))


def _answer(
    act: str,
    said: dict[str, Any],
    lossy: Path,
    *,
    host: tuple[str, str] | None = None,
    lose_commits: bool = False,
) -> dict[str, Any]:
    """Does it as a request or a task would be done, and tells what came out and what was logged."""
    close_old_connections()
    FaultyHost.order, FaultyHost.suffered = host, 0
    before, started = dict(connection.settings_dict), time.process_time()
    if lose_commits:
        connection.close()
        connection.settings_dict["HOST"] = str(lossy)
    with capture_logs() as logs:
        try:
            found: dict[str, Any] = {"ok": ACTS[act](**said)}
        except Exception as error:
            found = {"error": f"{type(error).__name__}: {error}"[:500]}
    if lose_commits:
        connection.close()
        connection.settings_dict.update(before)
    close_old_connections()
    said_so = [str(entry["event"]) for entry in logs]
    return found | {"logs": said_so, "suffered": FaultyHost.suffered, "cpu": time.process_time() - started}
