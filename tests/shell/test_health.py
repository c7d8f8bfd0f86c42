import time

import pytest
import redis
from django.db import InterfaceError, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from django.utils import timezone

from portal import embedded
from portal.shell import registry
from portal.shell.registry import Vital
from services.effects.models import Pulse

pytestmark = pytest.mark.django_db


@pytest.fixture
def everything_runs():
    Pulse.objects.bulk_create([Pulse(name=name, at=timezone.now()) for name in ("beat", "sweep", "watcher")])


def test_livez_touches_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_names_what_it_checked(client, everything_runs):
    response = client.get("/readyz")
    assert response.status_code == 200
    names = ("database", "disk", "migrations", "broker", "redis", "beat", "sweep", "watcher", "audit")
    assert response.json() == {"status": "ready", "checks": dict.fromkeys(names, "ok")}


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "amqp://127.0.0.1:1//"])
def test_readyz_is_degraded_but_ready_without_a_broker(client, settings, everything_runs, url):
    settings.CELERY_BROKER_URL = url
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["broker"] == "does not answer"


def test_readyz_says_when_redis_is_full(client, settings, everything_runs, tmp_path):
    embedded.start_redis(tmp_path)
    try:
        settings.REDIS_URL = embedded.redis_url(tmp_path)
        redis.Redis.from_url(settings.REDIS_URL).config_set("maxmemory", "1")
        response = client.get("/readyz")
    finally:
        embedded.stop_redis(tmp_path)
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["redis"] == "takes nothing: it may be full"


def test_readyz_looks_at_redis_beside_another_broker(client, settings, everything_runs):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    checks = client.get("/readyz").json()["checks"]
    assert (checks["broker"], checks["redis"]) == ("ok", "does not answer")


@pytest.mark.parametrize("scheme", ["redis", "amqp"])
def test_readyz_waits_for_a_silent_broker_no_longer_than_a_probe_does(
    client, settings, everything_runs, silent_port, scheme
):
    settings.CELERY_BROKER_URL = f"{scheme}://127.0.0.1:{silent_port}//"
    start = time.perf_counter()
    assert client.get("/readyz").json()["status"] == "degraded"
    assert time.perf_counter() - start < 4


def test_readyz_says_when_beat_or_the_sweep_fell_silent(client, everything_runs):
    Pulse.objects.filter(name="beat").update(at=timezone.now() - timezone.timedelta(seconds=90))
    Pulse.objects.filter(name="sweep").delete()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    checks = response.json()["checks"]
    assert (checks["beat"], checks["sweep"]) == ("last ran 90 s ago", "has not run yet")


@pytest.mark.parametrize("error", [OperationalError, InterfaceError, ZeroDivisionError])
def test_readyz_is_degraded_by_what_cannot_be_looked_at(client, everything_runs, error):
    def explode():
        raise error

    registry.vitals.add(Vital("odd", 99, explode))
    try:
        response = client.get("/readyz")
    finally:
        registry.vitals._items.pop("odd")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")
    assert response.json()["checks"]["odd"] == "cannot be looked at: see the log"
    assert response.json()["checks"]["audit"] == "ok"


@pytest.mark.parametrize("error", [OperationalError, InterfaceError])
@pytest.mark.parametrize("refused", ["SHOW transaction_read_only", "django_migrations"])
def test_readyz_is_not_ready_when_the_database_refuses(client, monkeypatch, error, refused):
    real = CursorWrapper.execute

    def execute(self, query, params=None):
        if refused in query:
            raise error("the connection is closed")
        return real(self, query, params)

    monkeypatch.setattr(CursorWrapper, "execute", execute)
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    checks = response.json()["checks"]
    assert "does not answer" in (checks["database"], checks.get("migrations"))


def test_readyz_is_not_ready_while_migrations_wait(client):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="effects").delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"].endswith(" to apply")


def test_readyz_does_not_mind_migrations_of_the_next_release(client, everything_runs):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.create(app="effects", name="9999_expanded")
    assert client.get("/readyz").json()["checks"]["migrations"] == "ok"


def test_readyz_is_not_ready_on_a_full_disk(client, settings):
    settings.LEAST_FREE_BYTES = 2**80
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "MiB free" in response.json()["checks"]["disk"]


@pytest.mark.parametrize(("host", "seconds"), [("127.0.0.1", 2), ("silent", 6)], ids=["refused", "silent"])
def test_readyz_is_not_ready_without_a_database(client, monkeypatch, silent_port, host, seconds):
    refused = {"HOST": "127.0.0.1", "PORT": str(silent_port) if host == "silent" else "1"}
    for name, value in refused.items():
        monkeypatch.setitem(connection.settings_dict, name, value)
    start = time.perf_counter()
    response = client.get("/readyz")
    assert time.perf_counter() - start < seconds
    assert (response.status_code, response.json()["status"]) == (503, "not ready")
    assert response.json()["checks"]["database"].startswith("does not answer")


def test_probes_are_answered_without_tls_and_pages_are_not(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    from django.test import Client

    assert [Client().get(path).status_code for path in ("/livez", "/readyz", "/sign-in/")] == [200, 200, 301]
