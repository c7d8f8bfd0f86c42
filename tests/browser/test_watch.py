"""The watch sees what it is there to see."""

import pytest
from playwright.sync_api import Page

from tests.browser.accessible import check_accessible


@pytest.mark.case("X6")
@pytest.mark.parametrize(
    ("deed", "complaint"),
    [
        ("console.error('tide too low')", "tide too low"),
        ("setTimeout(() => { throw new Error('rope torn') })", "rope torn"),
        ("document.body.setAttribute('style', 'color: red')", "content policy: style-src"),
        ("fetch('/no/such/thing')", "answered 404"),
    ],
)
def test_a_misbehaving_page_is_noticed(page: Page, watch, deed: str, complaint: str) -> None:
    page.goto("/sign-in/")
    page.evaluate(deed + "; 0")
    for _ in range(100):
        if any(complaint in text for text in watch.unexpected()):
            break
        page.wait_for_timeout(50)
    assert any(complaint in text for text in watch.unexpected()), watch.complaints
    watch.expect(".")


def test_an_inaccessible_page_is_noticed(page: Page) -> None:
    page.goto("/sign-in/")
    page.evaluate("document.querySelectorAll('label').forEach((label) => label.remove())")
    with pytest.raises(AssertionError, match="label"):
        check_accessible(page)
