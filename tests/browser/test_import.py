"""Importing a real system: what was found, what was refused and why, applied, seen, and taken back."""

import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from tests.catalog.conftest import COMPONENT, Repository

BROKEN = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: my cart\n"


@pytest.fixture
def boutique(shared_data: Path, tmp_path: Path) -> list[Path]:
    """Online Boutique's manifests, and a descriptor with a mistake in it."""
    manifests = sorted((shared_data / "2-systems" / "online-boutique" / "manifests").rglob("*.yaml"))
    broken = tmp_path / "broken.yaml"
    broken.write_text(BROKEN)
    return [*manifests, broken]


def look(page: Page, files: list[Path]) -> None:
    page.goto("/catalog/import/?from=upload")
    page.get_by_label("Files").set_input_files(files)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("Nothing is changed yet")).to_be_visible()


def test_online_boutique_comes_in_is_seen_and_goes_again(page: Page, become, accessible, boutique) -> None:
    become(page, "mira")
    look(page, boutique)
    expect(page.locator(".tiles")).to_contain_text(re.compile(r"12\s*new"))
    refused = page.locator("#report tr", has_text="broken.yaml")
    expect(refused).to_contain_text("metadata.name")
    expect(refused).to_contain_text("my-cart")
    accessible(page)

    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("12 entities written").first).to_be_visible()
    accessible(page)

    page.goto("/catalog/?owner=nobody&kind=any")
    row = page.locator("tbody tr", has_text="checkoutservice")
    expect(row).to_contain_text("Nobody")
    accessible(page)
    row.get_by_role("link", name="checkoutservice").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("checkoutservice")
    accessible(page)
    page.get_by_role("navigation", name="checkoutservice").get_by_role("link", name="Dependencies").click()
    expect(page.locator("svg.graph .node.me")).to_contain_text("checkoutservice")
    expect(page.locator("svg.graph a.node", has_text="paymentservice")).to_be_visible()
    expect(page.get_by_text("PAYMENT_SERVICE_ADDR=paymentservice:50051")).to_be_visible()
    accessible(page)

    page.goto("/catalog/sources/")
    accessible(page)
    page.get_by_role("link", name="Applied").first.click()
    page.locator("main").get_by_role("button", name="Undo").click()
    expect(page.get_by_text("as it was before this import").first).to_be_visible()
    page.goto("/catalog/?kind=any&q=checkoutservice")
    expect(page.get_by_text("Nothing matches these filters")).to_be_visible()
    accessible(page)


def told_by_the_host(address: str, secret: str, commit: str) -> None:
    """What GitHub sends after a push."""
    body = json.dumps({"ref": "refs/heads/main", "after": commit}).encode()
    mark = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={mark}", "X-GitHub-Event": "push", "X-GitHub-Delivery": commit}
    asked = Request(address, body, {**headers, "Content-Type": "application/json"})
    with urlopen(asked, timeout=10) as answer:
        assert answer.status == 202


def test_three_broken_files_are_told_and_mended_one_after_the_other(
    page: Page, become, accessible, tmp_path
) -> None:
    names = ["parcel", "letter", "stamp"]
    good = {f"{name}.yaml": COMPONENT.format(name=name, owner="checkout").encode() for name in names}
    broken = {
        "parcel.yaml": good["parcel.yaml"].replace(b"name: parcel", b"name: par cel"),
        "letter.yaml": good["letter.yaml"].replace(b"  type: service\n", b""),
        "stamp.yaml": b"kind: [",
    }
    repository = Repository(tmp_path / "post.git")
    repository.commit(good)
    become(page, "priya")
    page.goto("/catalog/import/?from=git")
    page.get_by_label("Repository").fill(str(repository.path))
    page.get_by_role("button", name="Look").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("3 entities written").first).to_be_visible()
    page.get_by_role("navigation", name="Breadcrumb").get_by_role("link").last.click()
    expect(page).to_have_url(re.compile(r"/catalog/sources/\d+/$"))
    home = page.url

    page.get_by_role("link", name="Change").click()
    page.get_by_label("Name", exact=True).fill("The post")
    page.get_by_label("Tell this team").select_option("checkout")
    page.get_by_label("Apply by itself").check()
    accessible(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Webhooks").click()
    page.get_by_role("button", name="Make a secret").click()
    secret, address = page.locator(".notice code").inner_text(), page.locator("dl code").inner_text()
    accessible(page)

    told_by_the_host(address, secret, repository.commit(broken))
    wait_for(page, home, "3")
    rows = page.locator("#broken .rows > div")
    expect(rows.nth(0)).to_contain_text("spec.type")
    expect(rows.nth(1)).to_contain_text("par-cel")
    expect(rows.nth(1)).to_contain_text("component:default/parcel")
    accessible(page)
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.set_viewport_size({"width": 1440, "height": 900})

    become(page, "sam")
    page.goto("/")
    waiting = page.locator(".stackable", has_text="The post: 3 files are broken")
    waiting.get_by_role("link", name="See what is wrong").click()
    expect(page.get_by_role("heading", name="Broken files")).to_be_visible()
    for count, name in ((2, "letter.yaml"), (1, "stamp.yaml"), (0, "parcel.yaml")):
        broken[name] = good[name]
        told_by_the_host(address, secret, repository.commit(broken))
        wait_for(page, home, str(count) if count else "")
    page.goto("/catalog/component/default/parcel/")
    expect(page.get_by_role("heading", level=1)).to_have_text("parcel")
    expect(page.get_by_text("Last good version")).to_have_count(0)


def wait_for(page: Page, address: str, count: str) -> None:
    """The page of the source counts so many broken files, within five seconds of the webhook."""
    end = time.monotonic() + 5
    shown = page.locator("#broken header .n")
    while True:
        page.goto(address)
        found = shown.inner_text() if shown.count() else ""
        if found == count:
            return
        assert time.monotonic() < end, f"{found or 'no'} broken files, and not {count or 'none'}"


def test_a_mistake_in_pasted_text_is_told_and_the_text_is_kept(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/catalog/import/?from=paste")
    page.get_by_label("YAML or JSON").fill(BROKEN)
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("Nothing would change")).to_be_visible()
    expect(page.locator("#report")).to_contain_text("my-cart")
    page.goto("/catalog/import/?from=git")
    page.get_by_label("Repository").fill("shop/none-such")
    page.get_by_role("button", name="Look").click()
    expect(page.get_by_text("cannot be read")).to_be_visible()
    expect(page.get_by_label("Repository")).to_have_value("shop/none-such")
    accessible(page)


def test_the_list_is_filtered_while_typing_and_walked_by_keyboard(page: Page, become, accessible) -> None:
    become(page, "mira")
    page.goto("/catalog/")
    page.keyboard.press("/")
    expect(page.locator("#filter-text")).to_be_focused()
    page.keyboard.type("fraud")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"[?&]q=fraud"))
    expect(page.locator("#filter-text")).to_be_focused()
    page.locator("h1").click()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("fraud-check")
    accessible(page)


def test_every_kind_has_its_page(page: Page, become) -> None:
    become(page, "mira")
    for kind in ("api", "resource", "system", "domain", "group", "user"):
        page.goto(f"/catalog/?kind={kind}")
        row = page.locator("tbody a.name").first
        name = row.inner_text()
        row.click()
        expect(page).to_have_url(re.compile(f"/catalog/{kind}/"))
        expect(page.get_by_role("heading", level=1), f"{kind} {name}").to_be_visible()


def test_nothing_sticks_out_on_a_phone(page: Page, become) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    become(page, "mira")
    for path in (
        "/catalog/",
        "/catalog/component/default/checkout/",
        "/catalog/import/",
        "/catalog/sources/",
        "/catalog/sources/1/",
    ):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, path
