"""Where clusters are not as git says: all services in a list, one of them in one place, and settling it."""

from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team
from services.catalog.models import Entity
from services.clusters.models import Drift, Environment
from services.onboarding import actions, rules
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for

WAYS = ("put-back", "keep")
SHOWN = {
    "differs": "Differs",
    "unknown": "Not known",
    "moving": "On its way",
    "same": "As git says",
    "all": "All",
}
COLUMNS = {
    "service": "entity_ref",
    "environment": "environment__position",
    "count": "count",
    "since": "since",
}
HEADER = (
    "service",
    "environment",
    "state",
    "object",
    "path",
    "git",
    "live",
    "who",
    "changed",
    "seen since",
    "as of",
)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def drift_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "differs")
    rows = tables.order(request, filtered(request, show), COLUMNS, "-since")
    if request.GET.get("format") == "csv":
        return tables.csv_response("drift", HEADER, (line for row in rows for line in _lines(row)))
    context = {
        "page": tables.paginate(request, rows),
        "show": show if show in SHOWN else "differs",
        "shown": SHOWN.items(),
        "teams": Team.objects.all(),
        "environments": Environment.objects.standing(),
        "q": request.GET.get("q", ""),
    }
    return render(request, "onboarding/drift_list.html", context)


def filtered(request: HttpRequest, show: str) -> QuerySet[Drift]:
    rows = Drift.objects.select_related("environment__cluster")
    if show != "all":
        rows = rows.filter(state=show if show in SHOWN else "differs")
    if team := request.GET.get("team"):
        owned = Entity.objects.filter(owner_ref=f"group:default/{team}".lower())
        rows = rows.filter(entity_ref__in=owned.values("ref"))
    if place := request.GET.get("environment"):
        rows = rows.filter(environment__name=place)
    if q := request.GET.get("q", "").strip():
        rows = rows.filter(entity_ref__icontains=q)
    return rows


def _lines(row: Drift) -> list[tuple[Any, ...]]:
    """One for each difference; one for a row that has none."""
    about = (row.name, row.environment.name, row.get_state_display())
    times = [each.isoformat(timespec="seconds") if each else "" for each in (row.since, row.as_of)]
    names = ("object", "path", "git", "live", "manager", "since")
    return [(*about, *(each.get(name, "") for name in names), *times) for each in row.fields or [{}]]


def _row_for(request: HttpRequest, entity: Entity, environment: str) -> Drift:
    rows = Drift.objects.select_related("environment__cluster")
    return get_object_or_404(rows, entity_ref=entity.ref, environment__name=environment)


@policy(signed_in)
@never_cache
@require_safe
def drift_detail(
    request: HttpRequest, kind: str, namespace: str, name: str, environment: str
) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    row = _row_for(request, entity, environment)
    may = rules.can_change(request.user, entity)
    return render(request, "onboarding/drift_detail.html", {"entity": entity, "row": row, "may": may})


@policy(signed_in)
@limited("submit")
@require_POST
def drift_settle(
    request: HttpRequest, kind: str, namespace: str, name: str, environment: str, way: str
) -> HttpResponse:
    """`put-back`: the cluster as git says; `keep`: git as the cluster is, for the fields that are ticked."""
    if way not in WAYS:
        raise Http404
    entity = entity_for(request, kind, namespace, name)
    row = _row_for(request, entity, environment)
    try:
        if way == "keep":
            found = actions.keep(drift=row, by=request.user, keys=request.POST.getlist("field")[:200])
            return redirect(found.request or entity)
        actions.put_back(drift=row, by=request.user)
        toasts.done(request, f"{row.environment} is being brought back to what git says.")
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect("onboarding:drift_detail", kind, namespace, name, environment)
