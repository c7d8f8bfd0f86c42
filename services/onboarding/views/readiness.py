"""Ready for a newer Kubernetes? What it does without, by team and place."""

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.shell import tables
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team
from services.onboarding import readiness
from services.onboarding.models import ApiUse

HEADER = (
    "team",
    "service",
    "environment",
    "where",
    "place",
    "object",
    "uses",
    "standing",
    "since",
    "instead",
)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def readiness_report(request: HttpRequest) -> HttpResponse:
    known = readiness.versions()
    asked = request.GET.get("to", "")
    target = asked if asked in known else readiness.next_version()
    everything = readiness.lines(_filtered(request), target)
    if request.GET.get("format") == "csv":
        return tables.csv_response(f"ready-for-{target}", HEADER, map(_line, everything))
    context = {
        "target": target,
        "versions": known,
        "by_team": readiness.by_team(everything),
        "page": tables.paginate(request, everything),
        "teams": Team.objects.all(),
        "as_of": ApiUse.objects.order_by("-as_of").values_list("as_of", flat=True).first(),
        "q": request.GET.get("q", ""),
    }
    return render(request, "onboarding/readiness_report.html", context)


def _filtered(request: HttpRequest) -> list[ApiUse]:
    rows = ApiUse.objects.all()
    if team := request.GET.get("team"):
        rows = rows.filter(team=team)
    if q := request.GET.get("q", "").strip():
        rows = rows.filter(Q(service__icontains=q) | Q(what__icontains=q) | Q(place__icontains=q))
    return list(rows)


def _line(each: readiness.Line) -> tuple[str, ...]:
    use = each.use
    since = use.removed if each.standing == "removed" else use.deprecated
    return (
        use.team, use.service, use.environment, use.get_source_display(), use.place, use.object, use.what,
        each.standing, since, use.instead,
    )  # fmt: skip
