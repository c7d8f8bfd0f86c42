"""The desk at work: answered before asking, twenty tickets by keyboard, one cause of several, a form
instead.
"""

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import APIResponse, Locator, Page, expect

from tests.browser.test_onboard import review_and_merge, state, submit
from tests.browser.test_ticket import ROW

Become = Callable[[Page, str], None]
DIGITS = re.compile(r"T-\d+")


@pytest.fixture
def word() -> str:
    """What nobody wrote yet, also when the portal runs on between two runs."""
    return f"zq{secrets.token_hex(3)}"


def post(page: Page, address: str, **fields: str) -> APIResponse:
    """A form sent without drawing its page."""
    (token,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"]
    origin = page.request.get("/help/markdown/").url.partition("/help/")[0]
    return page.request.post(
        address,
        form={**fields, "csrfmiddlewaretoken": token},
        headers={"Referer": f"{origin}/help/"},
        max_redirects=0,
    )


def asked(page: Page, title: str, **fields: str) -> str:
    """A ticket of whoever is signed in; its number."""
    given = {
        "title": title, "body": "Please look at it.", "category": "other", "impact": "team",
        "urgency": "soon",
    }  # fmt: skip
    answer = post(page, "/help/ask/", submission=secrets.token_hex(8), **(given | fields))
    found = DIGITS.search(answer.headers.get("location", ""))
    assert found, answer.status
    return found[0]


def head(page: Page) -> Locator:
    return page.locator(".head .pill").first


def test_a_question_is_answered_before_it_is_asked(page: Page, become: Become, accessible, word: str) -> None:
    become(page, "priya")
    page.goto("/help/desk/answers/new/")
    page.get_by_label("Title").fill(f"How to get a {word} token")
    page.get_by_label("Body").fill("Press **New token** on your account page.")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name="Set up the desk")).to_be_visible()

    become(page, "mira")
    page.goto("/help/ask/")
    page.get_by_label("In one line").press_sequentially(f"Where is my {word} token?")
    answer = page.get_by_role("group").filter(has_text=f"How to get a {word} token")
    answer.locator("summary").click()
    expect(answer.get_by_text("New token")).to_be_visible()
    accessible(page)
    answer.get_by_role("button", name="That solved it").click()
    expect(page.get_by_text("helped 1 of 1")).to_be_visible()
    page.goto(f"/help/?who=all&q={word}")
    expect(page.get_by_text("No ticket matches")).to_be_visible()


def test_twenty_tickets_are_triaged_by_keyboard(page: Page, priya: Page, become: Become, word: str) -> None:
    become(page, "mira")
    for number in range(20):
        asked(page, f"{word} number {number:02}")
    queue = f"/help/queue/?view=&q=is:unassigned+{word}"

    def open_queue(count: int) -> None:
        priya.goto(queue)
        expect(priya.locator(ROW)).to_have_count(count)

    def press(*keys: str) -> None:
        for key in keys:
            priya.keyboard.press(key)

    open_queue(20)
    press("j")
    expect(priya.locator(ROW).nth(0)).to_be_focused()
    expect(priya.locator("#pane")).not_to_have_attribute("aria-busy", "true")
    press("a")
    expect(priya.get_by_text(re.compile(r"T-\d+ is yours"))).to_be_visible()

    open_queue(19)
    for _ in range(12):  # a dozen at once: mark each, then the bar above
        press("j", "x")
    expect(priya.get_by_text("12 selected")).to_be_visible()
    priya.get_by_role("button", name="Assign", exact=True).press("Enter")
    expect(priya.get_by_text("12 tickets changed.")).to_be_visible()

    open_queue(7)
    for _ in range(4):
        press("j", "x")
    expect(priya.get_by_text("4 selected")).to_be_visible()
    priya.get_by_label("Cause").press("M")  # Missing docs
    priya.get_by_label("Minutes each").press_sequentially("5")
    priya.get_by_role("button", name="Resolve", exact=True).press("Enter")
    expect(priya.get_by_text("4 tickets changed.")).to_be_visible()

    open_queue(3)
    press("j", "r")
    expect(priya.locator("#reply")).to_be_focused()
    priya.keyboard.type("Done.")
    press("Control+Enter")
    expect(priya.locator(".msg.pub")).to_contain_text("Done.", timeout=30_000)  # it sends itself

    open_queue(2)
    press("j", "e")
    expect(priya.locator("#resolve input[type=radio]").first).to_be_focused()
    press("Space", "Enter")
    expect(head(priya)).to_have_text("Resolved")

    open_queue(1)
    press("j", "n")
    expect(priya.locator("#reply")).to_be_focused()
    priya.keyboard.type("For Tomás.")
    press("Control+Enter")
    expect(priya.locator(".msg.note")).to_contain_text("For Tomás.")
    press("a")
    expect(priya.get_by_text(re.compile(r"T-\d+ is yours"))).to_be_visible()
    open_queue(0)


def test_a_merge_and_one_problem_with_one_answer(
    page: Page, priya: Page, become: Become, accessible, word
) -> None:
    become(page, "mira")
    first, twice, other = (asked(page, f"{word} does not answer, {n}") for n in ("one", "two", "three"))
    priya.goto(f"/help/{twice}/")
    priya.get_by_label("Duplicate of").fill(first)
    priya.get_by_role("button", name="Merge").click()
    expect(priya.get_by_text("This repeats")).to_be_visible()
    priya.goto(f"/help/{first}/")
    expect(priya.locator(".msg.asker")).to_have_count(2)

    priya.get_by_role("button", name="Problem").click()
    expect(priya.get_by_text("This is a problem behind 0 tickets")).to_be_visible()
    priya.goto(f"/help/{other}/")
    priya.get_by_label("Another ticket").fill(first)
    priya.get_by_role("button", name="Problem").click()
    expect(priya.get_by_text("A known problem is behind this")).to_be_visible()
    priya.goto(f"/help/{first}/")
    expect(priya.get_by_text("This is a problem behind 1 ticket")).to_be_visible()
    accessible(priya)
    everybody = priya.get_by_label("Answer all 1")
    everybody.get_by_label("Answer to everybody").fill("It is back since noon.")
    everybody.get_by_label("and resolve them").check()
    everybody.get_by_label("Cause").select_option("platform_fault")
    everybody.get_by_label("Minutes in all").fill("30")
    everybody.get_by_role("button", name="Answer all").click()
    expect(head(priya)).to_have_text("Resolved")

    for key in (first, other):
        page.goto(f"/help/{key}/")
        expect(page.locator(".msg.pub")).to_contain_text("It is back since noon.")
        expect(head(page)).to_have_text("Resolved")
    page.goto(f"/help/{twice}/")
    expect(page.get_by_text("This repeats")).to_be_visible()


def test_a_ticket_becomes_a_request_and_resolves_itself(page: Page, become: Become, accessible, word) -> None:
    become(page, "mira")
    key = asked(page, f"A new web service for {word}", environment="staging")
    page.goto(f"/help/{key}/")
    page.get_by_role("link", name="Convert to a request").click()
    page.get_by_role("radio", name=re.compile("Web service")).check()
    accessible(page)
    page.get_by_role("button", name="Fill it in").click()
    expect(page.get_by_label("One sentence for colleagues")).to_have_value(f"A new web service for {word}")
    page.get_by_role("group", name="What it is").get_by_label("Name", exact=True).fill(word)
    page.keyboard.press("Tab")
    submit(page)
    state(page, "In review")
    review_and_merge(page, become)
    state(page, "Live")
    become(page, "mira")
    page.goto(f"/help/{key}/")
    expect(page.get_by_text(re.compile(r"resolved it: R-\d+ is live"))).to_be_visible(timeout=70_000)
