"""`/api/catalog/entities…`: what Backstage's catalog answers about entities, answered from this one."""

import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, StreamingHttpResponse

from portal.shell.api import ApiError
from portal.shell.http import HttpRequest
from services.accounts.bearer import api
from services.catalog.compatible import (
    cursors,
    facets,
    fields,
    filtering,
    identity,
    listing,
    places,
    queries,
    reading,
    shaping,
)
from services.catalog.compatible.cursors import Asked
from services.catalog.compatible.keeping import Asking, ready
from services.catalog.compatible.ordering import UID, order_of
from services.catalog.compatible.reading import LARGEST, USUAL
from services.catalog.compatible.searching import term_of
from services.catalog.descriptors.refs import BadReference, EntityRef, parse_ref
from services.catalog.models import Entity

JSON: Final = "application/json; charset=utf-8"
MOST_REFS: Final = 5000


def answered(value: Any, status: int = 200) -> HttpResponse:
    return sent(shaping.compact(value), status)


def sent(text: str, status: int = 200) -> HttpResponse:
    """What is JSON already."""
    return HttpResponse(text, content_type=JSON, status=status)


def _fields(request: HttpRequest) -> fields.Fields:
    return fields.checked(reading.words(request, "fields"))


@api(GET="catalog:read")
@ready
def entities(request: HttpRequest) -> HttpResponse:
    wanted = filtering.from_filters(reading.texts(request, "filter"))
    orders = [order_of(*reversed(text.partition(":")[::2])) for text in reading.texts(request, "order")]
    where, some = _where(request), _fields(request)
    if where is None:
        return _everything(listing.everything(wanted, orders, some))
    found, after = listing.page(wanted, orders, where, some)
    response = sent(shaping.listed(shaping.written(found, some)))
    if after:
        kept = [(key, value) for key, value in request.GET.lists() if key not in ("offset", "after")]
        query = urlencode([*kept, ("after", after)], doseq=True)
        response["Link"] = f'<{request.path}?{query}>; rel="next"'
    return response


def _where(request: HttpRequest) -> listing.Where | None:
    """The page that is asked for; None for all there is."""
    if after := request.GET.get("after", ""):
        return listing.where_of(after)
    limit = reading.number(request.GET.get("limit"), "limit", least=1, most=LARGEST)
    offset = reading.number(request.GET.get("offset"), "offset")
    if limit is None and offset is None:
        return None
    return listing.Where(limit or LARGEST, offset or 0)


def _everything(chunks: Iterator[list[str]]) -> HttpResponse:
    """One array: at once where it is short, else piece by piece."""
    first, second = next(chunks, []), next(chunks, None)
    if second is None:
        return sent(shaping.listed(first))

    def pieces() -> Iterator[str]:
        yield "[" + ",".join(first)
        yield "," + ",".join(second)
        for chunk in chunks:
            yield "," + ",".join(chunk)
        yield "]"

    return StreamingHttpResponse(pieces(), content_type=JSON)  # type: ignore[return-value]  # a response too


@api(GET="catalog:read", POST="catalog:read")
@ready
def by_query(request: Asking) -> HttpResponse:
    given = _sent(request) if request.method == "POST" else _as_body(request)
    some = fields.checked(reading.strings(given.get("fields"), "fields"))
    limit = reading.number(given.get("limit"), "limit", most=LARGEST)
    limit = USUAL if limit is None else limit
    if cursor := given.get("cursor"):
        read = cursors.read(reading.text(cursor, "cursor", most=cursors.LONGEST))
        page = queries.next_page(read, limit=max(limit, 1), fields=some)
    else:
        offset = reading.number(given.get("offset"), "offset") or 0
        page = queries.first_page(
            _asked(given), limit=limit, offset=offset, fields=some, revision=request.revision
        )
    turning = {"nextCursor": page.after, "prevCursor": page.before}
    info = shaping.compact({key: cursor for key, cursor in turning.items() if cursor})
    items = shaping.listed(shaping.written(page.items, some))
    return sent(f'{{"items":{items},"totalItems":{page.total},"pageInfo":{info}}}')


def _sent(request: HttpRequest) -> dict[str, Any]:
    return {**reading.body(request), "filter": []}


def _as_body(request: HttpRequest) -> dict[str, Any]:
    """The parameters of an address as the body that asks the same."""
    orders = [text.partition(",")[::2] for text in reading.texts(request, "orderField")]
    plain = {name: request.GET.get(name) for name in ("limit", "offset", "cursor", "totalItems")}
    return {
        **plain,
        "filter": reading.texts(request, "filter"),
        "fields": reading.words(request, "fields"),
        "orderBy": [{"field": key, "order": direction or "asc"} for key, direction in orders],
        "fullTextFilter": {
            "term": request.GET.get("fullTextFilterTerm", ""),
            "fields": reading.words(request, "fullTextFilterFields"),
        },
    }


def _asked(given: dict[str, Any]) -> Asked:
    orders = given.get("orderBy") or []
    first = reading.mapping(orders[0] if isinstance(orders, list) and orders else {"field": UID}, "orderBy")
    field = reading.text(first.get("field"), "orderBy.field", most=500)
    order = order_of(field, reading.text(first.get("order", "asc"), "orderBy.order", most=10))
    search = reading.mapping(given.get("fullTextFilter") or {}, "fullTextFilter")
    said = search.get("term") or ""
    term = term_of(
        said and reading.text(said, "fullTextFilter.term"),
        reading.strings(search.get("fields"), "fullTextFilter.fields"),
    )
    return Asked(
        filters=tuple(given["filter"]),
        query=given.get("query"),
        term=term.text,
        keys=term.keys,
        order=order.key,
        descending=order.descending,
        wants_total=given.get("totalItems") != "exclude",
    )


@api(POST="catalog:read")
@ready
def by_refs(request: HttpRequest) -> HttpResponse:
    given = reading.body(request)
    refs = reading.strings(given.get("entityRefs"), "entityRefs", most=MOST_REFS)
    some = fields.checked(reading.strings(given.get("fields"), "fields"))
    filters = filtering.from_filters(reading.texts(request, "filter"))
    wanted = filters & filtering.from_predicate(given.get("query"))
    plain = [_plain(ref) for ref in refs]
    found = queries.by_refs(plain, wanted, some)
    shown = dict(zip(found, shaping.written(found.values(), some), strict=True))
    return sent(f'{{"items":{shaping.listed(shown.get(ref, "null") for ref in plain)}}}')


def _plain(ref: str) -> str:
    """A reference as it is kept; what cannot be read is nobody's."""
    try:
        return str(parse_ref(ref))
    except BadReference:
        return ""


def entity_for(kind: str, namespace: str, name: str, some: fields.Fields = ()) -> shaping.Row:
    ref = str(EntityRef(kind, namespace, name))
    found = queries.find(ref, some)
    if found is None:
        raise Http404(f"No entity named '{name}' found, with kind '{kind}' in namespace '{namespace}'")
    return found


@api(GET="catalog:read")
@ready
def by_name(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    source = places.named(str(EntityRef(kind, namespace, name))) if _is_place(kind, name) else None
    if source is not None:
        return answered(places.as_entity(source))
    some = _fields(request)
    return sent(shaping.written([entity_for(kind, namespace, name, some)], some)[0])


def _is_place(kind: str, name: str) -> bool:
    return kind.lower() == "location" and name.startswith("generated-")


@api(GET="catalog:read")
@ready
def ancestry(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(kind, namespace, name)
    root, source = json.loads(shaping.written([entity])[0]), entity.source
    if source is None:
        return answered({"rootEntityRef": entity.ref, "items": [{"entity": root, "parentEntityRefs": []}]})
    source.refresh_from_db(fields=["title"])
    parent = {"entity": places.as_entity(source), "parentEntityRefs": []}
    child = {"entity": root, "parentEntityRefs": [places.as_data(source)["entityRef"]]}
    return answered({"rootEntityRef": entity.ref, "items": [child, parent]})


@api(GET="catalog:read")
@ready
def by_uid(request: HttpRequest, uid: str) -> HttpResponse:
    pk = identity.pk_of(identity.ENTITY, uid)
    some = _fields(request)
    found = shaping.read(Entity.objects.order_by().filter(pk=pk), some) if pk else []
    if not found:
        raise Http404(f"No entity found with uid {uid}")
    return sent(shaping.written(found, some)[0])


@api(GET="catalog:read", POST="catalog:read")
@ready
def entity_facets(request: Asking) -> HttpResponse:
    given: dict[str, Any] = reading.body(request) if request.method == "POST" else {}
    keys = reading.strings(given.get("facets"), "facets") or reading.texts(request, "facet")
    if not keys:
        raise ApiError("Missing facet parameter: name at least one.")
    filters, query = reading.texts(request, "filter"), given.get("query")
    wanted = filtering.from_filters(filters) & filtering.from_predicate(query)
    return answered({"facets": facets.counted(keys, wanted, filters, query, request.revision)})
