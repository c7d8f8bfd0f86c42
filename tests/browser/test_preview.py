"""A preview of a service with what it needs: planned, brought up, put to sleep, woken, ended."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

Become = Callable[[Page, str], None]
Accessible = Callable[[Page], None]
ROLLOUT = 120_000
CHECKOUT = "/catalog/component/default/checkout/"


def word(page: Page, text: str) -> None:
    """The pill beside the heading; the page asks by itself while something is on its way."""
    expect(page.locator("#preview .head .pill")).to_have_text(re.compile(text), timeout=ROLLOUT)


def test_a_preview_comes_up_sleeps_wakes_and_goes(page: Page, become: Become, accessible: Accessible) -> None:
    become(page, "mira")
    page.goto(CHECKOUT)
    page.get_by_role("link", name="Preview", exact=True).click()
    expect(page.get_by_role("heading", name="Preview of checkout", level=1)).to_be_visible()
    page.get_by_label("Name").fill("checkout-trial")
    page.get_by_label("Name").press("Tab")
    expect(page.get_by_text("preview-checkout-trial").first).to_be_visible()
    along = page.get_by_role("region", name="What comes along")
    before = along.locator("input[type=checkbox]:checked").count()
    along.locator("input[type=checkbox]:not([disabled])").last.uncheck()
    expect(along.locator("input[type=checkbox]:checked")).to_have_count(before - 1)
    expect(along.get_by_text("shared", exact=True).first).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Bring it up").click()
    expect(page.get_by_role("heading", name="checkout-trial", level=1)).to_be_visible()
    word(page, "Up")
    expect(
        page.get_by_role("region", name="What runs in it").get_by_role("link", name="checkout")
    ).to_be_visible()
    accessible(page)

    page.get_by_role("button", name="Put to sleep").click()
    word(page, "Asleep")
    page.get_by_role("button", name="Wake it").click()
    word(page, "Up")
    page.get_by_role("button", name="Keep for 3 days").click()
    expect(page.get_by_text(re.compile("stays until"))).to_be_visible()

    become(page, "jonas")  # of another team: sees it, may not touch it
    page.goto("/previews/")
    page.get_by_role("link", name="checkout-trial").click()
    expect(page.get_by_role("button", name="End it")).to_have_count(0)

    become(page, "mira")
    page.goto("/previews/?show=mine")
    accessible(page)
    page.get_by_role("link", name="checkout-trial").click()
    page.get_by_role("button", name="End it").click()
    word(page, "Ended")
    expect(page.get_by_role("button", name="Bring it back")).to_be_visible()
