"""The views of the queue: those it comes with, and searches that people kept."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from portal.shell.http import HttpRequest
from services.helpdesk import queries, searching
from services.helpdesk.models import DeskView, Ticket, TicketQuerySet

KEPT = "kept-"


@dataclass(frozen=True)
class Chosen:
    key: str
    title: str
    tickets: TicketQuerySet


@dataclass(frozen=True)
class Kept:
    """A kept search with how many open tickets it finds."""

    view: DeskView
    count: int

    @property
    def key(self) -> str:
        return f"{KEPT}{self.view.pk}"


def chosen(request: HttpRequest, form: Any) -> Chosen:
    """The view in the address; without one, and without a filter, what needs triage."""
    key = request.GET.get("view", "" if form.tokens() or request.GET.get("q") else "unassigned")
    if key.startswith(KEPT) and key.removeprefix(KEPT).isdecimal():
        kept = DeskView.objects.of(request.user).filter(pk=int(key.removeprefix(KEPT)[:9])).first()
        if kept is not None:
            found, _ = searching.narrowed(Ticket.objects.all(), kept.query, request.user)
            return Chosen(key, kept.title, found)
        key = ""
    title = next((view.label for view in queries.VIEWS if view.key == key), "")
    return Chosen(key, title, queries.in_view(Ticket.objects.all(), key, request.user))


def counted(user: Any) -> list[Kept]:
    """What this person sees beside the queue, each with its count of open tickets: two queries."""
    views = list(DeskView.objects.of(user)[:20])
    conditions = {}
    for view in views:
        search = searching.read(view.query, user)
        words = (
            searching.with_words(Ticket.objects.all(), " ".join(search.words), user) if search.words else None
        )
        inside = Q(pk__in=words.order_by().values("pk")) if words is not None else Q()
        conditions[f"v{view.pk}"] = Count("pk", filter=search.condition & inside, distinct=True)
    counts = Ticket.objects.open().order_by().aggregate(**conditions) if conditions else {}
    return [Kept(view, counts[f"v{view.pk}"]) for view in views]
