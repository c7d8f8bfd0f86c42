"""Search with operators: `is:open priority:urgent,high -assignee:none created:>2026-01-01 "out of memory"`.

What is no operator is words. A mistake is said, not guessed at: an operator that means nothing finds nothing.
"""

import difflib
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import Q, QuerySet
from django.utils import timezone

from services.helpdesk.models import Ticket, TicketEvent, TicketWords
from services.helpdesk.models.tickets import REOPENED
from services.helpdesk.states import (
    OPEN_STATES,
    QUEUE_STATES,
    WAITING_STATES,
    Cause,
    Channel,
    Priority,
    State,
)

TERM = re.compile(r"(-?)([a-z]+):(.+)", re.IGNORECASE | re.DOTALL)
AGE = re.compile(r"(\d{1,5})(min|h|d|w)")
UNITS = {"min": "minutes", "h": "hours", "d": "days", "w": "weeks"}
NOBODY = {"none", "nobody"}
MANY = 2_000  # tickets with the same words, beyond which looking them all up costs more than reading on
DONE = [state for state in State if state not in OPEN_STATES]


@dataclass
class Search:
    """What was asked: conditions, words, and what could not be understood."""

    condition: Q = field(default_factory=Q)
    words: list[str] = field(default_factory=list)
    mistakes: list[str] = field(default_factory=list)


class Mistake(ValueError):
    """What an operator's value should have been."""


@dataclass(frozen=True)
class Asking:
    """Who searches, and when: "me" and "3d" depend on it."""

    user: Any
    now: datetime


def read(text: str, user: Any, now: datetime | None = None) -> Search:
    """The search in a line. Words stay words; a half-typed quotation is read to its end."""
    asking, search = Asking(user, now or timezone.now()), Search()
    for part in _parts(text):
        found = TERM.fullmatch(part)
        if found is None or found[2].lower() not in OPERATORS:
            _word(search, part, found)
            continue
        minus, name, value = found.groups()
        try:
            condition = _any_of(OPERATORS[name.lower()], value, asking)
        except Mistake as mistake:
            search.mistakes.append(f"{name}:{value}: {mistake}")
            search.condition &= Q(pk__in=[])
            continue
        search.condition &= ~condition if minus else condition
    return search


def _parts(text: str) -> list[str]:
    text = text.replace("\x00", "")
    lexer = shlex.shlex(text.replace("'", "’"), posix=True)
    lexer.whitespace_split, lexer.commenters, lexer.escape = True, "", ""
    try:
        return list(lexer)
    except ValueError:  # a quotation that is still being typed
        return text.replace('"', " ").split()


def _word(search: Search, part: str, found: "re.Match[str] | None") -> None:
    search.words.append(part)
    near = difflib.get_close_matches(found[2].lower(), OPERATORS, n=1) if found and "//" not in part else []
    if near and found:
        search.mistakes.append(f"“{found[2]}:” is no operator; perhaps {near[0]}:")


def _any_of(operator: "Operator", value: str, asking: Asking) -> Q:
    whole = Q(pk__in=[])
    for one in value.split(","):
        if one.strip():
            whole |= operator(one.strip(), asking)
    return whole


Operator = Callable[[str, Asking], Q]


def _is(value: str, asking: Asking) -> Q:
    now = asking.now
    known = {
        "open": Q(state__in=OPEN_STATES),
        "done": Q(state__in=DONE),
        "unassigned": Q(assignee=None, state__in=QUEUE_STATES),
        "waiting": Q(state__in=WAITING_STATES),
        "late": Q(due_at__lt=now, state__in=OPEN_STATES),
        "soon": Q(due_at__gte=now, due_at__lt=now + timedelta(hours=1), state__in=OPEN_STATES),
        "private": Q(private=True),
        "mine": Q(assignee_id=asking.user.pk),
        "unanswered": Q(first_response_at=None, state__in=OPEN_STATES),
        "reopened": Q(pk__in=TicketEvent.objects.filter(REOPENED).order_by().values("ticket")),
    }
    condition: Q = _choice(value, known)
    return condition


def _state(value: str, asking: Asking) -> Q:
    known = {str(s): s for s in State} | {s.label.lower().replace(" ", "-"): s for s in State}
    return Q(state=_choice(value, known))


def _priority(value: str, asking: Asking) -> Q:
    return Q(priority=_choice(value, {p.name.lower(): p for p in Priority}))


def _cause(value: str, asking: Asking) -> Q:
    return Q(cause="") if value in NOBODY else Q(cause=_choice(value, {str(c): c for c in Cause}))


def _channel(value: str, asking: Asking) -> Q:
    return Q(channel=_choice(value, {str(c): c for c in Channel}))


def _person(column: str) -> Operator:
    def condition(value: str, asking: Asking) -> Q:
        if value.lower() in NOBODY:
            return Q(**{column: None})
        if value.lower() == "me":
            return Q(**{f"{column}_id": asking.user.pk})
        return Q(**{f"{column}__username__iexact": value.removeprefix("@")})

    return condition


def _watching(value: str, asking: Asking) -> Q:
    name = asking.user.get_username() if value.lower() == "me" else value.removeprefix("@")
    through = Ticket.watchers.through.objects.filter(user__username__iexact=name)
    return Q(pk__in=through.values("ticket_id"))


def _service(value: str, asking: Asking) -> Q:
    if value.lower() in NOBODY:
        return Q(entity_ref="")
    ref = value.lower()
    return Q(entity_ref=ref) if ":" in ref else Q(entity_ref=f"component:default/{ref}")


def _moment(column: str, *, ahead: bool = False) -> Operator:
    """`>2026-01-01`, `<3d` (less than three days ago, or ahead), `2026-01-01`, `2026-01`."""

    def condition(value: str, asking: Asking) -> Q:
        sign, rest = (value[0], value[1:]) if value[0] in "<>" else ("", value)
        rest = rest.removeprefix("=")
        age = AGE.fullmatch(rest.lower())
        if age:
            span = timedelta(**{UNITS[age[2]]: int(age[1])})
            moment = asking.now + span if ahead else asking.now - span
            later = (sign == ">") == ahead
            return (
                Q(**{f"{column}__{'gt' if later else 'lt'}": moment})
                if sign
                else Q(**{f"{column}__gte": moment})
            )
        start, end = _day(rest)
        bounds = {"": {"gte": start, "lt": end}, ">": {"gte": end}, "<": {"lt": start}}[sign]
        return Q(**{f"{column}__{name}": bound for name, bound in bounds.items()})

    return condition


def _day(text: str) -> tuple[datetime, datetime]:
    try:
        first = date.fromisoformat(f"{text}-01" if len(text) == 7 else text)
        last = (first.replace(day=1) + timedelta(days=32)).replace(day=1) if len(text) == 7 else None
        last = last or first + timedelta(days=1)
        midnight = timezone.get_current_timezone()
        return tuple(  # type: ignore[return-value]  # two of them
            datetime(day.year, day.month, day.day, tzinfo=midnight) for day in (first, last)
        )
    except (ValueError, OverflowError):
        raise Mistake("write a day as 2026-01-31, a month as 2026-01, or an age as 3d, 4h, 2w") from None


def _choice(value: str, known: dict[str, Any]) -> Any:
    found = known.get(value.lower())
    if found is None:
        near = difflib.get_close_matches(value.lower(), known, n=1)
        hint = f"perhaps {near[0]}" if near else f"there are {', '.join(list(known)[:10])}"
        raise Mistake(hint)
    return found


OPERATORS: dict[str, Operator] = {
    "is": _is,
    "state": _state,
    "priority": _priority,
    "cause": _cause,
    "channel": _channel,
    "assignee": _person("assignee"),
    "asker": _person("asker"),
    "watching": _watching,
    "team": lambda value, asking: Q(team__slug=value.lower()),
    "category": lambda value, asking: Q(category__slug=value.lower()),
    "service": _service,
    "environment": lambda value, asking: Q(environment=value.lower()),
    "created": _moment("created_at"),
    "updated": _moment("updated_at"),
    "resolved": _moment("resolved_at"),
    "due": _moment("due_at", ahead=True),
}


def narrowed(tickets: "QuerySet[Ticket]", text: str, user: Any, now: datetime | None = None) -> Any:
    """These tickets as a search narrows them, and the search itself."""
    search = read(text, user, now)
    found = tickets.filter(search.condition)
    words = " ".join(search.words).strip()
    return (with_words(found, words, user) if words else found), search


def with_words(tickets: "QuerySet[Ticket]", words: str, user: Any, *, many: int = MANY) -> Any:
    """By number (`T-1001`, `1001`), by words of title and service, or by what was said in it.

    Notes are searched for those who read notes; the last word may be half typed. Few that have the words are
    looked up by them; where many have, the list is read in its order until a page is full.
    """
    number = words.strip().upper().removeprefix("T-")
    if number.isdecimal() and number.isascii() and len(number) < 10:
        return tickets.filter(number=int(number))
    query = as_query(words)
    if query is None:
        return tickets.none()
    readable = {"noted": query} if user is not None and user.is_platform else {"noted": query, "said": query}
    found = TicketWords.objects.filter(**readable)
    keys = list(found.values_list("pk", flat=True)[: many + 1])
    if len(keys) <= many:
        return tickets.filter(pk__in=keys)
    return tickets.filter(**{f"words__{column}": query for column in readable})


def as_query(words: str) -> SearchQuery | None:
    """All of these words, the last one also as a beginning; None when none of them is a word."""
    letters = "".join(c if c.isalnum() else " " for c in words.lower()).split()[:16]
    if not letters:
        return None
    return SearchQuery(" & ".join([*letters[:-1], f"{letters[-1]}:*"]), config="english", search_type="raw")
