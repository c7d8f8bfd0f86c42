"""Fixtures everybody may use. Real PostgreSQL and Redis come from `tests/embedded.py`."""

import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.core.cache import cache

import portal.celery  # noqa: F401  # tasks find their broker through it
from portal.shell import roles
from tests import emptying, template
from tests.contracts.summary import pytest_terminal_summary  # noqa: F401  # pytest looks for it here
from tests.fakes.cluster import cluster  # noqa: F401  # a fixture for everybody

SHARED = Path(os.environ.get("SLIPWAY_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def pytest_configure() -> None:
    """Static files are served as they are, from their source, not hashed from a collected copy.

    Tests connect as the owner of the tables: they make databases and empty them.
    """
    settings.DATABASES["default"].update({key: settings.DATABASE_OWNER[key] for key in roles.IDENTITY})
    settings.STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # fast; nobody's secret


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real descriptors, manifests and dumps; its tests are skipped where it is absent."""
    if not SHARED.is_dir():
        if os.environ.get("SLIPWAY_REQUIRE_SHARED_DATA") == "1":
            pytest.fail(f"{SHARED} is required and absent")
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest, django_db_blocker: Any) -> None:
    """Runs that share one server use databases of their own (SLIPWAY_TEST_DB), each process one."""
    test = settings.DATABASES["default"].setdefault("TEST", {})
    if name := os.environ.get("SLIPWAY_TEST_DB"):
        test["NAME"] = name
    with django_db_blocker.unblock():
        test["TEMPLATE"] = template.ensure(name or "test_slipway")
    request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(scope="session")
def migrated(django_db_modify_db_settings: None, django_db_blocker: Any) -> Path | None:
    """The migrated, empty database as a file, for a server of one's own."""
    with django_db_blocker.unblock():
        return template.dump(settings.DATABASES["default"]["TEST"]["TEMPLATE"])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    emptying.arrange()


@pytest.fixture(scope="session")
def git_roots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of which none is there yet."""
    folder = tmp_path_factory.mktemp("git")
    return (folder / str(number) for number in itertools.count())


@pytest.fixture(autouse=True)
def _own_git_root(git_roots: Iterator[Path], settings) -> None:
    """Each test has a folder of repositories to itself, made with the first of them: most need none."""
    settings.GIT_ROOT = next(git_roots)


@pytest.fixture(autouse=True)
def _no_limits(settings) -> None:
    """Tests ask for more than people do; those of the limits switch them on."""
    settings.LIMIT_FACTOR = 0


@pytest.fixture(autouse=True)
def _clean_log_context() -> None:
    structlog.contextvars.clear_contextvars()
    structlog.configure(cache_logger_on_first_use=False)  # a cached logger cannot be listened to


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    cache.clear()


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(20)
        yield listening.getsockname()[1]
