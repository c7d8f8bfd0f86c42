"""My tickets, and those of colleagues."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.shell import keyset, tables
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.helpdesk import queries, rules
from services.helpdesk.forms import FilterForm, team_choices
from services.helpdesk.models import Ticket

COLUMNS = {
    "opened": "created_at",
    "updated": "updated_at",
    "priority": ("priority", "-created_at"),
    "state": ("state", "-created_at"),
    "title": "title",
}


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def ticket_list(request: HttpRequest) -> HttpResponse:
    """Mine by default; `?who=all` is everybody's. Any other filter looks at everybody's as well."""
    form = FilterForm(request.GET)
    tokens = form.tokens()
    who = request.GET.get("who") or ("all" if tokens or request.GET.get("q") else "mine")
    found = queries.matching(Ticket.objects.all(), form.filters(), request.user)
    shown = found.visible_to(request.user)
    if who == "mine":
        shown = shown.filter(asker_id=request.user.pk)
    rows = tables.order(request, shown.for_rows(), COLUMNS, "-updated")
    if request.GET.get("format") == "csv":
        return tables.csv_response("tickets", queries.CSV_HEADER, queries.csv_rows(rows))
    page = tables.paginate(request, rows, most=queries.MOST_LISTED)
    counts_private = who == "all" and not rules.can_triage(request.user)
    context = {
        "page": page,
        "who": who,
        "form": form,
        "tokens": tokens,
        "hidden": keyset.up_to(found.hidden_from(request.user)) if counts_private else 0,
        "teams": team_choices(),
        "categories": queries.categories(),
    }
    return render(
        request, "helpdesk/ticket_list.html" + ("#list" if request.headers.get("HX-Request") else ""), context
    )
