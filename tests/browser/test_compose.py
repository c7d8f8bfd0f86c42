"""A service with its database, cache and address: one form, one pull request, one rollout."""

import re
import secrets

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import Accessible, Become, review_and_merge, state, submit


def test_a_service_with_database_cache_and_address(
    page: Page, become: Become, accessible: Accessible
) -> None:
    name = f"gifts-{secrets.token_hex(2)}"
    become(page, "mira")
    page.goto("/new/")
    page.get_by_role("link", name=re.compile("Service with database")).click()
    page.get_by_role("group", name="What it is").first.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("One sentence for colleagues").first.fill("Lets people wrap what they give.")
    page.keyboard.press("Tab")
    expect(page.get_by_text(f"{name} connects to {name}-db")).to_be_visible()
    accessible(page)
    rename_a_variable(page, name)
    add_and_take_away(page)
    submit(page)
    expect(page.get_by_role("heading", level=1)).to_contain_text("with database, cache and address with TLS")
    address = page.url
    become(page, "sam")
    page.goto(address)
    page.get_by_role("button", name="Approve").click()
    state(page, "In review")
    accessible(page)
    review_and_merge(page, become)
    state(page, "Live")
    for part in ("db", "cache", "route"):
        expect(page.get_by_role("link", name=f"{name}-{part}").first).to_be_visible()
    accessible(page)

    page.goto(f"/catalog/component/default/{name}/")
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    expect(page.get_by_role("link", name=re.compile(f"{name}-db")).first).to_be_visible()
    page.goto(f"/catalog/resource/default/{name}-cache/")
    expect(page.get_by_role("link", name="Retire").first).to_be_visible()


def rename_a_variable(page: Page, name: str) -> None:
    """The code shown follows, and so does the sentence about the connection."""
    page.locator("#names-main-db > summary").click()
    page.get_by_label(f"{name}-db-app, key host").fill("PGHOST")
    page.keyboard.press("Tab")
    expect(page.locator("#says-main-db")).to_contain_text("PGHOST, DATABASE_PORT")


def add_and_take_away(page: Page) -> None:
    group = page.get_by_role("group", name="Add to this request")
    group.get_by_role("button", name="Bucket").click()
    expect(page.locator("#part-bucket")).to_be_visible()
    page.get_by_role("button", name=re.compile("Remove bucket")).click()
    expect(page.locator("#part-bucket")).to_have_count(0)
