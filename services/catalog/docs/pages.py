"""The tab *Docs* of an entity, and docs among the answers of the palette."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.search import SearchHeadline, SearchQuery, SearchRank
from django.db.models import F, QuerySet
from django.urls import reverse

from portal.shell.http import HttpRequest
from portal.shell.registry import PaletteItem
from services.catalog.docs.layout import NoDocs
from services.catalog.docs.models import DocPage, DocTree
from services.catalog.docs.places import ANNOTATION, place_of
from services.catalog.docs.rendering import render
from services.catalog.models import Entity

MOST_HITS = 30
IN_PALETTE = 6
SHORTEST = 3
BEGIN, END = "\x02", "\x03"


def has_docs(request: HttpRequest, entity: Entity) -> bool:
    return ANNOTATION in entity.annotations


def docs_tab(request: HttpRequest, entity: Entity) -> dict[str, Any]:
    tree = DocTree.objects.filter(entity=entity).first()
    said = request.GET.get("q", "").strip()[:200].replace("\x00", "")
    context: dict[str, Any] = {"docs": tree, "q": said, "ref": entity.annotations.get(ANNOTATION, "")}
    if tree is None:
        return context | ({} if entity.source_id else {"docs": DocTree(problem=_why_not(entity))})
    pages = list(tree.pages.defer("text", "search"))
    at = next((n for n, page in enumerate(pages) if page.path == request.GET.get("doc")), 0)
    context |= {"nav": tree.nav, "count": len(pages), "here": pages[at].path if pages else ""}
    if said:
        return context | {"here": "", "hits": [_hit(page) for page in found(said, tree)[:MOST_HITS]]}
    if pages:
        text = DocPage.objects.values_list("text", flat=True).get(pk=pages[at].pk)
        context["page"] = pages[at]
        context["before"] = pages[at - 1] if at else None
        context["after"] = pages[at + 1] if at + 1 < len(pages) else None
        context["drawn"] = _drawn(entity, tree, pages, pages[at].path, text)
    return context


def _why_not(entity: Entity) -> str:
    try:
        place_of(entity)
    except NoDocs as reason:
        return str(reason)
    return ""


def _drawn(entity: Entity, tree: DocTree, pages: list[DocPage], path: str, text: str) -> Any:
    there = {page.path for page in pages}
    files = set(tree.files.values_list("path", flat=True))
    place = [entity.kind.lower(), entity.namespace, entity.name]
    return render(
        text,
        path,
        lambda wanted: address(wanted) if wanted in there else "",
        lambda wanted: reverse("catalog:doc_file", args=[*place, wanted]) if wanted in files else "",
    )


def address(path: str) -> str:
    return "?" + urlencode({"tab": "docs", "doc": path})


def found(text: str, tree: DocTree | None = None) -> QuerySet[DocPage]:
    """Pages with words that begin like these, the best first, with the words in their surroundings."""
    words = [f"{word}:*" for word in re.findall(r"\w+", text)[:8]] or ["nothing & !nothing"]
    query = SearchQuery(" & ".join(words), config="simple", search_type="raw")
    rows = DocPage.objects.filter(search=query).annotate(rank=SearchRank(F("search"), query))
    rows = rows.filter(tree=tree) if tree else rows.select_related("tree__entity")
    said = SearchHeadline(
        "text", query, config="simple", start_sel=BEGIN, stop_sel=END, max_words=28, min_words=12
    )
    return (rows.annotate(said=said) if tree else rows).order_by("-rank", "pk").defer("text", "search")


def _hit(page: Any) -> dict[str, Any]:
    """A page with pieces of its text, those that match marked."""
    pieces = []
    for part in page.said.split(BEGIN):
        marked, end, rest = part.partition(END)
        pieces += [(marked, True), (rest, False)] if end else [(part, False)]
    return {"page": page, "pieces": [piece for piece in pieces if piece[0]]}


def docs_found(request: HttpRequest, text: str) -> Iterable[PaletteItem]:
    """Docs for the palette."""
    words = text.strip().replace("\x00", "")
    if len(words) < SHORTEST:
        return
    heavy = ("spec", "metadata", "search", "problem", "description")
    rows = found(words).defer("text", "search", *(f"tree__entity__{name}" for name in heavy))
    for page in rows[:IN_PALETTE]:
        entity = page.tree.entity
        url = entity.get_absolute_url() + address(page.path)
        yield PaletteItem("Docs", page.title, url, "book-2", str(entity), is_found=True)
