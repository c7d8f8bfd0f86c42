"""The frame in a browser: palette, keys, themes, menus, narrow windows."""

import re

import pytest
from playwright.sync_api import Page, expect


def test_palette_by_keyboard(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/")
    page.keyboard.press("Control+k")
    field = page.get_by_role("combobox", name="Search or run a command")
    expect(field).to_be_focused()
    page.keyboard.type("checkout")
    expect(page.get_by_role("option").first).to_contain_text(re.compile("checkout", re.I))
    accessible(page)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/catalog/"))


def test_palette_runs_commands_and_gives_the_focus_back(page: Page, become) -> None:
    become(page, "mira")
    page.goto("/")
    opener = page.get_by_role("button", name="Search or run a command").first
    opener.click()
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    page.keyboard.press("Control+k")
    page.keyboard.type(">dark theme")
    expect(page.get_by_role("option")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_theme_is_kept_for_the_person(page: Page, become, accessible) -> None:
    become(page, "jonas")
    page.goto("/")
    menu = page.get_by_role("button", name="Jonas Weber: account and theme")
    menu.click()
    accessible(page)
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name="Dark").click()
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    menu.click()
    with page.expect_response("**/account/theme/"):
        page.get_by_role("button", name="Like the system").click()
    expect(page.locator("html")).not_to_have_attribute("data-theme", "dark")


def test_keys_move_open_search_and_list_themselves(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/")
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile("/requests/$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys of this page")).to_contain_text("Go to Requests")
    accessible(page)
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tbody tr").nth(1).get_by_role("link")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("j?n")
    expect(page.get_by_role("searchbox")).to_have_value("j?n")


def test_home_updates_and_keeps_the_focus(page: Page, become) -> None:
    become(page, "mira")
    page.goto("/")
    link = page.get_by_role("link", name="All requests")
    link.focus()
    page.evaluate("htmx.ajax('GET', '/', {target: '#home', swap: 'outerHTML', source: '#home'})")
    expect(page.get_by_role("link", name="All requests")).to_be_focused()


def test_nothing_is_wider_than_the_window(page: Page, become) -> None:
    become(page, "mira")
    for path in ("/", "/new/", "/new/web-service/", "/requests/?show=all", "/requests/R-1001/", "/account/"):
        page.set_viewport_size({"width": 320, "height": 800})
        page.goto(path)
        for width in (320, 390, 768, 1024):
            page.set_viewport_size({"width": width, "height": 800})
            beyond = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert beyond <= 0, f"{path} at {width}: {beyond} pixels"


PALE = """([scheme, part]) => {
  const sheet = new CSSStyleSheet();
  const cells = [...document.querySelectorAll('main td .trunc')];
  const cell = cells[Math.floor(cells.length / 2)];
  (part === 'text' ? cell : cell.closest('tr')).dataset.odd = '';
  const pale = 'color: color-mix(in srgb, currentcolor 20%, transparent)';
  const style = part === 'text' ? pale : 'background-color: currentcolor';
  sheet.replaceSync('[data-theme=' + scheme + '] [data-odd] { ' + style + ' }');
  document.adoptedStyleSheets = [sheet];
}"""


@pytest.mark.parametrize(("scheme", "part"), [("light", "ground"), ("dark", "text")])
def test_one_cell_of_a_long_table_that_cannot_be_read_is_noticed(
    page: Page, become, accessible, scheme: str, part: str
) -> None:
    """Though all the others of its column can be, and it is neither the first nor the last of them."""
    become(page, "mira")
    page.goto("/catalog/")
    page.evaluate(PALE, [scheme, part])
    with pytest.raises(AssertionError, match=rf"color-contrast \({scheme}\)"):
        accessible(page)
