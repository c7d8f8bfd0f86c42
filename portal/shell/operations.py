"""Operations for programs, declared once: what checks, refuses, answers and describes is one schema.

An app declares its own in its module `api`; `services.accounts.serving` gives them addresses under `/api/v1/`
and `portal.shell.openapi` describes what it finds there.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import QuerySet
from django.http import HttpResponse

from portal.shell import keyset
from portal.shell.api import ApiError, Mistake, body_of
from portal.shell.http import HttpRequest
from portal.shell.judging import WRONG, Judge
from portal.shell.schemas import Schema, any_of, followed

JSON: Final = "application/json"
KEY: Final = "Idempotency-Key"
LONGEST_KEY: Final = 40
WAYS: Final = ("after", "before")
Draw = Callable[[list[Any]], Iterable[dict[str, Any]]]


@dataclass(frozen=True)
class Answer:
    """What an operation answers, where that is more than the value itself."""

    value: Any
    status: int = 0
    etag: str = ""


@dataclass(frozen=True)
class Asked:
    """What is asked, and by whom: checked against the schemas of the operation."""

    request: HttpRequest
    query: Mapping[str, Any]
    body: Mapping[str, Any]

    @property
    def user(self) -> Any:
        return self.request.user

    @property
    def key(self) -> str:
        """What makes one of two that are sent twice; empty where nobody said."""
        said: str = self.request.headers.get(KEY, "")
        if len(said) > LONGEST_KEY or not (said.isascii() and said.isprintable()):
            wrong = Mistake(KEY, "maxLength", f"at most {LONGEST_KEY} characters of ASCII")
            raise ApiError(f"The header {KEY} cannot be used.", WRONG, [wrong])
        return said

    @property
    def seen(self) -> str:
        """The version that a change was decided upon; empty where nobody said."""
        said: str = self.request.headers.get("If-Match", "")
        return said.strip().removeprefix("W/").strip('"').replace("*", "")

    def page(self, rows: "QuerySet[Any]", draw: Draw) -> dict[str, Any]:
        """The page of `rows` that is asked for, drawn, with the addresses of those around it."""
        self._refuse_cursor(lambda cursor: keyset.reads(cursor, rows))
        return self._turned(keyset.paginate(self.request, rows, self.query["limit"]), draw)

    def among(self, keys: list[int], load: Callable[[Any], list[Any]], draw: Draw) -> dict[str, Any]:
        """The same for a list whose keys are all known."""
        known = {str(key) for key in keys}
        self._refuse_cursor(known.__contains__)
        return self._turned(keyset.among(self.request, keys, load, self.query["limit"]), draw)

    def _refuse_cursor(self, reads: Callable[[str], bool]) -> None:
        for way in WAYS:
            if way in self.query and not reads(self.query[way]):
                wrong = Mistake(way, "cursor", "take it from an answer of this list, as it stands")
                raise ApiError("This cursor leads nowhere in this list.", WRONG, [wrong])

    def _turned(self, page: keyset.Page, draw: Draw) -> dict[str, Any]:
        return {
            "items": list(draw(page.rows)),
            "next": self.address("after", page.after),
            "previous": self.address("before", page.before),
        }

    def address(self, way: str, cursor: str) -> str | None:
        """The address of what is asked, from another place on."""
        if not cursor:
            return None
        kept = [(key, values) for key, values in self.request.GET.lists() if key not in WAYS]
        return f"{self.request.path}?{urlencode([*kept, (way, cursor)], doseq=True)}"


@dataclass(eq=False)
class Operation:
    """One thing a program can ask. `path` is a route of Django's below `/api/v1/`.

    `person`: a token of a team may not. `keyed`: sent twice with one key it is done once. `matched`: refused
    where `If-Match` names another version than there is. `limit`: what it is counted as beside questions.
    """

    run: Callable[..., Any]
    method: str
    path: str
    scope: str
    answer: Schema
    query: dict[str, Schema] = field(default_factory=dict)
    body: Schema | None = None
    example: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    media: str = JSON
    person: bool = False
    keyed: bool = False
    matched: bool = False
    limit: str = ""

    @property
    def name(self) -> str:
        return self.run.__name__

    @property
    def summary(self) -> str:
        return (self.run.__doc__ or self.name).strip().partition("\n")[0].rstrip(".")

    @property
    def text(self) -> str:
        return " ".join((self.run.__doc__ or "").partition("\n")[2].split())

    @property
    def is_list(self) -> bool:
        return "items" in followed(self.answer).get("properties", {})

    @cached_property
    def of_query(self) -> Judge:
        return Judge(any_of(**self.query))

    @cached_property
    def of_body(self) -> Judge:
        return Judge(self.body or any_of())


def operation(method: str, path: str, **declared: Any) -> Callable[[Callable[..., Any]], Operation]:
    """Declare the function below; its docstring is the summary and the text of the description."""
    return lambda run: Operation(run, method, path, **declared)


def perform(wanted: Operation, request: HttpRequest, arguments: Mapping[str, Any]) -> HttpResponse:
    """Check what is asked, do it, and answer."""
    query = {
        name: _typed(wanted.query.get(name, {}), values)
        for name, values in request.GET.lists()
        if values != [""]
    }
    wanted.of_query.judge(query, "The address")
    usual = {name: schema["default"] for name, schema in wanted.query.items() if "default" in schema}
    body = body_of(request) if wanted.body is not None else {}
    if wanted.body is not None:
        wanted.of_body.judge(body, "The body")
    given = wanted.run(Asked(request, {**usual, **query}, body), **arguments)
    answer = given if isinstance(given, Answer) else Answer(given)
    return _answered(wanted, request, answer, query.get("fields"))


def _typed(schema: Schema, values: list[str]) -> Any:
    """A parameter as the type that is declared; what cannot be one stays text, and is refused."""
    kind, text = schema.get("type"), values[-1]
    if kind == "array":
        return [part.strip() for value in values for part in value.split(",") if part.strip()]
    if kind == "integer" and text.isascii() and text.isdecimal() and len(text) < 16:
        return int(text)
    return text == "true" if kind == "boolean" and text in ("true", "false") else text


def _answered(
    wanted: Operation, request: HttpRequest, answer: Answer, fields: list[str] | None
) -> HttpResponse:
    """The value as it goes out, with what tells one version of it from another."""
    value = _only(answer.value, fields, wanted.is_list) if fields else answer.value
    is_json = wanted.media == JSON
    content = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False) if is_json else str(value)
    etag = f'"{answer.etag or hashlib.sha256(content.encode()).hexdigest()[:24]}"'
    if request.method in ("GET", "HEAD") and etag in request.headers.get("If-None-Match", ""):
        return HttpResponse(status=304, headers={"ETag": etag})
    media = wanted.media if is_json else f"{wanted.media}; charset=utf-8"
    return HttpResponse(content, media, answer.status or wanted.status, headers={"ETag": etag})


def _only(value: Any, fields: list[str], is_list: bool) -> Any:
    if is_list:
        return {**value, "items": [_only(item, fields, False) for item in value["items"]]}
    return {name: value[name] for name in fields if name in value}
