"""The list of requests, and the page of one: where it stands, its clocks, its rollout, its story."""

from collections.abc import Callable

from django.db.models import Q
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.shell import registry, tables, times
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team, User
from services.onboarding import page_of, queries, rules, standing
from services.onboarding.models import BRINGING, TERMINAL, Request, RequestQuerySet, State
from services.onboarding.views.access import shown_for

STOP_POLLING = 286
SHOWN = {
    "mine": "Mine",
    "waiting": "Waiting for me",
    "open": "Open",
    "finished": "Finished",
    "all": "All",
}
# What people asked for, and what builds and promotions bring.
KINDS = {"asked": ~Q(kind__in=BRINGING), "brought": Q(kind__in=BRINGING)}
COLUMNS = {
    "number": "number",
    "title": "title",
    "state": "state",
    "updated": "updated_at",
    "team": "team__name",
}


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def request_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "open")
    rows = filtered(request, show if show in SHOWN else "open")
    rows = tables.order(request, rows, COLUMNS, "-updated").prefetch_related("hops")
    if request.GET.get("format") == "csv":
        return tables.csv_response("requests", page_of.CSV_HEADER, page_of.csv_rows(rows))
    page = tables.paginate(request, rows)
    context = {
        "page": page,
        "lines": [page_of.line(row) for row in page],
        "show": show,
        "shown": SHOWN.items(),
        "teams": Team.objects.all(),
        "states": State.choices,
        "q": request.GET.get("q", ""),
    }
    return render(request, "onboarding/request_list.html", context)


_SHOWING: dict[str, Callable[[User], Q]] = {
    "mine": lambda user: Q(created_by=user),
    "waiting": lambda user: Q(pk__in=[row.pk for row in queries.waits_for(user)]),
    "open": lambda user: ~Q(state__in=TERMINAL),
    "finished": lambda user: Q(state__in=TERMINAL),
    "all": lambda user: Q(),
}


def filtered(request: HttpRequest, show: str) -> RequestQuerySet:
    user, asked = request.user, request.GET
    rows = Request.objects.visible_to(user).listed().select_related("created_by", "team")
    rows = rows.filter(_SHOWING[show](user))
    if team := asked.get("team"):
        rows = rows.filter(team__slug=team)
    if asked.get("state") in State.values:
        rows = rows.filter(state=asked["state"])
    if (kind := asked.get("kind")) in KINDS:
        rows = rows.filter(KINDS[kind])
    rows = _within(rows, asked)
    return _matching(rows, asked.get("q", "").strip())


def _within(rows: RequestQuerySet, asked: QueryDict) -> RequestQuerySet:
    """Submitted (with `on=finished`: finished) between two days, both counted; insights link so."""
    column = "finished_at" if asked.get("on") == "finished" else "submitted_at"
    if start := times.midnight(times.parse_day(asked.get("from", ""))):
        rows = rows.filter(**{f"{column}__gte": start})
    if end := times.midnight(times.parse_day(asked.get("to", "")), days=1):
        rows = rows.filter(**{f"{column}__lt": end})
    return rows


def _matching(rows: RequestQuerySet, q: str) -> RequestQuerySet:
    """By number, else by what the title or the entity contains."""
    number = q.upper().removeprefix("R-")
    if number.isascii() and number.isdigit() and len(number) < 10:
        return rows.filter(number=int(number))
    return rows.filter(Q(title__icontains=q) | Q(entity_ref__icontains=q)) if q else rows


@policy(signed_in)
@never_cache
@require_safe
def request_detail(request: HttpRequest, ref: str) -> HttpResponse:
    row = shown_for(request, ref)
    if row.state == State.DRAFT and rules.can_edit(request.user, row):
        return redirect("onboarding:request_edit", row.ref)
    context = page_of.detail(row) | {
        "row": row,
        "may": standing.permissions(request.user, row),
        "more": [action for source in registry.request_actions for action in source(request, row)],
        "as_of": timezone.now(),
        "polls": row.state not in TERMINAL,
    }
    if not request.htmx:
        context["usual"] = page_of.usual(row)
        return render(request, "onboarding/request_detail.html", context)
    status = 200 if context["polls"] else STOP_POLLING
    return render(request, "onboarding/request_detail.html#live", context, status=status)
