"""Requests and answers held against a published OpenAPI 3.0 description."""

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import jsonschema_rs

from tests.fakes.forge.server import Exchange

# Parameters that GitHub takes with slashes in them.
WIDE = ("path", "ref", "basehead", "branch")


class Description:
    """Several documents as one; the first that has a path counts."""

    def __init__(self, *files: Path) -> None:
        self.documents = [json.loads(file.read_text()) for file in files]
        for document in self.documents:
            document["plain"] = _plain(document["components"])

    @cached_property
    def routes(self) -> list[tuple[str, re.Pattern[str], dict[str, Any], dict[str, Any]]]:
        return [
            (method, _pattern(path), operation, document)
            for document in self.documents
            for path, item in document["paths"].items()
            for method, operation in item.items()
        ]

    def problems(self, exchange: Exchange) -> list[str]:
        """What is wrong with a request, and with its answer where it is a success in JSON."""
        ask = exchange.ask
        told = f"{ask.method} {ask.path}"
        for method, pattern, operation, document in self.routes:
            if method == ask.method.lower() and pattern.fullmatch(ask.path):
                found = [*_query(operation, document, ask.query), *_body(operation, document, ask.body)]
                return [f"{told}: {each}" for each in [*found, *_answer(operation, document, exchange)]]
        return [f"{told} is not described"]


def _pattern(path: str) -> re.Pattern[str]:
    def part(match: re.Match[str]) -> str:
        return "(.+)" if match[1] in WIDE else "([^/]+)"

    return re.compile(re.sub(r"\{(\w+)\}", part, path))


def _resolved(value: Any, document: dict[str, Any]) -> Any:
    while isinstance(value, dict) and "$ref" in value:
        _, _, kind, name = value["$ref"].split("/")
        value = document["components"][kind][name]
    return value


def _query(operation: dict[str, Any], document: dict[str, Any], query: dict[str, str]) -> list[str]:
    known = {
        each["name"]: each["schema"]
        for each in (_resolved(one, document) for one in operation.get("parameters", []))
        if each["in"] == "query"
    }
    found = [f"the parameter {name} is unknown" for name in query if name not in known]
    for name, text in query.items():
        schema = known.get(name, {})
        value = int(text) if schema.get("type") == "integer" else text
        found += _errors(schema, document, value)
    return found


def _body(operation: dict[str, Any], document: dict[str, Any], body: Any) -> list[str]:
    described = operation.get("requestBody")
    if described is None:
        return [] if body is None else ["a body where none belongs"]
    schema = described["content"]["application/json"]["schema"]
    if body is None:
        return ["the body is missing"] if described.get("required") else []
    known = _resolved(schema, document).get("properties")
    extra = [] if known is None or not isinstance(body, dict) else sorted(set(body) - set(known))
    return [f"the field {name} is unknown" for name in extra] + _errors(schema, document, body)


def _answer(operation: dict[str, Any], document: dict[str, Any], exchange: Exchange) -> list[str]:
    if exchange.status >= 300 or isinstance(exchange.body, bytes):
        return []
    described = operation["responses"].get(str(exchange.status))
    if described is None:
        return [f"the status {exchange.status} is not described"]
    content = _resolved(described, document).get("content", {})
    schema = content.get("application/json", {}).get("schema", {})
    return [f"answer: {each}" for each in _errors(schema, document, exchange.body)]


_validators: dict[str, Any] = {}


def _errors(schema: dict[str, Any], document: dict[str, Any], value: Any) -> list[str]:
    key = json.dumps(schema, sort_keys=True) + document["info"]["title"]
    if key not in _validators:
        whole = {**_plain(schema), "components": document["plain"]}
        _validators[key] = jsonschema_rs.Draft4Validator(whole, validate_formats=True)
    return [
        f"{'/'.join(map(str, e.instance_path))}: {e.message}" for e in _validators[key].iter_errors(value)
    ]


def _plain(value: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: what may be null says so among its types."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _plain(each) for key, each in value.items() if key != "nullable"}
    if value.get("nullable") is not True:
        return found
    return {"anyOf": [found, {"type": "null"}]}
