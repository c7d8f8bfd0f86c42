"""The reports on ownership."""

from collections.abc import Iterator
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.catalog import about
from services.catalog.models import OWNABLE, Entity, Relation, Tenure
from services.catalog.ownership import nearest, reports
from services.catalog.ownership.places import place_of
from services.catalog.ownership.reading import owners_of
from services.catalog.ownership.resolution import Ownership, Standing

CSV_LIMIT = 50_000
CSV_ROWS = ("entity", "kind", "owner", "inherited from", "standing", "confirm by", "source", "place")
CSV_DANGLING = ("names", "relation", "field", "entity", "kind", "source", "place")


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def ownership_report(request: HttpRequest, report: str = "unowned") -> HttpResponse:
    if report not in reports.REPORTS:
        raise Http404(f"no report {report}")
    narrow = reports.Narrow.read(request.GET)
    if request.GET.get("format") == "csv":
        return _csv(report, narrow)
    part = reports.page_of(report, narrow, request.GET.get("after", ""))
    context = {
        "report": reports.REPORTS[report],
        "tabs": _tabs(report, narrow),
        "narrow": narrow,
        "after": part.after,
        "is_later": bool(request.GET.get("after")),
        "kinds": OWNABLE,
        **_words(),
        **(_dangling(part.rows) if report == "dangling" else _owned(part.rows)),
    }
    return render(request, "catalog/ownership_report.html", context)


def _tabs(current: str, narrow: reports.Narrow) -> list[dict[str, Any]]:
    counted = reports.counts(narrow)
    return [
        {"report": one, "count": counted[key], "current": key == current, "query": narrow.url()}
        for key, one in reports.REPORTS.items()
    ]


def _words() -> dict[str, list[str]]:
    """Names to filter by."""
    rows = Entity.objects.filter(kind__in=["Group", "System"]).order_by("name").values_list("kind", "name")
    names = list(rows[:400])
    return {
        "teams": [name for kind, name in names if kind == "Group"],
        "systems": [name for kind, name in names if kind == "System"],
    }


def _owned(rows: list[Tenure]) -> dict[str, Any]:
    owners = owners_of([row.entity for row in rows])
    unknown = [o.owner_ref for o in owners.values() if o.standing == Standing.UNKNOWN]
    near = nearest.nearest(unknown)
    return {"rows": [_row(row, owners[row.entity.ref], near) for row in rows]}


def _row(row: Tenure, owner: Ownership, near: dict[str, Entity]) -> dict[str, Any]:
    return {
        "entity": row.entity,
        "icon": about.icon_of(row.entity),
        "owner": owner,
        "is_mended": owner.standing != row.standing or owner.owner_ref != row.owner_ref,
        "near": near.get(owner.owner_ref),
        "place": place_of(row.entity),
        "days": reports.days_over(row),
        "weighed": getattr(row.entity, "weighed", None),
    }


def _dangling(rows: list[Relation]) -> dict[str, Any]:
    """What is missing, each with all on this page who name it."""
    near = nearest.nearest(row.target_ref for row in rows)
    missing: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        said = {"row": row, "label": about.LABELS.get(row.type, row.type), "place": place_of(row.source)}
        missing.setdefault(row.target_ref, []).append(said)
    return {"missing": [{"ref": ref, "near": near.get(ref), "by": by} for ref, by in missing.items()]}


def _csv(report: str, narrow: reports.Narrow) -> HttpResponse:
    rows = reports.with_entities(report, reports.rows_of(report, narrow))[:CSV_LIMIT]
    if report == "dangling":
        return tables.csv_response(f"catalog-{report}", CSV_DANGLING, _csv_dangling(rows))
    return tables.csv_response(f"catalog-{report}", CSV_ROWS, _csv_rows(rows))


def _csv_rows(rows: Any) -> Iterator[list[str]]:
    for row in rows.iterator(chunk_size=2000):
        entity = row.entity
        due = f"{row.due_at:%Y-%m-%d}" if row.due_at else ""
        said = [entity.ref, entity.kind, row.owner_ref, row.via, row.standing, due]
        yield [*said, str(entity.source or ""), place_of(entity).text]


def _csv_dangling(rows: Any) -> Iterator[list[str]]:
    for row in rows.iterator(chunk_size=2000):
        said = [row.target_ref, row.type, row.field, row.source.ref, row.source.kind]
        yield [*said, str(row.source.source or ""), place_of(row.source).text]
