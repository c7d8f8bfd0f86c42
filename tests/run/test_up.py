import os
import socket
import subprocess
import sys

import pytest

from portal.run import up


def test_a_taken_port_is_named_with_its_owner_and_a_remedy(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv("SLIPWAY_PORT", str(port))
        monkeypatch.setenv("SLIPWAY_DEMO", "0")
        with pytest.raises(up.CannotStart) as refusal:
            up.check_ports()
    assert str(refusal.value) == (
        f"Port {port} is taken by {os.path.basename(psutil_name())} (process {os.getpid()}). "
        "Stop that program, or use another port: SLIPWAY_PORT=8010 make up"
    )


def psutil_name():
    import psutil

    return psutil.Process().name()


def test_a_second_start_in_the_same_folder_is_refused(tmp_path):
    refused = pytest.raises(up.CannotStart, match=f"process {os.getpid()}")
    with up.only_one(tmp_path), refused, up.only_one(tmp_path):
        pass


def test_the_lock_of_a_dead_process_is_no_obstacle(tmp_path):
    (tmp_path / "lock").write_text("999999")
    with up.only_one(tmp_path):
        assert (tmp_path / "lock").read_text() == str(os.getpid())


def test_down_says_when_nothing_runs(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "portal.run.down"],
        env={**os.environ, "SLIPWAY_HOME": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "  Nothing runs here, and nothing is stored.\n"
