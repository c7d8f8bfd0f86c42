"""Parts of a request on its pages: added, taken away, connected, drawn as one types."""

import re
from typing import Any

import pytest
from django.http import QueryDict

from services.onboarding import blueprints, forms, pages
from services.onboarding.blueprints.parts import PLAN
from services.onboarding.models import Request
from tests.onboarding.test_views import GOOD, LIVE, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_mira(client, world):
    client.force_login(world.mira)
    return client


def send(client: Any, live: bool = True, **over: Any) -> str:
    data = {**GOOD, "_part": ["db:postgres"], **over}
    return page(client.post("/new/web-service/", data, headers=LIVE if live else {}))


def ids(html: str) -> set[str]:
    return set(re.findall(r'id="([^"]+)"', html))


def read(text: str) -> dict[str, Any]:
    known = blueprints.shipped()
    return forms.read_answers(known["web-service"], QueryDict(text), known)


def test_posted_parts_and_connections_become_answers() -> None:
    text = "_part=db:postgres&name=a&db-size=large&db-storage=20&was.db-storage=20"
    assert read(text) == {"name": "a", "db-size": "large", PLAN: ["db:postgres"]}
    wires = "&was.main-db-on=on&main-db-DATABASE_HOST=&was.main-db-DATABASE_HOST=DATABASE_HOST"
    assert read(text + wires) == {
        "name": "a", "db-size": "large", PLAN: ["db:postgres"], "main-db-on": False,
        "main-db-DATABASE_HOST": "",
    }  # fmt: skip
    assert read("_part=db:postgres&_fix=%7B%22db-storage%22%3A%2040%7D")["db-storage"] == 40
    assert read("_part=db:nothing&_part=&db-size=large&name=a") == {"name": "a"}


def test_a_button_adds_a_part_and_another_takes_it_away() -> None:
    assert read("_add_part=cache&_part=db:postgres")[PLAN] == ["db:postgres", "cache:cache"]
    assert read("_add_part=nothing&name=a") == {"name": "a"}
    assert read("_drop_part=db&_part=db:postgres&db-size=large&name=a") == {"name": "a"}


def test_a_form_may_begin_with_parts(as_mira) -> None:
    html = page(as_mira.get("/new/web-service/?with=postgres&with=public-route&with=nothing&with=namespace"))
    assert {"part-db", "part-route", "wires", "field-db-size", "field-main-db-DATABASE_HOST"} <= ids(html)
    assert re.findall(r'name="_part" value="([^"]+)"', html) == ["db:postgres", "route:public-route"]
    missing = "3 answers are missing"
    assert missing in html, "the others follow"
    assert missing in page(as_mira.get("/new/web-service/"))
    assert Request.objects.count() == 0


def test_what_is_typed_reaches_each_part(as_mira) -> None:
    html = send(as_mira, **{"db-storage": "0"})
    assert 'value="wishlist-db"' in html
    assert "wishlist connects to wishlist-db" in html
    assert "1 to correct" in html
    assert {"part-said-db", "says-main-db", "field-main-db-on", "wires"} <= ids(html)
    assert "parts" not in ids(html), "sections stay as they are while one types"
    row = Request.objects.get()
    assert (row.title, row.answers["db-storage"]) == ("Onboard wishlist with database", 0)
    again = send(as_mira, **{"was.main-db-on": "on", "main-db-on": "on"})
    assert "wires" in ids(again), "variables that were not drawn yet are drawn now"


def test_connections_stay_where_they_are_while_one_types(as_mira) -> None:
    names = ["on", *(f"DATABASE_{each}" for each in ("HOST", "PORT", "NAME", "USER", "PASSWORD"))]
    html = send(as_mira, **{f"was.main-db-{each}": "x" for each in names})
    assert "wires" not in ids(html)
    assert "field-main-db-DATABASE_HOST" in ids(html)


def test_adding_draws_the_parts_anew_and_opens_the_new_one(as_mira) -> None:
    html = send(as_mira, _add_part="cache")
    assert "parts" in ids(html)
    assert re.findall(r'<details id="part-(\w+)"( open)?', html) == [("db", ""), ("cache", " open")]
    assert html.count('id="field-db-size"') == 1
    gone = send(as_mira, _drop_part="db")
    assert "field-db-size" not in ids(gone)


def test_without_script_the_buttons_work_as_well(as_mira) -> None:
    html = send(as_mira, live=False, _add_part="cache")
    assert "<html" in html
    assert {"part-db", "part-cache"} <= ids(html)


def test_what_is_wrong_in_a_part_is_opened_when_submit_is_refused(as_mira) -> None:
    html = send(as_mira, live=False, _intent="submit", **{"db-storage": "0"})
    assert '<details id="part-db" open' in html
    wrong = send(as_mira, live=False, **{"main-db-DATABASE_HOST": "1 A"})
    assert '<details class="more-fields" id="names-main-db" open' in wrong
    assert "Not connected" in send(as_mira, **{"was.main-db-on": "on"})


def test_a_draft_opens_with_its_parts_again(as_mira) -> None:
    send(as_mira, **{"db-storage": "40"})
    html = page(as_mira.get(f"/requests/{Request.objects.get().ref}/edit/"))
    assert re.search(r'name="db-storage" id="i-db-storage" value="40"', html)


def test_a_bundle_is_offered_with_what_it_brings(as_mira) -> None:
    html = page(as_mira.get("/new/?q=service+cache"))
    (address,) = re.findall(r'href="(/new/web-service/[?][^"]+)"', html)
    assert address.replace("&amp;", "&") == "/new/web-service/?with=postgres&with=cache&with=public-route"
    assert "PostgreSQL database" in html
    found = {item.label: item.url for item in pages.forms(None, "")}
    assert found["New service with database, cache and address"] == address.replace("&amp;", "&")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("kind: Bundle", "kind: Bunch", "kind Bundle"),
        ("category: Run", "category: Ran", "category must be one of"),
        ("blueprint: web-service", "blueprint: web", "there is no blueprint web"),
        ("with: [postgres", "with: [namespace", "namespace is no blueprint that joins others"),
    ],
)
def test_a_bundle_that_cannot_be_offered_says_why(
    tmp_path, settings, world, client, before, after, message
) -> None:
    text = (blueprints.SHIPPED / "service-with-storage" / "bundle.yaml").read_text()
    assert before in text
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "bundle.yaml").write_text(text.replace(before, after))
    settings.BLUEPRINT_FOLDERS = [tmp_path]
    client.force_login(world.priya)
    assert message in page(client.get("/new/"))
