"""Trying a blueprint out as it is written, and rehearsing what it would have made of requests of the past."""

import time
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.shell.http import HttpRequest
from portal.shell.limits import limited, posts
from portal.shell.policies import platform_only, policy
from services.manifests.expressions import within
from services.onboarding import drawing, playground_page, queries

LASTS = (10, 20, 50, 200)


@policy(platform_only)
@limited("form", when=posts)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def playground(request: HttpRequest) -> HttpResponse:
    page = playground_page.PlaygroundPage(request.user)
    if request.method == "POST":
        page.read(request.POST)
    else:
        page.open(request.GET.get("blueprint", "web-service"), request.GET.get("guardrail", ""))
    page.work()
    template = "onboarding/playground_live.html" if request.htmx else "onboarding/playground.html"
    return render(request, template, page.context() | {"lasts": LASTS})


@policy(platform_only)
@limited("form", when=posts)
@never_cache
@require_POST
def playground_rehearsal(request: HttpRequest) -> HttpResponse:
    """Some of the last requests, and where to go on; `_go` says how many and after which."""
    page = playground_page.PlaygroundPage(request.user)
    page.read(request.POST)
    last, _, after = request.POST.get("_go", "").partition(":")
    if request.htmx:
        with within(playground_page.SECONDS):
            page.load()
        context = {"page": page}
    else:
        page.work()
        context = page.context() | {"lasts": LASTS}
    context |= _played(page, _number(last, 20), _number(after, 0))
    return render(request, f"onboarding/{'rehearsal' if request.htmx else 'playground'}.html", context)


def _number(text: str, otherwise: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def _played(page: playground_page.PlaygroundPage, last: int, after: int) -> dict[str, Any]:
    """As many as fit into one answer."""
    if page.blueprint is None or page.problems:
        return {"rehearsed": [], "cannot": True}
    change = queries.Change(page.blueprint, page.guardrails)
    rows = list(queries.of_the_past(change, last))
    waiting = [row for row in rows if not after or row.number < after]
    until, done = time.monotonic() + playground_page.AT_ONCE, []
    for row in waiting:
        with within(playground_page.SECONDS):
            done.append(queries.rehearsed(row, change))
        if time.monotonic() > until:
            break
    more = waiting[len(done) :]
    return {
        "rehearsed": [(each, drawing.files(each.difference.files)) for each in done],
        "last": last,
        "total": len(rows),
        "finished": len(rows) - len(more),
        "more": bool(more),
        "after": done[-1].request.number if done else 0,
    }
