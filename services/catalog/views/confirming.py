"""What people say about owners: that is ours, that is not ours, and the other team's answer."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import pasted, toasts
from portal.shell.http import HttpRequest, inside
from portal.shell.policies import policy, signed_in
from services.audit.queries import events_for
from services.catalog import queries, rules
from services.catalog.models import Entity, Handover, Lifeless
from services.catalog.ownership import confirming, desk, handing, tenures
from services.catalog.ownership.forms import HandoverForm
from services.catalog.ownership.places import is_told_by_source, place_of
from services.catalog.ownership.reading import said_of
from services.catalog.ownership.states import TRANSITIONS
from services.catalog.refusals import Refused
from services.catalog.views.entities import entity_for

STEPS = {
    "accept": ("You took {name}.", "reopen"),
    "decline": ("You declined {name}.", "reopen"),
    "withdraw": ("The question about {name} is withdrawn.", "reopen"),
    "reopen": ("The question about {name} is open again.", ""),
}


@policy(signed_in)
@require_safe
def confirm_list(request: HttpRequest) -> HttpResponse:
    """Everything that one's teams have to confirm, and what they are asked about."""
    refs = queries.refs_of(request.user)
    context = {
        "due": desk.due_of(refs),
        "asked": desk.asked_of(refs),
        "teams": bool(refs),
        "days": tenures.period().days,
    }
    return render(request, "catalog/confirm_list.html", context)


@policy(signed_in, name="catalog.confirm_ownership")
@require_POST
def ownership_confirm(request: HttpRequest) -> HttpResponse:
    """`entity` once for each that was shown, or `only` for one of them."""
    back = _back(request)
    only = request.POST.get("only")
    named = [only] if only else request.POST.getlist("entity")
    try:
        done = confirming.confirm(
            pks=[int(n) for n in named if n.isdecimal() and len(n) < 19], by=request.user
        )
    except Refused as reason:
        toasts.refused(request, str(reason))
        return redirect(back)
    many = len(done.entities)
    said = f"{done.entities[0].name} is confirmed." if many == 1 else f"{many} are confirmed."
    toasts.done(request, said, undo=reverse("catalog:ownership_unconfirm", args=[done.batch]))
    return redirect(back)


@policy(signed_in, name="catalog.unconfirm_ownership")
@require_POST
def ownership_unconfirm(request: HttpRequest, batch: UUID) -> HttpResponse:
    try:
        many = confirming.take_back(batch=batch, by=request.user)
    except Refused as reason:
        toasts.refused(request, str(reason))
    else:
        toasts.done(request, f"Taken back: {many} wait{'s' if many == 1 else ''} to be confirmed again.")
    return redirect(_back(request))


def _back(request: HttpRequest) -> str:
    """Where one came from within the portal, else the list of what is due."""
    back = inside(request, request.POST.get("next", ""), request.headers.get("Referer", ""))
    return back or reverse("catalog:confirm_list")


@policy(signed_in, name="catalog.hand_over")
@require_http_methods(["GET", "HEAD", "POST"])
def handover_new(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    said = said_of(entity)
    if said is None or not rules.can_hand_over(request.user, said.ownership):
        toasts.refused(request, "Its owners say whether it is theirs, and the platform team. Ask them.")
        return redirect(entity)
    form = HandoverForm(request.POST or None, initial={"to": request.GET.get("to", "")})
    if request.method == "POST" and form.is_valid():
        reason = form.cleaned_data["reason"]
        try:
            handover = handing.ask(entity=entity, to_ref=form.to_ref, reason=reason, by=request.user)
        except Refused as refusal:
            form.add_error(None, str(refusal))
        else:
            undo = reverse("catalog:handover_step", args=[handover.pk, "withdraw"])
            toasts.done(request, f"{desk.short(handover.to_ref)} is asked.", undo=undo)
            return redirect(handover)
    context = {"entity": entity, "said_owner": said, "form": form, **_where(entity), "takers": _takers()}
    return render(request, "catalog/handover_new.html", context)


def _where(entity: Entity) -> dict[str, Any]:
    return {"place": place_of(entity), "told_by_source": is_told_by_source(entity)}


def _takers() -> list[str]:
    """Teams that can answer."""
    groups = Entity.objects.filter(kind="Group").exclude(ref__in=Lifeless.objects.values("ref"))
    return [
        ref.removeprefix("group:default/")
        for ref in groups.order_by("name").values_list("ref", flat=True)[:500]
    ]


def _handovers() -> "QuerySet[Handover]":
    return Handover.objects.select_related("entity__source", "entity__owner", "asked_by", "decided_by")


@policy(signed_in)
@require_safe
def handover_detail(request: HttpRequest, pk: int) -> HttpResponse:
    handover = get_object_or_404(_handovers(), pk=pk)
    entity = handover.entity
    may = {step: _may(request, handover, step) for step in STEPS}
    known = Entity.objects.filter(ref__in=[handover.from_ref, handover.to_ref]).only(
        "ref", "kind", "namespace", "name", "title"
    )
    context = {
        "handover": handover,
        "entity": entity,
        "may": may,
        "owners": {owner.ref: owner for owner in known},
        "events": events_for(entity).filter(action__startswith="catalog.handover").order_by("-at")[:20],
        **_where(entity),
    }
    return render(request, "catalog/handover_detail.html", context)


def _may(request: HttpRequest, handover: Handover, step: str) -> bool:
    known = (handover.state, step) in TRANSITIONS
    return known and rules.can_take_step(request.user, handover, step)


@policy(signed_in, name="catalog.take_handover_step")
@require_POST
def handover_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    handover = get_object_or_404(_handovers(), pk=pk)
    if step not in STEPS:
        raise Http404(f"no step {step}")
    answer = pasted.words(request.POST.get("reason", ""))[:2000]
    try:
        handover = handing.step(handover=handover, step=step, by=request.user, answer=answer)
    except Refused as refusal:
        toasts.refused(request, str(refusal))
        return redirect(handover)
    text, undo = STEPS[step]
    can_undo = undo and (handover.state, undo) in TRANSITIONS
    address = reverse("catalog:handover_step", args=[pk, undo]) if can_undo else ""
    toasts.done(request, text.format(name=handover.entity.name), undo=address)
    return redirect(handover)
