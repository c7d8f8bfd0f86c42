"""The platform's queue."""

from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest, inside
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import platform_only, policy
from services.helpdesk import actions, live, queries, searching, views_of_desk, wording
from services.helpdesk.errors import HelpdeskError
from services.helpdesk.forms import BulkForm, FilterForm, first_error, platform_people
from services.helpdesk.models import Deed, Ticket
from services.helpdesk.states import WAITING_STATES, Cause, State
from services.helpdesk.views.ticket import pane_context, ticket_for

COLUMNS = {"priority": ("priority", "created_at"), "age": "created_at", "updated": "updated_at"}


@policy(platform_only)
@limited("export", when=wants_csv)
@require_safe
def queue(request: HttpRequest) -> HttpResponse:
    """Tabs, list and preview; everything that narrows it stands in the address."""
    form = FilterForm(request.GET)
    chosen = views_of_desk.chosen(request, form)
    found = queries.matching(chosen.tickets, form.filters(), request.user)
    rows = tables.order(
        request, found.for_rows(), COLUMNS, "-updated" if chosen.key == "done" else "priority"
    )
    if request.GET.get("format") == "csv":
        return tables.csv_response("tickets", queries.CSV_HEADER, queries.csv_rows(rows))
    page = tables.paginate(request, rows, most=queries.MOST_LISTED)
    groups = grouped(list(page.object_list))
    tickets = [ticket for _, rows in groups for ticket in rows]
    context = {
        "view": chosen.key,
        "view_title": chosen.title,
        "form": form,
        "mistakes": searching.read(form.filters().words, request.user).mistakes,
        "page": page,
        "groups": groups,
        **_around(request, form, tickets),
        **_pane(request, tickets),
    }
    return render(request, "helpdesk/queue.html", context)


def _around(request: HttpRequest, form: FilterForm, tickets: list[Ticket]) -> dict[str, Any]:
    """What stands beside the list."""
    return {
        "tokens": form.tokens(),
        "views": queries.view_counts(request.user),
        "kept": views_of_desk.counted(request.user),
        "people": platform_people(),
        "causes": Cause.choices,
        "macros": queries.macros(),
        "today": queries.today(timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)),
        "health": live.health_by_ref({t.entity_ref for t in tickets}),
    }


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
    given = form.cleaned_data
    what = dict(form.fields["do"].choices)[given["do"]]  # type: ignore[attr-defined]  # ChoiceField
    outcome = actions.over(
        tickets=given["tickets"], step=_step(given, request.user), what=what, by=request.user
    )
    _say(request, outcome, "changed")
    return _back(request)


def _step(given: dict[str, Any], by: Any) -> Callable[[Ticket], Any]:
    """What one ticket of many gets."""
    answers = {"cause": given["cause"], "minutes": given["minutes"]}
    return {
        "assign": lambda ticket: actions.assign(ticket=ticket, to=given["to"], by=by),
        "close": lambda ticket: actions.change_state(ticket=ticket, to=State.CLOSED, by=by),
        "resolve": lambda ticket: actions.change_state(ticket=ticket, to=State.RESOLVED, by=by, **answers),
        "macro": lambda ticket: actions.run_macro(macro=given["macro"], ticket=ticket, by=by),
    }[given["do"]]


def _say(request: HttpRequest, outcome: actions.Outcome, word: str) -> None:
    done, refused = len(outcome.done), outcome.refused
    if done:
        undo = reverse("helpdesk:queue_undo", args=[outcome.deed.pk]) if outcome.deed else ""
        toasts.done(request, f"{done} ticket{'s' if done > 1 else ''} {word}.", undo=undo)
    if refused:
        more = f" And {len(refused) - 3} more." if refused[3:] else ""
        toasts.refused(request, " ".join(refused[:3]) + more)


@policy(platform_only)
@require_POST
def queue_undo(request: HttpRequest, pk: int) -> HttpResponse:
    """Take back a step over many tickets; 404 for those of others."""
    deed = get_object_or_404(Deed, pk=pk, by_id=request.user.pk)
    try:
        _say(request, actions.undo(deed=deed, by=request.user), "put back")
    except HelpdeskError as error:
        toasts.refused(request, str(error))
    return redirect("helpdesk:queue")


def _back(request: HttpRequest) -> HttpResponse:
    """To the list as it was filtered."""
    back = inside(request, request.POST.get("back", ""))
    home = reverse("helpdesk:queue")
    return redirect(back if back.startswith(home) else home)
