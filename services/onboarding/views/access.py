"""Looking a request up with access, and answering what an action refuses."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect

from portal.shell import toasts
from portal.shell.http import HttpRequest
from services.onboarding import queries
from services.onboarding.errors import NotAllowed, Refusal
from services.onboarding.models import Request


def request_for(request: HttpRequest, ref: str) -> Request:
    """The request called R-1001 if this person may see it, else 404."""
    row = queries.find(ref, request.user)
    if row is None:
        raise Http404
    return row


def shown_for(request: HttpRequest, ref: str) -> Request:
    """As `request_for`, for a page that shows it."""
    row = queries.shown(ref, request.user)
    if row is None:
        raise Http404
    return row


def said(refusal: Refusal) -> str:
    """A refusal in one sentence, with who may instead."""
    people = refusal.ask if isinstance(refusal, NotAllowed) else []
    return refusal.message + (f" Ask {' or '.join(people)}." if people else "")


def refusals_as_toasts(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """An action that refuses becomes a sentence on the request's page, so that nobody is stranded."""

    @wraps(view)
    def wrapped(request: HttpRequest, ref: str, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, ref, *args, **kwargs)
        except Refusal as refusal:
            toasts.refused(request, said(refusal))
            from_changes = request.POST.get("_back_to") == "changes"
            return redirect(
                "onboarding:proposal_detail" if from_changes else "onboarding:request_detail", ref
            )

    return wrapped
