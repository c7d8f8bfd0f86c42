"""gunicorn's settings: whose counts are put away when the web server starts."""

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "gunicorn", "-c", "portal/run/gunicorn.py", "wsgiref.simple_server:demo_app"]


def test_only_counts_of_the_dead_are_removed_and_only_at_the_start(tmp_path):
    """The folder may hold more than counts, and at a reload living workers have their files in it."""
    counts = tmp_path / "of" / "web"
    counts.mkdir(parents=True)
    kept, dead, alive = [counts / name for name in ("notes.txt", "counter_0.db", "counter_1.db")]
    kept.touch(), dead.touch()
    given = {"PROMETHEUS_MULTIPROC_DIR": str(counts), "SLIPWAY_PORT": "0", "SLIPWAY_WEB_WORKERS": "1"}
    server = subprocess.Popen(
        COMMAND, cwd=ROOT, env={**os.environ, **given}, stderr=subprocess.PIPE, text=True
    )  # fmt: skip
    try:
        assert server.stderr is not None
        assert any("Booting worker" in line for line in server.stderr)
        assert (kept.exists(), dead.exists()) == (True, False)
        alive.touch()
        server.send_signal(signal.SIGHUP)
        assert any("Booting worker" in line for line in server.stderr)
        assert (kept.exists(), alive.exists()) == (True, True)
    finally:
        server.terminate()
        server.communicate(timeout=20)
