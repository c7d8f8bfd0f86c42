"""What programs may ask, as a page."""

import json

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from portal.shell import openapi
from portal.shell.http import HttpRequest
from portal.shell.policies import policy, signed_in
from services.catalog.definition_page import shown


@policy(signed_in)
@require_safe
def api_reference(request: HttpRequest) -> HttpResponse:
    """The description of every operation, drawn like any API of the catalog."""
    text = json.dumps(openapi.description(), ensure_ascii=False, indent=1)
    context = {**shown(request, "openapi", text), "original": reverse("accounts:openapi")}
    return render(request, "catalog/api_reference.html", context)
