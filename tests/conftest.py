"""One embedded PostgreSQL and Redis for the whole run; real migrations; sockets closed but for localhost."""

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("SLIPWAY_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real descriptors, manifests and dumps; its tests are skipped where it is absent."""
    if not SHARED.is_dir():
        if os.environ.get("SLIPWAY_REQUIRE_SHARED_DATA") == "1":
            pytest.fail(f"{SHARED} is required and absent")
        pytest.skip(f"no shared data at {SHARED}")
    return SHARED
