"""The catalog's list: filtered, searched, sorted, a page at a time, and as a file."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, Count, QuerySet, Value
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.middleware import HtmxDetails

from portal.shell import keyset, tables
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from portal.shell.templatetags import slipway
from services.catalog import about, health, queries
from services.catalog.finding import hints, saved, search
from services.catalog.finding.filters import KINDS, MINE, NOBODY, Filters, chosen, spelt, total
from services.catalog.finding.operators import OPERATORS
from services.catalog.finding.search import Found
from services.catalog.finding.tallies import Tallies, like
from services.catalog.models import SERVICE_TYPES, Entity, EntityQuerySet


class HtmxRequest(HttpRequest):
    """A request after django-htmx has looked at it."""

    htmx: HtmxDetails


COLUMNS = {
    "name": "name",
    "owner": ["holder_ref", "name"],
    "system": ["system_ref", "name"],
    "lifecycle": ["lifecycle", "name"],
    "type": ["kind", "type", "name"],
    "updated": ["updated_at", "name"],  # an import gives all that it writes one time
}
PER_PAGE, AT_ONCE = ("50", "20", "100"), 2000
WORDS, SHOWN = 50, 8


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def entity_list(request: HtmxRequest) -> HttpResponse | StreamingHttpResponse:
    if not request.GET and (start := saved.start_of(request.user)):
        return redirect(start)
    filters = Filters.read(request.GET)
    if filters.q != request.GET.get("q", "").strip() and not request.htmx:
        return redirect(f"{request.path}{filters.url()}{_kept(request)}")
    is_part = bool(request.htmx) and not request.htmx.boosted
    tallies = Tallies(beside=_beside(request, filters, is_part))
    rows = tables.order(request, chosen(filters, request.user, tallies), COLUMNS, "name")
    found = _found(request, filters, rows) if filters.q else None
    if request.GET.get("format") == "csv":
        return _csv(rows, found)
    context = {"filters": filters, **_page(request, rows, found), **_counted(filters, tallies, rows, found)}
    context |= {
        "hints": hints.about(filters, tallies),
        "sort": request.GET.get("sort") or ("" if found else "name"),
    }
    if is_part:
        return render(request, "catalog/entity_list.html#results", context)
    return render(request, "catalog/entity_list.html", {**context, **_frame(request, filters, tallies)})


def _kept(request: HttpRequest) -> str:
    sort = request.GET.get("sort", "").removeprefix("-")
    return f"&sort={request.GET['sort']}" if sort in COLUMNS else ""


def _found(request: HttpRequest, filters: Filters, rows: EntityQuerySet) -> Found:
    """What a text finds among the rows: the likeliest first, unless a column was asked for."""
    is_sorted = request.GET.get("sort", "").removeprefix("-") in COLUMNS
    order = [str(name) for name in rows.query.order_by] if is_sorted else None
    return search.find(rows.select_related(None), filters.q, order)


def _page(request: HttpRequest, rows: EntityQuerySet, found: Found | None) -> dict[str, Any]:
    """One page of the rows with their health in each environment."""
    wanted = request.GET.get("rows", "")
    per_page = int(wanted if wanted in PER_PAGE else PER_PAGE[0])
    if found:
        page = keyset.among(request, found.keys, lambda keys: queries.in_order([*keys]), per_page)
    else:
        page = keyset.paginate(request, rows, per_page)
    states = health.by_entity([entity.ref for entity in page.rows])
    names = health.environments()[:3] if states else []
    drawn = [_drawn(entity, [states.get(entity.ref, {}).get(n) for n in names]) for entity in page.rows]
    return {"page": page, "rows": drawn, "environments": names, "found": found}


def _drawn(entity: Entity, states: list[str | None]) -> dict[str, Any]:
    """One row with all that it says: templates find things out slowly, and there are many rows."""
    title, holder, system = entity.other_title, entity.holder, entity.system
    about_it = entity.description
    return {
        "url": entity.get_absolute_url(),
        "name": slipway.truncatechars(entity.name, 63),
        "state": entity.get_state_display() if entity.state != Entity.State.ACTIVE else "",
        "about": f"{title}{': ' if title and about_it else ''}{slipway.truncatechars(about_it, 120)}",
        "health": states,
        "standing": entity.standing,
        "holder_ref": entity.holder_ref,
        "holder": holder and str(holder),
        "mark": holder and slipway.avatar(holder, "s"),
        "system": str(system) if system else "",
        "system_url": system.get_absolute_url() if system else "",
        "system_ref": entity.system_ref,
        "lifecycle": entity.lifecycle,
        "icon": slipway.drawn(about.icon_of(entity), "s"),
        "type": entity.type or entity.kind,
        "at": entity.updated_at,
    }


def _counted(filters: Filters, tallies: Tallies, rows: EntityQuerySet, found: Found | None) -> dict[str, Any]:
    """How many match: kept numbers where there are, else counted up to a limit and said so."""
    known = len(found.keys) if found else total(filters, tallies)
    number = keyset.up_to(rows) if known is None else known
    is_more = bool(found and found.is_capped) or (known is None and number > keyset.MOST_COUNTED)
    return {"number": min(number, keyset.MOST_COUNTED) if is_more else number, "is_more": is_more}


def _frame(request: HttpRequest, filters: Filters, tallies: Tallies) -> dict[str, Any]:
    """What stands around the table: views with their numbers, values to narrow down to, words to type."""
    views = saved.views_of(request.user)
    kept = [(view, Filters.read(view.parameters)) for view in views]
    return {
        "views": _views(request, filters, tallies),
        "saved": [{"view": view, "current": its == filters} for view, its in kept],
        "is_saved": any(its == filters for _, its in kept),
        "total": tallies.number("kind"),
        "facets": _facets(filters, tallies),
        "operators": OPERATORS,
        "import_url": reverse("catalog:import_new"),
        "words": [*(f"kind:{k}" for k in KINDS), *_words(tallies), f"owner:{NOBODY}", f"owner:{MINE}"],
        "teams": [member.team for member in request.user.roles.values()],
        "here": filters.url().removeprefix("?") + _kept(request),
    }


def _beside(request: HttpRequest, filters: Filters, is_part: bool) -> list[QuerySet[Any, Any]]:
    """What else the page has to know, as rows that are read with the tallies: which of the values that are
    asked for there are; how many services are one's own, and the first teams and systems by name."""
    known = [like(field, value) for field, value in islice(hints.asked(filters), hints.SHOWN)]
    if is_part:
        return known
    zero = Value(0, BigIntegerField())
    first = Entity.objects.annotate(field=Value("word"), number_of=zero).order_by("name", "pk")
    words = (
        first.filter(kind=kind).values_list("field", "kind", "name", "number_of")[:WORDS]
        for kind in ("Group", "System")
    )
    mine = Entity.objects.owned_by_refs(queries.refs_of(request.user)).services()
    some = Entity.objects.filter(
        pk__any_of=ArraySubquery(mine.order_by().values("pk")[: keyset.MOST_COUNTED + 1])
    )
    named = some.order_by().annotate(field=Value("mine"), of=Value(""), which=Value(""))
    counted = named.values("field", "of", "which").annotate(number_of=Count("pk"))
    return [*known, *words, counted.values_list("field", "of", "which", "number_of")]


def _words(tallies: Tallies) -> Iterator[str]:
    """The first teams and systems, as one types them."""
    for kind, key in (("Group", "owner"), ("System", "system")):
        yield from (f"{key}:{name}" for name in sorted(tallies.names("word", kind)))


def _views(request: HttpRequest, filters: Filters, tallies: Tallies) -> list[dict[str, Any]]:
    """The tabs over the list; the current one is the one whose filters are exactly these."""
    kinds = tallies.values("kind")
    tabs = [
        ("My team’s", Filters(owner=MINE), tallies.number("mine")),
        ("All services", Filters(kind="service"), tallies.number("type", SERVICE_TYPES, "Component")),
        ("Not healthy", Filters(health="unhealthy"), None),
        ("Without an owner", Filters(kind="any", is_="unowned"), tallies.number("unowned")),
        ("APIs", Filters(kind="api"), kinds["API"]),
        ("Resources", Filters(kind="resource"), kinds["Resource"]),
        ("Teams", Filters(kind="group"), kinds["Group"]),
        ("Everything", Filters(kind="any"), tallies.number("kind")),
    ]
    now = filters if filters != Filters() else Filters(kind="service")
    return [
        {"label": label, "url": wanted.url(), "count": count, "current": wanted == now}
        for label, wanted, count in tabs
        if health.sources or wanted.health == ""
    ]


def _facets(filters: Filters, tallies: Tallies) -> list[dict[str, Any]]:
    """The most frequent values of the fields that have few, among everything of the chosen kind."""
    kind = filters.kind or "service"
    kinds = ["Component"] if kind == "service" else [*spelt(tallies.values("kind"), kind.split(","))]
    listed = {key: tallies.values(key, kinds).most_common(SHOWN) for key in ("type", "lifecycle")}
    listed["kind"] = tallies.values("kind").most_common(SHOWN)
    return [
        {"key": key, "values": [(v, n, filters.with_value(key, v.lower()).url()) for v, n in listed[key]]}
        for key in ("kind", "type", "lifecycle")
        if listed[key]
    ]


CSV_COLUMNS = (
    "name", "kind", "type", "title", "description", "holder_ref", "system_ref", "lifecycle", "state",
    "source", "location",
)  # fmt: skip


def _csv(rows: EntityQuerySet, found: Found | None) -> StreamingHttpResponse:
    header = [column.removesuffix("_ref").replace("holder", "owner") for column in CSV_COLUMNS]
    light = rows.select_related(None).select_related("source")
    read: Iterable[Entity] = queries.in_order(found.keys) if found else light.iterator(AT_ONCE)
    return tables.csv_stream(
        "catalog", header, ([str(getattr(e, c) or "") for c in CSV_COLUMNS] for e in read)
    )
