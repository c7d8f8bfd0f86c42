"""Named places where a test may kill or stop the process: before and after whatever lasts.

Nothing happens at them unless the settings say that tests run *and* SLIPWAY_CRASH_POINTS names a folder. A
file in it called like a point is an order, given once: "kill" or "stop", and how many passes to let go by.
"""

import os
import signal
from pathlib import Path

from django.conf import settings
from django.db import transaction

FOLDER = "SLIPWAY_CRASH_POINTS"
OBEYED = "obeyed"
NAMES: set[str] = set()
_SIGNALS = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP}


def declare(*names: str) -> None:
    """Make the points known, so that a test can go through all of them."""
    NAMES.update(names)


def reached(name: str) -> None:
    """The process is at this point. Refuses (KeyError), in tests, one that nobody declared."""
    folder = os.environ.get(FOLDER)
    if folder and getattr(settings, "TESTING", False):
        if name not in NAMES:
            raise KeyError(name)
        _obey(Path(folder), name)


def around_commit(name: str) -> None:
    """Two points: `<name>.written` now, inside the transaction, `<name>.committed` when it is committed."""
    reached(f"{name}.written")
    transaction.on_commit(lambda: reached(f"{name}.committed"))


def declare_commit(*names: str) -> None:
    """Make both points of `around_commit` known for each name."""
    for name in names:
        declare(f"{name}.written", f"{name}.committed")


def _obey(folder: Path, name: str) -> None:
    try:
        word, _, passes = (folder / name).read_text().partition(" ")
        if int(passes or 0) > 0:
            (folder / name).write_text(f"{word} {int(passes) - 1}")
            return
        (folder / name).unlink()
    except FileNotFoundError:  # no order, or another process obeyed it
        return
    with (folder / OBEYED).open("a") as log:
        log.write(f"{word} {name}\n")
        log.flush()
        os.fsync(log.fileno())
    os.kill(os.getpid(), _SIGNALS[word])
