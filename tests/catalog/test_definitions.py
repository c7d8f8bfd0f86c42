"""API definitions: what each language says, and what is refused before it costs anything."""

# ruff: noqa: E501 (definitions keep the lines they have in the wild)
import json
import time

import pytest

from portal.demo import company
from services.catalog.definitions import Broken, graphql, read
from services.catalog.descriptors.reading import read as documents_of

PETS = """\
openapi: {version}
info: {{title: Pets, version: "7"}}
tags: [{{name: pets, description: All of them}}]
security: [{{token: [read, 7]}}, {{}}]
paths:
  /pets/{{id}}:
    parameters: [{{$ref: "#/components/parameters/Id"}}]
    get:
      tags: [pets]
      summary: One pet
      parameters: [{{name: id, in: path, required: true, description: Its number, schema: {{type: integer}}}}]
      responses:
        "200":
          description: Found
          content: {{application/json: {{schema: {{$ref: "#/components/schemas/Pet"}}}}}}
        default: {{$ref: "#/components/responses/Gone"}}
    delete: {{deprecated: true, responses: {{}}}}
components:
  parameters: {{Id: {{name: id, in: path, schema: {{type: string}}}}}}
  responses: {{Gone: {{description: Not there}}}}
  schemas:
    Pet:
      required: [name]
      properties:
        name: {{type: string, maxLength: 9, example: Rex}}
        mother: {{$ref: "#/components/schemas/Pet"}}
        friends: {{type: array, items: {{$ref: "#/components/schemas/Pet"}}}}
        home: {{type: object, properties: {{street: {{type: [string, "null"]}}}}}}
        kind: {{oneOf: [{{$ref: "other.yaml#/Dog"}}, {{type: integer, format: int64}}]}}
    Mood: {{type: string, enum: [good, bad]}}
"""
OLD = """\
swagger: "2.0"
info: {title: Old, version: "1"}
host: api.example.org
basePath: /v1
schemes: [https]
consumes: [application/xml]
paths:
  /pets:
    post:
      parameters: [{name: pet, in: body, schema: {$ref: "#/definitions/Pet"}}]
      responses: {"201": {description: Made, schema: {$ref: "#/definitions/Pet"}}}
definitions: {Pet: {type: object, properties: {name: {type: string}}}}
"""
EVENTS = """\
asyncapi: 2.6.0
info: {title: Events, version: "1"}
servers: {main: {url: "queue:5672", protocol: amqp}}
channels:
  "orders/{id}":
    parameters: {id: {schema: {type: string}}}
    subscribe: {message: {oneOf: [{$ref: "#/components/messages/Made"}, {name: gone, payload: {type: string}}]}}
    publish: {operationId: hear, message: {payload: {type: object, properties: {a: {type: integer}}}}}
components: {messages: {Made: {title: Order made, payload: {type: object, required: [id], properties: {id: {type: string}}}}}}
"""


def test_openapi_says_its_operations_by_tag_and_links_their_schemas():
    said = read("openapi", PETS.format(version="3.1.0"))
    assert (said.language, said.version, said.title) == ("OpenAPI", "3.1.0", "Pets")
    assert [(g.name, g.text, [(o.verb, o.name) for o in g.operations]) for g in said.groups] == [
        ("pets", "All of them", [("GET", "/pets/{id}")]),
        ("Operations", "", [("DELETE", "/pets/{id}")]),
    ]
    get, pet = said.groups[0].operations[0], said.schemas[0]
    assert get.facts == (("Signing in", "token (read, 7) or nobody needs to"),)
    parameters, found, gone = get.blocks
    assert [(r.name, r.type, r.required, r.text) for r in parameters.rows] == [
        ("id", "integer", True, "Its number")
    ]
    assert (found.title, found.type, found.link, found.tone) == ("200", "Pet", pet.anchor, "ok")
    assert (gone.title, gone.text) == ("default", "Not there")
    rows = {(r.name, r.depth): r for r in pet.rows}
    assert rows["name", 0].required
    assert rows["name", 0].notes == ("at most 9 characters",)
    assert (rows["mother", 0].type, rows["mother", 0].link) == ("Pet", pet.anchor)
    assert (rows["friends", 0].type, rows["friends", 0].link) == ("array of Pet", pet.anchor)
    assert rows["street", 1].type == "string or null"
    assert rows["kind", 0].type == "Dog in other.yaml or integer (int64)"
    assert json.loads(found.example)["name"] == "Rex"
    assert [row.name for row in said.schemas[1].rows] == ["good", "bad"]
    assert said.groups[1].operations[0].deprecated


def test_swagger_2_says_its_host_bodies_and_definitions():
    said = read("swagger", OLD)
    assert dict(said.facts)["Servers"] == "https://api.example.org/v1"
    body, made = said.groups[0].operations[0].blocks
    assert (body.title, body.hint, body.type) == ("Request body", "application/xml", "Pet")
    assert (made.title, made.link) == ("201", said.schemas[0].anchor)


def test_asyncapi_says_who_sends_what_on_which_channel():
    said = read("asyncapi", EVENTS)
    (group,) = said.groups
    hears, sends = group.operations
    assert (hears.verb, hears.facts, sends.verb) == ("RECEIVE", (("Operation", "hear"),), "SEND")
    assert [block.title for block in sends.blocks] == ["Parameters", "Message Order made", "Message gone"]
    assert sends.blocks[1].rows[0].required


def _demo(file: str, name: str):
    for document in documents_of(company.descriptors()[file].encode()):
        if document.data["kind"] == "API" and document.data["metadata"]["name"] == name:
            return read(document.data["spec"]["type"], document.data["spec"]["definition"])
    raise LookupError(name)


@pytest.mark.parametrize(
    ("file", "name", "language", "operations", "schema", "row"),
    [
        ("orders.yaml", "orders-api", "OpenAPI", "GET DELETE GET GET POST GET", "Order", ("replaces", "Order")),
        ("orders.yaml", "order-events", "AsyncAPI", "SEND SEND RECEIVE", "Line", ("sku", "string")),
        ("mobile-api.yaml", "mobile-api", "GraphQL", "QUERY " * 5 + "MUTATION " * 3 + "SUBSCRIPTION", "Product", ("since", "Date")),
        ("fraud-check.yaml", "fraud-check-api", "gRPC", "RPC STREAM RPC RPC", "ScoreRequest", ("hints", "map<string, string>")),
    ],
)  # fmt: skip
def test_the_demo_company_has_one_of_each(file, name, language, operations, schema, row):
    said = _demo(file, name)
    assert said.language == language
    assert sorted(o.verb for g in said.groups for o in g.operations) == sorted(operations.split())
    (found,) = [one for one in said.schemas if one.name == schema]
    assert row in [(r.name, r.type) for r in found.rows]
    anchors = [o.anchor for g in said.groups for o in g.operations] + [s.anchor for s in said.schemas]
    assert len(set(anchors)) == len(anchors)
    links = {r.link for s in said.schemas for r in s.rows if r.link}
    assert links <= set(anchors)
    assert links or language == "AsyncAPI"


def test_a_schema_language_keeps_texts_defaults_and_deprecations():
    said = _demo("mobile-api.yaml", "mobile-api")
    queries = {o.name: o for o in said.groups[0].operations}
    assert queries["cart"].deprecated
    assert queries["cart"].facts == (("Deprecated", "Ask for basket."),)
    assert queries["home"].blocks[0].rows[0].notes == ("default 6",)
    calls = {o.name: o for o in _demo("fraud-check.yaml", "fraud-check-api").groups[0].operations}
    assert calls["Score"].summary == "Score one payment."
    assert (calls["ScoreAll"].blocks[0].type, calls["Explain"].deprecated) == ("stream of ScoreRequest", True)


def test_a_schema_language_gathers_extensions_and_names_its_own_roots():
    said = read(
        "graphql",
        'extend schema @link(url: "x") "All of it" schema { query: Root } directive @key(a: Int) repeatable on OBJECT\n'
        "type Root implements Node & Named @key(a: 1) { one(a: [In!]! = [{x: 1}]): One @deprecated }\n"
        'extend type Root { two: Two } union Two = One | Root scalar One enum E { A @deprecated(reason: "x") }',
    )
    assert (said.text, [(o.name, o.deprecated) for o in said.groups[0].operations]) == (
        "All of it", [("one", True), ("two", False)],
    )  # fmt: skip
    argument = said.groups[0].operations[0].blocks[0].rows[0]
    assert (argument.type, argument.required, argument.notes) == ("[In!]!", False, ("default [{ x: 1 }]",))
    assert [(s.name, s.kind, [(r.name, r.notes) for r in s.rows]) for s in said.schemas] == [
        ("Two", "union", [("One", ()), ("Root", ())]), ("One", "scalar", []), ("E", "enum", [("A", ("x",))]),
    ]  # fmt: skip


def test_a_schema_of_too_many_words_is_not_read_to_its_end(monkeypatch):
    monkeypatch.setattr(graphql, "MAX_TOKENS", 1000)
    with pytest.raises(Broken, match="more than 1000 tokens"):
        read("graphql", "type A { " + "a: B " * 1000)


PROTO = 'syntax = "proto2"; message A { %s }'


@pytest.mark.parametrize(
    ("kind", "text", "said", "line"),
    [
        ("openapi", "openapi: 3.0.0\npaths: {\n  a: [\n", "bracket", 4),
        ("openapi", '{"openapi": "3.0.0",\n "paths": ]}', "", 2),
        ("openapi", "", "it is empty", 0),
        ("openapi", "- 1", "no mapping", 1),
        ("openapi", "hello: 1", "neither openapi nor swagger", 1),
        ("openapi", "openapi: 4.0.0", "not known here", 1),
        ("asyncapi", "asyncapi: 1.2.0", "not known here", 1),
        ("openapi", "openapi: !evil x", "tag", 1),
        ("openapi", '{"openapi": ' + "9" * 5000 + "}", "not JSON", 0),
        ("graphql", "type A {\n  a B\n}", "Expected ':', found Name 'B'", 2),
        ("graphql", "type A { a: [B }", "Expected ']'", 1),
        ("graphql", "query { a }", "where a schema should be", 0),
        ("graphql", "type A { a(b: C = ]): D }", "Unexpected ']'", 1),
        ("graphql", " # nothing", "Unexpected <EOF>", 1),
        ("grpc", "service A {\n  rpc B(C) D;\n}", "returns should stand here", 2),
        ("grpc", PROTO % "string a 1;", "= should stand here, not 1", 1),
        ("grpc", "message A {\n  string a = 1;\n", "never ends", 1),
        ("grpc", "service A {\n", "never ends", 1),
        ("grpc", "option a = ]", "should stand here, not ]", 1),
        ("grpc", "option a = 1", "never ends", 1),
        ("grpc", "a = 1;", "begins nothing", 1),
        ("grpc", "", "it is empty", 0),
        ("grpc", "message A { string §a = 1; }", "cannot stand here", 1),
    ],
)  # fmt: skip
def test_what_is_broken_says_where(kind, text, said, line):
    with pytest.raises(Broken) as caught:
        read(kind, text)
    assert said in str(caught.value)
    assert caught.value.line == line


def test_proto_reads_what_generators_are_told_and_passes_it_over():
    said = read(
        "proto",
        'edition = "2023"; import public "a.proto"; option (x.y) = {a: 1 b: [2]};\n;'
        "message A { reserved 2 to 4; extensions 100 to max; option deprecated = true; ; optional B.C b = 1 [default = 2];"
        " repeated group G = 5 { required int32 x = 6; } enum E { option allow_alias = true; Z = 0; ; M = -1 [deprecated = true]; }"
        " extend B { optional int32 y = 9; } message B { } }"
        "extend A { optional string more = 100; }"
        'service S { option (a) = 1; ; rpc Do(.p.A) returns (stream A) { option (google.api.http) = { get: "/v1/a" }; } }',
    )
    assert [schema.name for schema in said.schemas] == ["A", "A.G", "A.E", "A.B", "extend A"]
    assert [(r.name, r.deprecated) for r in said.schemas[2].rows] == [("Z", False), ("M", True)]
    assert said.groups[0].operations[0].facts == (("Over HTTP", "GET /v1/a"),)


def _wide(key: str) -> str:
    """A kilobyte for each schema whose parts are the next schema twenty times: 20^6 steps for whoever walks it."""
    part = {f"S{i}": {key: [{"$ref": f"#/components/schemas/S{i + 1}"}] * 20} for i in range(100)}
    return json.dumps({"openapi": "3.0.0", "components": {"schemas": part}})


BOMB = "openapi: 3.0.0\na0: &a0 [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12)
)
HOSTILE = {
    "ten megabytes": ("openapi", "a: " + "x" * 10_000_000, "larger than"),
    "ten megabytes of schema": ("graphql", "#" * 10_000_000, "larger than"),
    "aliases": ("openapi", BOMB, "aliases"),
    "a million lines": ("openapi", "a:\n" * 200_000, "lines"),
    "deep YAML": ("openapi", "openapi: 3.0.0\nx: " + "[" * 10_000, "nested"),
    "deep JSON": ("openapi", '{"openapi":"3.0.0","x":' + "[" * 10_000 + "]" * 10_000 + "}", "nested"),
    "deep lists": ("graphql", "type A { a: " + "[" * 10_000 + "}", "nested"),
    "deep values": ("graphql", "type A { a(b: C = " + "[" * 10_000 + "}", "nested"),
    "deep messages": ("grpc", "message A {" * 10_000, "nested"),
    "an endless text": ("graphql", '"""' + "\\" * 100_000, "Unterminated string"),
    "an endless remark": ("grpc", "/*" + "*" * 100_000, "should stand here"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_definitions_are_refused_at_once(name):
    kind, text, reason = HOSTILE[name]
    began = time.process_time()
    with pytest.raises(Broken, match=reason):
        read(kind, text)
    assert time.process_time() - began < 0.05


@pytest.mark.parametrize("key", ["allOf", "oneOf"])
def test_schemas_that_multiply_are_drawn_within_bounds(key):
    began = time.process_time()
    assert len(read("openapi", _wide(key)).schemas) == 100
    assert time.process_time() - began < 2


def test_references_in_a_circle_end():
    text = """
openapi: 3.0.0
paths: {/a: {get: {parameters: [{$ref: "#/paths/~1a/get/parameters/0"}], responses: {"200": {$ref: "#/x/y"}}}}}
components: {schemas: {A: {$ref: "#/components/schemas/B"}, B: {$ref: "#/components/schemas/A"},
  D: {allOf: [{$ref: "#/components/schemas/D"}, {properties: {d: {$ref: "#/components/schemas/D"}}}]}}}
"""
    said = read("openapi", text)
    assert {s.name: [(r.name, r.type) for r in s.rows] for s in said.schemas} == {
        "A": [],
        "B": [],
        "D": [("d", "D")],
    }


@pytest.mark.parametrize("ref", [[1], {"a": 1}, 7, None, ""])
def test_a_reference_that_is_no_text_leads_nowhere(ref):
    schema = {"properties": {"a": {"$ref": ref}}, "items": {"$ref": ref}, "allOf": [{"$ref": ref}]}
    text = json.dumps({"openapi": "3.0.0", "components": {"schemas": {"A": schema}}})
    assert [row.name for row in read("openapi", text).schemas[0].rows] == ["a"]


def test_an_unknown_type_is_drawn_when_it_says_what_it_is():
    assert read("rest", PETS.format(version="3.0.3")).language == "OpenAPI"
    assert read("rest", EVENTS).language == "AsyncAPI"
    assert read("soap", "<wsdl/>") is None
    assert read("rest", "openapi: [") is None
    assert read("rest", "about: openapi") is None
