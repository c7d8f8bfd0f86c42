"""Tying tickets together: merge, split, link, one problem behind many."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.policies import platform_only, policy, signed_in
from services.helpdesk import actions, forms
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.models import Link, Problem
from services.helpdesk.views.steps import do
from services.helpdesk.views.ticket import ticket_for


@policy(platform_only)
@require_POST
def ticket_merge(request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_for(request, number)
    form = forms.OtherForm(request.POST, user=request.user)

    def step() -> str:
        into = actions.merge(ticket=ticket, into=form.cleaned_data["original"], by=request.user)
        return f"{ticket.key} goes on in {into.key}."

    return do(request, ticket, form, step)


@policy(platform_only)
@require_POST
def ticket_split(request: HttpRequest, number: int) -> HttpResponse:
    """A ticket of its own from one of the messages."""
    ticket = ticket_for(request, number)
    form = forms.SplitForm(request.POST, ticket=ticket)

    def step() -> str:
        given = form.cleaned_data
        made = actions.split(message=given["message"], title=given["title"], by=request.user)
        return f"{made.key} is open."

    return do(request, ticket, form, step)


@policy(signed_in)
@require_POST
def ticket_link(request: HttpRequest, number: int) -> HttpResponse:
    """Tie two tickets, or untie them."""
    ticket = ticket_for(request, number)
    form = forms.OtherForm(request.POST, user=request.user)

    def step() -> str:
        other = form.cleaned_data["original"]
        if request.POST.get("off") != "1":
            actions.link(ticket=ticket, other=other, by=request.user)
            return f"{ticket.key} and {other.key} are linked."
        for row in Link.objects.filter(ticket__in=[ticket, other], other__in=[ticket, other]):
            actions.unlink(row=row, by=request.user)
        return f"{ticket.key} and {other.key} are no longer linked."

    return do(request, ticket, form, step)


@policy(platform_only)
@require_POST
def ticket_problem(request: HttpRequest, number: int) -> HttpResponse:
    """Without another ticket this one becomes a problem; with one, that is what is behind it."""
    ticket = ticket_for(request, number)
    form = forms.OtherForm(request.POST, user=request.user, required=False)

    def step() -> str:
        behind = form.cleaned_data["original"]
        if behind is None:
            actions.make_problem(ticket=ticket, by=request.user)
            return f"{ticket.key} is a problem now. Tie the tickets it explains to it."
        problem = actions.make_problem(ticket=behind, by=request.user)
        actions.join_problem(ticket=ticket, problem=problem, by=request.user)
        return f"{behind.key} is behind {ticket.key}."

    return do(request, ticket, form, step)


@policy(platform_only)
@require_POST
def problem_answer(request: HttpRequest, number: int) -> HttpResponse:
    """One answer to everybody who waits."""
    ticket = ticket_for(request, number)
    problem = get_object_or_404(Problem, ticket=ticket)
    form = forms.AnswerAllForm(request.POST)
    if not form.is_valid():
        toasts.refused(request, forms.first_error(form))
        return redirect(ticket)
    given = {k: form.cleaned_data[k] for k in ("body", "nonce", "resolve", "cause", "minutes")}
    try:
        outcome = actions.answer_all(problem=problem, by=request.user, **given)
    except HelpdeskError as error:
        toasts.refused(request, str(error))
        return redirect(ticket)
    toasts.done(request, f"{len(outcome.done)} tickets answered.")
    if outcome.refused:
        toasts.refused(request, " ".join(outcome.refused[:3]))
    return redirect(ticket)
