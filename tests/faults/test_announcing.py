"""Telling another git host of a pull request: a worker is killed at each step of it, and it is said once."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.utils import timezone

from services.effects import crashpoints, worker
from services.effects.handlers import STEPS
from services.effects.models import Effect
from services.integrations import githosts
from services.integrations.githosts.local import LocalHost
from services.onboarding.actions import effects
from services.onboarding.models import State
from tests.effects_driver import run_due_effects
from tests.faults.nemesis import ELSEWHERE
from tests.onboarding.conftest import *  # noqa: F403  # fixtures: a world to ask in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


class Elsewhere(LocalHost):
    """Keeps what was said of a commit in a file of its name, as a host keeps one check for a commit."""

    folder: Path

    def announce(self, repo, number, *, head, said):
        (self.folder / head).write_text(said.check.state)
        with (self.folder / "asked").open("a") as log:
            log.write(f"{head}\n")


@pytest.fixture
def elsewhere(tmp_path, monkeypatch):
    Elsewhere.folder = tmp_path / "said"
    Elsewhere.folder.mkdir()
    githosts.register("elsewhere", Elsewhere)
    (tmp_path / "orders").mkdir()
    monkeypatch.setenv(crashpoints.FOLDER, str(tmp_path / "orders"))
    yield tmp_path
    githosts._factories.pop("elsewhere")


def killed_at(orders: Path, point: str, pk: int) -> None:
    killed_while(orders, point, lambda: worker.run_one(pk))


def killed_while(orders: Path, point: str, do: Callable[[], object]) -> None:
    (orders / point).write_text("kill")
    connection.close()
    pid = os.fork()
    if pid == 0:
        try:
            do()
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL, point


def test_a_worker_killed_at_any_step_leaves_it_said_once(world, submit, settings, elsewhere):
    settings.TESTING = True
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, ELSEWHERE) == (State.IN_REVIEW, ("onboarding.announce",))
    row.provider = "elsewhere"
    row.save()
    for step in STEPS:
        row.head_sha = (step * 40)[:40]
        with transaction.atomic():
            effects.enqueue(row, "announce", row.head_sha, head=row.head_sha)
        effect = Effect.objects.get(kind=ELSEWHERE[0], payload__head=row.head_sha)
        killed_at(elsewhere / "orders", f"{ELSEWHERE[0]}.{step}", effect.pk)
        Effect.objects.filter(pk=effect.pk, state="running").update(lease_until=timezone.now())
        worker.run_one(effect.pk)
        effect.refresh_from_db()
        assert (effect.state, (Elsewhere.folder / row.head_sha).read_text()) == ("done", "success"), step
    asked = (Elsewhere.folder / "asked").read_text().split()
    assert {head: asked.count(head) for head in asked} == {
        (step * 40)[:40]: 2 if step in ("ran", "writing") else 1 for step in STEPS
    }
