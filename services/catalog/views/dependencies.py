"""What people say about dependencies that were derived."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog import actions, rules
from services.catalog.models import Entity, Judgement
from services.catalog.views.entities import entity_for

TOLD = {Judgement.Verdict.CONFIRMED: "confirmed", Judgement.Verdict.DISMISSED: "dismissed", "": "open again"}


@policy(signed_in, name="catalog.judge_dependency")
@require_POST
def dependency_judge(
    request: HttpRequest, kind: str, namespace: str, name: str, verdict: str
) -> HttpResponse:
    """`verdict` is confirmed, dismissed or undo; `?target=` names the other side."""
    entity = entity_for(request, kind, namespace, name)
    said = "" if verdict == "undo" else verdict
    if said not in TOLD:
        raise Http404(f"no verdict {verdict}")
    target = request.GET.get("target", "")
    back = entity.get_absolute_url() + "?tab=dependencies"
    if not rules.can_judge(request.user, entity):
        messages.error(
            request, "Its owners say whether this is a dependency, or the platform team. Ask them."
        )
        return redirect(back)
    try:
        actions.judge_dependency(entity=entity, target_ref=target, verdict=said, by=request.user)
    except actions.Refused as reason:
        messages.error(request, str(reason))
        return redirect(back)
    undo = _undo(entity, target) if said else ""
    toasts.done(request, f"{target.rpartition('/')[2]}: {TOLD[said]}.", undo=undo)
    return redirect(back)


def _undo(entity: Entity, target: str) -> str:
    place = [entity.kind.lower(), entity.namespace, entity.name, "undo"]
    return reverse("catalog:dependency_judge", args=place) + "?" + urlencode({"target": target})
