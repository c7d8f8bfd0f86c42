"""Tickets for programs: found, read, opened, answered; under the rules of the pages."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from django import forms as django_forms
from django.http import Http404

from portal.shell.api import ApiError, Mistake, refusing
from portal.shell.judging import WRONG
from portal.shell.operations import Answer, Asked, operation
from portal.shell.schemas import (
    Schema,
    any_of,
    choice,
    flag,
    listed,
    maybe,
    moment,
    named,
    number,
    page_of,
    sparse,
    text,
    thing,
    turning,
)
from services.accounts.serving import addresses
from services.helpdesk import actions, forms, live, queries, thread
from services.helpdesk.errors import HelpdeskError, NotAllowed, TicketMoved
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import Cause, Impact, Priority, State, Urgency
from services.helpdesk.views.ticket import ticket_for

BODY: Final = text("Markdown", minLength=1, maxLength=forms.TOO_LONG)
PRIORITIES: Final = {one.name.lower(): one.value for one in Priority}
MASKED: Final = flag(
    "Send it with what looks like a secret masked; else such a text is refused", default=False
)
FIELDS: Final[dict[str, Schema]] = {
    "key": text("T-1001"),
    "title": text(),
    "state": choice(State.values),
    "priority": choice(PRIORITIES),
    "category": text(),
    "entity": text("The reference of what it is about; empty for nothing"),
    "environment": text(),
    "asker": text("A username"),
    "team": text(),
    "assignee": text(),
    "private": flag(),
    "cause": choice(["", *Cause.values]),
    "minutes": maybe(number()),
    "created_at": moment(),
    "updated_at": moment(),
    "first_response_at": maybe(moment()),
    "resolved_at": maybe(moment()),
    "version": number("Grows with everything that happens; the ETag of the ticket"),
    "url": text("Its page"),
}
BRIEF: Final = named("TicketInList", any_of(**FIELDS))
MESSAGE: Final = named(
    "Message",
    thing(
        id=number(), ticket=text(), author=text(), body=text(), internal=flag(), channel=text(), at=moment()
    ),
)
EVENT: Final = named("Event", thing(at=moment(), who=text(), text=text()))
TICKET: Final = named(
    "Ticket",
    thing(
        **FIELDS, messages=listed(MESSAGE), events=listed(EVENT, "What happened besides"),
        snapshot=maybe({"type": "object", "description": "What it was about, as it was then"}),
    ),
)  # fmt: skip
FILTERS: Final[dict[str, Schema]] = {
    "q": text("A number, words, or part of a service's name", maxLength=200),
    "state": choice(["open", "done", *State.values]),
    "cause": choice([*Cause.values, "unsaid"]),
    "category": text(maxLength=40),
    "team": text(maxLength=63),
    "entity": text("A reference", maxLength=400),
    "priority": choice(PRIORITIES),
}


@operation(
    "GET", "tickets", scope="tickets:read", answer=page_of(BRIEF),
    query={
        **FILTERS, "who": choice(["all", "mine"], "mine is for tokens of a person", default="all"),
        **sparse(BRIEF), **turning(),
    },
    example={"query": {"state": "open", "entity": "component:default/checkout"}},
)  # fmt: skip
def ticket_list(asked: Asked) -> dict[str, Any]:
    """Tickets, the newest first; private ones for whom they concern."""
    given = {key: value for key, value in asked.query.items() if key in FILTERS}
    if "priority" in given:
        given["priority"] = str(PRIORITIES[given["priority"]])
    seen = Ticket.objects.visible_to(asked.user)
    rows = queries.matching(seen, forms.FilterForm(given).filters(), asked.user)
    if asked.query["who"] == "mine":
        rows = rows.filter(asker_id=asked.user.pk)
    return asked.page(rows.for_rows().order_by("-number"), _drawn)


def _drawn(rows: Iterable[Ticket]) -> Iterable[dict[str, Any]]:
    return map(_brief, rows)


def _brief(ticket: Ticket) -> dict[str, Any]:
    columns = (
        "key", "title", "state", "environment", "private", "cause", "minutes", "created_at", "updated_at",
        "first_response_at", "resolved_at", "version",
    )  # fmt: skip
    return {
        **{column: getattr(ticket, column) for column in columns},
        "priority": Priority(ticket.priority).name.lower(),
        "category": ticket.category.slug,
        "entity": ticket.entity_ref,
        "asker": ticket.asker.username,
        "team": ticket.team.slug if ticket.team else "",
        "assignee": ticket.assignee.username if ticket.assignee else "",
        "url": ticket.get_absolute_url(),
    }


@operation("GET", "tickets/<str:key>", scope="tickets:read", answer=TICKET, example={"key": "T-1001"})
def ticket_detail(asked: Asked, key: str) -> Answer:
    """One ticket with its conversation; internal notes for those who write them."""
    return _whole(asked, _ticket_for(asked, key))


def _ticket_for(asked: Asked, key: str) -> Ticket:
    number = key.upper().removeprefix("T-")
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        raise Http404("Tickets are called T-1001 and the like.")
    return ticket_for(asked.request, int(number))


def _whole(asked: Asked, ticket: Ticket) -> Answer:
    lines = [line for item in thread.items(ticket, asked.user) for line in item.lines]
    value = {
        **_brief(ticket),
        "messages": [_message(one, ticket) for one in queries.conversation(ticket, asked.user)],
        "events": [{"at": line.at, "who": line.who, "text": line.text} for line in lines],
        "snapshot": ticket.snapshot,
    }
    return Answer(value, etag=str(ticket.version))


def _message(message: Message, ticket: Ticket) -> dict[str, Any]:
    columns = ("body", "internal", "channel")
    said = {column: getattr(message, column) for column in columns}
    return {
        **said,
        "id": message.pk,
        "ticket": ticket.key,
        "author": message.author.username,
        "at": message.created_at,
    }


@operation(
    "POST", "tickets", scope="tickets:write", answer=TICKET, status=201, person=True, keyed=True,
    limit="ticket",
    body=thing(
        "title", "body", "category",
        title=text("In one line", minLength=1, maxLength=200), body=BODY, category=text("Its slug",
        maxLength=40),
        impact=choice(Impact.values, default=Impact.TEAM.value),
        urgency=choice(Urgency.values, default=Urgency.SOON.value),
        entity=text("A reference, or the name of a service", maxLength=400), environment=text(maxLength=63),
        private=flag("For you and the platform team only", default=False), masked=MASKED,
    ),
    example={
        "body": {
            "title": "Checkout does not start", "body": "It is killed after a minute.", "category": "other",
            "entity": "checkout", "environment": "staging",
        },
    },
)  # fmt: skip
def ticket_open(asked: Asked) -> Answer:
    """Open a ticket, with the state of what it is about frozen beside it."""
    usual = {"impact": Impact.TEAM, "urgency": Urgency.SOON}
    given = _cleaned(forms.AskForm({**usual, **asked.body, "submission": asked.key}))
    entity = given.pop("entity")
    snapshot = live.freeze(entity, given["environment"])
    ticket = actions.open_ticket(by=asked.user, entity_ref=entity, snapshot=snapshot, **given)
    return _whole(asked, ticket_for(asked.request, ticket.number))


@operation(
    "POST", "tickets/<str:key>/messages", scope="tickets:write", answer=MESSAGE, status=201, person=True,
    keyed=True,
    matched=True, limit="message",
    body=thing(
        "body", body=BODY, internal=flag("A note for those who run the platform", default=False),
        wait=flag("Wait for the asker's answer", default=False), masked=MASKED,
    ),
    example={"key": "T-1001", "body": {"body": "Since when?", "wait": True}},
)  # fmt: skip
def ticket_reply(asked: Asked, key: str) -> dict[str, Any]:
    """Reply to a ticket, or leave a note.

    A word from the asker after it is closed opens a follow-up: `ticket` says which one the message is in.
    With `If-Match` it is refused (412) where others said something since.
    """
    ticket = _ticket_for(asked, key)
    said = {"body": asked.body["body"], "vis": "note" if asked.body.get("internal") else "public"}
    flags = {name: asked.body.get(name, False) for name in ("wait", "masked")}
    given = _cleaned(forms.ReplyForm({**said, **flags}))
    with refusing(HelpdeskError), refusing(NotAllowed, status=403), _refusing_old_versions():
        message = actions.reply(
            ticket=ticket,
            by=asked.user,
            body=given["body"],
            internal=given["vis"] == "note",
            then_wait=given["wait"],
            seen=_version(asked.seen),
            external_id=f"{asked.user.pk}:{ticket.number}:{asked.key}" if asked.key else "",
        )
    return _message(message, message.ticket)


@contextmanager
def _refusing_old_versions() -> Iterator[None]:
    """With what was said and done since."""
    try:
        yield
    except TicketMoved as moved:
        lines = map(thread.line, moved.events[:10])
        since = [Mistake("If-Match", "version", f"{line.who} {line.text}") for line in lines]
        raise ApiError(str(moved), 412, since) from moved


def _version(seen: str) -> int | None:
    """The version in If-Match; one that was never a ticket's is of no version there is."""
    return (int(seen) if seen.isdecimal() and len(seen) < 10 else 0) if seen else None


def _cleaned(form: django_forms.BaseForm) -> dict[str, Any]:
    """What a form makes of it. Refuses with what the form refuses."""
    if not form.is_valid():
        found = [
            Mistake("" if name == "__all__" else name, str(error.code or "invalid"), text)
            for name, errors in form.errors.as_data().items()
            for error in errors
            for text in error.messages
        ]
        raise ApiError(f"The body: {found[0].field} {found[0].detail}", WRONG, found)
    return {name: value for name, value in form.cleaned_data.items() if name != "masked"}


app_name = "helpdesk_api"
urlpatterns = addresses([ticket_list, ticket_open, ticket_detail, ticket_reply])
