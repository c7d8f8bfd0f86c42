"""The pages of sources: what each brought, what is wrong in it, and what people do with it."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import platform_only, policy, signed_in
from services.catalog import actions, queries, rules
from services.catalog.actions import looking, steering
from services.catalog.forms import SourceForm
from services.catalog.models import Holding, ImportRun, Source

PER_PAGE = 50
WORST = ("unparsable", "refused", "unknown-kind", "ok", "not-a-descriptor")
VERDICTS = {
    "unparsable": "Unreadable",
    "refused": "Refused",
    "unknown-kind": "Other kind",
    "ok": "Fits",
    "not-a-descriptor": "Not a descriptor",
}
SHOWN = {
    "": "All",
    "broken": "With broken files",
    "trouble": "Not readable",
    "paused": "Paused",
    "removed": "Removed",
}


@policy(signed_in)
@require_safe
def source_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "")
    show = show if show in SHOWN else ""
    page = tables.paginate(request, queries.sources_shown(show))
    latest = queries.latest_runs([source.pk for source in page])
    rows = [
        {"source": source, "run": latest.get(source.pk), "may": rules.can_look(request.user, source)}
        for source in page
    ]
    context = {"page": page, "rows": rows, "show": show, "shown": SHOWN}
    return render(request, "catalog/source_list.html", context)


def source_for(pk: int) -> Source:
    """The source of a URL; everybody signed in may read its page, removed or not."""
    return get_object_or_404(queries.sources(), pk=pk)


@policy(signed_in)
@require_safe
def source_detail(request: HttpRequest, pk: int) -> HttpResponse:
    source = source_for(pk)
    context = {
        "source": source,
        "may": rules.can_look(request.user, source),
        "can_manage": rules.can_manage(request.user),
        "can_choose": rules.can_choose(request.user),
        "can_remove": rules.can_remove(request.user),
        "days": settings.CATALOG_ORPHAN_DAYS,
    }
    if request.GET.get("view") == "report":
        context |= _report(request, source)
    elif request.GET.get("view") == "repositories":
        context |= _repositories(request, source)
    else:
        context |= queries.about_source(source)
    whole, part = "catalog/source_detail.html", "catalog/source_detail.html#source"
    return render(request, part if request.htmx and not request.htmx.boosted else whole, context)


def _repositories(request: HttpRequest, source: Source) -> dict[str, Any]:
    """What became of each repository at the last look, narrowed by state and words of its name."""
    state, words = request.GET.get("state", ""), request.GET.get("q", "")[:200].strip()
    rows = source.holdings.exclude(name="").filter(name__icontains=words).defer("files")
    rows = rows.filter(state=state) if state in Holding.State.values else rows
    return {
        "view": "repositories",
        "state": state,
        "q": words,
        "states": Holding.State.choices,
        "repositories": tables.paginate(request, rows, PER_PAGE),
    }


def _report(request: HttpRequest, source: Source) -> dict[str, Any]:
    """Every document of the newest look, the worst first, narrowed by verdict and words of the file."""
    verdict, words = request.GET.get("verdict", ""), request.GET.get("q", "")[:200].strip()
    run = source.runs.exclude(state=ImportRun.State.FAILED).defer("payload", "undo", "changes").first()
    rows = [row for row in (run.documents if run else []) if words.lower() in row["file"].lower()]
    wanted = [row for row in rows if not verdict or row["verdict"] == verdict]
    wanted.sort(key=lambda row: (WORST.index(row["verdict"]), not row["warnings"]))
    return {
        "view": "report",
        "run": run,
        "verdict": verdict,
        "q": words,
        "documents": tables.paginate(request, wanted, PER_PAGE),
        "verdicts": VERDICTS,
    }


@policy(signed_in)
@limited("import")
@require_POST
def source_look(request: HttpRequest, pk: int) -> HttpResponse:
    """Have a source read now, by a worker; its page shows how far that is."""
    source = get_object_or_404(Source, pk=pk)
    if not rules.can_look(request.user, source):
        messages.error(request, "Only the platform team reads this source. Ask them to look again.")
        return redirect("catalog:source_list")
    looking.read_now(source=source, by=request.user, anew=True)
    toasts.done(request, f"{source} is being read. This page shows what became of it.")
    return redirect(source)


@policy(platform_only, name="catalog.manage source")
@require_http_methods(["GET", "HEAD", "POST"])
def source_change(request: HttpRequest, pk: int) -> HttpResponse:
    source = source_for(pk)
    form = SourceForm(request.POST or None, source=source)
    if request.method == "POST" and form.is_valid():
        try:
            steering.change_source(source=source, by=request.user, **form.wanted())
        except actions.Refused as reason:
            form.add_error(None, str(reason))
        else:
            toasts.done(request, f"{source} is changed.")
            return redirect(source)
    status = 422 if form.errors else 200
    return render(request, "catalog/source_change.html", {"source": source, "form": form}, status=status)


STEPS = {
    "pause": (steering.pause_source, "Paused: nothing reads it until you resume it.", "resume"),
    "resume": (steering.resume_source, "Resumed: it is read within a minute.", "pause"),
    "remove": (steering.remove_source, "Removed. What it brought is orphaned now.", "restore"),
    "restore": (steering.restore_source, "It is a source again, with what it had.", ""),
}


@policy(platform_only, name="catalog.manage source")
@require_POST
def source_steer(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    source = get_object_or_404(Source, pk=pk)
    if step not in STEPS:
        raise Http404
    act, said, back = STEPS[step]
    try:
        act(source=source, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
    else:
        undo = reverse("catalog:source_steer", args=[pk, back]) if back else ""
        toasts.done(request, said, undo=undo)
    return redirect(source)
