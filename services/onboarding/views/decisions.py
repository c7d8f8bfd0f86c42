"""Buttons: each one post, one action, back to the page. Sending a button twice does it once."""

from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from portal.shell import pasted, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.onboarding import actions, forms, page_of
from services.onboarding.views.access import refusals_as_toasts, request_for

LONGEST_REASON = 2000


def _reason(request: HttpRequest, name: str = "reason") -> str:
    return forms.words(request.POST, name, longest=LONGEST_REASON)


def _done(request: HttpRequest, text: str, name: str = "reason") -> None:
    """Say what was done, and whether something of what `name` holds was masked."""
    hidden = pasted.suspects(request.POST.get(name, ""))
    toasts.done(request, text + (f" What looked like {hidden[0]} was masked." if hidden else ""))


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_approve(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.approve(
        request=request_for(request, ref),
        by=request.user,
        tree_hash=request.POST.get("tree_hash", ""),
        remark=_reason(request, "remark"),
    )
    _done(request, f"You approved {row.ref}.", "remark")
    return redirect(row)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_reject(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.reject(request=request_for(request, ref), by=request.user, reason=_reason(request))
    _done(request, f"{row.ref} is rejected; {row.created_by} reads your reason.")
    return redirect(row)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_withdraw(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.withdraw(request=request_for(request, ref), by=request.user, reason=_reason(request))
    _done(request, f"{row.ref} is withdrawn. Nothing of it was merged.")
    return redirect(row)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_close(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.close(request=request_for(request, ref), by=request.user, reason=_reason(request))
    _done(request, f"{row.ref} is closed.")
    return redirect(row)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_retry(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.retry(request=request_for(request, ref), by=request.user)
    toasts.done(request, f"Trying {row.ref} again.")
    return redirect(row)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_discard(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.discard(request=request_for(request, ref), by=request.user)
    undo = reverse("onboarding:request_restore", args=[row.ref])
    toasts.done(request, f"Draft {row.ref} is put away.", undo=undo)
    return redirect("onboarding:blueprint_list")


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_restore(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.restore(request=request_for(request, ref), by=request.user)
    toasts.done(request, f"Draft {row.ref} is back.")
    return redirect("onboarding:request_edit", row.ref)


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_fix(request: HttpRequest, ref: str) -> HttpResponse:
    """Open the form on a request with a fix filled in (`changes`, the finding's own)."""
    row = request_for(request, ref)
    changes = page_of.fix_of(row) if "fix" in request.POST else None
    field = (row.problem.get("fix") or {}).get("field", "")
    row = actions.reopen_as_draft(request=row, by=request.user, changes=changes)
    return redirect(reverse("onboarding:request_edit", args=[row.ref]) + (f"#field-{field}" if field else ""))


@policy(signed_in)
@require_POST
@refusals_as_toasts
def request_merge(request: HttpRequest, ref: str) -> HttpResponse:
    head = request.POST.get("head", "")
    row = actions.merge(request=request_for(request, ref), by=request.user, head=head)
    toasts.done(request, f"Merging {row.ref}. The rollout starts by itself.")
    return redirect(row)


@policy(signed_in)
@limited("message")
@require_POST
@refusals_as_toasts
def request_comment(request: HttpRequest, ref: str) -> HttpResponse:
    row = actions.comment(
        request=request_for(request, ref),
        by=request.user,
        body=forms.words(request.POST, "body"),
        key=forms.words(request.POST, "key")[:64],
    )
    _done(request, "Your comment is on its way to the pull request.", "body")
    return redirect("onboarding:proposal_detail", row.ref)
