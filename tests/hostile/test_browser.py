"""X of the attack list: nothing that somebody wrote becomes part of a page, a title or a formula."""

import csv
import io
import itertools
import sys
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from portal.shell import markdown, tables
from services.catalog.models import Entity
from tests.hostile import doors
from tests.hostile.planting import plant

pytestmark = pytest.mark.django_db

PAYLOAD = (
    "</title></textarea></script>'\"><script>canary()</script><img src=x onerror=canary()>"
    "<svg/onload=canary()>"
    '<b hx-get="/canary" data-hx-post="/canary" hx-on:click="canary()">&lt;i onclick=canary()&gt;{{ canary }}'
)
SCRIPTED = "javascript:canary()//https://"
ADDRESSES = {"href", "src", "action", "formaction", "hx-get", "hx-post", "poster", "data", "xlink:href"}


class Reader(HTMLParser):
    """Finds what a browser would run or follow."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        ours = said.get("src", "").startswith("/static/") or said.get("type") == "application/json"
        if tag in ("script", "iframe", "object", "embed", "base") and not ours:
            self.found.append(f"<{tag} {said}>")
        for name, value in said.items():
            scripted = value.strip().lower().startswith(("javascript:", "data:text", "vbscript:"))
            if name.startswith("on") or name == "style" or "canary" in name:
                self.found.append(f"<{tag} {name}={value[:60]}>")
            htmx = name.startswith(("hx-", "data-hx")) and value == "/canary"
            if htmx or (name in ADDRESSES and scripted):
                self.found.append(f"<{tag} {name}={value[:60]}>")


def pages(client: Client, world: SimpleNamespace) -> list[tuple[str, Any]]:
    """Every page this person can open, and the tabs of the service's page."""
    known = doors.known(world)
    paths = [path for door in doors.doors() for path in door.rooms(known)[:3]]
    service = "/catalog/component/default/checkout/"
    paths += [f"{service}?tab={tab}" for tab in ("live", "dependencies", "requests", "tickets")]
    paths += [
        "/?",
        "/palette?q=c",
        "/requests/?show=all",
        "/catalog/?kind=any",
        "/help/?who=all",
        "/help/queue/?view=open",
    ]
    answers = [(path, client.get(path)) for path in paths]
    return [(path, answer) for path, answer in answers if answer.status_code == 200]


@pytest.mark.parametrize("text", [PAYLOAD, SCRIPTED], ids=["markup", "scripted address"])
@pytest.mark.case("X1", "X6")
def test_x1_what_people_wrote_is_inert_on_every_page(client, world, text):
    assert plant(text) > 40
    client.force_login(world.priya)
    opened = pages(client, world)
    assert len(opened) > 40
    assert sum(text.encode()[-9:] in answer.content for _, answer in opened) > 10
    for path, answer in opened:
        if "html" in answer["Content-Type"]:
            reader = Reader()
            reader.feed(answer.content.decode())
            assert reader.found == [], path


@pytest.mark.case("X1")
def test_x1_the_reader_would_find_it():
    reader = Reader()
    reader.feed(f'<p title="{PAYLOAD}">{PAYLOAD}</p><a href=" JavaScript:x">')
    assert len(reader.found) >= 6


@pytest.mark.parametrize(
    "text", ['<div hx-get="/x">a</div>', '<a data-hx-post="/x" href="/y">a</a>', "<b hx-on:click='x'>a</b>"]
)
@pytest.mark.case("X3")
def test_x3_markup_for_htmx_is_not_markup(text):
    assert "<div hx" not in markdown.render(text)
    assert "<a data" not in markdown.render(text)
    assert "<b" not in markdown.render(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 20_000,
        "*" * 20_000,
        "> " * 10_000,
        "- " * 8_000,
        "`" * 19_999,
        "![" * 9_000,
        "a|" * 9_000 + "\n" + "-|" * 9_000,
        "<" * 20_000,
        "[a](" * 5_000,
        "&" * 20_000,
        "_a " * 6_000,
        "\\" * 20_000,
        "~~a" * 6_000,
        "[a]: b\n" * 2_500,
        "http://" * 2_800,
    ],
)
@pytest.mark.case("P6")
def test_p6_markdown_of_a_ticket_takes_no_time(text):
    """A ticket may hold twenty thousand characters. A clock would measure the machine: calls are counted."""
    markdown.render("the first one loads the parser")
    calls = itertools.count()
    sys.setprofile(lambda frame, event, argument: next(calls) if event == "call" else None)
    try:
        markdown.render(text)
    finally:
        sys.setprofile(None)
    assert next(calls) < 30 * len(text)


@pytest.mark.case("X5")
def test_x5_links_of_the_catalog_lead_to_the_web_or_to_mail(client, world):
    links = [
        {"url": url, "title": "x"}
        for url in ("javascript:alert(1)", " JAVASCRIPT:x", "data:text/html,x", "https://fine.example")
    ]
    slug = {
        "github.com/project-slug": '"><script>',
        "backstage.io/source-location": "url:javascript:alert(1)",
    }
    Entity.objects.filter(name="checkout").update(
        metadata={"name": "checkout", "links": links, "annotations": slug}
    )
    client.force_login(world.mira)
    page = client.get("/catalog/component/default/checkout/").content.decode()
    assert 'href="https://fine.example"' in page
    reader = Reader()
    reader.feed(page)
    assert reader.found == []


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1+1", "＠x"]


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.case("X7")
def test_x7_cells_are_no_formulas(text):
    assert tables.defused(text) == "'" + text


@pytest.mark.case("X7")
def test_x7_no_download_holds_a_formula(client, world):
    plant("=HYPERLINK(0)")
    client.force_login(world.priya)
    known, cells = doors.known(world), []
    for door in doors.doors():
        for path in door.rooms(known)[:1]:
            answer = client.get(
                path, {"format": "csv", "kind": "any", "show": "all", "who": "all", "view": ""}
            )
            if "csv" in answer.get("Content-Type", ""):
                assert "export" in door.view.limits, door.name
                cells += [cell for row in csv.reader(io.StringIO(answer.getvalue().decode())) for cell in row]
    assert sum("HYPERLINK" in cell for cell in cells) > 5
    assert [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))] == []
