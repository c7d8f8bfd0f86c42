"""The read API compatible with Backstage's catalog: what is asked, what is answered, what is refused."""

import base64
import json
from typing import Any

import pytest
from django.test import Client

from services.accounts.actions import create_token
from services.catalog import actions
from services.catalog.compatible import described, facts, fields, filling, listing, matching
from services.catalog.models import Alias, Entity, Relation, Source
from services.catalog.tasks import tidy
from services.effects.models import Effect
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost

pytestmark = pytest.mark.django_db
MORE = """\
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Wishlist
  title: Wish list
  labels: {tier: "1"}
  annotations: {example.com/port: "8080", example.com/long: LONG}
  tags: [java, "c++"]
  links: [{url: "https://a.example", title: Docs}]
spec:
  type: website
  lifecycle: Production
  owner: user:mira
  count: 3
  ratio: 1.0
  public: true
  nothing: null
  definition: "Ünïcode"
---
apiVersion: backstage.io/v1alpha1
kind: API
metadata: {name: prices, namespace: shop}
spec: {type: openapi, lifecycle: production, owner: checkout, definition: "openapi: 3.0.0"}
""".replace("LONG", "x" * 300).encode()
ALL = ["cart", "cart-cache", "checkout", "mira", "order-flow", "prices", "Wishlist"]
FLOW = "system:default/order-flow"
COMPONENTS = ["cart", "Wishlist"]


@pytest.fixture
def source(files) -> Source:
    actions.import_documents(files={**files, "more.yaml": MORE}, title="Larkfield", by=None)
    return Source.objects.get()


@pytest.fixture
def ask(mira, source):
    """Asks as mira; the decoded answer, or with `status` the message of the refusal."""
    client = Client()
    client.force_login(mira)

    def asking(path: str, body: Any = None, *, status: int = 200, **params: Any) -> Any:
        path = f"/api/catalog/{path}"
        answer = client.get(path, params) if body is None else client.post(path, body, "application/json")
        assert answer.status_code == status, answer.content
        found = json.loads(b"".join(answer) or "null")
        asking.headers = answer.headers
        return found if status < 400 else found["error"]["message"]

    return asking


def names(found: list[dict[str, Any]]) -> list[str]:
    return [entity["metadata"]["name"] for entity in found]


FILTERS = {
    "kind=COMPONENT": COMPONENTS,
    "kind=component,spec.type=website": ["Wishlist"],
    "kind=component,kind=api": ["cart", "prices", "Wishlist"],
    " kind = component , , metadata.name=cart": ["cart"],
    "metadata.name=wishlist": ["Wishlist"],
    "metadata.namespace=shop": ["prices"],
    "metadata.namespace=default,kind=api": [],
    "metadata.tags=java": ["Wishlist"],
    "metadata.tags.JAVA": ["Wishlist"],
    "metadata.tags.c++=true": ["Wishlist"],
    "metadata.labels.tier=1": ["Wishlist"],
    "metadata.annotations.example.com/port=8080": ["Wishlist"],
    "metadata.annotations.example.com/long": ["Wishlist"],
    f"metadata.annotations.example.com/long={'x' * 300}": [],
    "metadata.links.title=docs": ["Wishlist"],
    "spec.count=3": ["Wishlist"],
    "spec.ratio=1": ["Wishlist"],
    "spec.public=true": ["Wishlist"],
    "spec.nothing": ["Wishlist"],
    "spec.nothing=null": [],
    "spec.definition=ünïcode": ["Wishlist"],
    "apiVersion=backstage.io/v1alpha1,kind=user": ["mira"],
    "relations.ownedby=user:default/mira": ["Wishlist"],
    "relations.OwnerOf": ["checkout", "mira"],
    "relations.ownerof=resource:default/cart-cache": ["checkout"],
    "relations.dependencyOf=component:default/cart": ["cart-cache"],
    "relations": [],
    "metadata.annotations.backstage.io/managed-by-origin-location": ALL,
    "metadata.annotations.backstage.io/orphan": [],
    "metadata.etag": [],
    "metadata.uid": ALL,
    "metadata.uid=nonsense": [],
    "": ALL,
}


def test_filters_mean_what_they_mean_there(ask):
    for text, wanted in FILTERS.items():
        found = ask("entities", filter=text, order="asc:metadata.name", fields="metadata.name")
        assert names(found) == wanted, text
    both = ask("entities", filter=["kind=user", "kind=group,metadata.name=checkout", ","])
    assert sorted(names(both)) == ["checkout", "mira"]


PREDICATES = [
    ({"kind": "component"}, COMPONENTS),
    ({"kind": "Component", "spec.type": "website"}, ["Wishlist"]),
    ({"spec.count": 3, "spec.public": True}, ["Wishlist"]),
    ({"$any": [{"kind": "user"}, {"kind": "group"}]}, ["checkout", "mira"]),
    ({"$all": []}, ALL),
    ({"$any": []}, []),
    ({"$not": {"$any": []}}, ALL),
    ({"kind": {"$in": ["Component", "API"]}}, ["cart", "prices", "Wishlist"]),
    ({"$all": [{"kind": "component"}, {"$not": {"spec.count": {"$exists": True}}}]}, ["cart"]),
    ({"kind": {"$in": []}}, []),
    ({"spec.system": {"$exists": False}, "kind": "component"}, ["Wishlist"]),
    ({"metadata.name": {"$hasPrefix": "CART"}}, ["cart", "cart-cache"]),
    ({"spec.type": {"$hasPrefix": "web"}}, ["Wishlist"]),
    ({"x.y": {"$hasPrefix": "web"}}, []),
    ({"metadata.tags": {"$contains": "java"}}, ["Wishlist"]),
    ({"relations": {"$contains": {"type": "ownedBy", "targetRef": "user:default/mira"}}}, ["Wishlist"]),
    ({"relations": {"$contains": {"type": "memberOf"}}}, ["mira"]),
    ({"relations": {"$contains": {"targetRef": {"$in": [FLOW]}}}}, ["cart", "checkout"]),
    ({"relations": {"$contains": {"type": "nonsense"}}}, []),
    ({}, ALL),
]  # fmt: skip


def test_predicates_mean_what_they_mean_there(ask):
    for query, wanted in PREDICATES:
        body = {"query": query, "orderBy": [{"field": "metadata.name", "order": "asc"}]}
        found = ask("entities/by-query", body)
        assert (names(found["items"]), found["totalItems"]) == (wanted, len(wanted)), query


WRONG: list[tuple[str, Any, str]] = [
    ("entities?filter==x", None, "no key before '='"),
    ("entities?filter=" + ",".join(f"k{n}" for n in range(301)), None, "At most 300 conditions"),
    ("entities?filter=" + "x" * 10_001, None, "Too much filter"),
    ("entities?limit=0", None, "limit must be a whole number from 1 to 1000"),
    ("entities?limit=1001", None, "from 1 to 1000"),
    ("entities?offset=-1", None, "offset must be"),
    ("entities?after=nonsense", None, "Malformed after"),
    ("entities?order=metadata.name", None, "An order is a field with asc or desc"),
    ("entities?fields=metadata.links[0]", None, "cannot reach into lists"),
    ("entities/by-query?limit=x", None, "limit must be"),
    ("entities/by-query?orderField=a,b", None, "An order is"),
    ("entities/by-query?cursor=e30=", None, "Malformed cursor"),
    ("entities/by-query?cursor=%ff", None, "Malformed cursor"),
    ("entities/by-query?fullTextFilterTerm=" + "x" * 201, None, "at most 200 characters"),
    ("entities/by-query", "[", "must be JSON"),
    ("entities/by-query", b"\xff", "must be JSON"),
    ("entities/by-query", '{"a": NaN}', "must be JSON"),
    ("entities/by-query", '{"a": "\\ud800"}', "must be JSON"),
    ("entities/by-query", '{"a": "\\u0000"}', "NUL"),
    ("entities/by-query", "[" * 100_000, "must be JSON"),
    ("entities/by-query", [], "must be a JSON object"),
    ("entities/by-query", {"limit": True}, "limit must be"),
    ("entities/by-query", {"orderBy": ["x"]}, "orderBy must be an object"),
    ("entities/by-query", {"fields": "x"}, "fields must be a list"),
    ("entities/by-query", {"fullTextFilter": {"term": 1}}, "must be a text"),
    ("entities/by-query", {"query": "x"}, "A query is an object"),
    ("entities/by-query", {"query": {"$all": {}}}, "none of $all and $any"),
    ("entities/by-query", {"query": {"$all": [], "a": 1}}, "stands alone"),
    ("entities/by-query", {"query": {"a": {"$in": 1}}}, "is not asked like this"),
    ("entities/by-query", {"query": {"a": {"$in": [], "$exists": True}}}, "one of $exists"),
    ("entities/by-query", {"query": {"a": [1]}}, "A value is"),
    ("entities/by-query", {"query": {"relations": {"$contains": {"x": 1}}}}, "relations:"),
    ("entities/by-query", {"query": {"a": {"$not": 1}}}, "is not asked like this"),
    ("entities/by-refs", {"entityRefs": "x"}, "entityRefs must be a list"),
    ("entities/by-refs", {"entityRefs": ["x"] * 5001}, "at most 5000"),
    ("entity-facets", None, "Missing facet"),
    ("refresh", {}, "entityRef must be a text"),
    ("refresh", {"entityRef": "x:"}, "was not on the form"),
    ("validate-entity", {"entity": []}, "entity must be an object"),
    ("validate-entity", {"entity": {}}, "location must be a text"),
    ("analyze-location", {"location": {}}, "location.target must be"),
    ("locations", {"target": "https://git.example/a/b"}, "repositories of its git host"),
    ("locations", {"type": "git", "target": "no/such"}, "cannot be read"),
    ("locations/by-query", {"query": []}, "A query is an object"),
    ("locations/by-query", {"query": {"$x": 1}}, "none of $all"),
    ("locations/by-query", {"query": {"type": {"$x": 1}}}, "A value is asked for"),
    ("locations/by-query", {"cursor": "x"}, "Malformed cursor"),
]  # fmt: skip


def test_what_cannot_be_asked_is_refused_with_a_reason(ask):
    deep: Any = {"kind": "user"}
    for _ in range(30):
        deep = {"$not": deep}
    more = [
        ("entities/by-query", {"query": deep}, "too large"),
        ("locations/by-query", {"query": deep}, "at most 20 deep"),
    ]
    for path, body, said in WRONG + more:
        path = f"{path}?dryRun=true" if path == "locations" else path
        assert said in ask(path, body, status=400), (path[:80], str(body)[:80])


@pytest.mark.parametrize(
    "order", ["metadata.name", "metadata.uid", "spec.type", "kind", "spec.profile.displayName"]
)
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_go_on_and_back_through_the_same_rows(ask, order, direction):
    """Whatever the order: all rows with its key, each once; those without it are none of them."""
    whole = ask("entities/by-query", orderField=f"{order},{direction}")
    assert len(whole["items"]) == {"spec.type": 5, "spec.profile.displayName": 1}.get(order, 7)
    assert whole["pageInfo"] == {}
    seen, pages = [], [ask("entities/by-query", orderField=f"{order},{direction}", limit=2)]
    while cursor := pages[-1]["pageInfo"].get("nextCursor"):
        pages.append(ask("entities/by-query", cursor=cursor, limit=2, fields="metadata.name"))
    for page in pages:
        seen += names(page["items"])
        assert page["totalItems"] == len(whole["items"])
    assert seen == names(whole["items"])
    for earlier, later in zip(reversed(pages[:-1]), reversed(pages[1:]), strict=True):
        back = ask("entities/by-query", cursor=later["pageInfo"]["prevCursor"], limit=2)
        assert names(back["items"]) == names(earlier["items"])
        assert ("prevCursor" in back["pageInfo"]) == (earlier is not pages[0])


def test_a_page_costs_the_same_however_deep(ask, django_assert_num_queries):
    """No OFFSET, and no count once the first page has said how many there are."""
    cursor = ask("entities/by-query", orderField="metadata.name,asc", limit=2)["pageInfo"]["nextCursor"]
    with django_assert_num_queries(4) as asked:  # session, person, revision, rows with relations
        ask("entities/by-query", cursor=cursor, limit=2)
    said = " ".join(query["sql"] for query in asked.captured_queries)
    assert "OFFSET" not in said
    assert "COUNT" not in said
    with django_assert_num_queries(4):
        ask("entities/by-name/component/default/cart")
    with django_assert_num_queries(4):  # nothing is asked about relations that are not shown
        ask("entities/by-name/component/default/cart", fields="kind")


def test_what_a_cursor_says_is_signed(ask):
    cursor = ask("entities/by-query", limit=1)["pageInfo"]["nextCursor"]
    told = json.loads(base64.b64decode(cursor))
    told["at"] = told["at"][:-3] + "abc"
    spoiled = base64.b64encode(json.dumps(told).encode()).decode()
    assert "Malformed cursor" in ask("entities/by-query", cursor=spoiled, status=400)


def test_a_number_is_counted_once_and_is_that_of_now(ask):
    lasting = {"limit": 1, "filter": "metadata.namespace=default"}

    def numbers():
        facet = ask("entity-facets", facet="metadata.namespace")["facets"]["metadata.namespace"]
        return ask("entities/by-query", **lasting)["totalItems"], [one["count"] for one in facet]

    assert numbers() == (6, [6, 1])
    Entity.objects.filter(name__in=["cart", "Wishlist"]).delete()
    assert numbers() == (4, [4, 1])
    assert ask("entities/by-query", limit=1, filter="metadata.tags=java")["totalItems"] == 0
    assert ask("entities/by-query", limit=1)["totalItems"] == 5
    assert ask("entities/by-query", limit=1, totalItems="exclude")["totalItems"] == 0
    looked = {"fullTextFilterTerm": "c", "fullTextFilterFields": "metadata.name", "limit": 1}
    first = ask("entities/by-query", **looked)
    assert first["totalItems"] == 3
    assert ask("entities/by-query", **looked, offset=2)["totalItems"] == 3
    assert ask("entities/by-query", **looked, offset=9) == {"items": [], "totalItems": 3, "pageInfo": {}}


TALLIED = {
    "": 7,
    "kind": 7,
    "kind=COMPONENT": 2,
    "kind=component,kind=user": 3,
    "kind=nothing": 0,
    "kind=component,spec.type=WEBSITE": 1,
    "spec.lifecycle=production": 3,
    "kind=component,spec.lifecycle=production,spec.lifecycle=x": 2,
    "kind=nothing,spec.type=service": 0,
    "spec.type": 5,
    f"spec.type={'x' * 200}": 0,
    "kind=component,spec.type=service,spec.lifecycle=production": 1,
}


def test_tallied_numbers_are_those_that_counting_finds(ask):
    for text, number in TALLIED.items():
        assert ask("entities/by-query", limit=0, filter=text)["totalItems"] == number, text
        assert ask("entities/by-query", filter=text)["totalItems"] == number, text
    keys = ["kind", "spec.type", "spec.lifecycle"]
    for text in ("", "kind=component", "kind=nothing", "kind=api,kind=component"):
        tallied = ask("entity-facets", facet=keys, filter=text)["facets"]
        counted = ask("entity-facets", facet=[*keys, "metadata.tags"], filter=text)["facets"]
        assert tallied == {key: counted[key] for key in keys}, text


def test_lists_come_in_pages_or_piece_by_piece(ask, monkeypatch):
    """What lacks the key of an order stands last, as it does there."""
    monkeypatch.setattr(listing, "CHUNK", 2)
    assert names(ask("entities", order=["asc:spec.type", "desc:metadata.name"])) == [
        "prices", "cart-cache", "cart", "checkout", "Wishlist", "order-flow", "mira",
    ]  # fmt: skip
    for order in ("asc:metadata.name", "asc:spec.lifecycle"):
        whole, found, after = names(ask("entities", order=order)), [], {}
        while True:
            found += names(ask("entities", order=order, **(after or {"limit": 3})))
            if "Link" not in ask.headers:
                break
            link = ask.headers["Link"]
            assert link.startswith("</api/catalog/entities?order=asc%3A")
            after = {"after": link.partition("after=")[2].removesuffix('>; rel="next"').replace("%3A", ":")}
        assert found == whole, order
    assert names(ask("entities", offset=5, order="asc:metadata.name")) == ALL[5:]
    assert names(ask("entities", limit=1, offset=1, order="asc:metadata.name")) == ALL[1:2]


def test_words_are_found_within_names_titles_and_whatever_is_named(ask):
    def found(term, *keys):
        params = {"fullTextFilterTerm": term, "fullTextFilterFields": ",".join(keys)}
        return sorted(names(ask("entities/by-query", **params)["items"]))

    assert found("ART", "metadata.name") == ["cart", "cart-cache"]
    assert found("a", "metadata.name") == ["cart", "cart-cache", "mira"]
    assert found("wish l", "metadata.title") == ["Wishlist"]
    assert found("lindq", "spec.profile.displayName") == ["mira"]
    assert found("lindq", "spec.profile.displayName", "metadata.name") == ["mira"]
    assert found("Intend", "metadata.description") == ["cart"]
    assert found("%", "metadata.name") == found("_", "metadata.name") == []
    assert found("cart") == []  # without a field it is the uid that is looked at, as there
    assert found(ask("entities", filter="metadata.name=cart")[0]["metadata"]["uid"]) == ["cart"]


def test_fields_take_parts_of_entities(ask):
    found = ask(
        "entities/by-name/component/DEFAULT/wishlist",
        fields="metadata.annotations.example.com/port,spec.no,kind,kind.x",
    )
    assert found == {"kind": "Component", "metadata": {"annotations": {"example.com/port": "8080"}}}
    assert fields.only({"a": {"b.c": {"d": 1}, "b": 2}}, ["a.b.c.d", "a"]) == {"a": {"b.c": {"d": 1}, "b": 2}}


def test_facets_count_what_is_there(ask):
    wanted = {
        "metadata.namespace": {"default": 6, "shop": 1},
        "metadata.tags": {"java": 1, "c++": 1},
        "metadata.tags.java": {"true": 1},
        "spec.count": {"3": 1},
        "spec.public": {"true": 1},
        "spec.nothing": {},
        "metadata.annotations.example.com/long": {},
        "metadata.labels.tier": {"1": 1},
        "spec.lifecycle": {"production": 2, "Production": 1},
        "metadata.links": {},
        "metadata.links.url": {"https://a.example": 1},
        "metadata.Labels.TIER": {"1": 1},
        "spec.COUNT": {"3": 1},
        "relations.ownedBy": {"group:default/checkout": 3, "group:shop/checkout": 1, "user:default/mira": 1},
        "spec.profile": {},
    }
    found = ask("entity-facets", facet=list(wanted))["facets"]
    assert {key: {row["value"]: row["count"] for row in rows} for key, rows in found.items()} == wanted
    few = ask("entity-facets", facet=["spec.owner", "kind"], filter="metadata.uid=nothing")["facets"]
    assert few == {"spec.owner": [], "kind": []}
    sent = ask("entity-facets", {"facets": ["kind"], "query": {"spec.type": "website"}})
    assert sent["facets"] == {"kind": [{"value": "Component", "count": 1}]}


def test_what_is_dismissed_is_no_relation(ask):
    cart, flow = Entity.objects.get(name="cart"), Entity.objects.get(name="order-flow")
    Relation.objects.create(source=cart, type="dependsOn", target_ref=flow.ref, target=flow, confidence=0.7)
    told = {"type": "dependsOn", "targetRef": flow.ref}
    assert told in ask("entities/by-name/component/default/cart")["relations"]
    actions.judge_dependency(entity=cart, target_ref=flow.ref, verdict="dismissed", by=None)
    assert told not in ask("entities/by-name/component/default/cart")["relations"]
    assert names(ask("entities", filter=f"relations.dependson={flow.ref}")) == []


def test_an_old_name_leads_to_the_entity_and_an_orphan_says_so(ask):
    cart = Entity.objects.get(name="cart")
    Alias.objects.create(ref="component:default/trolley", entity=cart)
    Entity.objects.filter(pk=cart.pk).update(state="orphan")
    found = ask("entities/by-name/component/default/trolley")
    assert found["metadata"]["annotations"]["backstage.io/orphan"] == "true"
    orphan = "metadata.annotations.backstage.io/orphan=true"
    assert names(ask("entities", filter=orphan)) == ["cart"]
    assert ask(f"entities/by-uid/{found['metadata']['uid']}") == found


def test_entities_are_found_by_where_they_come_from(ask, source):
    cart = ask("entities/by-name/component/default/cart")["metadata"]["annotations"]
    for key, wanted in (("origin-location", 7), ("location", 1)):
        place = cart[f"backstage.io/managed-by-{key}"]
        found = ask("entities", filter=f"metadata.annotations.backstage.io/managed-by-{key}={place}")
        assert len(found) == wanted, place
    (told,) = ask("locations")
    assert told["data"]["target"].endswith(source.get_absolute_url())
    kind, _, name = told["data"]["entityRef"].partition(":default/")
    parent = ask(f"entities/by-name/{kind}/default/{name}")
    assert (parent["kind"], parent["spec"]["target"]) == ("Location", told["data"]["target"])
    assert ask(f"locations/{told['data']['id']}") == told["data"]
    Source.objects.update(kind="git", location="shop/deploy", path="catalog", branch="main")
    Entity.objects.filter(name="cart").update(location="catalog/cart.yaml")
    file = ask("entities/by-name/component/default/cart")["metadata"]["annotations"][
        "backstage.io/managed-by-location"
    ]
    assert file == "git:shop/deploy/catalog/cart.yaml"
    assert names(ask("entities", filter=f"metadata.annotations.backstage.io/managed-by-location={file}")) == [
        "cart"
    ]
    Source.objects.update(kind="folder", location="/srv/catalog")
    assert ask("locations")[0]["data"] | {"id": 0, "entityRef": 0} == {
        "id": 0, "type": "file", "target": "/srv/catalog/catalog", "entityRef": 0,
    }  # fmt: skip
    folder = "metadata.annotations.backstage.io/managed-by-location=file:/srv/catalog/catalog"
    assert ask("entities", filter=folder) == ask("entities")


def test_what_a_request_registered_has_no_location(ask, mira):
    descriptor = {
        "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "new"},
        "spec": {"type": "service", "lifecycle": "production", "owner": "checkout"},
    }  # fmt: skip
    actions.register(descriptor, by=mira)
    path = "component/default/new"
    assert "registered by a request" in ask(f"locations/by-entity/{path}", status=404)
    assert "registered by a request" in ask("refresh", {"entityRef": "component:new"}, status=409)
    (only,) = ask(f"entities/by-name/{path}/ancestry")["items"]
    assert only["parentEntityRefs"] == []
    origin = only["entity"]["metadata"]["annotations"]["backstage.io/managed-by-origin-location"]
    assert origin.endswith("/catalog/component/default/new/")


def test_reading_again_is_for_what_can_be_read_and_folders_for_the_platform(ask, priya, source):
    assert "uploaded" in ask("refresh", {"entityRef": "component:cart"}, status=409)
    Source.objects.update(kind="folder", location="/srv/x")
    assert "who run the platform" in ask("refresh", {"entityRef": "component:cart"}, status=403)
    assert "who run the platform" in ask("locations", {"type": "file", "target": "/etc"}, status=403)
    assert not Effect.objects.exists()
    client = Client()
    client.force_login(priya)
    answer = client.post("/api/catalog/refresh", {"entityRef": "component:cart"}, "application/json")
    assert (answer.status_code, answer.content, Effect.objects.count()) == (200, b"", 1)


def test_a_machine_adds_a_repository_and_what_is_all_broken_is_told(ask, priya, checkout):
    host = LocalHost()
    host.create("shop/bad")
    text = {"a.yaml": b"apiVersion: v1\nkind: Component\nmetadata: {name: a b}\n"}
    host.commit("shop/bad", files=text, author=Person("sam", "Sam"), message="Start")
    told = {"type": "git", "target": "git:shop/bad/sub?ref=main"}
    assert ask("locations?dryRun=true", {"target": "shop/bad"}, status=400).startswith("a.yaml:")
    _, secret = create_token(by=priya, name="t", scopes=["catalog:write"], days=7, team=checkout)
    client = Client(headers={"Authorization": f"Bearer {secret}"})
    added = client.post("/api/catalog/locations", told, "application/json")
    assert added.status_code == 201
    made = Source.objects.get(location="shop/bad")
    assert (made.branch, made.path, made.created_by) == ("main", "sub", None)
    assert Effect.objects.get().created_by.startswith("token-")
    assert client.post("/api/catalog/locations", told, "application/json").status_code == 409


def test_locations_are_looked_through(ask):
    for number in range(3):
        Source.objects.create(kind="git", location=f"shop/r{number}", title="x")
    query = {
        "$any": [
            {"type": "git"},
            {"$all": [{"type": {"$exists": True}}, {"$not": {"type": {"$in": ["git"]}}}]},
        ]
    }
    first = ask("locations/by-query", {"query": query, "limit": 3})
    second = ask("locations/by-query", {"cursor": first["pageInfo"]["nextCursor"], "limit": 3})
    assert (len(first["items"]), len(second["items"]), second["totalItems"], second["pageInfo"]) == (
        3,
        1,
        4,
        {},
    )
    assert ask("locations/by-query", {"query": {"target": {"$hasPrefix": "SHOP/R2"}}})["totalItems"] == 1
    assert matching.holds({"type": "git"}, {}) is False


def test_facts_are_filled_in_for_rows_that_have_none(ask):
    Entity.objects.update(facts=None)
    assert ask("entities", filter="kind=component") == []
    tidy()
    assert len(ask("entities", filter="kind=component")) == 2
    assert filling.fill(Entity) == 0


def test_a_huge_descriptor_has_so_many_facts_at_most():
    spec = {f"key{number}": number for number in range(10_000)}
    found = facts.facts_of({"metadata": {"name": "a"}, "spec": spec})
    assert facts.MOST <= len(found) <= facts.MOST + 100
    assert facts.fact("kind", "component") != facts.fact("kind")


def test_every_question_is_described(client, mira):
    """From the addresses themselves, so that none is missing; the table has none too many."""
    assert client.get("/api/openapi.json").status_code == 401
    client.force_login(mira)
    told = client.get("/api/openapi.json").json()
    assert told["openapi"] == "3.1.0"
    by_name = told["paths"]["/api/catalog/entities/by-name/{kind}/{namespace}/{name}"]["get"]
    assert [each["name"] for each in by_name["parameters"]] == ["kind", "namespace", "name", "fields"]
    assert told["paths"]["/api/catalog/refresh"]["post"]["security"] == [{"token": ["catalog:write"]}]
    ways = [one for way in told["paths"].values() for one in way.values()]
    names = {name.lower().replace(" ", "_") for name in described.TABLE}
    assert names == {one["operationId"] for one in ways if one["tags"] == [described.TAG]}
    assert all(one["summary"] for one in ways)
