"""What costs much is looked at by two people, and by nobody who wrote it."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.browser.test_onboard import fill_in, name, state, submit  # noqa: F401  a fixture

Become = Callable[[Page, str], None]


def test_two_people_say_yes_before_it_is_proposed(page: Page, become: Become, name: str) -> None:  # noqa: F811
    become(page, "mira")
    fill_in(page, name)
    page.get_by_text("More settings").nth(1).click()
    page.get_by_label("Memory request").fill("8192")
    page.get_by_label("Replicas in production").fill("12")
    page.keyboard.press("Tab")
    panel = page.get_by_role("complementary", name="What this request will do")
    expect(panel.get_by_text("Costs more than EUR 400 a month")).to_be_visible()
    submit(page)
    state(page, "Awaiting approval")
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    address = page.url

    become(page, "sam")
    page.goto(address)
    page.get_by_role("button", name="Approve").first.click()
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)
    state(page, "Awaiting approval")

    become(page, "priya")
    page.goto(address)
    page.get_by_role("button", name="Approve").first.click()
    state(page, "In review")
    expect(page.get_by_text("Sam Okafor").first).to_be_visible()
