"""How alike environments are: all services in a matrix, one service with what differs."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team
from services.catalog.models import Entity
from services.onboarding import rules
from services.onboarding.models import Parity
from services.onboarding.views.change import entity_for

HEADER = (
    "service",
    "from",
    "to",
    "what",
    "object",
    "path",
    "value there",
    "value here",
    "may differ because",
    "as of",
)


def _filtered(request: HttpRequest) -> list[Parity]:
    rows = Parity.objects.all()
    if team := request.GET.get("team"):
        owned = Entity.objects.filter(owner_ref=f"group:default/{team}".lower())
        rows = rows.filter(entity_ref__in=owned.values("ref"))
    if q := request.GET.get("q", "").strip():
        rows = rows.filter(entity_ref__icontains=q)
    if request.GET.get("show") == "unexpected":
        rows = rows.filter(unexpected__gt=0)
    return list(rows)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def parity_list(request: HttpRequest) -> HttpResponse:
    rows = _filtered(request)
    if request.GET.get("format") == "csv":
        return tables.csv_response("parity", HEADER, (line for row in rows for line in _lines(row)))
    pairs = sorted({(row.source, row.target) for row in rows})
    by_service: dict[str, dict[tuple[str, str], Parity]] = {}
    for row in rows:
        by_service.setdefault(row.entity_ref, {})[row.source, row.target] = row
    lines = [
        (ref.rpartition("/")[2], [found.get(pair) for pair in pairs]) for ref, found in by_service.items()
    ]
    context = {
        "page": tables.paginate(request, lines),
        "pairs": pairs,
        "teams": Team.objects.all(),
        "show": request.GET.get("show", ""),
        "q": request.GET.get("q", ""),
        "as_of": min((row.as_of for row in rows if row.as_of), default=None),
    }
    return render(request, "onboarding/parity_list.html", context)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def parity_detail(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    rows = list(Parity.objects.filter(entity_ref=entity.ref))
    if request.GET.get("format") == "csv":
        return tables.csv_response(f"parity-{name}", HEADER, (line for row in rows for line in _lines(row)))
    context = {"entity": entity, "rows": rows, "may": rules.can_bring(request.user, entity)}
    return render(request, "onboarding/parity_detail.html", context)


def _lines(row: Parity) -> list[tuple[Any, ...]]:
    about, at = (
        (row.name, row.source, row.target),
        row.as_of.isoformat(timespec="seconds") if row.as_of else "",
    )
    found = [
        (*about, "image", each["repository"], "", each["source"], each["target"], "images are promoted", at)
        for each in row.images
    ]
    found += [
        (*about, "field", each["object"], each["path"], each["source"], each["target"], each["why"], at)
        for each in row.fields
    ]
    return found + [
        (*about, f"only in {each['in']}", each["object"], "", "", "", each.get("why", ""), at)
        for each in row.alone
    ]
