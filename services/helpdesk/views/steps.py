"""Everything that is done to a ticket by a form. A refusal says why, changes nothing and loses nothing."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import platform_only, policy, signed_in
from services.helpdesk import actions, forms, thread
from services.helpdesk.errors import HelpdeskError, TicketMoved
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import State
from services.helpdesk.views.ticket import page_of, ticket_for


@policy(signed_in)
@limited("message")
@require_POST
def ticket_reply(request: HttpRequest, number: int) -> HttpResponse:
    """Send a message. What cannot be sent comes back in the composer, word for word, with the reason."""
    ticket = ticket_for(request, number)
    form = forms.ReplyPageForm(request.POST, request.FILES)
    held = {"held": request.POST.get("body", ""), "held_vis": request.POST.get("vis", "public")}
    if not form.is_valid():
        return page_of(request, ticket, status=422, **_refused(form), **held)
    given = form.cleaned_data
    try:
        if _can_wait(given):
            return _send_soon(request, ticket, given)
        message = actions.reply(ticket=ticket, by=request.user, **_said(request, given))
    except TicketMoved as moved:
        fresh = ticket_for(request, number)
        return page_of(request, fresh, status=409, moved=[thread.line(e) for e in moved.events], **held)
    except HelpdeskError as error:
        return page_of(request, ticket, status=409, refused=str(error), **held)
    return redirect(where_said(request, ticket, message))


def where_said(request: HttpRequest, ticket: Ticket, message: Message) -> str:
    """The address of a message; a toast tells when it opened a ticket of its own."""
    if message.ticket_id != ticket.pk:
        toasts.done(request, f"{ticket.key} is closed, so this opened {message.ticket.key}.")
    return f"{message.ticket.get_absolute_url()}#m-{message.pk}"


def _can_wait(given: dict[str, Any]) -> bool:
    """Public words of a page that shows them with the way back; a plain form, or one with files, at once."""
    return bool(not given["attached"] and given["soon"] and given["nonce"] and given["vis"] != "note")


def _said(request: HttpRequest, given: dict[str, Any]) -> dict[str, Any]:
    return {
        "body": given["body"],
        "internal": given["vis"] == "note",
        "then_wait": given["wait"],
        "seen": given["seen"],
        "files": given["attached"],
        "external_id": f"{request.user.pk}:{given['nonce']}" if given["nonce"] else "",
    }


def _refused(form: forms.ReplyForm) -> dict[str, Any]:
    return {"refused": forms.first_error(form), "looks_secret": form.looks_secret}


def _send_soon(request: HttpRequest, ticket: Ticket, given: dict[str, Any]) -> HttpResponse:
    """Sent in some seconds, unless it is called back; the page shows it with the way back."""
    what = {"body": given["body"], "wait": given["wait"], "seen": given["seen"], "nonce": given["nonce"]}
    actions.send_soon(ticket=ticket, by=request.user, **what)
    return redirect(f"{ticket.get_absolute_url()}#pending")


@policy(signed_in)
@require_POST
def ticket_state(request: HttpRequest, number: int) -> HttpResponse:
    form = forms.StateForm(request.POST, user=request.user)
    ticket = ticket_for(request, number)

    def step() -> str:
        given = form.cleaned_data
        answers = {k: given[k] for k in ("to", "seen", "cause", "minutes", "reason")}
        moved = actions.change_state(
            ticket=ticket, by=request.user, duplicate_of=given["original"], **answers
        )
        return f"{moved.key}: {State(moved.state).label.lower()}."

    undo = reverse("helpdesk:ticket_take_back", args=[ticket.key])
    return do(request, ticket, form, step, undo=undo)


@policy(signed_in)
@require_POST
def ticket_assign(request: HttpRequest, number: int) -> HttpResponse:
    form = forms.AssignForm(request.POST)
    ticket = ticket_for(request, number)

    def step() -> str:
        to = form.cleaned_data["to"]
        actions.assign(ticket=ticket, to=to, by=request.user)
        return f"{ticket.key} is {'yours' if to == request.user else f'with {to}' if to else 'with nobody'}."

    return do(request, ticket, form, step)


@policy(signed_in)
@require_POST
def ticket_sort(request: HttpRequest, number: int) -> HttpResponse:
    form = forms.SortForm(request.POST)
    ticket = ticket_for(request, number)

    def step() -> str:
        given = form.cleaned_data
        if given["priority"] is not None:
            actions.set_priority(ticket=ticket, priority=given["priority"], by=request.user)
        if given["category"]:
            actions.set_category(ticket=ticket, category=given["category"], by=request.user)
        if given["private"]:
            actions.set_private(ticket=ticket, private=given["private"] == "yes", by=request.user)
        return ""

    return do(request, ticket, form, step)


@policy(platform_only)
@require_POST
def ticket_macro(request: HttpRequest, number: int) -> HttpResponse:
    """Run a macro here; the bulk bar runs it over many."""
    form = forms.MacroRunForm(request.POST)
    ticket = ticket_for(request, number)

    def step() -> str:
        macro = form.cleaned_data["macro"]
        actions.run_macro(macro=macro, ticket=ticket, by=request.user)
        return f"“{macro}” is done."

    return do(request, ticket, form, step)


@policy(signed_in)
@require_POST
def ticket_take_back(request: HttpRequest, number: int) -> HttpResponse:
    """Undo one's own last step."""
    ticket = ticket_for(request, number)

    def step() -> str:
        return (
            f"{ticket.key}: {State(actions.take_back(ticket=ticket, by=request.user).state).label.lower()}."
        )

    return do(request, ticket, forms.NoForm(request.POST), step)


@policy(signed_in)
@require_POST
def ticket_watch(request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_for(request, number)
    on = request.POST.get("on") == "yes"
    actions.watch(ticket=ticket, by=request.user, on=on)
    toasts.done(request, f"You follow {ticket.key}." if on else f"You no longer follow {ticket.key}.")
    return redirect(ticket)


def do(
    request: HttpRequest, ticket: Ticket, form: Any, step: Callable[[], str], *, undo: str = ""
) -> HttpResponse:
    """Run one step and go back to where it was pressed; a refusal says why and changes nothing."""
    try:
        said = step() if form.is_valid() else ""
    except TicketMoved as moved:
        lines = ", ".join(f"{line.who} {line.text}" for line in map(thread.line, moved.events[:3]))
        toasts.refused(request, f"Not done, because meanwhile {lines}. Look again, then decide.")
    except HelpdeskError as error:
        toasts.refused(request, str(error))
    else:
        _say(request, form, said, undo)
    return redirect(_origin(request, ticket))


def _say(request: HttpRequest, form: Any, said: str, undo: str) -> None:
    if form.errors:
        toasts.refused(request, forms.first_error(form))
    elif said:
        toasts.done(request, said, undo=undo)


def _origin(request: HttpRequest, ticket: Ticket) -> str:
    back = request.POST.get("back", "")
    return back if back.startswith("/help/queue/") else ticket.get_absolute_url()
