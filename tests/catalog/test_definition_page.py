import json

import pytest

from services.catalog.actions import import_documents

pytestmark = pytest.mark.django_db
EVIL = "<script>alert(1)</script>"
PAGE = "/catalog/api/default/{}/?tab=definition"


def _api(name: str, kind: str, definition: object) -> str:
    spec = {"type": kind, "lifecycle": "production", "owner": "checkout", "definition": definition}
    return json.dumps(
        {"apiVersion": "backstage.io/v1alpha1", "kind": "API", "metadata": {"name": name}, "spec": spec}
    )


MANY = {
    "openapi": "3.0.0",
    "info": {"title": "Many"},
    "paths": {
        f"/p{n}": {
            "get": {"summary": f"Summary {n}", "responses": {"200": {"$ref": "#/components/responses/A"}}}
        }
        for n in range(45)
    },
    "components": {
        "responses": {
            "A": {"description": "d", "content": {"a/b": {"schema": {"$ref": "#/components/schemas/S7"}}}}
        },
        "schemas": {f"S{n}": {"properties": {"x": {"type": "string"}}} for n in range(50)},
    },
}
HOSTILE = {
    "openapi": "3.0.0",
    "info": {"title": EVIL, "description": f"{EVIL} [x](javascript:alert(2))"},
    "tags": [{"name": EVIL, "description": EVIL}],
    "paths": {
        EVIL: {
            "get": {
                "tags": [EVIL],
                "summary": EVIL,
                "description": EVIL,
                "parameters": [{"name": EVIL, "in": EVIL, "description": EVIL, "example": EVIL}],
                "responses": {EVIL: {"description": EVIL, "content": {EVIL: {"example": EVIL}}}},
            }
        }
    },
    "components": {
        "schemas": {EVIL: {"description": EVIL, "properties": {EVIL: {"enum": [EVIL], "type": EVIL}}}}
    },
}
MCP = {
    "apiVersion": "backstage.io/v1alpha1",
    "kind": "API",
    "metadata": {"name": "tools"},
    "spec": {
        "type": "mcp-server",
        "lifecycle": "production",
        "owner": "checkout",
        "definition": "tools",
        "remotes": [{"type": "sse", "url": "https://tools.example.org"}],
    },
}
APIS = {
    "many": _api("many", "openapi", json.dumps(MANY)),
    "hostile": _api("hostile", "openapi", json.dumps(HOSTILE)),
    "schema": _api("schema", "graphql", "type Query { a(b: Int): C! }\ntype C { d: ID }"),
    "broken": _api("broken", "graphql", f"type Query {{\n  a B {EVIL}\n}}"),
    "soap": _api("soap", "wsdl", f"<definitions>\n{EVIL}\n</definitions>"),
    "tools": json.dumps(MCP),
    "bare": _api("bare", "openapi", "openapi: 3.0.0"),
}


@pytest.fixture
def read(client, mira):
    files = {f"{name}.yaml": text.encode() for name, text in APIS.items()}
    import_documents(files=files, title="apis", by=mira, kind="folder", location="/apis")
    client.force_login(mira)

    def open_page(name: str, query: str = "") -> str:
        response = client.get(PAGE.format(name) + query)
        assert response.status_code == 200
        return response.content.decode()

    return open_page


def test_the_definition_has_pages_a_filter_and_an_address_for_each_thing(read):
    first, second = read("many"), read("many", "&page=2")
    assert "/p39" in first
    assert 'id="get-p44"' not in first
    assert "?tab=definition&amp;only=get-p44#get-p44" in first
    assert 'id="get-p44"' in second
    filtered = read("many", "&q=summary+44")
    assert 'id="get-p44"' in filtered
    assert 'id="get-p39"' not in filtered
    only = read("many", "&only=get-p44")
    assert '<details class="op" open>' in only
    assert 'href="#schema-s7"' in only
    assert 'id="schema-s7"' in only
    assert 'id="schema-s8"' not in only
    assert 'id="schema-s39"' in read("many", "&show=schemas")
    assert 'id="schema-s49"' in read("many", "&show=schemas&only=schema-s49")
    assert "Nothing matches" in read("many", "&q=nowhere")
    assert 'data-n="1"' in read("many", "&show=source")


def test_every_word_of_a_definition_is_escaped(read):
    for query in ("", "&show=schemas", "&show=source"):
        page = read("hostile", query)
        assert "&lt;script&gt;alert(1)" in page
        assert EVIL not in page
        assert 'href="javascript' not in page
    assert EVIL not in read("broken")
    assert EVIL not in read("soap")


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("schema", "Schemas used here"),
        ("broken", "line 2, column 5"),
        ("soap", "Definitions of type wsdl are shown as they are"),
        ("tools", "https://tools.example.org"),
        ("bare", "The definition is empty"),
    ],
)
def test_every_definition_has_a_page(read, name, said):
    assert said in read(name)


def test_the_original_is_a_download_of_plain_text(read, client):
    for name, ending in (("schema", "graphql"), ("hostile", "json"), ("bare", "yaml")):
        answer = client.get(f"/catalog/api/default/{name}/definition/")
        assert answer["Content-Type"] == "text/plain; charset=utf-8"
        assert answer["Content-Disposition"] == f'attachment; filename="{name}.{ending}"'
    assert client.get("/catalog/group/default/checkout/definition/").status_code == 404


def test_people_read_what_programs_may_ask(client, mira, django_assert_max_num_queries):
    client.force_login(mira)
    with django_assert_max_num_queries(12):
        page = client.get("/api/?q=/api/v1/tickets post").content.decode()
    assert "Idempotency-Key" in page
    assert '-H "Authorization: Bearer $TOKEN" ' in page
    assert "token (tickets:write)" in page
    assert "/api/openapi.json" in page
    assert "/api/catalog/entities" in client.get("/api/?page=2").content.decode()
    assert "TicketInList" in client.get("/api/?show=schemas").content.decode()
