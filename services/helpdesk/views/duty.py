"""The rota: who is on duty, who stands in, and what one tells the next."""

from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only, policy
from services.helpdesk import actions, desk_forms
from services.helpdesk import rota as reading
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.forms import first_error, platform_people
from services.helpdesk.models import HandOver, RotaChange, Ticket
from services.helpdesk.styling import styled

WEEKS = 8


@policy(platform_only)
@require_safe
def rota(request: HttpRequest) -> HttpResponse:
    return _page(request, _rota_form(reading.the_rota()))


def _page(request: HttpRequest, form: desk_forms.RotaForm, status: int = 200) -> HttpResponse:
    desk = reading.Desk()
    today = desk.plan.at(timezone.now())
    monday = today.day - timedelta(days=today.day.weekday())
    days = list(desk.plan.days(monday, 7 * WEEKS))
    changes = [c for c in desk.plan.changes if c.last >= today.day]
    context = {
        "form": styled(form),
        "today": today,
        "weeks": [days[n : n + 7] for n in range(0, len(days), 7)],
        "changes": changes,
        "people": platform_people(),
        "handovers": HandOver.objects.select_related("by", "to")[:5],
        "mine": Ticket.objects.open().filter(assignee_id=request.user.pk).count(),
    }
    return render(request, "helpdesk/rota.html", context, status=status)


def _rota_form(row: Any) -> desk_forms.RotaForm:
    members = row.members.select_related("person") if row.pk else []
    names = "\n".join(member.person.username for member in members)
    columns = ("starts_on", "weeks", "giving", "most_open", "calendar")
    return desk_forms.RotaForm(initial={"people": names, **{c: getattr(row, c) for c in columns}})


@policy(platform_only)
@require_POST
def rota_save(request: HttpRequest) -> HttpResponse:
    form = styled(desk_forms.RotaForm(request.POST))
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        actions.save_rota(by=request.user, **form.cleaned_data)
    except HelpdeskError as error:
        form.add_error("people", str(error))
        return _page(request, form, status=422)
    toasts.done(request, "The rota is saved.")
    return redirect("helpdesk:rota")


@policy(platform_only)
@require_POST
def rota_change(request: HttpRequest) -> HttpResponse:
    """Somebody stands in for some days."""
    form = desk_forms.StandInForm(request.POST)
    return _do(request, form, lambda: f"{actions.stand_in(by=request.user, **form.cleaned_data)}.")


@policy(platform_only)
@require_POST
def rota_swap(request: HttpRequest) -> HttpResponse:
    """Two turns change places."""
    form = desk_forms.SwapForm(request.POST)

    def step() -> str:
        one, other = actions.swap(by=request.user, **form.cleaned_data)
        return f"{one.person} takes {one.first:%-d %B}, {other.person} takes {other.first:%-d %B}."

    return _do(request, form, step)


@policy(platform_only)
@require_POST
def rota_undo(request: HttpRequest, pk: int) -> HttpResponse:
    change = get_object_or_404(RotaChange, pk=pk)
    actions.undo_change(change=change, by=request.user)
    toasts.done(request, "Taken back. Whose turn it is, has it again.")
    return redirect("helpdesk:rota")


@policy(platform_only)
@require_POST
def rota_hand_over(request: HttpRequest) -> HttpResponse:
    form = desk_forms.HandOverForm(request.POST)

    def step() -> str:
        row = actions.hand_over(by=request.user, note=form.cleaned_data["note"])
        return f"Handed over to {row.to}." if row.to else "Written down. Nobody follows you yet."

    return _do(request, form, step)


def _do(request: HttpRequest, form: Any, step: Any) -> HttpResponse:
    try:
        if form.is_valid():
            toasts.done(request, step())
        else:
            toasts.refused(request, first_error(form))
    except HelpdeskError as error:
        toasts.refused(request, str(error))
    return redirect("helpdesk:rota")
