"""The audit as platform engineers read it: everything that happened, and whether it is what was written."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only, policy
from services.audit import queries


@policy(platform_only)
@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    searched = request.GET.get("q", "").strip()[:100]
    context = {
        "page": tables.paginate(request, queries.events(searched)),
        "searched": searched,
        "last": queries.last_check(),
    }
    return render(request, "audit/event_list.html", context)
