"""A service is brought to the newer version of its blueprint; the platform team proposes it for another."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import ROLLOUT, Accessible, Become, review_and_merge, state, submit

SERVICE = "/catalog/component/default/cart/"


def test_a_service_is_upgraded_and_another_one_proposed_from_the_list(
    page: Page, become: Become, accessible: Accessible
) -> None:
    become(page, "mira")
    page.goto(SERVICE)
    made = page.get_by_role("region", name="Made by")
    expect(made).to_contain_text("Web service 1.0")
    expect(made).to_contain_text("1.1 is there.")
    made.get_by_role("link", name="Upgrade").click()
    expect(page.get_by_role("heading", name="Upgrade cart", level=1)).to_be_visible()
    expect(page.get_by_role("region", name="Web service 1.0 → 1.1")).to_contain_text("looked up once")
    expect(page.get_by_role("region", name=re.compile("deployment.yaml"))).to_contain_text("ndots")
    accessible(page)
    submit(page)
    expect(page.get_by_role("heading", name=re.compile("Upgrade cart to"))).to_be_visible()
    state(page, "In review")
    review_and_merge(page, become)
    state(page, "Live")
    page.goto(SERVICE)
    expect(page.get_by_role("region", name="Made by")).to_contain_text("Web service 1.1")

    become(page, "priya")
    page.goto("/upgrades/?q=mobile-api")
    page.get_by_label("Select mobile-api").check()
    accessible(page)
    page.get_by_role("button", name="Propose for the selected").click()
    expect(page.get_by_role("heading", name="Upgrade of 1 service", level=1)).to_be_visible()
    expect(page.get_by_text("All proposed")).to_be_visible(timeout=ROLLOUT)
    accessible(page)
    page.get_by_role("link", name=re.compile(r"R-\d+")).click()
    expect(page.get_by_role("heading", name=re.compile("Upgrade mobile-api to"))).to_be_visible()
