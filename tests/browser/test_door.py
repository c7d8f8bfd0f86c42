"""The first minute: the door, the five people, home, and the way out."""

import pytest
from playwright.sync_api import Page, expect


def test_five_people_to_become_and_a_form_for_everybody_else(page: Page, accessible) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Become one of five people")).to_be_visible()
    expect(page.locator("#people").get_by_role("button")).to_have_count(5)
    accessible(page)


@pytest.mark.parametrize(("username", "name"), [("mira", "Mira Lindqvist"), ("hanna", "Hanna Vogel")])
def test_home_greets_the_person(page: Page, username: str, name: str) -> None:
    page.goto("/sign-in/")
    page.get_by_role("button", name=name).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
    expect(page.get_by_role("heading", level=1)).to_contain_text(username.title())


def test_signing_in_with_the_password_of_the_demo(page: Page) -> None:
    page.goto("/sign-in/")
    form = page.get_by_role("form", name="Local account")
    form.get_by_label("User name").fill("mira")
    form.get_by_label("Password").fill("slipway-demo")
    form.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Mira")


def test_a_wrong_password_is_told_beside_the_form(page: Page, accessible) -> None:
    page.goto("/sign-in/")
    form = page.get_by_role("form", name="Local account")
    form.get_by_label("User name").fill("mira")
    form.get_by_label("Password").fill("harbour")
    form.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    accessible(page)


def test_a_page_that_does_not_exist_says_where_to_go(page: Page, become, accessible, watch) -> None:
    watch.expect("404")
    become(page, "mira")
    page.goto("/no/such/page/")
    expect(page.get_by_role("link", name="Home").first).to_be_visible()
    accessible(page)
