"""All that programs may ask, described in OpenAPI 3.1: made from the addresses and what stands at them."""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlencode

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern

from portal.shell.api import OWN, PROBLEM
from portal.shell.operations import JSON, KEY, LONGEST_KEY, Operation
from portal.shell.schemas import NAMED, Schema, any_of, listed, named, number, text, thing

INTRODUCTION: Final = (
    "Ask with a token, `Authorization: Bearer slipway_…`, made on the page *Account*. "
    "Lists come in pages: follow `next`. "
    "Every answer has an `ETag`. A refusal names each field, the rule, and the nearest value that passes."
)
PROBLEM_SCHEMA: Final = named(
    "Problem",
    {
        **thing(
            "type", "title", "status", "detail", "instance",
            type=text(), title=text(), status=number(), detail=text("What is wrong, in a sentence"),
            instance=text(),
            errors=listed(thing(field=text(), rule=text(), detail=text(), suggestion=text())),
        ),
        "description": "RFC 9457",
    },
)  # fmt: skip
FOREIGN: Final = named(
    "Error",
    thing(
        error=thing(name=text(), message=text()),
        request=any_of(method=text(), url=text()),
        response=thing(statusCode=number()),
    ),
)


@dataclass(frozen=True)
class Said:
    """What an address is for that is not an operation of ours."""

    summary: str
    query: dict[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    answer: Schema = field(default_factory=dict)
    status: int = 200
    tag: str = "Slipway"


@cache
def description() -> dict[str, Any]:
    """All that programs may ask, with the scope each needs."""
    paths: dict[str, dict[str, Any]] = {}
    for path, view, arguments in _views(get_resolver(), ""):
        operations: dict[str, Operation] = getattr(view, "operations", {})
        said: dict[str, Said] = getattr(view, "said", {})
        for method, scope in view.scopes.items():
            if method in operations:
                told = _own(operations[method], path, arguments)
            elif method != "HEAD":
                told = _other(said.get(method) or _plain(view), view.__name__, method, arguments)
            else:
                continue
            told["security"] = [{"token": [scope] if scope else []}]
            paths.setdefault(path, {})[method.lower()] = told
    return {
        "openapi": "3.1.0",
        "info": {"title": "Slipway", "version": "1", "description": INTRODUCTION},
        "servers": [{"url": settings.BASE_URL}],
        "paths": dict(sorted(paths.items(), key=lambda pair: (not pair[0].startswith(OWN), pair[0]))),
        "components": {
            "schemas": dict(sorted(NAMED.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _views(resolver: URLResolver, before: str) -> Iterator[tuple[str, Any, list[str]]]:
    """Address, view and arguments of everything for programs."""
    for entry in resolver.url_patterns:
        route = before + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _views(entry, route)
        elif isinstance(entry, URLPattern) and hasattr(entry.callback, "scopes"):
            assert isinstance(entry.pattern, RoutePattern)
            path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{route}")
            yield path, entry.callback, list(entry.pattern.converters)


def _plain(view: Any) -> Said:
    return Said((view.__doc__ or view.__name__).strip().partition("\n")[0].rstrip("."))


def _own(wanted: Operation, path: str, arguments: list[str]) -> dict[str, Any]:
    parameters = [_argument(name, wanted) for name in arguments]
    parameters += [_parameter(name, "query", schema, wanted) for name, schema in wanted.query.items()]
    if wanted.keyed:
        key = text("Sent twice with one key, it is done once", maxLength=LONGEST_KEY)
        parameters.append(_parameter(KEY, "header", key, wanted))
    if wanted.matched:
        parameters.append(_parameter("If-Match", "header", text("The `ETag` that was read"), wanted))
    told = {
        "operationId": wanted.name,
        "summary": wanted.summary,
        "description": f"{wanted.text}\n\n```sh\n{curl(wanted, path)}\n```".strip(),
        "tags": [path.removeprefix(OWN).partition("/")[0].capitalize()],
        "parameters": parameters,
        "responses": {
            str(wanted.status): _answer(wanted.status, wanted.answer, wanted.media),
            "4XX": _refused(PROBLEM_SCHEMA, PROBLEM),
        },
    }
    if wanted.body is not None:
        told["requestBody"] = _body(wanted.body, wanted.example.get("body"))
    return told


def _other(said: Said, name: str, method: str, arguments: list[str]) -> dict[str, Any]:
    told: dict[str, Any] = {
        "operationId": f"{name}_{method.lower()}",
        "summary": said.summary,
        "tags": [said.tag],
        "parameters": [
            *({"name": name, "in": "path", "required": True, "schema": text()} for name in arguments),
            *(
                {"name": name, "in": "query", "required": False, "schema": schema}
                for name, schema in said.query.items()
            ),
        ],
        "responses": {
            str(said.status): _answer(said.status, said.answer, JSON),
            "4XX": _refused(FOREIGN, JSON),
        },
    }
    if said.body is not None:
        told["requestBody"] = _body(said.body, None)
    return told


def _argument(name: str, wanted: Operation) -> dict[str, Any]:
    told = {"name": name, "in": "path", "required": True, "schema": text()}
    return {**told, "example": str(wanted.example[name])} if name in wanted.example else told


def _parameter(name: str, where: str, schema: Schema, wanted: Operation) -> dict[str, Any]:
    plain = {key: value for key, value in schema.items() if key != "description"}
    told = {"name": name, "in": where, "required": False, "schema": plain}
    if said := schema.get("description"):
        told["description"] = said
    if schema.get("type") == "array":
        told |= {"style": "form", "explode": False}
    return told


def _body(schema: Schema, example: Any) -> dict[str, Any]:
    media = {"schema": schema} if example is None else {"schema": schema, "example": example}
    return {"required": True, "content": {JSON: media}}


def _answer(status: int, schema: Schema, media: str) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {media: {"schema": schema}}}


def _refused(schema: Schema, media: str) -> dict[str, Any]:
    return {"description": "Refused: it says why.", "content": {media: {"schema": schema}}}


def curl(wanted: Operation, path: str) -> str:
    """How one asks this from a shell."""
    address = settings.BASE_URL + re.sub(r"{(\w+)}", lambda at: str(wanted.example.get(at[1], at[0])), path)
    if asked := wanted.example.get("query"):
        address += "?" + urlencode(asked)
    lines = [f"curl {shlex.quote(address)}", '-H "Authorization: Bearer $TOKEN"']
    if wanted.keyed:
        lines.append(f'-H "{KEY}: $(uuidgen)"')
    if body := wanted.example.get("body"):
        lines += [f"-H {shlex.quote(f'Content-Type: {JSON}')}", f"-d {shlex.quote(json.dumps(body))}"]
    elif wanted.method != "GET":
        lines.append(f"-X {wanted.method}")
    return " \\\n  ".join(lines)
