"""Mails that came in: what became of each, and their originals."""

import base64
import binascii
import hmac

from django.conf import settings
from django.http import Http404, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import always, its_address, limited
from portal.shell.policies import platform_only, policy, public, signed_in
from services.accounts.bearer import signed
from services.helpdesk import actions, mail_ids
from services.helpdesk.actions import mailing
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.models import InboxLook, Mail
from services.helpdesk.views.files import download
from services.integrations.mail import incoming

# Fields in which mail services send the mail as it came: Mailgun's, SendGrid's.
FIELDS = ("body-mime", "email")


@policy(platform_only, name="helpdesk.read mails")
@require_safe
def mail_list(request: HttpRequest) -> HttpResponse:
    action, words = request.GET.get("action", ""), request.GET.get("q", "").replace("\x00", "").strip()
    rows = Mail.objects.for_rows()
    if action in Mail.Action.values:
        rows = rows.filter(action=action)
    if words:
        rows = rows.filter(sender__icontains=words) | rows.filter(subject__icontains=words)
    context = {
        "page": tables.paginate(request, rows),
        "action": action,
        "actions": Mail.Action.choices,
        "words": words,
        "look": InboxLook.objects.first(),
        "inbox": mail_ids.inbox(),
        "fetches": bool(settings.MAIL_INBOX),
    }
    return render(request, "helpdesk/mail_list.html", context)


def _mail_for(request: HttpRequest, pk: int) -> Mail:
    return get_object_or_404(Mail.objects.visible_to(request.user), pk=pk)


@policy(signed_in)
@require_safe
def mail_original(request: HttpRequest, pk: int) -> HttpResponse:
    """The mail as it came, for a mail program to open."""
    return download(bytes(_mail_for(request, pk).raw), f"mail-{pk}.eml")


@policy(platform_only)
@require_POST
def mail_ticket(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a ticket of a stranger's mail."""
    try:
        ticket = actions.make_ticket(row=_mail_for(request, pk), by=request.user)
    except HelpdeskError as error:
        toasts.refused(request, str(error))
        return redirect("helpdesk:mail_list")
    return redirect(ticket)


@policy(signed_in)
@require_safe
def mail_file(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """One of its attachments, the first is 1: always a download, never shown here."""
    files = incoming.read(bytes(_mail_for(request, pk).raw)).attachments
    if not 1 <= number <= len(files):
        raise Http404
    file = files[number - 1]
    return download(file.content, file.name or f"file-{number}")


@signed
@policy(public, name="knows the mail secret")
@limited("webhook", when=always, person=its_address)
@require_POST
def mail_hook(request: HttpRequest) -> HttpResponse:
    """Takes one raw mail, or a form with one in a field; answers once it is kept. Twice is once."""
    if not _knows_the_secret(request.headers.get("Authorization", "")):
        return _refused(403, "the secret of SLIPWAY_MAIL_SECRET is wanted, as a bearer token or a password")
    raw = _raw_mail(request)
    if len(raw) > incoming.LARGEST:
        return _refused(413, f"larger than {incoming.LARGEST // 1024 // 1024} MB")
    if not raw.strip():
        return _refused(400, f"no mail: send it as the body, or in a field called {' or '.join(FIELDS)}")
    row = mailing.take(raw=raw, transport="hook")
    return JsonResponse({"action": row.action, "ticket": row.ticket.key if row.ticket else None})


def _refused(status: int, said: str) -> JsonResponse:
    return JsonResponse({"error": said}, status=status)


def _raw_mail(request: HttpRequest) -> bytes:
    if not (request.content_type or "").startswith(
        ("multipart/form-data", "application/x-www-form-urlencoded")
    ):
        return request.read(incoming.LARGEST + 1)
    fields = (request.POST.get(name, "") for name in FIELDS)
    return next((text.encode("utf-8", "surrogateescape") for text in fields if text), b"")


def _knows_the_secret(said: str) -> bool:
    """`Bearer SECRET`, or Basic with it as password: what mail services can send."""
    scheme, _, value = said.partition(" ")
    if scheme.lower() == "basic":
        try:
            value = base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return False
    told = settings.MAIL_SECRET
    return bool(told) and hmac.compare_digest(value.encode(errors="replace"), told.encode())
