import pytest

pytestmark = pytest.mark.django_db


def test_livez_touches_nothing(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = client.get("/livez")
    assert (response.status_code, response.content) == (200, b"ok")


def test_readyz_names_what_it_checked(client):
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {
        "status": "ready",
        "checks": {"database": "ok", "disk": "ok", "migrations": "ok", "redis": "ok"},
    }


def test_readyz_is_degraded_but_ready_without_redis(client, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "degraded")


def test_readyz_is_not_ready_while_migrations_wait(client):
    from django.db.migrations.recorder import MigrationRecorder

    MigrationRecorder.Migration.objects.filter(app="effects").delete()
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] != "ok"


def test_readyz_is_not_ready_on_a_full_disk(client, monkeypatch):
    monkeypatch.setattr("portal.shell.health.LEAST_FREE_BYTES", 2**80)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "MiB free" in response.json()["checks"]["disk"]
