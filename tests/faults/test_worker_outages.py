"""A worker whose database takes nothing for a while, or whose repositories are on a full disk."""

import os
import resource
import threading

import pytest
from django.db import Error, close_old_connections, connection

from services.effects import tasks, worker
from services.effects.handlers import Done
from services.effects.models import Effect
from services.integrations.githosts.local import LocalHost
from services.integrations.models import PullRequest
from services.onboarding.models import Request, State
from tests.effects.conftest import handler, queue  # noqa: F401  # a fixture
from tests.effects_driver import run_due_effects
from tests.faults.outages import KINDS, as_application, outage
from tests.faults.stack import REPO
from tests.onboarding.conftest import *  # noqa: F403  # fixtures: a world to ask in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_done_is_written_down_when_the_database_takes_it_again(handler, kind):  # noqa: F811
    done, mended = [], []

    def run(claim):
        done.append(claim.key)
        trouble.begin()
        mended.append(threading.Timer(0.4, trouble.end))
        mended[0].start()
        return Done({"at": "once"})

    handler(run)
    with outage(kind) as trouble, as_application():
        effect = queue()
        assert worker.run_one()
        mended[0].join()
        connection.close()
        effect.refresh_from_db()
    assert (effect.state, effect.result, effect.attempts, done) == ("done", {"at": "once"}, 1, ["1"])


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_claimed_or_lost_while_it_takes_nothing(handler, kind):  # noqa: F811
    handler(lambda claim: Done())
    with outage(kind) as trouble, as_application():
        effect = queue()
        trouble.begin()
        for _ in range(3):
            with pytest.raises(Error, match=r"space|read-only|too many|terminat|closed"):
                tasks.run_effect(effect.pk)
            close_old_connections()  # as after each task
        trouble.end()
        tasks.run_effect(effect.pk)
        effect.refresh_from_db()
    assert (effect.state, effect.attempts, effect.deaths) == ("done", 1, 0)


def test_a_repository_on_a_full_disk_is_tried_again_and_is_whole_afterwards(world, submit):
    row = submit()
    connection.close()
    pid = os.fork()
    if pid == 0:  # no file of this process can grow from here on
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            worker.run_one()
        finally:
            os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    effect = Effect.objects.get(kind="onboarding.propose")
    assert (effect.state, effect.attempts) == ("due", 1)
    assert effect.last_error
    assert not PullRequest.objects.exists()
    run_due_effects(skip_waits=True)
    row.refresh_from_db()
    assert (Request.objects.get().state, PullRequest.objects.count()) == (State.IN_REVIEW, 1)
    assert len(LocalHost().log(REPO, row.branch)) == 2
