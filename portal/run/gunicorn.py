"""gunicorn's settings: one application loaded before two workers fork, so that they share its memory."""

import gc
import itertools
import os
from pathlib import Path
from typing import Any

from portal.embedded import state_dir

bind = f"{os.environ.get('SLIPWAY_BIND', '127.0.0.1')}:{os.environ.get('SLIPWAY_PORT', '8000')}"
workers = int(os.environ.get("SLIPWAY_WEB_WORKERS", "2"))
worker_class = "gthread"
threads = 4
preload_app = True
timeout = 30
graceful_timeout = 10
keepalive = 5
max_requests = 20000
max_requests_jitter = 2000
control_socket_disable = True
# Whose X-Forwarded-Proto is believed: addresses or networks of the proxies that speak TLS to people.
forwarded_allow_ips = os.environ.get("SLIPWAY_PROXIES") or "127.0.0.1,::1"
accesslog = None
errorlog = "-"
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108  # heartbeat files, not data

# The processes count into files here, and /metrics adds them up.
_port = os.environ.get("SLIPWAY_PORT", "8000")
_counts = Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(state_dir() / "metrics" / _port)))
_counts.mkdir(parents=True, exist_ok=True)


def on_starting(server: Any) -> None:
    """Counts of the dead go; not at a reload (this is not called) nor an upgrade, whose old workers live."""
    if not server.master_pid:
        for counts in _counts.glob("*_*.db"):
            counts.unlink(missing_ok=True)


def pre_fork(server: Any, worker: Any) -> None:
    """The first place no living worker has: its counts go on from those of the last one there.

    What was loaded until here stays for ever, so no worker looks through it for what may go: that took a
    tenth of a second each time, and a copy of the memory.
    """
    taken = {each.place for each in server.WORKERS.values()}
    worker.place = next(place for place in itertools.count() if place not in taken)
    gc.collect()
    gc.freeze()


def post_fork(server: Any, worker: Any) -> None:
    os.environ["SLIPWAY_WEB_PLACE"] = str(worker.place)
    gc.set_threshold(20_000, 20, 50)
