"""Three hundred faults between the form and live, every crash point among them: nothing lost or doubled.

`make faults N=3000` runs as many as one likes; docs/effects.md says what is done and what must hold.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests import template
from tests.faults import nemesis
from tests.faults.acts import ACTS  # everything that declares points
from tests.faults.processes import live_and_end

ROOT = Path(__file__).resolve().parents[2]
LAST = re.compile(
    r"^300 faults: 0 lost, 0 doubled, 0 stuck; recovery p50 \d+\.\d s, p95 (\d+\.\d) s$", re.MULTILINE
)


@pytest.mark.timeout(600)
def test_three_hundred_faults_lose_double_and_stick_nothing(migrated):
    seed = os.environ.get("SEED", "20261120")
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults", "300", "--here", "--seed", seed],
        cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, **({template.DUMP: str(migrated)} if migrated else {})},
    )  # fmt: skip
    last = LAST.search(run.stdout)
    assert last, run.stdout[-6000:] + run.stderr[-3000:]
    assert run.returncode == 0, run.stdout[-6000:]
    assert "never killed at" not in run.stdout, "an effect, or a commit, that no fault is planned for"
    assert float(last[1]) < 120


def test_no_faults_at_all_are_refused_with_a_sentence():
    run = subprocess.run(
        [sys.executable, "-m", "tests.faults", "0"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.returncode, "at least one fault" in run.stderr) == (2, True), run.stderr


def _interrupted() -> None:
    raise KeyboardInterrupt


def _broken() -> None:
    raise RuntimeError("a bug in a hand")


@pytest.mark.parametrize(
    ("live", "code"), [(lambda: None, 0), (_interrupted, 1), (_broken, 1), (sys.exit, 1)]
)
def test_a_forked_process_never_comes_back_into_the_driver(capfd, live, code):
    pid = os.fork()
    if pid == 0:
        try:
            live_and_end(live)
        finally:
            os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == code
    assert ("a bug in a hand" in capfd.readouterr().err) == (live is _broken)


def test_every_step_has_some():
    assert ACTS
    stages = {fault.stage for fault in nemesis.kills()}
    assert set(nemesis.EFFECTS) | {"submit", "review", "comment", "merge", "follow"} <= stages


def test_a_programme_is_the_same_for_the_same_seed_and_has_every_kill():
    plans = nemesis.programme(1000, seed=7)
    assert plans == nemesis.programme(1000, seed=7)
    assert plans != nemesis.programme(1000, seed=8)
    planned = {fault for plan in plans for fault in plan}
    assert set(nemesis.kills()) | set(nemesis.others()) == planned
    rounds = [nemesis.programme(100, seed=7, skip=skip) for skip in range(0, 1000, 100)]
    assert {fault for plans in rounds for plan in plans for fault in plan} == planned


def test_a_point_that_nobody_plans_for_is_noticed(monkeypatch):
    declared = {"new.effect.ran", "ticket.replied.written", "mail.sent"}
    monkeypatch.setattr(nemesis.crashpoints, "NAMES", declared)
    assert nemesis.left_out({"mail.sent"}) == {"new.effect.ran"}
