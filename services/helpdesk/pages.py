"""What the help desk adds to pages that are not its own."""

from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from portal.shell import registry
from portal.shell.frozen import Counted, Keys
from portal.shell.http import HttpRequest
from portal.shell.registry import (
    EntityAction,
    EntityPanel,
    NavItem,
    NeedsItem,
    PaletteItem,
    Panel,
    Tab,
)
from services.helpdesk import answering, rules, searching
from services.helpdesk.models import Ticket
from services.helpdesk.states import Priority


def register() -> None:
    """Called once, when the app is ready."""
    registry.nav.add(
        NavItem("help", "Help", "lifebuoy", "helpdesk:ticket_list", 60, badge=waiting_for_me, hot=True)
    )
    registry.nav.add(
        NavItem(
            "triage",
            "Triage",
            "inbox",
            "helpdesk:queue",
            10,
            section="platform",
            badge=unassigned,
            visible=lambda request: rules.can_triage(request.user),
        )
    )
    registry.palette.add(found)
    registry.needs_me.add(needs)
    home = "helpdesk/home_panel.html"
    registry.home_panels.add(Panel("tickets", "My tickets", 30, home, my_tickets, area="side"))
    tab = "helpdesk/entity_tab.html"
    registry.entity_tabs.add(Tab("tickets", "Tickets", 50, tab, entity_tab, badge=open_count))
    registry.entity_panels.add(
        EntityPanel("open-tickets", 40, "helpdesk/entity_panel.html", entity_panel, area="side")
    )
    registry.entity_actions.add(entity_action)


waits_for = Counted(lambda person: Ticket.objects.waits_for(person), person=0)
untriaged = Counted(lambda: Ticket.objects.needs_triage())


def waiting_for_me(request: HttpRequest) -> Keys:
    return waits_for.of(person=request.user.pk)


def unassigned(request: HttpRequest) -> Keys:
    return untriaged.of()


def found(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    """The way to ask, and tickets by number, words or service."""
    yield PaletteItem("Do", "Ask for help", reverse("helpdesk:ticket_new"), "lifebuoy", "Diagnose first")
    if len(query) < 2:
        return
    for answer in answering.search(request.user, query)[:3]:
        yield PaletteItem("Answers", answer.title, answer.get_absolute_url(), "book-2", "Known answer")
    visible = Ticket.objects.visible_to(request.user).for_rows()
    for ticket in searching.narrowed(visible, query, request.user)[0].order_by("-created_at")[:6]:
        state = ticket.get_state_display().lower()
        label = f"{ticket.key} {ticket.title}"
        hint = f"{ticket.entity_name} {state}"
        yield PaletteItem("Tickets", label, ticket.get_absolute_url(), "message-circle", hint)


def needs(request: HttpRequest) -> Iterator[NeedsItem]:
    """Tickets whose next word is mine; for the platform, urgent ones that nobody has taken."""
    for ticket in Ticket.objects.waits_for(request.user).for_rows()[:10]:
        yield NeedsItem(
            "message-circle", "warn", ticket.title, f"{ticket.key} waits for your answer",
            ticket.get_absolute_url() + "#answer", "Answer", at=ticket.state_since, order=30,
        )  # fmt: skip
    if not rules.can_triage(request.user):
        return
    for ticket in Ticket.objects.needs_triage().filter(priority=Priority.URGENT).for_rows()[:5]:
        yield NeedsItem(
            "flame", "bad", ticket.title, f"{ticket.key} is urgent and has nobody. {ticket.asker} asked",
            ticket.get_absolute_url(), "Look at it", at=ticket.created_at, order=10,
        )  # fmt: skip


def my_tickets(request: HttpRequest) -> dict[str, Any] | None:
    """What I asked and is still open, newest change first."""
    mine = Ticket.objects.filter(asker_id=request.user.pk).open().for_rows().order_by("-updated_at")
    rows = list(mine[:6])
    return {"tickets": rows, "filled": bool(rows)}


def entity_tab(request: HttpRequest, entity: Any) -> dict[str, Any]:
    tickets = Ticket.objects.visible_to(request.user).about(entity.ref).for_rows()
    return {
        "tickets": list(tickets.order_by("-created_at")[:50]),
        "all_url": f"{reverse('helpdesk:ticket_list')}?{urlencode({'entity': entity.ref, 'who': 'all'})}",
        "ask_url": ask_url(entity),
    }


def open_count(request: HttpRequest, entity: Any) -> QuerySet[Ticket]:
    return Ticket.objects.visible_to(request.user).about(entity.ref).open()


def entity_panel(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """The open tickets; asks nothing where the number on the tab says that there are none."""
    if not entity.badges.get("tickets"):
        return None
    tickets = Ticket.objects.visible_to(request.user).about(entity.ref).open().for_rows()
    rows = list(tickets.order_by("priority", "-created_at")[:4])
    return {"tickets": rows} if rows else None


def entity_action(request: HttpRequest, entity: Any) -> Iterator[EntityAction]:
    """The large button; for what can be broken, not for people and teams."""
    if entity.kind.lower() not in ("group", "user", "location", "template"):
        yield EntityAction("Something wrong?", ask_url(entity), "lifebuoy", tone="bad", order=90)


def ask_url(entity: Any) -> str:
    return f"{reverse('helpdesk:ticket_new')}?{urlencode({'entity': entity.ref})}"
