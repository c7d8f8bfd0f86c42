"""The points themselves: silent outside of tests, obeyed once, refused when nobody declared them."""

import os
import signal
import time

import pytest
from django.db import transaction

from services.effects import crashpoints
from services.effects.crashpoints import around_commit, declare_commit, reached

declare_commit("a.thing")
POINTS = "a.thing.written"


@pytest.fixture
def orders(tmp_path, settings, monkeypatch):
    settings.TESTING = True
    monkeypatch.setenv(crashpoints.FOLDER, str(tmp_path))
    return tmp_path


def in_a_child(work) -> int:
    """How a forked process ended that did `work`; one that stopped itself is reported and then killed."""
    child = os.fork()
    if child == 0:
        work()
        os._exit(0)
    _, status = os.waitpid(child, os.WUNTRACED)
    if os.WIFSTOPPED(status):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return -os.WSTOPSIG(status)
    return os.waitstatus_to_exitcode(status)


pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")


@pytest.mark.parametrize(("order", "ends"), [("kill", -signal.SIGKILL), ("stop", -signal.SIGSTOP)])
def test_an_order_is_obeyed_once_and_written_down(orders, order, ends):
    (orders / POINTS).write_text(order)
    assert in_a_child(lambda: reached(POINTS)) == ends
    assert (orders / crashpoints.OBEYED).read_text() == f"{order} {POINTS}\n"
    assert in_a_child(lambda: reached(POINTS)) == 0


def test_an_order_can_let_some_pass(orders):
    (orders / POINTS).write_text("kill 2")
    assert [in_a_child(lambda: reached(POINTS)) for _ in range(4)] == [0, 0, -signal.SIGKILL, 0]


def test_two_who_pass_obey_one_order_once(orders, monkeypatch):
    """Here the signal is one that does no harm, so that this process lives to see it."""
    monkeypatch.setattr(crashpoints, "_SIGNALS", {"kill": signal.SIGCONT})
    (orders / POINTS).write_text("kill 1")
    for _ in range(4):
        reached(POINTS)
    assert (orders / crashpoints.OBEYED).read_text() == f"kill {POINTS}\n"


def test_nothing_happens_without_settings_that_say_tests(orders, settings):
    (orders / POINTS).write_text("kill")
    settings.TESTING = False
    assert in_a_child(lambda: reached(POINTS)) == 0
    assert (orders / POINTS).exists()


def test_nothing_happens_without_a_folder(orders, monkeypatch):
    (orders / POINTS).write_text("kill")
    monkeypatch.delenv(crashpoints.FOLDER)
    assert in_a_child(lambda: reached(POINTS)) == 0


def test_a_point_nobody_declared_is_a_mistake(orders):
    with pytest.raises(KeyError):
        reached("a.mistake")


def test_a_point_costs_nothing_in_a_product(settings):
    start = time.process_time()
    for _ in range(10_000):
        reached(POINTS)
    assert time.process_time() - start < 0.5


@pytest.mark.django_db(transaction=True)
def test_around_a_commit_there_are_two(orders, monkeypatch):
    passed = []
    monkeypatch.setattr(crashpoints, "reached", passed.append)
    with transaction.atomic():
        around_commit("a.thing")
        assert passed == ["a.thing.written"]
    assert passed == ["a.thing.written", "a.thing.committed"]
