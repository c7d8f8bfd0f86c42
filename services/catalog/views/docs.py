"""Pictures of docs."""

import posixpath

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog.docs.layout import PICTURES
from services.catalog.docs.models import DocFile
from services.catalog.views.entities import entity_for

ALONE = "default-src 'none'; frame-ancestors 'none'; sandbox"


@policy(signed_in)
@require_safe
def doc_file(request: HttpRequest, kind: str, namespace: str, name: str, path: str) -> HttpResponse:
    """A picture and nothing else: opened by itself it may run nothing, and SVG is a download."""
    entity = entity_for(request, kind, namespace, name)
    row = get_object_or_404(DocFile, tree__entity=entity, path=path.replace("\x00", "?"))
    ending = posixpath.splitext(path.lower())[1]
    response = HttpResponse(bytes(row.content), content_type=PICTURES.get(ending, "application/octet-stream"))
    response["Content-Security-Policy"] = ALONE
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    if ending == ".svg":
        response["Content-Disposition"] = "attachment"
    return response
