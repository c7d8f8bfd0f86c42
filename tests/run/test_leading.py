"""Several candidates, one lock: who leads, who follows, and what a database that is away does to them."""

import time
from collections.abc import Callable

import psycopg
import pytest
from django.db import connection
from structlog.testing import capture_logs

from portal import beat, leading
from portal.beat import LeadingScheduler
from portal.leading import Leader
from services.effects.models import Pulse

pytestmark = pytest.mark.django_db(transaction=True)


def address(**over: str) -> str:
    chosen = connection.settings_dict
    parts = {"host": chosen["HOST"] or chosen["OPTIONS"].get("host", ""), "user": chosen["USER"]}
    return psycopg.conninfo.make_conninfo(**parts | {"dbname": chosen["NAME"]} | over)


@pytest.fixture
def candidates():
    two = [Leader(address()), Leader(address())]
    yield two
    for candidate in two:
        candidate.leave()


def soon(true: Callable[[], object]) -> bool:
    """The server lets a lock go shortly after its session said goodbye."""
    end = time.monotonic() + 10
    while not (came := true()) and time.monotonic() < end:
        time.sleep(0.02)
    return bool(came)


def cut_off(leader: Leader) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [leader._session.info.backend_pid])


def test_one_leads_and_the_other_follows_when_it_is_gone(candidates):
    first, second = candidates
    assert [first.leads(), second.leads(), first.leads()] == [True, False, True]
    first.leave()
    assert soon(second.leads)
    assert not first.leads()


def test_a_leader_that_is_cut_off_knows_it_leads_no_more(candidates):
    first, second = candidates
    assert first.leads()
    cut_off(first)
    with capture_logs() as logs:
        assert not first.leads()
    assert [entry["event"] for entry in logs] == ["leading.database"]
    assert [second.leads(), first.leads()] == [True, False]


def test_without_a_database_nobody_leads():
    lost = Leader(address(host="127.0.0.1", port="1"))
    with capture_logs() as logs:
        assert not lost.leads()
        lost.pulse()
    assert [entry["event"] for entry in logs] == ["leading.database"]


def test_a_pulse_is_written_over_the_last_one(candidates):
    leader = candidates[0]
    assert leader.leads()
    leader.pulse()
    before = Pulse.objects.get(name="beat")
    leader.pulse()
    assert Pulse.objects.get(name="beat").at == before.at, "it pulses at every turn"
    leader._pulse_at = 0
    leader.pulse()
    after = Pulse.objects.get(name="beat")
    assert (after.who, after.at > before.at) == (leader.who, True)


def test_a_pulse_before_the_migrations_costs_the_leader_nothing():
    leader = Leader(address(dbname="postgres"), lock=4711)
    try:
        assert leader.leads()
        with capture_logs() as logs:
            leader.pulse()
        assert [entry["event"] for entry in logs] == ["leading.pulse"]
        assert leader.leads()
    finally:
        leader.leave()


def test_only_the_beat_that_leads_rings(monkeypatch):
    monkeypatch.setenv("SLIPWAY_BEAT_DATABASE_URL", address())
    first, second = [LeadingScheduler(app=beat.app) for _ in range(2)]
    try:
        assert first.tick() <= beat.STANDBY_SECONDS
        assert Pulse.objects.get(name="beat").who == first.leader.who
        assert second.tick() == beat.STANDBY_SECONDS
        assert (first._heap is not None, second._heap) == (True, None)
        first.close()
        assert soon(lambda: second.tick() and second._heap is not None)
    finally:
        first.close()
        second.close()


def test_a_pooler_is_gone_round(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://pooler/slipway")
    assert leading.address() == "postgres://pooler/slipway"
    monkeypatch.setenv("SLIPWAY_BEAT_DATABASE_URL", "postgres://database/slipway")
    assert leading.address() == "postgres://database/slipway"
