"""A ticket's life in the browser: asked from a service's page, triaged by keyboard, answered, resolved."""

import re

from playwright.sync_api import Page, expect

ROW = "a[data-pane]"


def ask(page: Page, title: str, *, service: str = "checkout") -> str:
    """Ask from the page of a service; the number of the ticket."""
    page.goto(f"/catalog/component/default/{service}/")
    page.get_by_role("link", name="Something wrong?").click()
    page.get_by_label("In one line").fill(title)
    page.get_by_label("Something is broken").check()
    page.get_by_label("What happens, and what did you expect?").fill("Since **this morning**.")
    page.get_by_label("Customers notice it").check()
    page.get_by_label("It is happening now").check()
    page.get_by_role("button", name="Ask", exact=True).click()
    page.wait_for_url(re.compile(r"/help/T-\d+/$"))
    return page.url.rstrip("/").rpartition("/")[2]


def send(page: Page) -> None:
    """Send what is in the composer, without the seconds in which it could be called back."""
    page.locator("#answer").get_by_role("button", name="Send").click()
    page.get_by_role("button", name="Send now").click()


def test_something_wrong_is_shown_before_it_is_asked(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/catalog/component/default/checkout/")
    page.get_by_role("link", name="Something wrong?").click()
    expect(page.get_by_role("heading", name="How checkout is now")).to_be_visible()
    expect(page.get_by_role("article", name="Finding").first).to_contain_text("ran out of memory")
    page.get_by_label("About which service?").fill("cart")
    page.get_by_label("About which service?").blur()
    expect(page.get_by_role("heading", name="How cart is now")).to_be_visible()
    page.get_by_label("In one line").press_sequentially("Checkout restarting")
    expect(page.get_by_role("heading", name="Is it one of these?")).to_be_visible()
    accessible(page)


def test_what_was_typed_survives_a_refusal_and_a_closed_tab(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/help/ask/")
    page.get_by_label("In one line").fill("A draft of mine")
    page.get_by_label("What happens, and what did you expect?").fill("Half a sentence")
    expect(page.get_by_text("Draft kept in this browser.")).to_be_visible()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent yet")
    expect(page.get_by_label("In one line")).to_have_value("A draft of mine")
    accessible(page)
    page.goto("/help/")
    page.goto("/help/ask/")
    expect(page.get_by_label("What happens, and what did you expect?")).to_have_value("Half a sentence")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("[data-md-target] .prose")).to_have_text("Half a sentence")


def test_a_ticket_is_asked_answered_and_resolved(page: Page, priya: Page, become, accessible) -> None:
    become(page, "mira")
    key = ask(page, "Paying fails now and then")
    expect(page.get_by_role("heading", name="Then and now")).to_be_visible()
    expect(page.locator(".msg strong")).to_have_text("this morning")
    accessible(page)

    priya.goto("/help/queue/")
    row = priya.locator(ROW, has_text=key)
    row.focus()
    expect(priya.locator("#pane")).to_contain_text(key)
    priya.keyboard.press("a")
    expect(priya.get_by_text(f"{key} is yours")).to_be_visible()

    priya.goto(f"/help/{key}/")
    priya.keyboard.press("n")
    expect(priya.locator("#reply")).to_be_focused()
    expect(priya.get_by_role("button", name="Add note")).to_be_visible()
    priya.locator("#reply").fill("Only for us")
    accessible(priya)
    priya.keyboard.press("Control+Enter")
    expect(priya.locator(".msg.note")).to_contain_text("Only for us")
    priya.locator("#reply").fill("Which version do you run?")
    send(priya)
    expect(priya.locator("#pending")).to_have_count(0)
    expect(priya.locator(".msg.pub")).to_contain_text("Which version")

    expect(page.locator(".msg.pub")).to_contain_text("Which version", timeout=30_000)
    expect(page.locator(".msg.note")).to_have_count(0)
    page.goto("/")
    expect(page.get_by_role("main")).to_contain_text(f"{key} waits for your answer")

    priya.keyboard.press("e")
    priya.get_by_label("Missing docs").check()
    priya.locator("#resolve").get_by_role("button", name="Resolve").click()
    expect(priya.locator(".head .pill").first).to_have_text("Resolved")
    accessible(priya)


def test_two_answers_do_not_cross(page: Page, priya: Page, become, watch) -> None:
    become(page, "mira")
    key = ask(page, "Which port is right?")
    priya.goto(f"/help/{key}/")
    priya.locator("#reply").fill("It is 8080")
    page.locator("#reply").fill("Found it: 8443")
    send(page)
    expect(page.locator("#thread")).to_contain_text("Found it: 8443")
    priya.get_by_role("button", name="Send").click()
    expect(priya.get_by_role("alert")).to_contain_text("Not sent yet")
    expect(priya.locator("#thread")).to_contain_text("Found it: 8443")
    expect(priya.locator("#reply")).to_have_value("It is 8080")
    priya.get_by_role("button", name="Send anyway").click()
    priya.get_by_role("button", name="Send now").click()
    expect(priya.locator("#thread")).to_contain_text("It is 8080")


def test_a_half_written_reply_outlives_the_page(page: Page, become) -> None:
    become(page, "mira")
    key = ask(page, "A question to come back to")
    page.locator("#reply").fill("I was about to say")
    page.wait_for_timeout(600)
    page.goto("/help/")
    page.goto(f"/help/{key}/")
    expect(page.locator("#reply")).to_have_value("I was about to say")
    send(page)
    expect(page.locator("#thread")).to_contain_text("I was about to say")
    expect(page.locator("#reply")).to_have_value("")


def test_a_reply_is_called_back_or_sent_in_its_time_beside_what_is_written_next(
    page: Page, become, accessible
) -> None:
    become(page, "mira")
    ask(page, "Which limit is right?")
    page.locator("#reply").fill("In the wrong window")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#pending")).to_contain_text("In the wrong window")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#pending")).to_have_count(0)
    expect(page.locator("#thread")).not_to_contain_text("In the wrong window")
    expect(page.locator("#reply")).to_have_value("In the wrong window")

    page.locator("#reply").fill("It is 512 MiB")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#pending")).to_contain_text("It is 512 MiB")
    accessible(page)
    page.locator("#reply").fill("And now")
    expect(page.locator("#thread")).to_contain_text("It is 512 MiB", timeout=13_000)
    expect(page.locator("#pending")).to_have_count(0)
    expect(page.locator("#thread")).not_to_contain_text("In the wrong window")
    expect(page.locator("#reply")).to_be_focused()
    expect(page.locator("#reply")).to_have_value("And now")


def test_the_queue_is_worked_by_keyboard(priya: Page, accessible) -> None:
    priya.goto("/help/queue/?view=open")
    accessible(priya)
    priya.keyboard.press("j")
    expect(priya.locator(ROW).nth(0)).to_be_focused()
    priya.keyboard.press("j")
    expect(priya.locator(ROW).nth(1)).to_be_focused()
    second = priya.locator(ROW).nth(1).locator(".num").first.inner_text()
    expect(priya.locator("#pane")).to_contain_text(second)
    priya.keyboard.press("x")
    expect(priya.get_by_text("1 selected")).to_be_visible()
    accessible(priya)
    priya.keyboard.press("k")
    first = priya.locator(ROW).nth(0).locator(".num").first.inner_text()
    priya.keyboard.press("Enter")
    priya.wait_for_url(f"**/help/{first}/")


def test_lists_and_numbers_are_accessible(page: Page, become, accessible) -> None:
    become(page, "hanna")
    for address in (
        "/help/?who=all",
        "/help/?q=zebra&who=all",
        "/insights/",
        "/insights/?range=4w&team=payments",
    ):
        page.goto(address)
        accessible(page)
    page.get_by_role("group", name="Tickets: show as").get_by_role("button", name="Table").click()
    page.get_by_role("link", name=re.compile(r"^\d+ opened$")).click()
    page.wait_for_url(re.compile(r"/help/\?"))
    expect(page.get_by_role("main")).to_contain_text("opened from")


def test_pages_fit_a_phone(priya: Page, accessible) -> None:
    priya.set_viewport_size({"width": 390, "height": 844})
    priya.goto("/help/queue/?view=open")
    ticket = priya.locator(ROW).first.get_attribute("href")
    for address in ("/help/", "/help/ask/", "/insights/", "/help/queue/", ticket):
        priya.goto(address)
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert priya.evaluate(fits), address
    accessible(priya)
