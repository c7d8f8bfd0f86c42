"""A build tells of its image, it runs in staging, somebody brings it to production; and the playground."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

Become = Callable[[Page, str], None]
IMAGE = "registry.larkfield.shop/cart:1.80.0"


def test_an_image_goes_from_a_build_over_staging_to_a_pull_request_for_production(
    page: Page, become: Become, accessible: Callable[[Page], None]
) -> None:
    become(page, "mira")
    (token,) = [cookie["value"] for cookie in page.context.cookies() if cookie["name"] == "csrftoken"]
    about = {"service": "cart", "environment": "staging", "image": IMAGE, "source": "commit 4f1c2d9"}
    address = page.request.get("/").url
    told = page.request.post(
        "/api/v1/images", data=about, headers={"X-CSRFToken": token, "Referer": address}
    ).json()
    page.goto(told["url"])
    expect(page.get_by_role("heading", name="Live")).to_be_visible(timeout=60_000)
    page.goto("/catalog/component/default/cart/")
    page.get_by_role("link", name="Promote staging → production").click()
    expect(page.get_by_role("region", name="Image")).to_contain_text("1.80.0")
    expect(page.get_by_role("region", name="The pull request")).to_contain_text("Somebody else reviews it")
    page.get_by_text("that may differ").click()
    accessible(page)
    page.get_by_label("spec.replicas").check()
    expect(page.get_by_text("A single pod in production")).to_be_visible()
    page.get_by_label("spec.replicas").uncheck()
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_role("heading", name="Promote cart 1.80.0 from staging to production")).to_be_visible()
    expect(page.get_by_role("link", name="Read the diff")).to_be_visible(timeout=30_000)


def test_a_blueprint_is_tried_out_as_it_is_written(
    page: Page, become: Become, accessible: Callable[[Page], None]
) -> None:
    become(page, "priya")
    page.goto("/playground/?blueprint=bucket")
    expect(page.get_by_role("region", name="Guardrails")).to_be_visible()
    accessible(page)
    source = page.get_by_label("blueprint.yaml", exact=True)
    text = source.input_value()
    source.fill(text.replace("label:", "lable:", 1))
    place = page.locator("[data-source]")
    expect(place).to_be_visible()
    place.click()
    chosen = "(text) => text.value.slice(text.selectionStart, text.selectionEnd)"
    assert "lable:" in source.evaluate(chosen)
    source.fill(text)
    expect(place).to_have_count(0)
    page.get_by_role("button", name="Last 10", exact=True).click()
    expect(page.locator("#rehearsal").get_by_role("status")).to_be_visible()
