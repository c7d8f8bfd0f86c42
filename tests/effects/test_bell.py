"""A broker that is down, silent or back: what ringing it costs, and whom."""

import time

import pytest
import redis

from portal import embedded
from services.effects.bell import Bell
from services.effects.tasks import run_effect

DEAD = {"redis": "redis://127.0.0.1:1/0", "rabbitmq": "amqp://127.0.0.1:1//"}


@pytest.fixture
def broker(monkeypatch):
    return lambda url: monkeypatch.setenv("CELERY_BROKER_WRITE_URL", url)


def seconds_of(ring) -> float:
    start = time.perf_counter()
    ring()
    return time.perf_counter() - start


@pytest.mark.parametrize("url", DEAD.values(), ids=DEAD)
def test_a_dead_broker_costs_nothing(broker, url):
    broker(url)
    assert min(seconds_of(lambda: Bell().ring(run_effect, 1)) for _ in range(3)) < 0.5


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_a_silent_broker_costs_one_ring_a_second_and_the_next_ones_nothing(broker, silent_port, scheme):
    broker(f"{scheme}://127.0.0.1:{silent_port}//")
    bell = Bell()
    assert 0.9 < seconds_of(lambda: bell.ring(run_effect, 1)) < 5
    assert seconds_of(lambda: [bell.ring(run_effect, n) for n in range(100)]) < 1


def test_a_full_redis_is_not_heard_and_raises_nothing(broker, tmp_path):
    embedded.start_redis(tmp_path)
    try:
        redis.Redis.from_url(embedded.redis_url(tmp_path)).config_set("maxmemory", "1")
        broker(embedded.broker_url(embedded.redis_url(tmp_path)))
        assert Bell().ring(run_effect, 1) is False
    finally:
        embedded.stop_redis(tmp_path)


def test_one_caller_probes_for_all_and_a_broker_that_is_back_is_rung_again(broker, monkeypatch):
    bell = Bell()
    broker(DEAD["redis"])
    assert bell.ring(run_effect, 1) is False
    monkeypatch.delenv("CELERY_BROKER_WRITE_URL")
    assert bell.ring(run_effect, 2) is False, "it rang before its time"
    bell._silent_until = time.monotonic() - 1
    assert (bell._may_try(), bell._may_try()) == (True, False), "two probed at once"
    bell._silent_until = time.monotonic() - 1
    assert [bell.ring(run_effect, 3), bell.ring(run_effect, 4)] == [True, True]
