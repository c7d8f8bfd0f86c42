"""The platform's queue."""

from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest, inside
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import platform_only, policy
from services.helpdesk import actions, live, queries, wording
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.forms import BulkForm, FilterForm, first_error, platform_people
from services.helpdesk.models import Ticket
from services.helpdesk.states import WAITING_STATES, Cause, State
from services.helpdesk.views.ticket import pane_context, ticket_for

COLUMNS = {"priority": ("priority", "created_at"), "age": "created_at", "updated": "updated_at"}


@policy(platform_only)
@limited("export", when=wants_csv)
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Tabs, list and preview; everything that narrows it stands in the address."""
    form = FilterForm(request.GET)
    tokens = form.tokens()
    view = request.GET.get("view", "" if tokens or request.GET.get("q") else "unassigned")
    found = queries.matching(queries.in_view(Ticket.objects.all(), view, request.user), form.filters())
    rows = tables.order(request, found.for_rows(), COLUMNS, "priority")
    if request.GET.get("format") == "csv":
        return tables.csv_response("tickets", queries.CSV_HEADER, queries.csv_rows(rows))
    page = tables.paginate(request, rows, per_page=100)
    groups = grouped(list(page.object_list))
    tickets = [ticket for _, rows in groups for ticket in rows]
    context = {
        "view": view,
        "views": queries.view_counts(request.user),
        "form": form,
        "tokens": tokens,
        "page": page,
        "groups": groups,
        "people": platform_people(),
        "causes": Cause.choices,
        "today": queries.today(timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)),
        "health": live.health_by_ref({t.entity_ref for t in tickets}),
        **_pane(request, tickets),
    }
    return render(request, "helpdesk/queue.html", context)


def grouped(tickets: list[Ticket]) -> list[tuple[str, list[Ticket]]]:
    """Rows under headings, in the order given: what presses, what came today, what is older, what waits."""
    now = timezone.now()

    def heading(ticket: Ticket) -> tuple[int, str]:
        if ticket.state in WAITING_STATES:
            return 3, "Waiting"
        if not ticket.is_open:
            return 4, "Done"
        if wording.is_pressing(ticket, now):
            return 0, "Answer due"
        today = timezone.localdate(ticket.created_at) == timezone.localdate(now)
        return (1, "Today") if today else (2, "Earlier")

    ranked = sorted(tickets, key=lambda t: heading(t)[0])
    return [(name, list(rows)) for (_, name), rows in groupby(ranked, key=heading)]


def _pane(request: HttpRequest, tickets: list[Ticket]) -> dict[str, Any]:
    """The preview beside the list: of the ticket named in the address, else of the first one.

    It is drawn after the page, for the list is what one came for.
    """
    wanted = request.GET.get("t", "").removeprefix("T-")
    chosen = next((t for t in tickets if str(t.number) == wanted), tickets[0] if tickets else None)
    return {"ticket": chosen, "later": True}


@policy(platform_only)
@require_safe
def ticket_preview(request: HttpRequest, number: int) -> HttpResponse:
    return render(request, "helpdesk/queue.html#pane", pane_context(request, ticket_for(request, number)))


@policy(platform_only)
@require_POST
def queue_bulk(request: HttpRequest) -> HttpResponse:
    """The same step for every ticked ticket; one that refuses stops none of the others and is named."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        toasts.refused(request, first_error(form))
        return _back(request)
    refused = []
    for ticket in form.cleaned_data["tickets"]:
        try:
            _do(ticket, form.cleaned_data, by=request.user)
        except HelpdeskError as error:
            refused.append(f"{ticket.key}: {error}")
    done = len(form.cleaned_data["tickets"]) - len(refused)
    if done:
        toasts.done(request, f"{done} ticket{'s' if done > 1 else ''} changed.")
    if refused:
        more = f" And {len(refused) - 3} more." if refused[3:] else ""
        toasts.refused(request, " ".join(refused[:3]) + more)
    return _back(request)


def _do(ticket: Ticket, given: dict[str, Any], *, by: Any) -> None:
    if given["do"] == "assign":
        actions.assign(ticket=ticket, to=given["to"], by=by)
    elif given["do"] == "close":
        actions.change_state(ticket=ticket, to=State.CLOSED, by=by)
    else:
        answers = {"cause": given["cause"], "minutes": given["minutes"]}
        actions.change_state(ticket=ticket, to=State.RESOLVED, by=by, **answers)


def _back(request: HttpRequest) -> HttpResponse:
    """To the list as it was filtered."""
    back = inside(request, request.POST.get("back", ""))
    home = reverse("helpdesk:queue")
    return redirect(back if back.startswith(home) else home)
