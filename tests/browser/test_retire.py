"""A service goes: who would miss it, two who say yes, away from the cluster; and it comes back."""

import re
from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import ROLLOUT, state

Become = Callable[[Page, str], None]
Accessible = Callable[[Page], None]
GOES = "returns"


def approved_and_merged(page: Page, become: Become, address: str) -> None:
    """As whoever leads the team, then as somebody of the platform team."""
    for username in ("sam", "priya"):
        become(page, username)
        page.goto(f"{address}changes/")
        approve = page.get_by_role("button", name="Approve")
        if approve.count():
            approve.click()
    page.goto(f"{address}changes/")
    page.get_by_role("button", name="Merge").click()
    page.goto(address)


def test_a_service_is_retired_and_brought_back(page: Page, become: Become, accessible: Accessible) -> None:
    become(page, "mira")
    page.goto(f"/retire/component/default/{GOES}/")
    expect(page.get_by_role("heading", name="Who would miss it")).to_be_visible()
    expect(
        page.get_by_role("complementary", name="What goes").get_by_text("Deployment").first
    ).to_be_visible()
    accessible(page)
    page.get_by_label("Why", exact=True).fill("Taken over by the partner's own pages.")
    page.get_by_label("Name", exact=True).fill(GOES)
    page.get_by_role("button", name="Ask to retire it").click()
    page.wait_for_url(re.compile(r"/requests/R-\d+/$"))
    address = page.url

    approved_and_merged(page, become, address)
    state(page, "Retired")
    assert page.request.get(f"/catalog/component/default/{GOES}/").status == 404

    page.get_by_role("button", name="Bring it back").click()
    page.wait_for_url(re.compile(r"/requests/R-\d+/$"))
    state(page, "In review")
    approved_and_merged(page, become, page.url)
    state(page, "Live")
    page.goto(f"/catalog/component/default/{GOES}/")
    expect(page.get_by_role("heading", name=GOES, level=1)).to_be_visible(timeout=ROLLOUT)
