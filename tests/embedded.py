"""A pytest plugin: one PostgreSQL and one Redis for the run, in a folder of its own.

It is loaded before Django's settings are (`-p tests.embedded`), for those read the environment once.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
os.environ.setdefault("SLIPWAY_HOME", str(ROOT / ".slipway" / "test"))
os.environ.setdefault("SLIPWAY_DEBUG", "0")
os.environ.setdefault("SLIPWAY_LOG_LEVEL", "WARNING")
os.environ.setdefault("SLIPWAY_CLUSTER_NETWORKS", "127.0.0.0/8,::1/128")  # the tests' clusters are here
os.environ.pop("SLIPWAY_DEMO", None)

_started: list[Path] = []


def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the process that owns the run; xdist's workers inherit the addresses."""
    if hasattr(config, "workerinput") or os.environ.get("DATABASE_URL"):
        return
    from portal import embedded

    state = Path(os.environ["SLIPWAY_HOME"])
    if not embedded.postgres_answers(state):
        embedded.start_postgres(state, durable=False)
        _started.append(state)
    embedded.ensure_database(state)
    (state / "static").mkdir(exist_ok=True)  # whitenoise warns when it is absent
    embedded.start_redis(state)


def pytest_unconfigure() -> None:
    from portal import embedded

    for state in _started:
        embedded.stop_redis(state)
        embedded.stop_postgres(state)
