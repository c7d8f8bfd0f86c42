"""Numbers for those who decide what to build next; everybody may see them."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.limits import always, limited
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team
from services.helpdesk.rules import can_triage
from services.insights import page, periods
from services.insights.queries import Scope


@policy(signed_in)
@require_safe
def overview(request: HttpRequest) -> HttpResponse:
    teams = list(Team.objects.all())
    scope = _scope(request, teams)
    context = {
        "period": scope.period,
        "team": scope.team,
        "teams": teams,
        "ranges": [(key, label, _address(scope, range=key)) for key, label in periods.RANGES],
        "address": _address(scope),
        "as_of": timezone.now(),
        **page.build(scope, platform=can_triage(request.user)),
    }
    return render(request, "insights/overview.html", context)


@policy(signed_in)
@limited("export", when=always)
@require_safe
def chart_csv(request: HttpRequest, key: str) -> HttpResponse:
    """The table of one chart, for a spreadsheet."""
    scope = _scope(request, list(Team.objects.all()))
    built = page.build(scope, platform=can_triage(request.user))["charts"]
    chart = next((chart for chart in built if chart.key == key), None)
    if chart is None:
        raise Http404(f"There is no chart “{key}”.")
    rows = [[cell.text for cell in row] for row in chart.rows]
    return tables.csv_response(f"slipway-{key}", chart.header, rows)


def _scope(request: HttpRequest, teams: list[Team]) -> Scope:
    asked = request.GET.get("team", "")
    return Scope(periods.read(request.GET), next((team for team in teams if team.slug == asked), None))


def _address(scope: Scope, **changes: Any) -> str:
    """The query string of the same numbers with something changed."""
    when = {"range": scope.period.key} if scope.period.key != "custom" else scope.period.query
    query = {**when, "team": scope.team.slug if scope.team else "", **changes}
    if "range" in changes:
        query = {k: v for k, v in query.items() if k not in ("from", "to")}
    return "?" + urlencode({k: v for k, v in query.items() if v})
