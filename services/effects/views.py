"""The outbox as platform engineers see it: what waits for a person, what runs, what was done."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only, policy
from services.effects import actions, queries
from services.effects.models import Effect

STATES = {"attention": "Waits for you", "open": "Under way", "done": "Done", "all": "All"}


@policy(platform_only)
@require_safe
def effect_list(request: HttpRequest) -> HttpResponse:
    chosen = request.GET.get("state", "attention")
    chosen = chosen if chosen in STATES else "attention"
    rows = queries.in_view(chosen).order_by("-created_at", "-pk")
    context = {
        "states": STATES,
        "chosen": chosen,
        "page": tables.paginate(request, rows),
        "leaders": queries.leaders(),
        "oldest": queries.oldest_due_age(),
        "now": timezone.now(),
    }
    return render(request, "effects/effect_list.html", context)


@policy(platform_only)
@require_POST
def effect_retry(request: HttpRequest, pk: int) -> HttpResponse:
    effect = get_object_or_404(Effect, pk=pk)
    try:
        actions.retry(effect=effect, by=request.user)
        messages.success(request, "Trying again now.")
    except actions.NotRetryable as state:
        messages.info(request, f"Nothing to retry: it is {str(state).lower()} by now.")
    return redirect("effects:effect_list")


@policy(platform_only)
@require_POST
def effect_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    effect = get_object_or_404(Effect, pk=pk)
    try:
        actions.cancel(effect=effect, by=request.user)
        messages.success(request, "Cancelled; it will not be tried again.")
    except actions.NotCancellable as state:
        messages.info(request, f"Too late to cancel: it is {str(state).lower()} by now.")
    return redirect("effects:effect_list")
