"""The definition of an API as it came."""

import re

from django.http import Http404, HttpResponse
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog.definition_page import text_of
from services.catalog.views.entities import entity_for

ENDINGS = {"graphql": "graphql", "grpc": "proto", "proto": "proto", "protobuf": "proto"}


@policy(signed_in)
@require_safe
def definition_download(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """Always a download of plain text: what people write is never a page of the portal."""
    entity = entity_for(request, kind, namespace, name)
    text = text_of(entity)
    if not text:
        raise Http404(f"{entity.ref} has no definition")
    ending = ENDINGS.get(entity.type.lower()) or ("json" if text.lstrip().startswith("{") else "yaml")
    clean = re.sub(r"[^A-Za-z0-9._-]", "-", entity.name)
    response = HttpResponse(text, content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{clean}.{ending}"'
    return response
