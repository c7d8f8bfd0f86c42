"""Files of messages: pictures are shown, everything else is only ever downloaded."""

from urllib.parse import quote

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.helpdesk import files
from services.helpdesk.models import Attachment
from services.helpdesk.views.ticket import ticket_for

SEALED = "default-src 'none'; frame-ancestors 'none'; sandbox"


@policy(signed_in)
@require_safe
def ticket_file(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """A file of this ticket, to whoever may read the message it came with; `?show` gives a picture as one."""
    readable = ticket_for(request, number).messages.visible_to(request.user)
    row = Attachment.objects.filter(message__in=readable, pk=pk).first()
    if row is None:
        raise Http404("There is no such file that you may see.")
    content = bytes(row.content)
    kind = files.kind_of(content)
    if "show" in request.GET and kind in files.SHOWN:
        return sealed(content, kind, "inline")
    return download(content, row.name)


def download(content: bytes, name: str) -> HttpResponse:
    kept = "".join(letter for letter in name if letter.isalnum() or letter in " ._-")[:100].strip() or "file"
    return sealed(content, "application/octet-stream", f"attachment; filename*=UTF-8''{quote(kept)}")


def sealed(content: bytes, kind: str, disposition: str) -> HttpResponse:
    """An answer in which nothing runs, whatever it holds."""
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = disposition
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = SEALED
    response["Cache-Control"] = "private, no-store"
    return response
