"""The live form in a browser: what a person types is theirs, whatever the server answers meanwhile."""

import re
import uuid

from playwright.sync_api import Page, Route, expect


def open_form(page: Page) -> str:
    """A new web service under a name nobody has."""
    page.goto("/new/web-service/")
    return f"t{uuid.uuid4().hex[:8]}"


def fill_required(page: Page, name: str) -> None:
    page.get_by_label("Name", exact=True).first.fill(name)
    page.get_by_label("One sentence for colleagues").fill("Lets people keep products for later.")
    expect(page.get_by_text("Ready to submit")).to_be_visible()


def test_typing_keeps_the_focus_and_fills_in_what_follows(page: Page, become) -> None:
    become(page, "mira")
    name = open_form(page)
    field = page.get_by_label("Name", exact=True).first
    field.focus()
    page.keyboard.type(name, delay=25)
    expect(page.get_by_label("Image")).to_have_value(re.compile(f"/{name}:"))
    expect(field).to_be_focused()
    expect(field).to_have_value(name)
    expect(page).to_have_url(re.compile(r"/requests/R-\d+/edit/"))
    page.reload()
    expect(page.get_by_label("Name", exact=True).first).to_have_value(name)


def test_a_mistake_is_said_when_the_field_is_left(page: Page, become, accessible) -> None:
    become(page, "mira")
    open_form(page)
    field = page.get_by_label("One sentence for colleagues")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        field.press_sequentially("short")
    expect(page.locator("#said-description .err")).to_have_count(0)
    field.press("Tab")
    expect(page.locator("#said-description .err")).to_have_text("At least 8 characters")
    accessible(page)


def test_a_guardrail_is_fixed_by_its_button(page: Page, become, accessible) -> None:
    become(page, "mira")
    fill_required(page, open_form(page))
    page.locator("#more-3 > summary").click()
    page.get_by_label("Memory limit").fill("512")
    guardrails = page.get_by_role("region", name="Guardrails")
    expect(guardrails.get_by_text("1 blocking")).to_be_visible()
    expect(page.locator(".code .hit")).to_contain_text("512Mi")
    accessible(page)
    guardrails.get_by_role("button", name="Limit memory to 192Mi").click()
    expect(page.get_by_label("Memory limit")).to_have_value("192")
    expect(page.get_by_text("Ready to submit")).to_be_visible()
    assert page.evaluate("document.activeElement !== document.body"), "the focus is lost"


def test_rows_and_entities_are_added_and_taken_away(page: Page, become) -> None:
    become(page, "mira")
    fill_required(page, open_form(page))
    page.locator("#more-2 > summary").click()
    page.locator("#i-config-0-name").fill("LOG_LEVEL")
    page.locator("#i-config-0-value").fill("info")
    page.locator("#add-config").click()
    expect(page.locator("#i-config-1-name")).to_be_visible()
    page.get_by_role("button", name="Remove row 1 of Settings").click()
    expect(page.locator("#i-config-0-name")).to_have_value("")
    picker = page.get_by_label("Depends on")
    picker.fill("component:default/cart")
    token = page.locator(".tokens .token")
    expect(token).to_have_count(1)
    expect(picker).to_be_focused()
    token.get_by_role("button").click()
    expect(token).to_have_count(0)


def test_an_entity_chosen_while_an_older_answer_is_on_its_way_stays(page: Page, become) -> None:
    become(page, "mira")
    fill_required(page, open_form(page))
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held or route.request.method != "POST":
            route.continue_()
        else:
            held.append(route)

    page.route("**/*", hold_the_first)
    page.get_by_label("One sentence for colleagues").fill("Lets people keep products, and share them.")
    page.wait_for_timeout(500)
    picker = page.get_by_label("Depends on")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        picker.fill("component:default/cart")
        held[0].continue_()
    expect(page.locator(".tokens .token")).to_have_count(1)
    expect(picker).to_have_value("")


def test_a_draft_is_put_away_and_brought_back(page: Page, become) -> None:
    become(page, "mira")
    name = open_form(page)
    fill_required(page, name)
    page.get_by_role("button", name="Save and close").click()
    row = page.locator(".rows > div", has_text=f"Onboard {name}")
    row.get_by_role("button").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_label("Name", exact=True).first).to_have_value(name)


def test_the_form_works_without_script(browser, base_url) -> None:
    context = browser.new_context(base_url=base_url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in/")
    page.locator("button[value=mira]").click()
    name = open_form(page)
    page.locator("#i-name").fill(name)
    page.locator("#i-description").fill("Lets people keep products for later.")
    page.get_by_role("button", name="Show files, guardrails and cost").click()
    expect(page.get_by_text("Ready to submit")).to_be_visible()
    page.get_by_role("button", name="Submit request").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Onboard {name}")
    context.close()
