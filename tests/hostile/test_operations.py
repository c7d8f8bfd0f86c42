"""Operations for programs: each answers its own example as described, and survives whatever else arrives."""

import json
from types import SimpleNamespace
from typing import Any

import jsonschema_rs
import pytest
from django.db import transaction
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator

from portal.shell import openapi
from portal.shell.operations import Operation
from portal.shell.schemas import followed
from services.accounts.actions import create_token
from services.accounts.models import SCOPES, Team
from services.audit.models import Event
from services.catalog.models import Entity, ImportRun, Relation
from services.catalog.ownership import tenures
from services.helpdesk.models import Ticket
from services.integrations.githosts.base import Person
from services.manifests.emit import dump
from services.onboarding.models import Made, UpgradeItem, UpgradeRound
from tests.hostile import doors
from tests.hostile import world as company
from tests.hostile.asking import Asked
from tests.hostile.test_fuzz import EXAMPLES, FUZZ, TEXT

pytestmark = pytest.mark.django_db
DOORS = [door for door in doors.doors() if hasattr(door.view, "operations")]
OPERATIONS = [(door, one) for door in DOORS for one in door.view.operations.values()]
CHANGES = [(door, one) for door, one in OPERATIONS if one.method != "GET"]
JSON = "application/json"


@pytest.fixture
def named(world: SimpleNamespace) -> dict[str, Any]:
    """What the arguments of addresses are called in this company."""
    entity = Entity.objects.get(ref="component:default/checkout")
    Relation.objects.create(
        source=entity, type="dependsOn", target_ref="resource:default/checkout-db", confidence=0.9,
        evidence=[{"file": "a.yaml", "line": 1, "key": "DB", "value": "checkout-db:5432"}], field="derived",
    )  # fmt: skip
    ImportRun.objects.filter(pk=world.applied.pk).update(state="applied")
    world.server.delete()  # it is silent, and new requests would go there
    round = _upgrades(world)
    return {
        "kind": "component", "namespace": "default", "name": "checkout", "slug": "checkout",
        "report": "dangling",
        "source": world.source.pk, "run": world.planned.pk, "ref": world.requests["live"].ref,
        "key": world.ticket.key, "batch": world.batch, "pk": world.preview.pk, "round": round.pk,
    }  # fmt: skip


def _upgrades(world: SimpleNamespace) -> UpgradeRound:
    """An older version made the service: its answers lie in the repository, and a round is under way."""
    digest, ref = "sha256:old", "component:default/checkout"
    answers = {**company.ANSWERS, "name": "checkout", "image": "registry.larkfield.shop/checkout:2.13.1"}
    document = {
        "apiVersion": "slipway.dev/v1", "kind": "Answers",
        "metadata": {"name": "checkout", "blueprint": "web-service", "request": "R-1"},
        "spec": {"version": "0.9", "digest": digest, "answers": answers},
    }  # fmt: skip
    files = {"apps/checkout/checkout/slipway.yaml": dump([document]).encode()}
    world.host.commit("shop/deploy", files=files, author=Person("mira", "Mira"), message="Made")
    Made.objects.create(
        entity_ref=ref, blueprint="web-service", digest=digest, version="0.9", request=world.requests["live"]
    )
    UpgradeItem.objects.create(round=world.upgrade_round, entity_ref=ref)
    return world.upgrade_round


def send(client: Client, door: doors.Door, one: Operation, named: dict[str, Any], **more: Any) -> Any:
    """What is answered to the example of an operation; what it changed is undone."""
    path = door.address(**{name: named[name] for name in door.converters})
    with transaction.atomic():
        ask = getattr(client, one.method.lower())
        if one.method == "GET":
            answer = ask(path, one.example.get("query"), **more)
        else:
            answer = ask(path, named.get("body") or one.example.get("body", ""), JSON, **more)
        transaction.set_rollback(True)
    return answer


def on_requests(world: SimpleNamespace, name: str) -> tuple[Any, dict[str, Any]]:
    """Who decides about which request, so that the example of an operation on requests can be followed."""
    row = world.requests["in_review"]
    if name == "request_approval":
        return world.sam, {"ref": row.ref, "body": {"tree_hash": row.tree_hash}}
    if name == "upgrade_several":
        return world.priya, {"body": {"services": ["component:default/checkout"]}}
    return {"request_rejection": world.sam}.get(name, world.mira), {"ref": row.ref}


def token(who: Any, *scopes: str, team: Team | None = None) -> dict[str, str]:
    made = create_token(by=who, name=f"t{hash(scopes)}", scopes=list(scopes), days=7, team=team)
    return {"HTTP_AUTHORIZATION": f"Bearer {made[1]}"}


def test_the_description_is_openapi_and_each_example_is_answered_as_it_says(world, named):
    """Every field is described and there, and every list has something in it."""
    told = openapi.description()
    assert [error.message for error in OpenAPIV31SpecValidator(told).iter_errors()] == []
    ways = [one for way in told["paths"].values() for one in way.values()]
    by_id = {one["operationId"]: one for one in ways}
    assert len(by_id) == len(ways)
    client = Client()
    client.force_login(world.mira)
    for door, one in OPERATIONS:
        here = {**named, "run": world.applied.pk} if one.name == "run_undo" else named
        if one.name == "run_undo":
            client.force_login(world.priya)
        if one.scope == "requests:write":
            who, more = on_requests(world, one.name)
            client.force_login(who)
            here = {**named, **more}
        answer = send(client, door, one, here)
        assert (answer.status_code, bool(answer.get("ETag"))) == (one.status, True), (
            one.name,
            answer.content,
        )
        schema = by_id[one.name]["responses"][str(one.status)]["content"][one.media]["schema"]
        value = answer.json() if one.media == JSON else answer.content.decode()
        whole = {**schema, "components": told["components"]}
        check = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        assert [error.message for error in check.iter_errors(value)] == [], one.name
        whole_thing(value, followed(one.answer)) if "fields" in one.query else None
        assert not isinstance(value, dict) or value.get("items") != [], one.name


def whole_thing(value: dict[str, Any], schema: dict[str, Any]) -> None:
    """Nothing is left out where nobody asked for that."""
    first, inner = (
        (value["items"][0], schema["properties"]["items"]["items"]) if "items" in value else (value, schema)
    )
    assert set(first) == set(followed(inner)["properties"])


def test_the_scope_opens_the_operation_and_no_other_scope_does(world, named):
    without = {scope: token(world.priya, *(other for other in SCOPES if other != scope)) for scope in SCOPES}
    for door, one in OPERATIONS:
        refused = send(Client(), door, one, named, **without[one.scope])
        assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json"), one.name
        assert one.scope in refused.json()["detail"]
    assert {one.scope for _, one in OPERATIONS} == set(SCOPES)
    readers = [one.name for _, one in OPERATIONS if one.method == "GET" and not one.scope.endswith(":read")]
    writers = [one.name for _, one in CHANGES if not one.scope.endswith(":write")]
    assert (readers, writers) == ([], [])


def test_a_token_of_a_team_reads_what_everybody_may_and_does_nothing_as_a_person(world, named):
    """It is nobody: what has no author or nobody assigned is not its own."""
    ImportRun.objects.filter(pk=world.planned.pk).update(created_by=None)
    Ticket.objects.filter(pk=world.private.pk).update(assignee=None)
    team = Team.objects.get(runs_platform=True)
    brought = token(world.priya, *SCOPES, team=team)
    for door, one in OPERATIONS:
        answer = send(Client(), door, one, named, **brought)
        if one.name == "request_create":  # for the team whose token it is, and no other
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "answers.owner")
            continue
        may = (one.status,) if one.method == "GET" or one.name in ("source_look", "source_add") else (403,)
        assert answer.status_code in may, (one.name, answer.content)
    asked = Client()
    keys = [row["key"] for row in asked.get("/api/v1/tickets", **brought).json()["items"]]
    assert world.ticket.key in keys
    assert world.private.key not in keys
    assert asked.get(f"/api/v1/tickets/{world.private.key}", **brought).status_code == 404
    assert asked.get("/api/v1/requests?show=waiting", **brought).status_code == 403
    drafts = asked.get("/api/v1/requests?state=draft", **brought).json()["items"]
    mine = asked.get("/api/v1/catalog/entities?owner=mine", **brought).json()["items"]
    assert (drafts, mine) == ([], [])


def test_people_get_by_program_what_their_pages_show(world, named):
    """Jonas sees neither Mira's private ticket nor her draft, and does nothing with what is hers."""
    client = Client()
    client.force_login(world.jonas)
    assert client.get(f"/api/v1/tickets/{world.private.key}").status_code == 404
    assert client.get(f"/api/v1/requests/{world.requests['draft'].ref}").status_code == 404
    names = {one.name for door, one in CHANGES if send(client, door, one, named).status_code in (403, 409)}
    assert names == {
        "ownership_confirm", "ownership_unconfirm", "dependency_judge", "run_apply", "run_undo",
        "request_approval", "request_rejection", "request_withdrawal", "image_bring",
        "promotion_open", "preview_ask", "preview_end", "upgrade_open", "upgrade_several",
    }  # fmt: skip
    note = client.post(messages_of(world.ticket.key), {"body": "psst", "internal": True}, JSON)
    assert (note.status_code, note.json()["title"]) == (403, "Forbidden")


def messages_of(key: str) -> str:
    return f"/api/v1/tickets/{key}/messages"


REFUSED: list[tuple[str, Any, list[tuple[str, str, str]]]] = [
    ("catalog/entities?limit=x&ownr=a&sort=nam", None,
     [("limit", "type", ""), ("ownr", "unknown", "owner"), ("sort", "enum", "name")]),
    ("catalog/entities?fields=nme&limit=0", None, [("fields.0", "enum", "name"), ("limit", "minimum", "")]),
    ("catalog/entities?after=bm90aGluZw", None, [("after", "cursor", "")]),
    ("catalog/entities?q=checkout&after=0", None, [("after", "cursor", "")]),
    ("catalog/reports/unowned?after=1", None, [("after", "cursor", "")]),
    ("teams?before=x", None, [("before", "cursor", "")]),
    ("tickets", {"titel": "a", "body": "b", "category": "broken"},
     [("titel", "unknown", "title"), ("title", "required", "")]),
    ("tickets", {"title": "a", "body": "x" * 30_000, "category": "broken"}, [("body", "maxLength", "")]),
    ("tickets", {"title": "a", "body": "b", "category": "nonsense"}, [("category", "invalid_choice", "")]),
    ("tickets", {"title": "a", "body": "password: hunter2-hunter2", "category": "broken"},
     [("body", "suspect", "")]),
    ("tickets", {"title": "a", "body": "b", "category": "broken", "entity": "chekout"},
     [("entity", "invalid", "")]),
    ("tickets", {"title": "a", "body": "b", "category": "broken", "private": "yes"},
     [("private", "type", "")]),
]  # fmt: skip


@pytest.mark.parametrize(("path", "body", "wrong"), REFUSED)
def test_a_refusal_names_field_rule_and_nearest_value_and_repeats_nothing(world, client, path, body, wrong):
    client.force_login(world.mira)
    url = f"/api/v1/{path}"
    answer = client.get(url) if body is None else client.post(url, body, JSON)
    told = answer.json()
    assert (answer.status_code, told["status"], told["title"]) == (422, 422, "Unprocessable Entity")
    found = [(one["field"], one["rule"], one["suggestion"]) for one in told["errors"]]
    assert sorted(found) == sorted(wrong)
    assert "hunter2" not in answer.content.decode()
    assert len(answer.content) < 1500


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{", JSON, 400),
        (b"[]", JSON, 400),
        (b'{"title": NaN}', JSON, 400),
        (b'{"title": "\\ud800"}', JSON, 400),
        (b'{"title": "\\u0000"}', JSON, 400),
        (b'{"a":' * 300 + b"1" + b"}" * 300, JSON, 400),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, JSON, 400),
        (b"--x\r\n", "multipart/form-data; boundary=x", 415),
    ],
)
@pytest.mark.parametrize("path", ["v1/tickets", "catalog/refresh"])
def test_a_body_that_is_no_json_is_refused(world, path, content, kind, status):
    """Also where the check of form tokens has read it before."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.mira)
    key = client.get("/account/").cookies["csrftoken"].value
    answer = client.post(f"/api/{path}", content, kind, headers={"X-CSRFToken": key})
    assert answer.status_code == status, answer.content


@pytest.mark.parametrize(
    "path",
    [
        "catalog/entities?sort=-owner&fields=ref",
        "catalog/entities?q=checkout&fields=ref",
        "catalog/sources?",
        "tickets?fields=key",
        "requests?fields=ref",
        "teams?",
    ],
)
def test_pages_follow_each_other_both_ways_and_hold_each_thing_once(world, client, path):
    client.force_login(world.priya)
    seen, pages, url = [], [], f"/api/v1/{path}&limit=1"
    while url:
        pages.append(client.get(url).json())
        seen += [json.dumps(item) for item in pages[-1]["items"]]
        url = pages[-1]["next"]
    assert len(seen) == len(set(seen)) > 1
    assert "fields" not in path or len(pages[0]["items"][0]) == 1
    assert pages[0]["previous"] is None
    assert client.get(pages[1]["previous"]).json()["items"] == pages[0]["items"]


def test_what_did_not_change_is_not_sent_again(world, client):
    client.force_login(world.mira)
    url = "/api/v1/catalog/entities/component/default/checkout"
    etag = client.get(url)["ETag"]
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 304
    Entity.objects.filter(name="checkout").update(description="Takes more money")
    assert client.get(url, headers={"If-None-Match": etag}).status_code == 200


def test_sent_twice_with_one_key_it_is_done_once(world, client):
    client.force_login(world.mira)
    body = {"title": "Twice", "body": "b", "category": "broken"}
    keys = [
        client.post("/api/v1/tickets", body, JSON, headers={"Idempotency-Key": "k1"}).json()["key"]
        for _ in "ab"
    ]
    assert keys[0] == keys[1]
    for key in (keys[0], world.ticket.key):  # the same key means another message in another ticket
        said = [
            client.post(messages_of(key), {"body": "c"}, JSON, headers={"Idempotency-Key": "k2"})
            for _ in "ab"
        ]
        assert [one.json()["ticket"] for one in said] == [key, key]
        assert said[0].json()["id"] == said[1].json()["id"]
    assert (
        client.post("/api/v1/tickets", body, JSON, headers={"Idempotency-Key": "x" * 50}).status_code == 422
    )


def test_a_reply_to_an_older_state_is_refused(world, client):
    client.force_login(world.mira)
    url, other = f"/api/v1/tickets/{world.ticket.key}", Client()
    other.force_login(world.priya)
    etag = client.get(url)["ETag"]
    assert other.post(f"{url}/messages", {"body": "Since when?", "wait": True}, JSON).status_code == 201
    late = client.post(f"{url}/messages", {"body": "Well"}, JSON, headers={"If-Match": etag})
    since = [one["detail"] for one in late.json()["errors"]]
    assert (late.status_code, "Priya replied" in since) == (412, True)
    assert (
        client.post(f"{url}/messages", {"body": "a"}, JSON, headers={"If-Match": '"zzz"'}).status_code == 412
    )
    fresh = client.get(url)["ETag"]
    assert (
        client.post(f"{url}/messages", {"body": "Well"}, JSON, headers={"If-Match": fresh}).status_code == 201
    )


def test_what_is_done_by_program_is_audited_and_done_once(world, named, client):
    client.force_login(world.priya)
    done = client.post("/api/v1/catalog/entities/component/default/checkout/confirmation", {}, JSON).json()
    assert client.delete(f"/api/v1/catalog/confirmations/{done['batch']}").json() == {"number": 1}
    judged = {"target": "resource:default/checkout-db", "verdict": "dismissed"}
    url = "/api/v1/catalog/entities/component/default/checkout/derived"
    assert client.post(url, judged, JSON).json()["verdict"] == "dismissed"
    assert client.post(url, {**judged, "verdict": "open"}, JSON).json()["verdict"] == ""
    assert client.post(url, {**judged, "verdict": "open"}, JSON).status_code == 409
    run = f"/api/v1/catalog/runs/{world.planned.pk}"
    states = [
        client.post(f"{run}/{step}", {}, JSON).json()["state"] for step in ("apply", "apply", "undo", "undo")
    ]
    assert states == ["applied", "applied", "undone", "undone"]
    assert client.post(f"{run}/apply", {}, JSON).status_code == 409
    actions = Event.objects.filter(actor="priya").order_by("-pk").values_list("action", flat=True)[:6]
    assert [*actions] == [
        "catalog.import_undone", "catalog.imported", "catalog.dependency_reopened",
        "catalog.dependency_dismissed",
        "catalog.ownership_unconfirmed", "catalog.ownership_confirmed",
    ]  # fmt: skip


def test_reports_say_what_pages_say(world, named, client):
    client.force_login(world.jonas)
    tenures.refresh()
    for key in ("unowned", "dead", "dangling", "unconfirmed", "elsewhere"):
        assert client.get(f"/api/v1/catalog/reports/{key}").status_code == 200
    (row, *_) = client.get("/api/v1/catalog/reports/dangling").json()["items"]
    assert (row["entity"], row["missing"]) == ("component:default/checkout", "resource:default/checkout-db")
    assert client.get("/api/v1/catalog/reports/nothing").status_code == 404


@st.composite
def anything(draw: Any) -> tuple[doors.Door, Operation, dict[str, str], dict[str, Any]]:
    """An operation with some of its own fields filled with whatever arrives."""
    door, one = draw(st.sampled_from(OPERATIONS))
    query = draw(st.dictionaries(st.sampled_from([*one.query, "unknown"]), TEXT, max_size=3))
    fields = [*(one.body or {}).get("properties", {}), "unknown"]
    value = st.one_of(TEXT, st.none(), st.booleans(), st.integers(), st.lists(TEXT, max_size=2))
    body = draw(st.dictionaries(st.sampled_from(fields), value, max_size=6))
    return door, one, query, {**one.example.get("body", {}), **body}


@pytest.mark.parametrize("asked", ["priya"], indirect=True)
def test_whatever_arrives_is_answered_or_refused(asked: Asked, named: dict[str, Any]):
    @settings(FUZZ, max_examples=EXAMPLES // 2)
    @given(anything())
    def knock(sent: Any) -> None:
        door, one, query, body = sent
        path = door.address(**{name: named[name] for name in door.converters})
        if one.method == "GET":
            safe = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
            answer = asked.ask("GET", path, safe)
        else:
            answer = asked.ask(one.method, path, json.dumps(body), content_type=JSON)
        asked.expect(
            answer is None or answer.status_code in (one.status, 400, 404, 409, 422), f"{path}: {answer}"
        )

    knock()
    asked.all_well()


@pytest.mark.case("Z4")
def test_nobody_approves_their_own_or_another_content_by_program(world):
    row = world.requests["in_review"]
    client, path = Client(), f"/api/v1/requests/{row.ref}/approval"
    own = token(world.mira, "requests:write", "requests:read")
    refused = client.post(path, {"tree_hash": row.tree_hash}, JSON, **own)
    assert (refused.status_code, "You wrote this request" in refused.json()["detail"]) == (403, True)
    other = token(world.sam, "requests:write")
    assert client.post(path, {"tree_hash": "sha256:else"}, JSON, **other).status_code == 409
    assert client.post(path, {}, JSON, **other).json()["errors"][0]["field"] == "tree_hash"
    done = client.post(path, {"tree_hash": row.tree_hash, "remark": "Fine"}, JSON, **other)
    assert [(one["by"], one["counts"]) for one in done.json()["approvals"]] == [("sam", True)]
