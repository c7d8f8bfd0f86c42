"""Following along: me too, a nudge, a colleague called in, who is here, a reply called back."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.helpdesk import actions, forms, presence
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.models import Message, Pending, Ticket
from services.helpdesk.views.steps import do, where_said
from services.helpdesk.views.ticket import page_of, pending_of, ticket_for


@policy(signed_in)
@require_POST
def ticket_me_too(request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_for(request, number)
    on = request.POST.get("on") != "no"

    def step() -> str:
        actions.me_too(ticket=ticket, by=request.user, on=on)
        return f"You follow {ticket.key} now." if on else ""

    return do(request, ticket, forms.NoForm(request.POST), step)


@policy(signed_in)
@require_POST
def ticket_nudge(request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_for(request, number)

    def step() -> str:
        actions.nudge(ticket=ticket, by=request.user)
        return "They know that you wait."

    return do(request, ticket, forms.NoForm(request.POST), step)


@policy(signed_in)
@limited("message")
@require_POST
def ticket_call_in(request: HttpRequest, number: int) -> HttpResponse:
    """A colleague follows from now on, and is told."""
    ticket = ticket_for(request, number)
    form = forms.CallInForm(request.POST)

    def step() -> str:
        person = form.cleaned_data["person"]
        actions.call_in(ticket=ticket, person=person, by=request.user)
        return f"{person} reads along now."

    return do(request, ticket, form, step)


@policy(signed_in)
@require_POST
def ticket_presence(request: HttpRequest, number: int) -> HttpResponse:
    """Note that somebody is here, and say who else is: those who write first."""
    ticket = ticket_for(request, number)
    writes = request.POST.get("writes") == "1"
    others = presence.seen(ticket.pk, request.user, writes=writes)
    return render(request, "helpdesk/parts/present.html", {"others": others})


@policy(signed_in)
@require_POST
def reply_call_back(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """The reply is not sent; its words are back in the composer."""
    ticket = ticket_for(request, number)
    row = get_object_or_404(Pending, pk=pk, ticket=ticket, author_id=request.user.pk)
    try:
        actions.call_back(row=row, by=request.user)
    except HelpdeskError as error:
        toasts.refused(request, str(error))
        return redirect(ticket)
    return page_of(request, ticket_for(request, number), held=row.body)


@policy(signed_in)
@require_POST
def reply_send_now(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """The reply is sent before its time, or in it by the page that shows it; what crosses is held."""
    ticket = ticket_for(request, number)
    row = get_object_or_404(Pending, pk=pk, ticket=ticket, author_id=request.user.pk)
    message = actions.send_now(pk=row.pk)
    if request.headers.get("HX-Request"):
        return _beside(request, ticket, message)
    return redirect(
        where_said(request, ticket, message) if message else f"{ticket.get_absolute_url()}#pending"
    )


def _beside(request: HttpRequest, ticket: Ticket, message: Message | None) -> HttpResponse:
    """What is still on its way, for a page that goes on being written on; the conversation asks for news."""
    if message and message.ticket_id != ticket.pk:
        return HttpResponse(headers={"HX-Redirect": where_said(request, ticket, message)})
    fresh = ticket_for(request, ticket.number)
    context = {"ticket": fresh, "pending": pending_of(request, fresh)}
    answer = render(request, "helpdesk/ticket_detail.html#pending", context)
    answer["HX-Trigger"] = "said"
    return answer
