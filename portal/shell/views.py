"""Pages that belong to nobody: home, the palette, the small print."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.shell import palette, registry, times
from portal.shell.http import HttpRequest
from portal.shell.limits import always, limited
from portal.shell.policies import policy, signed_in


@policy(signed_in)
@require_safe
@never_cache
def home(request: HttpRequest) -> HttpResponse:
    needs = sorted((n for source in registry.needs_me for n in source(request)), key=lambda need: need.order)
    panels = _panels(request)
    now = timezone.now()
    context = {
        "greeting": times.greeting(now),
        "as_of": now,
        "needs": needs,
        "main": [panel for panel in panels if panel["area"] == "main"],
        "side": [panel for panel in panels if panel["area"] == "side"],
        "is_new": not needs and not any(panel["filled"] for panel in panels),
    }
    return render(request, "home/home.html#live" if request.htmx else "home/home.html", context)


def _panels(request: HttpRequest) -> list[dict[str, Any]]:
    """Panels with something to draw. A panel may say `"filled": False` for its empty state."""
    drawn = []
    for panel in registry.home_panels:
        context = panel.context(request)
        if context is not None:
            drawn.append(
                {
                    "key": panel.key,
                    "title": panel.title,
                    "template": panel.template,
                    "area": panel.area,
                    "context": context,
                    "filled": context.get("filled", True),
                }
            )
    return drawn


@policy(signed_in)
@require_safe
@never_cache
def your_services(request: HttpRequest) -> HttpResponse:
    """The services in the sidebar with their health: asked for beside the page, so that no page waits."""
    found = [service for source in registry.your_services for service in source(request)]
    return render(request, "home/your_services.html", {"services": found[:8]})


@policy(signed_in)
@limited("search", when=always)
@require_safe
def palette_options(request: HttpRequest) -> HttpResponse:
    return render(request, "home/palette_options.html", {"groups": palette.groups(request)})
