"""A service that ran out of memory is mended through the form it came with."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import ROLLOUT, state, submit

Become = Callable[[Page, str], None]
Accessible = Callable[[Page], None]
CHECKOUT = "/catalog/component/default/checkout/"


def test_a_killed_service_is_given_more_memory_and_becomes_healthy(
    page: Page, become: Become, accessible: Accessible
) -> None:
    become(page, "mira")
    page.goto(CHECKOUT)
    expect(page.get_by_role("link", name="Change", exact=True)).to_be_visible()
    page.get_by_role("article", name=re.compile("ran out of memory")).first.get_by_role(
        "link", name=re.compile("Raise the memory limit")
    ).click()
    expect(page.get_by_role("heading", name="Change checkout", level=1)).to_be_visible()
    expect(page.get_by_label("Memory limit")).to_have_value("192")
    expect(page.get_by_label("Memory request")).to_have_value("128")
    expect(page.get_by_text("stays as it is").first).to_be_visible()
    accessible(page)
    submit(page)
    state(page, "Awaiting approval")
    address = page.url

    become(page, "sam")  # leads the team: six replicas cost more than the limit for members
    page.goto(address)
    page.get_by_role("button", name="Approve").first.click()
    state(page, "In review")

    become(page, "priya")
    page.goto(f"{address}changes/")
    expect(page.get_by_text("memory: 192Mi").first).to_be_visible()
    page.get_by_role("button", name="Approve").click()
    page.goto(f"{address}changes/")
    page.get_by_role("button", name="Merge").click()
    page.goto(address)
    state(page, "Live")

    become(page, "mira")
    page.goto(CHECKOUT)
    expect(page.get_by_text("ran out of memory")).to_have_count(0, timeout=ROLLOUT)
    expect(page.get_by_text("Degraded in production")).to_have_count(0)
