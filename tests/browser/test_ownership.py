"""Owners in the browser: all is confirmed and taken back, one thing goes to another team."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def jonas(browser: Browser, browser_context_args, watch, become) -> Page:
    context = browser.new_context(**browser_context_args)
    watch.follow(context)
    page = context.new_page()
    become(page, "jonas")
    yield page
    context.close()


def test_what_is_ours_is_confirmed_and_what_is_not_is_handed_over(
    page: Page, jonas: Page, become, accessible
) -> None:
    become(page, "sam")
    page.goto("/")
    page.get_by_role("main").get_by_role("link", name="Confirm", exact=True).click()
    expect(page.get_by_role("heading", name="Is this still yours?")).to_be_visible()
    accessible(page)
    page.get_by_role("button", name=re.compile("Confirm all")).click()
    expect(page.get_by_text("Nothing to confirm")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("button", name=re.compile("Confirm all"))).to_be_visible()

    page.goto("/catalog/group/default/checkout/")
    accessible(page)
    page.get_by_role("link", name=re.compile("Not ours.*promotions")).click()
    page.get_by_label("Whose is it?").fill("discovery")
    page.get_by_label("Why?").fill("The shop front shows them.")
    accessible(page)
    page.get_by_role("button", name="Ask them").click()
    expect(page.get_by_text("Somebody of discovery decides")).to_be_visible()

    jonas.goto("/")
    jonas.locator(".rows > *", has_text="Is promotions yours").get_by_role("link", name="Decide").click()
    accessible(jonas)
    jonas.get_by_role("button", name="It is ours, accept").click()
    expect(jonas.get_by_text("Now change the descriptor.")).to_be_visible()
    page.goto("/")
    expect(page.get_by_role("main")).to_contain_text("Change the owner of promotions")

    jonas.set_viewport_size({"width": 390, "height": 844})
    for address in (
        "/catalog/health/", "/catalog/health/dangling/", "/catalog/system/default/order-flow/", jonas.url
    ):  # fmt: skip
        jonas.goto(address)
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert jonas.evaluate(fits), address
        accessible(jonas)
