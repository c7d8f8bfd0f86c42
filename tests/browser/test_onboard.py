"""The main job: a form becomes a pull request, is reviewed, merged, rolled out and found in the catalog."""

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

Become = Callable[[Page, str], None]
Accessible = Callable[[Page], None]
ROLLOUT = 120_000  # the simulated cluster takes its time as a real one does


@pytest.fixture
def name() -> str:
    """A service nobody has yet, also when the portal runs on between two runs of the tests."""
    return f"wishlist-{secrets.token_hex(2)}"


def fill_in(page: Page, name: str, image: str = "") -> None:
    page.goto("/new/web-service/")
    page.get_by_role("group", name="What it is").get_by_label("Name", exact=True).fill(name)
    page.get_by_label("One sentence for colleagues").fill("Lets people keep products for later.")
    if image:
        page.get_by_label("Image", exact=True).fill(image)
    page.keyboard.press("Tab")


def submit(page: Page) -> None:
    """Send the form once the bar below says that it may be sent; ends on the request's own page."""
    bar = page.get_by_role("region", name="Submit")
    expect(bar.get_by_text("Ready to submit")).to_be_visible()
    bar.get_by_role("button", name=re.compile("Submit request|Send again")).click()
    page.wait_for_url(re.compile(r"/requests/R-\d+/$"))


def review_and_merge(page: Page, become: Become, accessible: Accessible | None = None) -> None:
    """As Sam: read the diff of the request that is open, approve, merge; back on the request's page."""
    address = page.url
    expect(page.get_by_role("heading", name=re.compile("In review|Waits for")).first).to_be_visible()
    become(page, "sam")
    page.goto(f"{address}changes/")
    expect(page.get_by_role("heading", name="Files")).to_be_visible()
    if accessible:
        accessible(page)
    page.get_by_role("button", name="Approve").click()
    page.goto(f"{address}changes/")
    page.get_by_role("button", name="Merge").click()
    page.goto(address)


def state(page: Page, word: str) -> None:
    """Wait until the request's page says so by itself."""
    expect(page.get_by_role("heading", level=1).locator("xpath=..")).to_contain_text(word, timeout=ROLLOUT)


def test_from_the_form_to_live_in_two_environments(
    page: Page, become: Become, accessible: Accessible, name: str
) -> None:
    become(page, "mira")
    fill_in(page, name)
    accessible(page)
    submit(page)
    state(page, "In review")
    accessible(page)
    review_and_merge(page, become, accessible)
    state(page, "Live")
    for environment in ("staging", "production"):
        expect(page.get_by_label(re.compile(f"{environment}: Healthy"))).to_be_visible()
    accessible(page)

    become(page, "mira")
    page.goto(f"/catalog/?q={name}")
    page.get_by_role("link", name=name).first.click()
    expect(page.get_by_role("heading", name=name, level=1)).to_be_visible()
    accessible(page)


def test_a_guardrail_says_why_and_its_fix_is_one_click(
    page: Page, become: Become, accessible: Accessible, name: str
) -> None:
    become(page, "mira")
    fill_in(page, name)
    page.get_by_text("More settings").nth(1).click()
    page.get_by_label("Memory limit").fill("512")
    panel = page.get_by_role("complementary", name="What this request will do")
    expect(panel.get_by_text("1 blocking")).to_be_visible()
    accessible(page)
    page.get_by_role("region", name="Submit").get_by_role("button", name=re.compile("192")).click()
    expect(page.get_by_label("Memory limit")).to_have_value("192")
    expect(page.get_by_text("Ready to submit")).to_be_visible()


def test_an_image_that_does_not_exist_is_told_and_can_be_corrected(
    page: Page, become: Become, accessible: Accessible, name: str
) -> None:
    become(page, "mira")
    fill_in(page, name, image=f"registry.larkfield.shop/{name}:nightly-7")
    submit(page)
    state(page, "In review")
    review_and_merge(page, become)
    state(page, "Needs attention")
    expect(page.get_by_text("does not exist").first).to_be_visible()
    accessible(page)
    address = page.url

    become(page, "mira")
    page.goto("/")
    expect(page.get_by_role("main").get_by_text(name).first).to_be_visible()
    page.goto(address)
    page.get_by_role("article", name=re.compile("does not exist")).get_by_role("button").click()
    page.get_by_label("Image", exact=True).fill(f"registry.larkfield.shop/{name}:0.1.0")
    page.keyboard.press("Tab")
    submit(page)
    state(page, "In review")
    review_and_merge(page, become)
    state(page, "Live")


def test_a_double_click_and_the_way_back_make_one_request(page: Page, become: Become, name: str) -> None:
    become(page, "mira")
    fill_in(page, name)
    expect(page.get_by_text("Ready to submit")).to_be_visible()
    page.get_by_role("button", name="Submit request").dblclick()
    page.wait_for_url(re.compile(r"/requests/R-\d+/$"))
    address = page.url
    page.go_back()
    again = page.get_by_role("button", name=re.compile("Submit request|Send again"))
    if again.is_visible():
        again.click()
    page.goto(address)
    state(page, "In review")
    page.goto(f"/requests/?q={name}")
    expect(page.get_by_role("main").get_by_role("link", name=re.compile(name))).to_have_count(1)


def test_what_is_typed_is_kept_as_a_draft(page: Page, become: Become, name: str) -> None:
    become(page, "mira")
    fill_in(page, name)
    expect(page.get_by_text(re.compile(r"Draft R-\d+ saved"))).to_be_visible()
    page.goto("/new/")
    page.get_by_role("link", name=re.compile(name)).click()
    expect(page.get_by_role("group", name="What it is").get_by_label("Name", exact=True)).to_have_value(name)


def test_a_refusal_carries_its_reason_back_to_the_one_who_asked(
    page: Page, become: Become, accessible: Accessible, name: str
) -> None:
    become(page, "mira")
    fill_in(page, name)
    submit(page)
    address = page.url
    state(page, "In review")
    become(page, "sam")
    page.goto(address)
    page.locator("summary", has_text="Reject").click()
    why = page.get_by_label(re.compile("Why not"))
    why.fill("We have one already: it is called basket.")
    why.blur()
    for _ in range(2):  # the page tells what is new by itself, and leaves alone what is typed
        page.wait_for_event("response", lambda answer: answer.url == address)
    expect(why).to_have_value("We have one already: it is called basket.")
    accessible(page)
    page.get_by_role("button", name="Reject").click()
    state(page, "Rejected")
    become(page, "mira")
    page.goto(address)
    expect(page.get_by_text("We have one already").first).to_be_visible()
    expect(page.get_by_role("button", name="Begin again from these answers")).to_be_visible()
