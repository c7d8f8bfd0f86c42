"""Who hears of a message: who asked, who follows, who was named; once, and nobody who may not read it."""

import re
from typing import Any

from portal.shell import markdown
from services.accounts.models import User
from services.helpdesk import rules
from services.helpdesk.models import Message, Ticket
from services.helpdesk.states import Channel
from services.notices import actions as notices
from services.notices.actions import Words

NAMED = re.compile(r"(?<![\w@/.`])@([A-Za-z0-9][\w.-]{0,60}\w)")
MOST_NAMED = 20


def named(body: str) -> list[User]:
    """The people a text names with @; at most twenty."""
    names = list(dict.fromkeys(name.lower() for name in NAMED.findall(body)))[:MOST_NAMED]
    return list(User.objects.filter(username__in=names, is_active=True)) if names else []


def tell(message: Message, *, by: Any, waits: bool) -> None:
    """Those who are named follow from now on; all who follow hear of it."""
    ticket = message.ticket
    mentioned = [p for p in named(message.body) if p.pk != by.pk and _may_read(p, ticket, message)]
    if mentioned:
        ticket.watchers.add(*mentioned)
    _notice(mentioned, message, f"{by} mentions you", waits=True)
    done = {by.pk, *(person.pk for person in mentioned)}
    people = [person for person in _following(ticket, message) if person.pk not in done]
    asker = [person for person in people if person.pk == ticket.asker_id]
    _notice(asker, message, f"{by} answered", waits=waits)
    rest = [person for person in people if person.pk != ticket.asker_id]
    _notice(rest, message, f"{by} {'wrote a note' if message.internal else 'replied'}", waits=False)


def _following(ticket: Ticket, message: Message) -> list[User]:
    people = {person.pk: person for person in ticket.watchers.all()}
    if ticket.assignee is not None:
        people[ticket.assignee.pk] = ticket.assignee
    if ticket.channel != Channel.MAIL:
        people[ticket.asker.pk] = ticket.asker
    return [p for p in people.values() if p.is_active and _may_read(p, ticket, message)]


def _may_read(person: User, ticket: Ticket, message: Message) -> bool:
    return rules.can_see(person, ticket) and (not message.internal or rules.can_triage(person))


def _notice(people: list[User], message: Message, text: str, *, waits: bool) -> None:
    if not people:
        return
    ticket = message.ticket
    said = markdown.plain(message.body, 160)
    url = f"{ticket.get_absolute_url()}#m-{message.pk}"
    words = Words(f"{ticket.key} {ticket.title}", f"{text}: {said}", url, "message-circle", waits=waits)
    notices.tell(people=people, key=f"ticket-message-{message.pk}", words=words, about=ticket)
