"""Where git hosts report what changed, and where people let them."""

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.shell.http import HttpRequest
from portal.shell.limits import always, its_address, limited
from portal.shell.policies import platform_only, policy, public
from services.accounts.bearer import signed
from services.catalog import actions
from services.catalog.descriptors.reading import MAX_FILE
from services.catalog.models import Source
from services.catalog.sources import hooks


@signed
@policy(public, name="signed by the git host")
@limited("webhook", when=always, person=its_address)
@require_POST
def hook(request: HttpRequest, provider: str, pk: int) -> HttpResponse:
    """Answers at once; what changed is read by a worker."""
    body = request.read(MAX_FILE + 1)
    if len(body) > MAX_FILE:
        return JsonResponse({"error": f"larger than {MAX_FILE // 1024 // 1024} MB"}, status=413)
    try:
        said = hooks.accept(provider=provider, pk=pk, headers=request.headers, body=body)
    except hooks.Unproved:
        return JsonResponse({"error": "not signed with this source's secret"}, status=403)
    except hooks.Unread:
        return JsonResponse({"error": "not a JSON object"}, status=400)
    return JsonResponse({"said": said}, status=202 if said in (hooks.READ, hooks.TOLD) else 200)


@policy(platform_only, name="catalog.manage source")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def source_hook(request: HttpRequest, pk: int) -> HttpResponse:
    source, secret = get_object_or_404(Source, pk=pk), ""
    if request.method == "POST":
        provider = request.POST.get("provider", "")
        try:
            known = provider if provider in Source.Provider.values else ""
            secret = hooks.set_hook(source=source, provider=known, by=request.user)
        except actions.Refused as reason:
            messages.error(request, str(reason))
            return redirect(source)
        source.refresh_from_db()
    context = {
        "source": source,
        "secret": secret,
        "address": request.build_absolute_uri(source.hook_path) if source.hook_provider else "",
        "providers": Source.Provider.choices,
        "deliveries": list(source.deliveries.all()[:20]),
    }
    return render(request, "catalog/source_hook.html", context)
