import os
import signal
import sys
import time

import psutil
import pytest

from portal.run.processes import Supervisor

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('up', flush=True)\ntime.sleep(60)",
]


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(tmp_path, said):
    supervisor = Supervisor(tmp_path, environment=dict(os.environ), say=said.append)
    yield supervisor
    supervisor.stop()


def pid_of(supervisor):
    return supervisor.programs[0].process.pid


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.02)


def test_what_dies_is_started_again_after_a_wait(supervisor, said):
    supervisor.start("sleeper", SLEEPER)
    first = pid_of(supervisor)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: supervisor.programs[0].process.poll() is not None)
    supervisor.watch()
    assert said == ["sleeper ended with -9; starting it again in 1 s (sleeper.log)."]
    supervisor.watch()
    assert supervisor.programs[0].process is None
    wait_for(lambda: supervisor.watch() or supervisor.programs[0].process is not None)
    assert pid_of(supervisor) != first


def test_stop_ends_everything_and_says_so(supervisor, said):
    supervisor.start("sleeper", SLEEPER)
    supervisor.start("second", SLEEPER)
    pids = [program.process.pid for program in supervisor.programs]
    supervisor.stop()
    assert not any(map(psutil.pid_exists, pids))
    assert said == ["Stopping second, sleeper: what is under way is finished first."]


def test_stop_kills_what_will_not_end_and_says_so(supervisor, tmp_path, said, monkeypatch):
    monkeypatch.setattr("portal.run.processes.STOP_SECONDS", 0.3)
    supervisor.start("stubborn", STUBBORN)
    pid = pid_of(supervisor)
    wait_for(lambda: "up" in (tmp_path / "logs" / "stubborn.log").read_text())
    supervisor.stop()
    assert not psutil.pid_exists(pid)
    assert said[1:] == ["stubborn did not end in 0.3 s and was killed; others take over."]


def test_children_of_a_killed_supervisor_are_found(supervisor, tmp_path, said):
    supervisor.start("sleeper", SLEEPER)
    process = supervisor.programs[0].process
    assert Supervisor(tmp_path, environment={}, say=said.append).stop_leftovers() == 1
    assert not psutil.pid_exists(process.pid)


def test_a_number_that_now_belongs_to_somebody_else_is_left_alone(tmp_path, said):
    (tmp_path / "processes.json").write_text(f"[[{os.getpid()}, 1.0]]")
    assert Supervisor(tmp_path, environment={}, say=said.append).stop_leftovers() == 0


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[[1]]"])
def test_a_broken_record_of_processes_is_no_obstacle(tmp_path, said, text):
    (tmp_path / "processes.json").write_text(text)
    assert Supervisor(tmp_path, environment={}, say=said.append).stop_leftovers() == 0
