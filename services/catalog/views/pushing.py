"""The API by which programs put descriptors: reports in JSON, whatever becomes of it."""

import json
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse

from portal.shell.api import ApiError, refusal
from portal.shell.http import HttpRequest
from services.accounts.bearer import api
from services.catalog.descriptors.reading import MAX_FILE
from services.catalog.models import ImportRun
from services.catalog.sources import pushing

TYPES = (
    "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain", "application/json",
)  # fmt: skip
MOST_ROWS = 1000


@api(GET="catalog:read", PUT="catalog:write")
def source_put(request: HttpRequest, name: str) -> HttpResponse:
    """All descriptors of a source: what it holds (GET), or new ones instead of them (PUT)."""
    if request.method in ("GET", "HEAD"):
        return _held(name)
    return _answered(request, name, lambda: pushing.whole(_body(request)))


@api(GET="catalog:read", PUT="catalog:write", DELETE="catalog:write")
def source_file(request: HttpRequest, name: str, path: str) -> HttpResponse:
    """One file of a source: as it was put, put anew, or taken away."""
    if request.method in ("GET", "HEAD"):
        return HttpResponse(pushing.read(name, path), content_type="text/plain; charset=utf-8")
    if request.method == "DELETE":
        return _answered(request, name, lambda: pushing.without(path), creates=False)
    return _answered(request, name, lambda: pushing.one(path, _body(request)))


def _body(request: HttpRequest) -> bytes:
    """What was sent, when it is text we read and no larger than a file may be."""
    kind = request.content_type or "application/yaml"
    if kind not in TYPES or request.headers.get("Content-Encoding", "identity") != "identity":
        raise ApiError(f"Send YAML or JSON as it is: {', '.join(TYPES[:1] + TYPES[-1:])}.", 415)
    content = request.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise ApiError(f"The body is larger than {MAX_FILE // 1024 // 1024} MB.", 413)
    if not content.strip():
        raise ApiError("The body is empty. Send descriptors, or DELETE a file.", 400)
    return content


def _answered(request: HttpRequest, name: str, change: Any, *, creates: bool = True) -> HttpResponse:
    try:
        put = pushing.put(name=name, change=change(), by=request.user, creates=creates)
    except pushing.Unwanted as reason:
        answer = refusal(request, reason.status, str(reason))
        return _with_report(answer, reason.run) if reason.run else answer
    waits = put.run.state == ImportRun.State.PLANNED
    outcome = "waits" if waits else "applied" if put.is_changed else "unchanged"
    status = 202 if waits else 201 if put.is_new else 200
    return JsonResponse({"source": name, "outcome": outcome, **_report(put.run)}, status=status)


def _with_report(answer: JsonResponse, run: ImportRun) -> JsonResponse:
    """A refusal with what the report says; the run itself was taken back, so it has no address."""
    told = {**json.loads(answer.content), **_report(run), "import": None}
    return JsonResponse(told, status=answer.status_code)


def _report(run: ImportRun) -> dict[str, Any]:
    worst = sorted(run.documents, key=lambda row: not row["errors"])
    return {
        "import": run.get_absolute_url(),
        "counts": run.counts,
        "documents": worst[:MOST_ROWS],
        "changes": run.changes[:MOST_ROWS],
    }


def _held(name: str) -> HttpResponse:
    holding = pushing.holding_of(name)
    run = holding.source.runs.defer("payload", "undo").first() if holding else None
    if holding is None or run is None:
        raise Http404(f"There is no source {name}.")
    return JsonResponse({"source": name, "files": sorted(holding.files), **_report(run)})
