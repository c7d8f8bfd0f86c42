"""The pictures of the README, on a stack of its own: `python -m tests.browser.screenshots`."""

import itertools
import tempfile
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests import stack
from tests.programs import CHROMIUM

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
SIZES = [(1440, 900), (390, 844)]
THEMES = ["light", "dark"]


def fill_in(page: Page) -> None:
    """A form with one guardrail that blocks and the fix it offers."""
    page.get_by_label("Name", exact=True).first.fill("wishlist")
    page.get_by_label("One sentence for colleagues").fill("Lets people keep products for later.")
    page.get_by_label("Image").fill("registry.larkfield.shop/wishlist:0.1.0")
    page.get_by_label("Image").press("Tab")
    page.get_by_text("More settings").nth(1).click()
    page.get_by_label("Memory limit").fill("512")
    page.get_by_label("Memory limit").press("Tab")
    page.get_by_role("button", name="192").first.wait_for()
    page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")


def settle(page: Page) -> None:
    page.wait_for_timeout(400)


PICTURES: list[tuple[str, str, str, Callable[[Page], None]]] = [
    ("home", "Mira Lindqvist", "/", settle),
    ("catalog", "Mira Lindqvist", "/catalog/", settle),
    ("service", "Mira Lindqvist", "/catalog/component/default/checkout/", settle),
    ("dependencies", "Mira Lindqvist", "/catalog/component/default/checkout/?tab=dependencies", settle),
    ("new", "Jonas Weber", "/new/", settle),
    ("form", "Jonas Weber", "/new/web-service/", fill_in),
    ("request", "Jonas Weber", "/requests/R-1181/", settle),
    ("changes", "Priya Raman", "/requests/R-1182/changes/", settle),
    ("queue", "Priya Raman", "/help/queue/", settle),
    ("ticket", "Priya Raman", "/help/T-1408/", settle),
    ("insights", "Hanna Vogel", "/insights/", settle),
]


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        stack.running(Path(folder) / "home") as portal,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM.needed(), args=["--no-sandbox"])
        for (width, height), theme in itertools.product(SIZES, THEMES):
            take(browser, portal.address, width, height, theme)


def take(browser: Browser, address: str, width: int, height: int, theme: str) -> None:
    for name, person, path, prepare in PICTURES:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": height},
            color_scheme=theme,  # type: ignore[arg-type]  # one of two literals
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
        )
        page = context.new_page()
        page.goto("/sign-in/")
        page.get_by_role("button", name=person).click()
        page.wait_for_load_state()
        page.goto(path)
        page.wait_for_load_state("networkidle")
        prepare(page)
        settle(page)
        page.screenshot(path=FOLDER / f"{name}-{width}-{theme}.png")
        context.close()


if __name__ == "__main__":
    main()
