"""What pages ask about tickets."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.search import SearchQuery, SearchRank
from django.core.cache import cache
from django.db.models import Avg, Count, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from services.helpdesk import searching
from services.helpdesk.models import (
    Attachment,
    Canned,
    Category,
    Link,
    Macro,
    Message,
    Ticket,
    TicketEvent,
    TicketQuerySet,
)
from services.helpdesk.states import (
    CLOSE_AFTER,
    GIVE_UP_WAITING_AFTER,
    OPEN_STATES,
    QUEUE_STATES,
    UNDO_DUPLICATE_WITHIN,
    WAITING_STATES,
    State,
)

MOST_LISTED = 1_000  # of a list one leafs through so many, and narrows it then
RANKED = 400


@dataclass(frozen=True)
class View:
    """A saved tab of the queue."""

    key: str
    label: str
    icon: str
    count: int = 0


VIEWS = [
    View("unassigned", "Needs triage", "inbox"),
    View("mine", "Mine", "user"),
    View("waiting", "Waiting", "player-pause"),
    View("open", "All open", "list"),
    View("done", "Resolved", "circle-check"),
]


def in_view(tickets: TicketQuerySet, view: str, user: Any) -> TicketQuerySet:
    """The tickets of one tab; an unknown name is every ticket."""
    if view == "unassigned":
        return tickets.needs_triage()
    if view == "mine":
        return tickets.open().filter(assignee=user)
    if view == "waiting":
        return tickets.waiting()
    if view == "open":
        return tickets.open()
    if view == "done":
        return tickets.filter(state__in=[State.RESOLVED, State.DUPLICATE, State.CLOSED])
    return tickets


def view_counts(user: Any) -> list[View]:
    """The tabs of the queue with how many wait in each: one grouped query."""
    counts: Counter[str] = Counter()
    rows = Ticket.objects.open().values_list("state", "assignee").annotate(n=Count("pk")).order_by()
    for state, assignee, n in rows:
        counts["open"] += n
        counts["mine"] += n * (assignee == user.pk)
        counts["waiting"] += n * (state in WAITING_STATES)
        counts["unassigned"] += n * (assignee is None and state in QUEUE_STATES)
    return [View(v.key, v.label, v.icon, counts[v.key]) for v in VIEWS]


@dataclass(frozen=True)
class Filters:
    """What the address of a ticket list may ask for. `on` says which date `start` and `end` (exclusive)
    speak of.
    """

    words: str = ""
    state: str = ""
    cause: str = ""
    team: str = ""
    category: str = ""
    entity: str = ""
    priority: int | None = None
    on: str = "opened"
    start: datetime | None = None
    end: datetime | None = None

    DATES = {"opened": "created_at", "answered": "first_response_at", "resolved": "resolved_at"}


def matching(tickets: TicketQuerySet, filters: Filters, user: Any) -> TicketQuerySet:
    """The tickets that satisfy every filter given; `user` is who searches."""
    column = Filters.DATES[filters.on]
    conditions: dict[str, Any] = {
        "state__in": _states(filters.state),
        "cause": "" if filters.cause == "unsaid" else filters.cause or None,
        "team__slug": filters.team or None,
        "category__slug": filters.category or None,
        "entity_ref": filters.entity.lower() or None,
        "priority": filters.priority,
        f"{column}__gte": filters.start,
        f"{column}__lt": filters.end,
    }
    if filters.cause:
        conditions["resolved_at__isnull"] = False
    found = tickets.filter(**{k: v for k, v in conditions.items() if v is not None})
    return searching.narrowed(found, filters.words, user)[0] if filters.words else found


def _states(state: str) -> list[str] | None:
    if state == "open":
        return [str(s) for s in OPEN_STATES]
    if state == "done":
        return [str(s) for s in State if s not in OPEN_STATES]
    return [state] if state in State.values else None


def _words(text: str) -> list[str]:
    """The first words worth comparing; letters and digits only, so that they are safe in a raw query."""
    letters = "".join(c if c.isalnum() and c.isascii() else " " for c in text.lower())
    return [word for word in letters.split() if len(word) > 2][:12]


def similar_open(user: Any, text: str, *, entity_ref: str = "", limit: int = 4) -> list[Ticket]:
    """Open tickets that may be the same trouble: those about the same service and those sharing words."""
    words = _words(text)
    if not words and not entity_ref:
        return []
    tickets = Ticket.objects.visible_to(user).open().for_rows()
    condition = Q(entity_ref=entity_ref.lower()) if entity_ref else Q(pk__in=[])
    if words:
        query = SearchQuery(" | ".join(words), config="english", search_type="raw")
        rank = SearchRank(F("search"), query)
        near = tickets.filter(pk__in=_near(Ticket.objects.open(), words, entity_ref.lower()))
        return list(near.filter(condition | Q(search=query)).order_by(rank.desc(), "-created_at")[:limit])
    return list(tickets.filter(condition).order_by("-created_at")[:limit])


def like(ticket: Ticket, user: Any, *, limit: int = 3) -> list[Ticket]:
    """Earlier tickets whose titles share words with this one, resolved ones first: how was it solved then?"""
    words = _words(ticket.title)
    if not words:
        return []
    some = SearchQuery(" | ".join(words), config="english", search_type="raw")
    found = Ticket.objects.visible_to(user).for_rows().filter(search=some).exclude(pk=ticket.pk)
    found = found.filter(pk__in=_near(Ticket.objects.all(), words, ticket.entity_ref))
    rank = SearchRank(F("search"), some)
    return list(found.order_by(rank.desc(), F("resolved_at").desc(nulls_last=True))[:limit])


def _near(tickets: TicketQuerySet, words: list[str], entity_ref: str) -> "QuerySet[Any]":
    """Keys of those worth ranking: with all of the words, about the same service, or new. Ranking all that
    share a word would take longer with every ticket there is.
    """
    keys = tickets.order_by("-created_at").values("pk")
    every = SearchQuery(" & ".join(words), config="english", search_type="raw")
    arms = [keys[:RANKED], tickets.filter(search=every).order_by().values("pk")[:RANKED]]
    arms += [keys.filter(entity_ref=entity_ref)[:RANKED]] if entity_ref else []
    return arms[0].union(*arms[1:], all=True)


@dataclass(frozen=True)
class Tied:
    """The other end of a tie; `back` when that one points here."""

    ticket: Ticket
    kind: str
    label: str
    back: bool


def tied(ticket: Ticket, user: Any) -> list[Tied]:
    """What a ticket is tied to, as far as this person sees it: links, follow-ups, duplicates; one query."""
    ends = Ticket.objects.order_by()
    away, here = Link.objects.filter(ticket=ticket), Link.objects.filter(other=ticket)
    pks = ends.filter(follows=ticket).values("pk").union(
        ends.filter(duplicate_of=ticket).values("pk"), away.values("other"), here.values("ticket")
    )  # fmt: skip
    rows = Ticket.objects.visible_to(user).filter(pk__in=pks).defer("snapshot", "search")
    found = rows.annotate(
        points_to=Subquery(away.filter(other=OuterRef("pk")).order_by("pk").values("kind")[:1]),
        points_here=Subquery(here.filter(ticket=OuterRef("pk")).order_by("pk").values("kind")[:1]),
    )
    return [_tied(ticket, other) for other in found.order_by("created_at")]


def _tied(ticket: Ticket, other: Any) -> Tied:
    if other.follows_id == ticket.pk:
        return Tied(other, "follow_up", "follow-up", True)
    if other.duplicate_of_id == ticket.pk:
        return Tied(other, "duplicate", "duplicate", True)
    kind = other.points_here or other.points_to
    return Tied(other, kind, Link.Kind(kind).label, other.points_here is not None)


def conversation(ticket: Ticket, user: Any) -> QuerySet[Message]:
    """What this person may read of it, oldest first."""
    files = Attachment.objects.filter(message=OuterRef("pk")).order_by("pk")
    told = files.values(told=JSONObject(pk="pk", name="name", kind="kind", size="size"))
    rows = ticket.messages.visible_to(user).select_related("author", "mail", "correction").defer("mail__raw")
    return rows.annotate(attached=ArraySubquery(told))


def history(ticket: Ticket, user: Any) -> QuerySet[TicketEvent]:
    """What happened, without notes for those who do not read notes."""
    events = ticket.events.select_related("by")
    return events if user.is_platform else events.exclude(kind=TicketEvent.Kind.NOTE)


@dataclass(frozen=True)
class Span:
    """A stretch of time in one state."""

    state: str
    start: datetime
    end: datetime | None


def spans(ticket: Ticket) -> list[Span]:
    """The states a ticket went through, from its events; the last one is open."""
    steps = list(ticket.events.exclude(to_state="").order_by("version", "pk").values_list("to_state", "at"))
    ends = [at for _, at in steps[1:]] + [None]
    return [Span(state, start, end) for (state, start), end in zip(steps, ends, strict=True)]


def waited(ticket: Ticket, now: datetime) -> timedelta:
    """How long the ticket waited for its asker so far: the time its clocks stand still."""
    waits = [s for s in spans(ticket) if s.state == State.WAITING_REQUESTER]
    return sum(((s.end or now) - s.start for s in waits), timedelta())


def due_to_close(now: datetime) -> QuerySet[Ticket]:
    """Resolved a week ago, or marked as a duplicate a day ago, and nobody objected."""
    return Ticket.objects.filter(
        Q(state=State.RESOLVED, state_since__lt=now - CLOSE_AFTER)
        | Q(state=State.DUPLICATE, state_since__lt=now - UNDO_DUPLICATE_WITHIN)
    )


def given_up_waiting(now: datetime) -> QuerySet[Ticket]:
    """Those whose asker has not answered for a week."""
    return Ticket.objects.filter(state=State.WAITING_REQUESTER, state_since__lt=now - GIVE_UP_WAITING_AFTER)


def categories() -> list[Category]:
    """The active ones in their order; they change by the year, so they are read once a minute."""
    return (
        cache.get_or_set("helpdesk:categories", lambda: list(Category.objects.filter(active=True)), 60) or []
    )


def macros() -> list[Macro]:
    return cache.get_or_set("helpdesk:macros", lambda: list(Macro.objects.filter(active=True)), 60) or []


def canned_answers() -> list[Canned]:
    """Their titles; the words are read when one is chosen."""
    return cache.get_or_set("helpdesk:canned", lambda: list(Canned.objects.defer("body")), 60) or []


def today(since: datetime) -> dict[str, Any]:
    """The three numbers under the queue's tabs."""
    answered, resolved = Q(first_response_at__gte=since), Q(resolved_at__gte=since)
    return Ticket.objects.filter(answered | resolved).aggregate(
        answered=Count("pk", filter=answered),
        resolved=Count("pk", filter=resolved),
        first_answer=Avg(F("first_response_at") - F("created_at"), filter=answered),
    )


CSV_HEADER = [
    "ticket", "title", "state", "priority", "category", "service", "environment", "asker", "team", "assignee",
    "opened", "first answer", "resolved", "cause", "minutes",
]  # fmt: skip


def csv_rows(tickets: QuerySet[Ticket]) -> Iterator[list[Any]]:
    """One line per ticket, in the columns of CSV_HEADER."""
    for t in tickets.iterator(chunk_size=500):
        moments = (t.created_at, t.first_response_at, t.resolved_at)
        times = [at.isoformat(timespec="seconds") if at else "" for at in moments]
        yield [
            t.key, t.title, t.get_state_display(), t.get_priority_display(), t.category.title, t.entity_ref,
            t.environment, str(t.asker), str(t.team or ""), str(t.assignee or ""), *times,
            t.get_cause_display(), t.minutes,
        ]  # fmt: skip
