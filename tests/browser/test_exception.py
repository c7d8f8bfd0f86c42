"""A guardrail that stops a form is silent for a while, because somebody of the platform team said so."""

from collections.abc import Callable
from datetime import date, timedelta

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import fill_in, name  # noqa: F401  a fixture

Become = Callable[[Page, str], None]
Accessible = Callable[[Page], None]


def test_an_exception_is_asked_for_granted_and_used(
    page: Page,
    become: Become,
    accessible: Accessible,
    name: str,  # noqa: F811
) -> None:
    become(page, "mira")
    fill_in(page, name)
    page.get_by_text("More settings").nth(1).click()
    page.get_by_label("Memory limit").fill("512")
    page.keyboard.press("Tab")
    page.get_by_role("link", name="Ask for an exception").first.click()
    accessible(page)
    page.get_by_label("Why does it have to be so?").fill("It reads the whole catalogue once a day.")
    page.get_by_label("Until").fill((date.today() + timedelta(days=20)).isoformat())
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Waits for a decision")).to_be_visible()
    form = page.get_by_role("link", name="R-").first.get_attribute("href") or ""
    mine = page.url

    become(page, "priya")
    page.goto("/exceptions/?show=asked")
    accessible(page)
    page.goto(mine)
    accessible(page)
    page.get_by_role("button", name="Grant").click()
    expect(page.get_by_text("In force")).to_be_visible()

    become(page, "mira")
    page.goto(form)
    expect(page.get_by_text("Excepted until")).to_be_visible()
    expect(page.get_by_role("region", name="Submit").get_by_text("Ready to submit")).to_be_visible()
