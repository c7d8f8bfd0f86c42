"""`make down`: stop what `make up` started, also what a killed one left. `--reset` forgets all data."""

import shutil
import signal
import sys
import time
from pathlib import Path

import psutil

from portal import embedded
from portal.run.processes import Supervisor

STOP_SECONDS = 40


def main(arguments: list[str]) -> int:
    state = embedded.state_dir()
    if not state.exists():
        print("  Nothing runs here, and nothing is stored.")
        return 0
    stopped = stop_supervisor(state)
    stopped += Supervisor(state, environment={}, say=print).stop_leftovers()
    if embedded.redis_answers(state):
        embedded.stop_redis(state)
    if embedded.postgres_answers(state):
        embedded.stop_postgres(state)
        stopped += 1
    print("  Stopped." if stopped else "  Nothing was running.")
    if "--reset" in arguments:
        shutil.rmtree(state)
        print(f"  Removed {state}: database, repositories and logs. `make up` starts afresh.")
    return 0


def stop_supervisor(state: Path) -> int:
    """Ask the running `make up` to end and wait for it."""
    try:
        process = psutil.Process(int((state / "lock").read_text()))
    except (OSError, ValueError, psutil.NoSuchProcess):
        return 0
    if not any("portal.run.up" in part for part in process.cmdline()):
        return 0  # the number belongs to another program by now
    process.send_signal(signal.SIGTERM)
    end = time.monotonic() + STOP_SECONDS
    while process.is_running() and time.monotonic() < end:
        time.sleep(0.2)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
