"""Bringing back what was removed, and choosing whose version of an entity counts."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog import actions, rules
from services.catalog.importing import lifecycle
from services.catalog.models import Claim, Removed


@policy(signed_in, name="catalog.restore_removed")
@require_POST
def entity_restore(request: HttpRequest, pk: int) -> HttpResponse:
    removed = get_object_or_404(Removed, pk=pk)
    if not rules.can_remove(request.user):
        messages.error(request, "Only the platform team brings back what was removed. Ask them.")
        return redirect("catalog:source_list")
    try:
        entity = lifecycle.restore_entity(removed=removed, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
        return redirect("catalog:source_list")
    toasts.done(request, f"{entity} is in the catalog again.")
    return redirect(entity)


@policy(signed_in, name="catalog.choose_source")
@require_POST
def claim_choose(request: HttpRequest, pk: int) -> HttpResponse:
    claim = get_object_or_404(Claim.objects.select_related("source"), pk=pk)
    if not rules.can_choose(request.user):
        messages.error(request, "The platform team chooses between two sources. Ask them.")
        return redirect(claim.source)
    try:
        entity = lifecycle.choose_source(claim=claim, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
        return redirect(claim.source)
    toasts.done(request, f"{entity} comes from {claim.source} now.")
    return redirect(entity)
