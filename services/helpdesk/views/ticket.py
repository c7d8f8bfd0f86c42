"""One ticket: the conversation and everything one can do to it."""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.core.cache import cache
from django.db.models import Count, Exists, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.shell.http import HttpRequest
from portal.shell.once import once
from portal.shell.policies import platform_only, policy, signed_in
from services.accounts.models import User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.helpdesk import actions, canned, expecting, forms, live, queries, rules, thread, timing
from services.helpdesk.models import Canned, Link, MeToo, Pending, Ticket
from services.helpdesk.states import CAUSE_HINTS, TRANSITIONS, Cause, Priority, State


def ticket_for(request: HttpRequest, number: int) -> Ticket:
    """The ticket with this number, if this person may see it; 404 otherwise, for its existence is private
    too.
    """
    mine = Pending.objects.filter(ticket=OuterRef("pk"), author_id=request.user.pk, state__in=ON_THE_WAY)
    toos = MeToo.objects.filter(ticket=OuterRef("pk")).order_by().values("ticket")
    tickets = (
        Ticket.objects.visible_to(request.user)
        .defer("search")
        .annotate(
            pending_mine=Exists(mine),
            toos=Coalesce(Subquery(toos.annotate(n=Count("pk")).values("n")), 0),
            too_mine=Exists(MeToo.objects.filter(ticket=OuterRef("pk"), person_id=request.user.pk)),
        )
    )
    related = ("asker", "assignee", "team", "category", "duplicate_of", "follows", "queue", "problem")
    ticket = tickets.select_related(*related).filter(number=number).first()
    if ticket is None:
        raise Http404(f"There is no ticket T-{number} that you may see.")
    return ticket


ON_THE_WAY = (Pending.State.WAITING, Pending.State.HELD)


@policy(signed_in)
@require_safe
def ticket_detail(request: HttpRequest, number: int) -> HttpResponse:
    ticket = ticket_for(request, number)
    wanted = request.GET.get("canned", "")
    if not (wanted.isdecimal() and rules.can_triage(request.user)):
        return page_of(request, ticket)
    answer = get_object_or_404(Canned, pk=int(wanted[:9]))
    return page_of(request, ticket, held=canned.filled(answer.body, ticket, request.user))


def page_of(request: HttpRequest, ticket: Ticket, *, status: int = 200, **more: Any) -> HttpResponse:
    """The whole page; `held` carries a reply that was not sent, with what happened meanwhile.

    What runs now is asked for beside the page (`ticket_now`), so that reading does not wait for it.
    """
    events = list(queries.history(ticket, request.user))
    context = {
        "ticket": ticket,
        "items": thread.items(ticket, request.user, events),
        "clocks": timing.clocks_of(
            ticket,
            timezone.now(),
            promise=timing.promise_for(ticket, timing.promises_shown()),
            past=timing.moments(ticket, events),
        ),
        "thennow": live.then_and_now(ticket, []),
        "findings": (ticket.snapshot or {}).get("findings", [])[:1],
        "like": queries.like(ticket, request.user),
        **_ties(request, ticket),
        "watchers": list(ticket.watchers.all()),
        "entity": entity_of(request, ticket.entity_ref),
        "nonce": forms.nonce(),
        "seen": ticket.version,
        "held_vis": request.GET.get("do", ""),
        **_may(request, ticket),
        **more,
    }
    return render(request, "helpdesk/ticket_detail.html", context, status=status)


def _ties(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What it is tied to, the reply on its way, and what whoever asked may expect."""
    tied = queries.tied(ticket, request.user)
    waits = request.user.pk == ticket.asker_id and ticket.is_open
    return {
        "tied": [one for one in tied if one.kind != Link.Kind.PROBLEM],
        "behind": next((one.ticket for one in tied if one.kind == Link.Kind.PROBLEM and not one.back), None),
        "explains": [one.ticket for one in tied if one.kind == Link.Kind.PROBLEM and one.back],
        "is_problem": hasattr(ticket, "problem"),
        "pending": pending_of(request, ticket),
        "there": expecting.there() if waits else None,
        "ahead": expecting.ahead_of(ticket) if waits else None,
        "expected": expecting.history(ticket.category_id, ticket.priority) if waits else None,
        "may_nudge": waits and actions.may_nudge(ticket, request.user, timezone.now()),
    }


def pending_of(request: HttpRequest, ticket: Ticket) -> Pending | None:
    """The reply of this person that is on its way, or was held."""
    if not getattr(ticket, "pending_mine", False):
        return None
    rows = Pending.objects.filter(ticket=ticket, author_id=request.user.pk, state__in=ON_THE_WAY)
    return rows.order_by("pk").last()


def entity_of(request: HttpRequest, ref: str) -> Entity | None:
    """The entity of a reference, read once for all parts of a page."""
    return once(request, f"entity {ref}", lambda: catalog.find(ref)) if ref else None


def _may(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What this person can do here, by the same rules that the actions apply."""
    triage = rules.can_triage(request.user)
    steps = [s for s in TRANSITIONS[ticket.state] if rules.can_change_state(request.user, ticket, s)]
    undo = actions.state_before_duplicate(ticket) if ticket.may_undo_duplicate(timezone.now()) else ""
    return {
        "is_asker": request.user.pk == ticket.asker_id,
        "can_triage": triage,
        "can_reply": rules.can_reply(request.user, ticket),
        "can_resolve": State.RESOLVED in steps,
        "can_reopen": State.IN_PROGRESS in steps and ticket.may_reopen(timezone.now()),
        "can_close": State.CLOSED in steps,
        "can_hide": rules.can_change_privacy(request.user, ticket),
        "undo_to": undo if triage else "",
        "steps": [s for s in steps if s in OFFERED and ticket.is_open],
        "can_convert": (triage or request.user.pk == ticket.asker_id)
        and State.CONVERTED in TRANSITIONS[ticket.state],
        "can_mark": triage and State.DUPLICATE in steps,
        "people": _assignable() if triage else [],
        "priorities": Priority.choices,
        "categories": queries.categories() if triage else [],
        **_helps(ticket, triage),
        "causes": [(value, label, CAUSE_HINTS[value]) for value, label in Cause.choices],
        "goes_on": not ticket.is_open and not ticket.may_reopen(timezone.now()),
    }


def _helps(ticket: Ticket, triage: bool) -> dict[str, Any]:
    """Canned answers of its category first, and macros: for those who answer."""
    if not triage:
        return {}
    answers = [row for row in queries.canned_answers() if row.category_id in (None, ticket.category_id)]
    answers.sort(key=lambda row: row.category_id is None)
    return {"canned_answers": answers, "macros": queries.macros()}


@policy(platform_only)
@require_safe
def ticket_canned(request: HttpRequest, number: int, pk: int) -> HttpResponse:
    """A canned answer, filled in for this ticket."""
    ticket, answer = ticket_for(request, number), get_object_or_404(Canned, pk=pk)
    text = canned.filled(answer.body, ticket, request.user)
    return HttpResponse(text, content_type="text/plain; charset=utf-8")


def _assignable() -> list[User]:
    """Whom a ticket may be given to; the action looks again, so a minute's age does no harm."""
    return cache.get_or_set("helpdesk:people", lambda: list(forms.platform_people()), 60) or []


# Steps that need no further answer, as buttons.
OFFERED = {State.IN_PROGRESS, State.WAITING_REQUESTER, State.WAITING_EXTERNAL}


def pane_context(request: HttpRequest, ticket: Ticket) -> dict[str, Any]:
    """What the queue's preview shows."""
    states = live.states(ticket.entity_ref)
    messages = list(queries.conversation(ticket, request.user))
    return {
        "ticket": ticket,
        "here": live.where(ticket, states),
        "thennow": live.then_and_now(ticket, states),
        "findings": (ticket.snapshot or {}).get("findings", [])[:1],
        "shown": messages[:1] + messages[1:][-1:],
        "queue_url": _listing(request),
        "like": queries.like(ticket, request.user),
    }


def _listing(request: HttpRequest) -> str:
    """The address of the queue around a preview, with its filters: where a step leads back to."""
    try:
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
    except ValueError:  # no address at all
        return request.get_full_path()
    return urlunsplit(("", "", shown.path, shown.query, "")) or request.get_full_path()


@policy(signed_in)
@require_safe
def ticket_thread(request: HttpRequest, number: int) -> HttpResponse:
    """The conversation alone, for polling; 204 when nothing happened since `?version=`."""
    ticket = ticket_for(request, number)
    if request.GET.get("version") == str(ticket.version):
        return HttpResponse(status=204)
    context = {
        "ticket": ticket,
        "items": thread.items(ticket, request.user),
        "findings": (ticket.snapshot or {}).get("findings", [])[:1],
        "seen": ticket.version,
    }
    return render(request, "helpdesk/ticket_detail.html#thread", context)


@policy(signed_in)
@require_safe
def ticket_now(request: HttpRequest, number: int) -> HttpResponse:
    """The frozen state beside what runs now; drawn after the page, then every half minute."""
    ticket = ticket_for(request, number)
    thennow = live.then_and_now(ticket, live.states(ticket.entity_ref))
    if thennow is None:
        raise Http404(f"Nothing was frozen with {ticket.key}.")
    return render(
        request, "helpdesk/ticket_detail.html#now", {"ticket": ticket, "thennow": thennow, "asked": True}
    )


@policy(signed_in)
@require_safe
def ticket_snapshot(request: HttpRequest, number: int) -> HttpResponse:
    """Every value that was frozen, for those who want to read them all."""
    ticket = ticket_for(request, number)
    context = {"ticket": ticket, "values": live.flat(ticket.snapshot)}
    return render(request, "helpdesk/ticket_snapshot.html", context)
