import re
from base64 import urlsafe_b64encode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.catalog.actions import import_documents, undo_import
from services.catalog.finding import tallies
from services.catalog.finding.tallies import Tallies
from services.catalog.importing import lifecycle
from services.catalog.models import OWNABLE, Entity, Tally
from tests.catalog.conftest import COMPONENT
from tests.catalog.test_search import MANY, rows_read

pytestmark = pytest.mark.django_db
LIST = "/catalog/"


@pytest.fixture
def catalog(files, mira):
    files["orders.yaml"] = COMPONENT.format(name="orders", owner="nobody-knows").encode()
    return import_documents(files=files, title="shop", by=mira, kind="folder", location="/shop")


@pytest.fixture
def show(client, mira, catalog):
    client.force_login(mira)

    def open_page(**query) -> str:
        response = client.get(LIST, query, follow=True)
        assert response.status_code == 200
        return response.content.decode()

    return open_page


def names(html: str) -> list[str]:
    return [row.split(">")[1].split("<")[0] for row in html.split("data-door href=")[1:]]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("-owner:checkout", ["orders"]),
        ("kind:any -kind:service -kind:group,user", ["cart-cache", "order-flow"]),
        ("kind:resource,system", ["cart-cache", "order-flow"]),
        ("is:unowned", ["orders"]),
        ("is:unowned -q", ["orders"]),
        ("kind:any owner:checkout owner:nobody-knows -type:redis", ["cart", "order-flow", "orders"]),
        ("LIFECYCLE:Production type:SERVICE", ["cart", "orders"]),
        ("component:default/orders", ["orders"]),
        ("ordres", ["orders"]),
        ("tag:none", []),
        ("onboarded:no ord", ["orders"]),
        ("source:99999999999999999999", []),
        ("is:nonsense", []),
    ],
)
def test_what_is_typed_is_what_is_listed(show, q, found):
    assert names(show(q=q, sort="name")) == found


@pytest.mark.parametrize(
    ("q", "says", "leads"),
    [
        ("onwer:checkout cart", "There is no filter “onwer”", "owner=checkout&amp;q=cart"),
        ("-knd:api", "There is no filter “knd”", "not=kind%3Aapi"),
        ("zz:1", "Filters are kind, type, owner", ""),
        ("lifecycle:prodution", "Nothing in the catalog has lifecycle:prodution.", "lifecycle=production"),
        ("owner:chekout", "Nothing in the catalog has owner:chekout.", "owner=checkout"),
        ("system:order-flw,order-flow", "has system:order-flw.", "system=order-flow%2Corder-flow"),
        ("kind:componet", "has kind:componet.", "kind=component"),
        ("-type:servce", "has type:servce.", "not=type%3Aservice"),
        ("is:orphaned", "has is:orphaned.", "is=orphan"),
        ("health:helthy", "has health:helthy.", "health=healthy"),
        ("onboarded:perhaps", "It knows no, yes.", ""),
        ("tag:zzz", "Nothing in the catalog has tag:zzz.", ""),
        ("ordr", "Shown is what was probably meant", "q=order"),
    ],
)
def test_what_cannot_be_meant_is_said_with_the_nearest(show, client, q, says, leads):
    html = show(q=q, kind="any")
    said = " ".join(re.findall(r'<p class="told">(.*?)</p>', html))
    assert says in said
    assert leads in said
    assert q.split()[0].lstrip("-").rpartition(":")[2].split(",")[0] in html
    for link in re.findall(r'href="([^"]+)"', said):
        assert 'class="told"' not in client.get(LIST + link.replace("&amp;", "&")).content.decode()


@pytest.mark.parametrize(
    "sort", ["name", "-name", "owner", "-owner", "system", "lifecycle", "-type", "updated"]
)
@pytest.mark.parametrize("q", ["", "cart"])
def test_pages_lead_forward_and_back_through_everything_once(client, mira, catalog, sort, q):
    with connection.cursor() as cursor:
        cursor.execute(MANY, [57])
    client.force_login(mira)
    found = client.get(LIST, {"kind": "any", "sort": sort, "rows": "20", "q": q})
    there, back = walk(client, found, "next"), []
    wanted = Entity.objects.filter(name__startswith="cart") if q else Entity.objects.all()
    flat = [name for page in there for name in page[0]]
    assert sorted(flat) == sorted(wanted.values_list("name", flat=True))
    back = walk(client, there[-1][1], "prev")
    assert [name for page in reversed(back) for name in page[0]] == flat
    if sort in ("name", "-name"):
        assert flat == sorted(flat, reverse=sort == "-name")


def walk(client, response, rel):
    pages = []
    while True:
        html = response.content.decode()
        pages.append((names(html), response))
        link = re.search(rf'href="([^"]+)" rel="{rel}"', html)
        if not link:
            return pages
        response = client.get(LIST + link[1].replace("&amp;", "&"))


@pytest.mark.parametrize(
    "cursor",
    ["x", "é", "W10", "bnVsbA", "[" * 3000, b'["a"]', b"[null, 1]", b'["\\u0000", 1]', b'["\\ud800", 1]',
     b'["a", 99999999999999999999999]', b'["a", "b"]', b'[{"a": 1}, [2]]', b'{"a": 1}', b"[" * 2500],
)  # fmt: skip
def test_a_cursor_that_is_not_ours_gives_the_first_page(show, cursor):
    text = urlsafe_b64encode(cursor).decode() if isinstance(cursor, bytes) else cursor
    for key in ("after", "before"):
        assert names(show(**{key: text, "kind": "service"})) in (["cart", "orders"], [])
        assert names(show(**{key: text, "kind": "service", "q": "cart"})) == ["cart"]


def test_a_page_reads_what_it_shows_and_counts_no_further_than_it_says(client, mira, catalog):
    """Five thousand entities: no OFFSET, no count of all, and each statement reads about a page."""
    with connection.cursor() as cursor:
        cursor.execute(MANY, [5000])
        cursor.execute("ANALYZE catalog_entity")
    client.force_login(mira)
    for query in (
        "?kind=any",
        "?kind=any&sort=-owner",
        "?kind=component&sort=updated",
        "?lifecycle=production",
    ):
        first = client.get(LIST + query)
        link = re.search(r'href="([^"]+)" rel="next"', first.content.decode())[1].replace("&amp;", "&")
        with CaptureQueriesContext(connection) as asked:
            html = client.get(LIST + link).content.decode()
        listed = [one["sql"] for one in asked if 'FROM "catalog_entity"' in one["sql"]]
        assert listed
        assert not [sql for sql in listed if "OFFSET" in sql]
        for sql in listed:
            assert max(rows_read(sql)) <= (1100 if "COUNT" in sql else 100), sql
    assert "more than 1000 entities" in html
    sheet = client.get(f"{LIST}?kind=any&format=csv&sort=-name")
    assert sheet.streaming
    rows = sheet.getvalue().decode().splitlines()
    assert [row.split(",")[0] for row in rows[1:]] == list(
        Entity.objects.order_by("-name", "-pk").values_list("name", flat=True)
    )


def test_numbers_are_those_of_the_rows_whatever_was_written(catalog, files, mira):
    """Inserted, changed, renamed, removed, undone, folded: the kept numbers are what one would count."""
    agree()
    del files["cart.yaml"]
    files["more.yaml"] = COMPONENT.format(name="more", owner="x").encode()
    run = import_documents(files=files, title="shop", by=mira, kind="folder", location="/shop")
    agree()
    tallies.fold()
    agree()
    orphan = Entity.objects.get(name="cart")
    lifecycle.remove_entity(entity=orphan, by=mira)
    agree()
    Entity.objects.filter(name="orders").update(
        lifecycle="", type="other", metadata={"tags": ["a", "b", "b"]}
    )
    agree()
    assert Tallies().number("unowned") == Entity.objects.filter(owner=None, kind__in=OWNABLE).count()
    undo_import(run=run, by=mira)
    Entity.objects.filter(kind="Group").delete()
    tallies.fold()
    agree()
    assert not Tally.objects.filter(number__lte=0).exists()
    Entity.objects.all().delete()
    tallies.fold()
    assert not Tally.objects.exists()


def agree():
    counted = Tallies()
    rows = list(Entity.objects.all())
    assert sorted(counted.values("kind").elements()) == sorted(row.kind for row in rows)
    for field in ("type", "lifecycle", "state"):
        there = [getattr(row, field) for row in rows if getattr(row, field)]
        assert sorted(counted.values(field).elements()) == sorted(there)
    assert tallies.values_of("owner") == sorted({row.owner_ref for row in rows if row.owner_ref})
    assert tallies.values_of("tag") == sorted({tag for row in rows for tag in row.metadata.get("tags", [])})


def test_the_palette_finds_what_the_list_finds(client, show):
    asked = {"ordres": "orders", "owner:checkout kind:resource": "cart-cache", "is:unowned": "orders"}
    for text, found in asked.items():
        assert f"/default/{found}/" in client.get("/palette", {"q": text}).content.decode()
    assert "/default/cart/" not in client.get("/palette", {"q": "cart -kind:service"}).content.decode()
