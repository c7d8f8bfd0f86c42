"""Pages of systems, domains, teams and people."""

import re

import pytest

from services.accounts.models import Membership, User
from services.catalog import about, actions, maps
from services.catalog.models import Entity
from services.catalog.ownership import tenures
from tests.catalog.companies import document

pytestmark = pytest.mark.django_db


def component(name: str, system: str = "", needs: str = "") -> str:
    said = f", system: {system}" if system else ""
    said += f", dependsOn: [{needs}]" if needs else ""
    return document("Component", name, f"type: service, lifecycle: production, owner: checkout{said}")


SHOP = [
    document("Group", "checkout", "type: team, children: []"),
    document("User", "mira", "memberOf: [checkout]"),
    document("Domain", "commerce", "owner: checkout"),
    *(
        document("System", name, "owner: checkout, domain: commerce")
        for name in ("orders", "prices", "empty")
    ),
    document("System", "mail", "owner: checkout"),
    component("cart", "orders", "'component:order', 'component:price', 'component:missing'"),
    component("order", "orders", "'component:smtp', 'component:tool', 'component:cart'"),
    component("price", "prices"),
    component("smtp", "mail"),
    component("tool"),
    component("site", "", "'component:cart'"),
]


@pytest.fixture
def shop(mira) -> None:
    actions.import_documents(files={"all.yaml": "\n---\n".join(SHOP).encode()}, title="All", by=mira)
    tenures.refresh()


def entity(name: str) -> Entity:
    return Entity.objects.get(name=name)


def drawn_of(one: Entity) -> maps.Map:
    listed = about.below(one)["rows"]
    return maps.map_of(one, [row for row, _, _ in listed], {})


def drawn(found: maps.Map) -> set[tuple[str, str, int]]:
    return {(line.source.title, line.target.title, line.number) for line in found.lines}


def test_the_map_of_a_system_has_its_parts_and_what_is_around_them(shop, django_assert_num_queries):
    orders = entity("orders")
    with django_assert_num_queries(3):
        found = drawn_of(orders)
    assert drawn(found) == {
        ("cart", "order", 1), ("order", "cart", 1), ("cart", "prices", 1), ("cart", "missing", 1),
        ("order", "mail", 1), ("order", "tool", 1), ("site", "cart", 1),
    }  # fmt: skip
    places = {box.title: (box.x, box.is_outside) for box in found.boxes}
    assert places["site"][0] < places["cart"][0] < places["mail"][0]
    assert {title for title, (_, outside) in places.items() if not outside} == {"cart", "order"}
    assert [box.url for box in found.boxes if box.title == "missing"] == [""]
    assert all(box.right <= found.width and box.y + maps.HEIGHT <= found.height for box in found.boxes)
    left, top, width, height = found.frame
    for box in found.boxes:
        inside = left < box.x and box.right < left + width and top < box.y < top + height
        assert inside is not box.is_outside


def test_the_map_of_a_domain_has_its_systems_with_all_their_connections(shop):
    found = drawn_of(entity("commerce"))
    assert drawn(found) == {
        ("orders", "prices", 1), ("orders", "mail", 1), ("orders", "tool", 1), ("orders", "missing", 1),
        ("site", "orders", 1),
    }  # fmt: skip
    assert {box.title for box in found.boxes if not box.is_outside} == {"orders", "prices", "empty"}


def test_circles_and_many_alone_are_laid_out_without_end():
    ring = [("a", "b"), ("b", "c"), ("c", "a")]
    columns = maps._levels(["a", "b", "c"], ring)
    assert sorted(key for column in columns for key in column) == ["a", "b", "c"]
    assert [len(column) for column in maps._levels(list("abcdefg"), [])] == [3, 3, 1]
    assert maps._levels(["a", "b"], [("b", "a")]) == [["b"], ["a"]]


def test_only_systems_and_domains_with_something_in_them_have_a_map(shop, client, mira):
    client.force_login(mira)
    assert 'id="h-map"' not in client.get(entity("empty").get_absolute_url()).content.decode()
    html = client.get(entity("orders").get_absolute_url()).content.decode()
    assert 'id="h-map"' in html
    assert "The same as a table" in html
    assert html.count('class="node') == 7


@pytest.mark.parametrize("name", ["orders", "commerce", "checkout", "mira", "cart"])
def test_no_page_asks_more_than_it_may(shop, client, mira, django_assert_max_num_queries, name):
    client.force_login(mira)
    url = entity(name).get_absolute_url()
    with django_assert_max_num_queries(12):
        client.get(url)


def test_a_team_says_who_leads_and_who_has_left(shop, client, mira, checkout):
    for name, role, active in (("sam", "lead", True), ("old", "member", False)):
        user = User.objects.create_user(
            name, f"{name}@larkfield.example", "x" * 16, name=name, is_active=active
        )
        Membership.objects.create(user=user, team=checkout, role=role)
    client.force_login(mira)
    html = client.get(entity("checkout").get_absolute_url()).content.decode()
    listed = re.search(r'id="h-members".*?</section>', html, re.S)[0]
    assert listed.index(">sam<") < listed.index("mira")
    assert re.findall(r'class="pill[^"]*">([^<]+)<', listed) == ["Lead", "Has left"]
    assert '<span class="big num">11</span>' in html
