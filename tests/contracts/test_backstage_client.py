"""The catalog client that Backstage publishes, against our own catalog, over HTTP."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections

from services.accounts.actions import create_token
from services.catalog import actions
from services.catalog.models import Entity, Source
from services.effects.models import Effect
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from tests.factories.people import platform_engineer
from tests.packages import BACKSTAGE
from tests.programs import NODE

pytestmark = pytest.mark.django_db
UID = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
SCRIPT = Path(__file__).parent / "backstage" / "asking.mjs"
CART, CHECKOUT = "component:default/cart", "group:default/checkout"
DESCRIPTORS = b"""\
apiVersion: backstage.io/v1alpha1
kind: Group
metadata: {name: checkout, title: Checkout}
spec: {type: team, children: []}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata:
  name: Cart
  title: The cart
  tags: [java, money]
  annotations: {github.com/project-slug: shop/cart}
spec: {type: service, lifecycle: production, owner: checkout, dependsOn: [resource:cache]}
---
apiVersion: backstage.io/v1alpha1
kind: Component
metadata: {name: basket, tags: [java]}
spec: {type: library, lifecycle: experimental, owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: Resource
metadata: {name: cache}
spec: {type: redis, owner: checkout}
---
apiVersion: backstage.io/v1alpha1
kind: User
metadata: {name: mira}
spec: {memberOf: [checkout]}
"""
GOOD = {
    "apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": "a"},
    "spec": {"type": "service", "lifecycle": "production", "owner": "checkout"},
}  # fmt: skip


def call(method: str, *args: Any) -> dict[str, Any]:
    return {"method": method, "args": list(args)}


NAME, NAMES = {"field": "metadata.name", "order": "asc"}, ["metadata.name"]
SLUG = "metadata.annotations.github.com/project-slug"
SERVICES = [{"kind": "component", "spec.type": "service"}, {"kind": ["user", "x"]}]
NO_WEBSITE = {"$all": [{"kind": "Component"}, {"$not": {"spec.type": "website"}}]}
IN_BOTH = {"term": "a", "fields": ["metadata.name", "metadata.title"]}
FACETS = ["kind", "spec.type", "metadata.tags", "relations.ownedBy", "x.y"]
LIBRARY = {"spec.type": {"$in": ["library"]}}
DEPLOY = {"type": "git", "target": "shop/deploy"}
WEB = {"type": "url", "target": "https://git.example/shop/web.git"}
QUESTIONS: dict[str, dict[str, Any]] = {
    "all": call("getEntities", None),
    "some": call(
        "getEntities",
        {"filter": SERVICES, "fields": ["kind", *NAMES, SLUG], "order": {**NAME, "order": "desc"}},
    ),
    "exists": call("getEntities", {"filter": {"metadata.tags.money": "$EXISTS"}, "limit": 1}),
    "turned": {"turn": {"limit": 2, "orderFields": NAME, "fields": NAMES}},
    "predicate": {"turn": {"limit": 1, "query": NO_WEBSITE, "fullTextFilter": IN_BOTH}},
    "text": call("queryEntities", {"fullTextFilter": {"term": " CAR", "fields": ["metadata.title"]}}),
    "none": call("queryEntities", {"limit": 0, "filter": {"kind": "component"}}),
    "stream": call("streamEntities", {"pageSize": 2, "filter": {"relations.ownedby": CHECKOUT}}),
    "refs": call(
        "getEntitiesByRefs",
        {"entityRefs": [CART, "component:default/nobody", "Resource:cache"], "fields": NAMES},
    ),
    "refs_narrowed": call("getEntitiesByRefs", {"entityRefs": [CART, CHECKOUT], "query": {"kind": "group"}}),
    "ref": call("getEntityByRef", CART),
    "named": call("getEntityByName", {"kind": "COMPONENT", "name": "CART"}),
    "missing": call("getEntityByRef", "component:default/nobody"),
    "ancestors": call("getEntityAncestors", {"entityRef": CART}),
    "facets": call("getEntityFacets", {"facets": FACETS}),
    "facets_narrowed": call("getEntityFacets", {"facets": ["metadata.tags"], "query": LIBRARY}),
    "refresh": call("refreshEntity", CART),
    "locations": call("getLocations", None),
    "location_by_ref": call("getLocationByRef", "git:shop/deploy"),
    "location_by_entity": call("getLocationByEntity", CART),
    "locations_queried": call("queryLocations", {"query": {"type": "git"}}),
    "locations_streamed": call("streamLocations", {"limit": 1}),
    "would_add": call("addLocation", {"type": "git", "target": "shop/more", "dryRun": True}),
    "add_again": call("addLocation", DEPLOY),
    "add_refresh": call("addLocation", {**DEPLOY, "onConflict": "refresh"}),
    "valid": call("validateEntity", GOOD, "url:http://x"),
    "invalid": call("validateEntity", {**GOOD, "metadata": {"name": "a b"}}, "url:http://x"),
    "analysed": call("analyzeLocation", {"location": DEPLOY}),
    "analysed_new": call("analyzeLocation", {"location": WEB}),
    "wrong": call("queryEntities", {"cursor": "bm9uc2Vuc2U="}),
    "too_small": call("getEntities", {"limit": -1}),
}


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


@pytest.fixture
def served() -> Iterator[Any]:
    """The portal on a free port, in the test's own transaction: it answers while somebody runs."""
    ends = (request_started, request_finished)  # both would close the connection of the transaction
    for signal in ends:
        signal.disconnect(close_old_connections)
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        server.timeout = 0.05

        def while_runs(process: subprocess.Popen[str]) -> tuple[str, str]:
            while process.poll() is None:
                server.handle_request()
            return process.communicate()

        yield SimpleNamespace(address=f"http://127.0.0.1:{server.server_port}", while_runs=while_runs)
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def answers(served: Any) -> dict[str, Any]:
    priya, host = platform_engineer(), LocalHost()
    for repository in ("shop/deploy", "shop/more"):
        host.create(repository)
        text = (
            DESCRIPTORS if repository == "shop/deploy" else DESCRIPTORS.replace(b"name: Cart", b"name: wish")
        )
        host.commit(repository, files={"all.yaml": text}, author=Person("sam", "Sam"), message="Start")
    source = {"kind": "git", "title": "Deploy", "location": "shop/deploy"}
    actions.import_documents(files={"all.yaml": DESCRIPTORS}, by=priya, **source)
    Entity.objects.filter(name="basket").update(state="stale", problem="all.yaml:9: no")
    _, token = create_token(by=priya, name="t", scopes=["catalog:read", "catalog:write"], days=7)
    given = [str(BACKSTAGE.needed()), f"{served.address}/api/catalog", token, json.dumps(QUESTIONS)]
    process = subprocess.Popen(
        [NODE.needed(), str(SCRIPT), *given], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    said, wrong = served.while_runs(process)
    assert process.returncode == 0, wrong
    return dict(json.loads(said))


def names(items: list[Any]) -> list[str | None]:
    return [item and item["metadata"]["name"] for item in items]


def refs(entity: dict[str, Any]) -> list[tuple[str, str]]:
    return [(relation["type"], relation["targetRef"]) for relation in entity["relations"]]


def test_the_lock_pins_each_package_and_names_no_registry():
    packages = json.loads((SCRIPT.parent / "package-lock.json").read_text())["packages"]
    pinned = [each for name, each in packages.items() if name]
    assert all(each["version"] and each["integrity"] and "resolved" not in each for each in pinned)


def test_the_client_of_backstage_reads_this_catalog(answers):
    entities(answers)
    pages(answers)
    single(answers)
    facets(answers)
    places(answers)
    judged(answers)
    assert Effect.objects.filter(kind="catalog.read").count() == 1


def entities(said: dict[str, Any]) -> None:
    every = {entity["metadata"]["name"]: entity for entity in said["all"]["items"]}
    assert sorted(every) == ["Cart", "basket", "cache", "checkout", "mira"]
    cart = every["Cart"]
    assert cart["metadata"]["annotations"] == {
        "backstage.io/managed-by-location": "git:shop/deploy/all.yaml",
        "backstage.io/managed-by-origin-location": "git:shop/deploy",
        "github.com/project-slug": "shop/cart",
    }
    assert (cart["apiVersion"], cart["kind"], cart["spec"]["type"]) == (
        "backstage.io/v1alpha1",
        "Component",
        "service",
    )
    assert cart["metadata"]["namespace"] == "default"
    assert re.fullmatch(UID, cart["metadata"]["uid"])
    assert re.fullmatch(r"[0-9a-f]{40}", cart["metadata"]["etag"])
    assert refs(cart) == [("dependsOn", "resource:default/cache"), ("ownedBy", CHECKOUT)]
    assert refs(every["checkout"])[:2] == [
        ("hasMember", "user:default/mira"),
        ("ownerOf", "component:default/basket"),
    ]
    assert refs(every["cache"])[0] == ("dependencyOf", CART)
    (trouble,) = every["basket"]["status"]["items"]
    assert (trouble["type"], trouble["level"]) == ("backstage.io/catalog-processing", "error")
    assert "status" not in cart
    slug = {"annotations": {"github.com/project-slug": "shop/cart"}, "name": "Cart"}
    mira = {"kind": "User", "metadata": {"name": "mira"}}
    assert said["some"]["items"] == [mira, {"kind": "Component", "metadata": slug}]
    assert names(said["exists"]["items"]) == ["Cart"]


def pages(said: dict[str, Any]) -> None:
    turned, back = said["turned"]["pages"], said["turned"]["back"]
    assert [names(page["items"]) for page in turned] == [["basket", "cache"], ["Cart", "checkout"], ["mira"]]
    assert [sorted(page["pageInfo"]) for page in turned] == [
        ["nextCursor"],
        ["nextCursor", "prevCursor"],
        ["prevCursor"],
    ]
    assert {page["totalItems"] for page in turned} == {5}
    assert (names(back["items"]), sorted(back["pageInfo"])) == (
        ["Cart", "checkout"],
        ["nextCursor", "prevCursor"],
    )
    asked = said["predicate"]["pages"]
    assert [names(page["items"]) for page in asked] == [["Cart"], ["basket"]]
    assert {page["totalItems"] for page in asked} == {2}
    assert names(said["text"]["items"]) == ["Cart"]
    assert said["none"] == {"items": [], "totalItems": 2, "pageInfo": {}}
    assert [names(page) for page in said["stream"]] == [["Cart", "basket"], ["cache"]]
    assert (said["wrong"]["status"], said["wrong"]["body"]["error"]["name"]) == (400, "InputError")
    assert said["too_small"]["status"] == 400


def single(said: dict[str, Any]) -> None:
    assert said["refs"]["items"] == [{"metadata": {"name": "Cart"}}, None, {"metadata": {"name": "cache"}}]
    assert names(said["refs_narrowed"]["items"]) == [None, "checkout"]
    cart = next(entity for entity in said["all"]["items"] if entity["metadata"]["name"] == "Cart")
    assert said["ref"] == said["named"] == cart
    assert said["missing"] is None
    child, parent = said["ancestors"]["items"]
    assert said["ancestors"]["rootEntityRef"] == CART
    assert child["entity"] == cart
    assert child["parentEntityRefs"] == [f"location:default/{parent['entity']['metadata']['name']}"]
    assert said["refresh"] is None


def facets(said: dict[str, Any]) -> None:
    found = {
        key: [(row["value"], row["count"]) for row in rows] for key, rows in said["facets"]["facets"].items()
    }
    assert found == {
        "kind": [("Component", 2), ("Group", 1), ("Resource", 1), ("User", 1)],
        "spec.type": [("library", 1), ("redis", 1), ("service", 1), ("team", 1)],
        "metadata.tags": [("java", 2), ("money", 1)],
        "relations.ownedBy": [(CHECKOUT, 3)],
        "x.y": [],
    }
    assert said["facets_narrowed"]["facets"] == {"metadata.tags": [{"value": "java", "count": 1}]}


def places(said: dict[str, Any]) -> None:
    (deploy,) = said["locations"]["items"]
    assert (deploy["type"], deploy["target"]) == ("git", "shop/deploy")
    assert said["location_by_ref"] == said["location_by_entity"] == deploy
    assert said["locations_queried"] == {"items": [deploy], "totalItems": 1, "pageInfo": {}}
    assert said["locations_streamed"] == [[deploy]]
    would = said["would_add"]
    assert (would["location"]["target"], would["exists"]) == ("shop/more", False)
    assert names(would["entities"]) == ["checkout", "wish", "basket", "cache", "mira"]
    assert Source.objects.filter(location="shop/more").count() == 0
    assert (said["add_again"]["status"], said["add_again"]["body"]["error"]["name"]) == (409, "ConflictError")
    assert (said["add_refresh"]["location"], said["add_refresh"]["exists"]) == (deploy, True)


def judged(said: dict[str, Any]) -> None:
    assert said["valid"] == {"valid": True}
    assert said["invalid"]["errors"][0]["message"].startswith('metadata.name: "a b" is not a valid name')
    assert len(said["analysed"]["existingEntityFiles"]) == 5
    (made,) = said["analysed_new"]["generateEntities"]
    assert made["entity"]["metadata"]["name"] == "web"
    assert {field["field"]: field["state"] for field in made["fields"]} == {
        "metadata.name": "analysisSuggestedValue",
        "spec.owner": "needsUserInput",
    }
