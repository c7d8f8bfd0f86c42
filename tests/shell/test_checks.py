"""Our system checks: clean as shipped, and each finds what it is for."""

import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings as django_settings
from django.core import checks as django_checks
from django.db import connection

from portal.shell import checks

ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "SLIPWAY_BASE_URL": "https://slipway.example.com",
    "SLIPWAY_ALLOWED_HOSTS": "slipway.example.com",
    "SLIPWAY_SECRET_KEY": "5pUeL0c4lT3st0nly" * 4,
    "SLIPWAY_DEBUG": "0",
    "SLIPWAY_DEMO": "0",
    "SLIPWAY_PROXIES": "127.0.0.1,::1",
}
POLICY = django_settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
DATABASE = django_settings.DATABASES["default"]


def with_options(**changes):
    return {"default": {**DATABASE, "OPTIONS": {**DATABASE["OPTIONS"], **changes}}}


WRONG = [
    ("slipway.E001", {"CELERY_TASK_ACKS_LATE": False}),
    ("slipway.E002", {"CELERY_TASK_REJECT_ON_WORKER_LOST": False}),
    ("slipway.E003", {"CELERY_WORKER_PREFETCH_MULTIPLIER": 4}),
    ("slipway.E004", {"CELERY_BROKER_TRANSPORT_OPTIONS": {}}),
    ("slipway.E004", {"CELERY_BROKER_TRANSPORT_OPTIONS": {"visibility_timeout": 300}}),
    ("slipway.E004", {"CELERY_VISIBILITY_TIMEOUT": None}),
    ("slipway.E004", {"LONGEST_TASK_SECONDS": 3600}),
    ("slipway.E004", {"CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS": {"visibility_timeout": 10}}),
    ("slipway.E005", {"CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT": 0}),
    ("slipway.E006", {"CELERY_ACCEPT_CONTENT": ["json", "pickle"]}),
    ("slipway.E006", {"CELERY_TASK_SERIALIZER": "pickle"}),
    ("slipway.E008", {"CELERY_TASK_TIME_LIMIT": None}),
    ("slipway.E008", {"CELERY_TASK_SOFT_TIME_LIMIT": 300}),
    ("slipway.E009", {"DATABASES": with_options(options="-c lock_timeout=5s")}),
    ("slipway.E009", {"DATABASES": with_options(options=DATABASE["OPTIONS"]["options"].replace("30s", "0"))}),
    ("slipway.E010", {"DATABASES": {"default": {**DATABASE, "CONN_HEALTH_CHECKS": False}}}),
    ("slipway.E011", {"DATABASES": with_options(connect_timeout=0)}),
    ("slipway.E012", {"HTTP_TIMEOUT": None}),
    ("slipway.E012", {"HTTP_TIMEOUT": 600}),
    ("slipway.E013", {"CONTENT_SECURITY_POLICY": {}}),
    ("slipway.E013", {"MIDDLEWARE": []}),
    (
        "slipway.E013",
        {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": POLICY | {"style-src": ["'unsafe-inline'"]}}},
    ),
    ("slipway.E013", {"CONTENT_SECURITY_POLICY": {"DIRECTIVES": POLICY | {"img-src": ["*"]}}}),
    ("slipway.W001", {"DEBUG": True}),
    ("slipway.W002", {"DEMO": True}),
    ("slipway.W003", {"HTTPS": False}),
    ("slipway.W005", {"PROXIES": []}),
]
BY_VERSION = {"slipway.E007", "slipway.E014"}


def found() -> dict[str, str]:
    messages = django_checks.run_checks(tags=["slipway"], include_deployment_checks=True)
    assert all(message.hint for message in messages)
    return {message.id: message.msg for message in messages}


@pytest.fixture
def production(settings):
    settings.HTTPS, settings.DEMO, settings.DEBUG, settings.PROXIES = True, False, False, ["127.0.0.1"]


def test_nothing_is_found_as_shipped(production):
    assert found() == {}


@pytest.mark.parametrize(("id", "wrong"), WRONG, ids=[f"{id} {next(iter(wrong))}" for id, wrong in WRONG])
def test_a_wrong_setting_is_found_by_its_check_alone(production, monkeypatch, id, wrong):
    for name, value in wrong.items():
        monkeypatch.setattr(django_settings, name, value)
    assert list(found()) == [id]


def test_every_check_has_its_wrong_setting():
    assert {rule.id for rule in [*checks.RULES, *checks.DEPLOY_RULES]} == {id for id, _ in WRONG} | BY_VERSION


def test_an_old_celery_is_found(production, monkeypatch):
    monkeypatch.setattr(metadata, "version", lambda name: "5.5.3")
    assert list(found()) == ["slipway.E007"]


def test_an_old_python_is_found(production, monkeypatch):
    monkeypatch.setattr(checks, "sys", SimpleNamespace(version_info=(3, 10, 1), version="3.10.1 (main)"))
    assert found() == {"slipway.E014": "Python 3.10.1 is too old."}


def test_rabbitmq_needs_no_visibility_time_out(production, settings):
    settings.CELERY_BROKER_URL = "amqp://broker//"
    settings.CELERY_BROKER_TRANSPORT_OPTIONS = {"confirm_publish": True}
    assert found() == {}


def test_check_deploy_has_nothing_to_say_of_a_production_portal():
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT, env={**os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE": "", **PRODUCTION},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


@pytest.mark.django_db
def test_a_pooler_that_drops_time_outs_is_found():
    def told() -> list[str]:
        return [message.id for message in checks.check_sessions(None, databases=["default"])]

    assert told() == []
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = 0")
        try:
            assert told() == ["slipway.W004"]
        finally:
            cursor.execute("RESET lock_timeout")
    assert checks.check_sessions(None, databases=None) == []
