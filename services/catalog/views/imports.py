"""Sources and imports: look, see the plan, apply it, take it back."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.catalog import actions, queries, rules
from services.catalog.forms import FORMS, GitForm, ImportForm
from services.catalog.importing import planning
from services.catalog.models import ImportRun
from services.catalog.views.sources import PER_PAGE, VERDICTS, WORST

ORDER = (
    planning.NEW, planning.CHANGED, planning.RENAMED, planning.ORPHAN, planning.STALE, planning.TAKEN,
    planning.SKIPPED, planning.SAME,
)  # fmt: skip
TITLES = {
    "git": ("Git repository", "brand-git"),
    "upload": ("Upload files", "upload"),
    "paste": ("Paste", "clipboard-check"),
    "folder": ("Folder", "folder"),
}


def _form(request: HttpRequest, kind: str) -> ImportForm:
    form = FORMS[kind]
    given: dict[str, Any] = {"initial": {"location": request.GET.get("location", "")}}
    if request.method == "POST":
        given = {"data": request.POST, "files": request.FILES}
    if form is GitForm:
        given["may_read_machine"] = rules.can_read_machine(request.user)
    return form(**given)


@policy(signed_in)
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def import_new(request: HttpRequest) -> HttpResponse:
    kinds = {k: t for k, t in TITLES.items() if k != "folder" or rules.can_read_machine(request.user)}
    kind = request.GET.get("from", "git")
    kind = kind if kind in kinds else "git"
    form = _form(request, kind)
    if request.method == "POST" and form.is_valid():
        source = actions.find_or_create_source(kind=form.kind, by=request.user, **form.source())
        fetched = form.fetched
        run = actions.plan_import(
            source=source, files=fetched.files, by=request.user, revision=fetched.revision
        )
        return redirect(run)
    context = {"form": form, "kind": kind, "kinds": kinds}
    return render(request, "catalog/import_new.html", context, status=422 if form.errors else 200)


def run_for(pk: int) -> ImportRun:
    """The run of a URL; everybody signed in may read reports."""
    rows = ImportRun.objects.select_related("source", "created_by").defer("payload", "undo")
    return get_object_or_404(rows, pk=pk)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    run = run_for(pk)
    if request.GET.get("format") == "csv":
        return _report(run)
    verdict, action = request.GET.get("verdict", ""), request.GET.get("change", "")
    documents = [row for row in run.documents if not verdict or row["verdict"] == verdict]
    changes = [row for row in run.changes if (not action or row["action"] == action)]
    changes.sort(key=lambda row: ORDER.index(row["action"]))
    context = {
        "run": run,
        "thing": "object" if run.source.kind == run.source.Kind.CLUSTER else "document",
        "verdict": verdict,
        "change": action,
        "documents": tables.paginate(request, _worst_first(documents), PER_PAGE),
        "changes": changes[:PER_PAGE],
        "more_changes": max(0, len(changes) - PER_PAGE),
        "tiles": _tiles(run),
        "labels": planning.LABELS,
        "verdicts": VERDICTS,
        "can_apply": rules.can_apply(request.user, run),
        "outdated": queries.is_outdated(run),
        "is_last": run.pk == queries.latest_applied(run.source_id),
        "writes": run.writes,
    }
    return render(request, "catalog/import_detail.html", context)


def _worst_first(documents: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(documents, key=lambda row: (WORST.index(row["verdict"]), not row["warnings"]))


def _tiles(run: ImportRun) -> list[dict[str, Any]]:
    """The four numbers over a report, each a link to its rows."""
    counts = run.counts
    wrong = counts.get("refused", 0) + counts.get("unparsable", 0)
    kept = counts.get(planning.STALE, 0) + counts.get(planning.ORPHAN, 0)
    return [
        {"label": "new", "count": counts.get(planning.NEW, 0), "query": "?change=new#changes"},
        {"label": "changed", "count": counts.get(planning.CHANGED, 0), "query": "?change=changed#changes"},
        {"label": "kept or orphaned", "count": kept, "query": "#changes", "tone": "warn" if kept else ""},
        {"label": "refused documents", "count": wrong, "query": "#report", "tone": "bad" if wrong else ""},
    ]


def _report(run: ImportRun) -> HttpResponse:
    header = ["file", "document", "line", "entity", "verdict", "field", "rule", "message", "suggestion"]
    rows = []
    for row in run.documents:
        head = [row["file"], row["document"], row["line"], row["ref"] or "", row["verdict"]]
        problems = row["errors"] + row["warnings"] or [{}]
        rows += [[*head, *(p.get(key, "") for key in header[5:])] for p in problems]
    return tables.csv_response(f"import-{run.pk}", header, rows)


@policy(signed_in, name="catalog.apply_import")
@require_POST
def import_apply(request: HttpRequest, pk: int) -> HttpResponse:
    run = run_for(pk)
    if not rules.can_apply(request.user, run):
        messages.error(
            request, f"{run.created_by or 'Somebody else'} looked; they or the platform team apply it."
        )
        return redirect(run)
    try:
        run = actions.apply_import(run=run, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
        return redirect(run)
    written = run.counts[planning.NEW] + run.counts[planning.CHANGED]
    undo = reverse("catalog:import_undo", args=[run.pk])
    toasts.done(request, f"{written} entities written to the catalog.", undo=undo)
    return redirect(run)


@policy(signed_in, name="catalog.undo_import")
@require_POST
def import_undo(request: HttpRequest, pk: int) -> HttpResponse:
    run = run_for(pk)
    if not rules.can_apply(request.user, run):
        messages.error(
            request, f"{run.created_by or 'Somebody else'} imported this; they or the platform team undo it."
        )
        return redirect(run)
    try:
        actions.undo_import(run=run, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
    else:
        toasts.done(request, "The catalog is as it was before this import.")
    return redirect(run)
