"""A real browser on the real stack. Every test also fails on what its pages complain about."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from portal import embedded
from tests import stack, template
from tests.browser.accessible import check_accessible
from tests.browser.watch import Watch
from tests.programs import CHROMIUM

# The browser's event loop stays in this process, whose other tests use the database all the same.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
expect.set_options(timeout=10_000)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Starting the stack may take a while. Mending checkout comes last: the others look at it broken."""
    items.sort(key=lambda item: item.nodeid.startswith("tests/browser/test_change.py"))
    for item in items:
        if item.nodeid.startswith("tests/browser/"):
            item.add_marker(pytest.mark.timeout(300))


@pytest.fixture(scope="session")
def base_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """The portal's address; SLIPWAY_BROWSER_URL names one that runs already.

    Its folder is not one of pytest's: another run closes those to the user PostgreSQL runs as.
    """
    if address := os.environ.get("SLIPWAY_BROWSER_URL"):
        yield address
        return
    home = Path(tempfile.mkdtemp(prefix="slipway-"))
    if dumped := request.getfixturevalue("migrated"):
        embedded.start_postgres(home / "home", durable=False)
        embedded.ensure_database(home / "home")
        template.fill(home / "home", dumped)
    with stack.running(home / "home", SLIPWAY_PROFILE="1", SLIPWAY_SIMULATED_CLUSTER_SPEED="3") as portal:
        yield portal.address
    shutil.rmtree(home, ignore_errors=True)


# Pages live for seconds: optimising their scripts costs more than it saves.
FLAGS = ["--no-sandbox", "--disable-dev-shm-usage", "--js-flags=--no-opt,--no-maglev"]


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    return {"executable_path": CHROMIUM.needed(), "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(base_url: str) -> dict[str, object]:
    return {
        "base_url": base_url,
        "viewport": {"width": 1440, "height": 900},
        "timezone_id": "Europe/Berlin",
        "locale": "en-GB",
        "reduced_motion": "reduce",
    }


@pytest.fixture(autouse=True)
def watch(context: BrowserContext) -> Iterator[Watch]:
    watch = Watch()
    watch.follow(context)
    yield watch
    assert not watch.unexpected(), "\n".join(watch.unexpected())


@pytest.fixture
def become() -> Callable[[Page, str], None]:
    """Sign in as one of the five people of the demo, as whoever was signed in before, and open no page.

    `test_door.py` presses the buttons that do the same.
    """

    def sign_in_as(page: Page, username: str) -> None:
        page.goto("about:blank")  # what was open may still ask for news of the one before
        address = page.request.get("/sign-in/").url
        (token,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"]
        answer = page.request.post(
            "/become/",
            form={"username": username, "csrfmiddlewaretoken": token},
            headers={"Referer": address},
            max_redirects=0,
        )
        assert answer.status == 302, answer.status

    return sign_in_as


@pytest.fixture
def priya(browser: Browser, browser_context_args, watch, become) -> Iterator[Page]:
    """A second person in a browser of their own."""
    context = browser.new_context(**browser_context_args)
    watch.follow(context)
    page = context.new_page()
    become(page, "priya")
    yield page
    context.close()


@pytest.fixture
def accessible() -> Callable[[Page], None]:
    return check_accessible
