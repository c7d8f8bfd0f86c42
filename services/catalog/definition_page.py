"""What the tab *Definition* of an API shows: a page of its operations and schemas, or its text."""

from dataclasses import dataclass, field
from typing import Any

from django.core.paginator import Page
from django.urls import reverse
from django.utils.safestring import SafeString

from portal.shell import code, tables
from portal.shell.http import HttpRequest
from services.catalog.definitions import Broken, Definition, read
from services.catalog.definitions.tree import Group, Operation, Schema
from services.catalog.models import Entity

PER_PAGE = 40
MOST_LISTED = 300
MOST_LINES = 3_000
MOST_TEXT = 300_000
OPEN_WHEN = 2


@dataclass
class Asked:
    """What the address asks for: words to filter by, one thing alone, schemas or the text."""

    q: str = ""
    only: str = ""
    show: str = ""

    @classmethod
    def read(cls, request: HttpRequest) -> "Asked":
        show = request.GET.get("show", "")
        return cls(
            q=request.GET.get("q", "").strip()[:200],
            only=request.GET.get("only", "")[:100],
            show=show if show in ("schemas", "source") else "",
        )

    @property
    def words(self) -> list[str]:
        return self.q.lower().split()[:10]


@dataclass
class Drawn:
    """One page of a definition; `here` has every anchor that is on it."""

    asked: Asked
    definition: Definition
    page: "Page[Any]"
    groups: list[tuple[Group, list[Operation]]] = field(default_factory=list)
    schemas: list[Schema] = field(default_factory=list)
    index: list[tuple[Group, list[Operation]]] = field(default_factory=list)
    here: set[str] = field(default_factory=set)
    found: int = 0
    unlisted: int = 0

    @property
    def is_open(self) -> bool:
        return bool(self.asked.only) or self.found <= OPEN_WHEN


def definition_tab(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    place = [entity.kind.lower(), entity.namespace, entity.name]
    return {
        **shown(request, entity.type, text_of(entity)),
        "original": reverse("catalog:definition_download", args=place),
        "remotes": _remotes(entity),
        "outside": _outside(entity),
    }


def shown(request: HttpRequest, kind: str, text: str) -> dict[str, Any]:
    """What the address asks for of one definition: some of its operations or schemas, or its text."""
    asked = Asked.read(request)
    context: dict[str, Any] = {
        "asked": asked,
        "type": kind,
        "text": text,
        "lines": text.count("\n") + 1,
        "size": len(text.encode()),
    }
    if not text:
        return context
    try:
        definition = read(kind, text)
    except Broken as reason:
        return context | {"broken": reason, **_source(text, reason.line)}
    context["definition"] = definition
    if definition is None or asked.show == "source":
        return context | {"unknown": definition is None, **_source(text, 0)}
    return context | {"drawn": draw(request, definition, asked)}


def text_of(entity: Entity) -> str:
    """The definition as it came; empty where it is none, or stands somewhere that was not imported."""
    text = entity.spec.get("definition", "")
    return text if isinstance(text, str) else ""


def _outside(entity: Entity) -> str:
    """Where a definition stands that the import did not bring along."""
    given = entity.spec.get("definition")
    if isinstance(given, dict) and len(given) == 1:
        return str(next(iter(given.values())))[:300]
    return ""


def _remotes(entity: Entity) -> list[dict[str, str]]:
    """The addresses of an MCP server."""
    given = entity.spec.get("remotes")
    rows = given if isinstance(given, list) else []
    return [{k: str(one.get(k, "")) for k in ("type", "url")} for one in rows[:50] if isinstance(one, dict)]


def _source(text: str, line: int) -> dict[str, Any]:
    """The text with its lines numbered: around the line that is wrong, or from the beginning."""
    lines = text[:MOST_TEXT].splitlines()
    first = max(0, line - MOST_LINES // 2) if line > MOST_LINES else 0
    part = [row[:2_000] for row in lines[first : first + MOST_LINES]]
    rows = (code.numbered(number, row, number == line) for number, row in enumerate(part, first + 1))
    total = text.count("\n") + 1
    return {"source": SafeString("".join(rows)), "cut": total - len(part) if total > len(part) + 1 else 0}


def draw(request: HttpRequest, definition: Definition, asked: Asked) -> Drawn:
    """The operations or schemas of one page, and the schemas those speak of."""
    groups = [(group, _chosen(group.operations, asked)) for group in definition.groups]
    schemas = _chosen(definition.schemas, asked)
    flat = [(group, one) for group, ones in groups for one in ones]
    of_schemas = asked.show == "schemas" or not definition.groups or (bool(asked.only) and not flat)
    page = tables.paginate(request, schemas if of_schemas else flat, PER_PAGE)
    drawn = Drawn(asked, definition, page, found=page.paginator.count)
    if of_schemas:
        drawn.schemas = list(page)
        asked.show = "schemas"
    else:
        for group, one in page:
            if not drawn.groups or drawn.groups[-1][0] is not group:
                drawn.groups.append((group, []))
            drawn.groups[-1][1].append(one)
        drawn.schemas = _spoken_of(definition, [one for _, one in page])
    drawn.index, drawn.unlisted = _index(groups)
    drawn.here = {one.anchor for one in drawn.schemas} | {
        one.anchor for _, ones in drawn.groups for one in ones
    }
    return drawn


def _chosen(rows: Any, asked: Asked) -> list[Any]:
    if asked.only:
        return [one for one in rows if one.anchor == asked.only]
    return [one for one in rows if one.matches(asked.words)]


def _spoken_of(definition: Definition, operations: list[Operation]) -> list[Schema]:
    """The schemas that operations name, and those that these name, as far as a page has room."""
    known = {schema.anchor: schema for schema in definition.schemas}
    links = [
        link
        for one in operations
        for block in one.blocks
        for link in (block.link, *(r.link for r in block.rows))
    ]
    found: dict[str, Schema] = {}
    while links and len(found) < PER_PAGE:
        link = links.pop(0)
        if link in known and link not in found:
            found[link] = known[link]
            links += [row.link for row in known[link].rows]
    return [schema for anchor, schema in known.items() if anchor in found]


def _index(groups: list[tuple[Group, list[Operation]]]) -> tuple[list[tuple[Group, list[Operation]]], int]:
    left, index = MOST_LISTED, []
    for group, ones in groups:
        if ones and left > 0:
            index.append((group, ones[:left]))
            left -= len(ones)
    return index, max(0, -left)
