"""What axe is not asked twice is told all the same."""

import pytest
from playwright.sync_api import Page

PAGE = "<!doctype html><html lang=en><title>x</title><main><h1>Fine</h1>{}</main>"
PALE = "<p style='color: #ccc; background: {}'>Hard to read</p>"


@pytest.mark.parametrize("ground", ["#fff", "#eee"])
def test_a_pale_text_is_told_on_every_page_that_has_it(page: Page, accessible, ground: str) -> None:
    page.set_content(PAGE.format(""))
    accessible(page)
    for _ in range(2):
        page.set_content(PAGE.format(PALE.format(ground)))
        with pytest.raises(AssertionError, match=r"color-contrast .light"):
            accessible(page)
    page.set_content(PAGE.format(PALE.format("#000")))
    accessible(page)
    page.set_content(PAGE.format(PALE.format("#000").replace("<p", "<p class=under")))
    page.add_style_tag(content="@media (prefers-color-scheme: dark) { .under { color: #222 !important } }")
    with pytest.raises(AssertionError, match=r"color-contrast .dark"):
        accessible(page)


def test_what_lies_under_a_text_is_part_of_how_it_looks(page: Page, accessible) -> None:
    over = "<div style='position: absolute; top: 0; left: 0; width: 100%; height: 9em; background: {}'></div>"
    text = "<p style='position: absolute; top: 1em; color: #000'>Over something</p>"
    page.set_content(PAGE.format(over.format("#fff") + text))
    accessible(page)
    page.set_content(PAGE.format(over.format("#111") + text))
    with pytest.raises(AssertionError, match="color-contrast"):
        accessible(page)
