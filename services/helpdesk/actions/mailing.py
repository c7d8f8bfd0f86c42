"""What becomes of a mail: a ticket, a word in one, or a row that says why it is neither. None is lost."""

import re
from typing import Any

import structlog
from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from services.accounts import actions as accounts
from services.accounts.models import User
from services.audit import actions as audit
from services.effects import crashpoints
from services.helpdesk import mail_ids, rules
from services.helpdesk.actions import posting
from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.errors import ContinuesElsewhere, NotAllowed
from services.helpdesk.models import Category, InboxLook, Mail, Message, Ticket
from services.helpdesk.states import Channel, Impact, Urgency
from services.integrations.mail import incoming, kinds, quoting
from services.integrations.mail.incoming import Incoming

PREFIXES = re.compile(r"^(\s*(re|aw|sv|vs|fw|fwd|wg|tr|rv|antw|odp)\s*(\[\d+\])?\s*:)+\s*", re.IGNORECASE)
LONGEST_BODY = 20_000
log = structlog.get_logger(__name__)
KEPT = Mail.Action
crashpoints.declare_commit("ticket.mailed")


def take(*, raw: bytes, transport: str) -> Mail:
    """Take a mail in, once: the same Message-ID, or the same bytes without one, is the mail that is here.

    Refuses nothing. What nobody can read, or what falls over on the way, becomes a ticket with the original;
    what machines and strangers sent becomes no ticket and moves none. Without a database nothing is taken.
    """
    try:
        return _take(raw, transport)
    except OperationalError:
        raise
    except Exception as error:  # any fault of ours in one mail must not stop the others
        log.exception("helpdesk.mail_fell_over")
        return unreadable(raw=raw, transport=transport, why=type(error).__name__)


@transaction.atomic
def _take(raw: bytes, transport: str) -> Mail:
    mail = incoming.read(raw)
    key = key_of(mail)
    _one_at_a_time(key)
    known = Mail.objects.select_related("ticket").filter(key=key).first()
    if known is not None:
        return known
    kind = _kind_of(mail)
    row = Mail(key=key, raw=raw, transport=transport, action=kind.name, reason=kind.reason[:300])
    row.sender, row.subject = _clean(mail.sender)[:320], _clean(mail.subject)[:300]
    row.files = [
        {"name": _clean(one.name)[:200], "content_type": one.content_type[:100], "size": one.size}
        for one in mail.attachments
    ]
    row.proved = mail.is_proved_by(settings.MAIL_TRUSTS)
    row.ticket = _ticket_of(mail)
    if kind.name in (kinds.NEW, kinds.UNREADABLE):
        _speak(row, mail)
    row.save()
    if row.action == KEPT.NEW and kind.answerable:
        posting.confirm(row)
    audit.record(by=None, action="ticket.mail_taken", obj=row, summary=f"{row.get_action_display()}: {row}")
    crashpoints.around_commit("ticket.mailed")
    return row


def _kind_of(mail: Incoming) -> kinds.Kind:
    """By its headers, and by who wrote it: our own words come back, strangers ask nothing by default."""
    if mail_ids.number_in([mail.message_id]):
        return kinds.Kind(kinds.LOOP, "Its Message-ID is one of the portal's.")
    kind = kinds.kind_of(mail, mail_ids.ours())
    if kind.name == kinds.NEW and not settings.MAIL_STRANGERS and _person_of(mail) is None:
        return kinds.Kind(KEPT.STRANGER, "Nobody here has this address.")
    return kind


def note_look(*, error: str = "") -> None:
    """What came of looking into the inbox, for the page of mails."""
    now = timezone.now()
    look, _ = InboxLook.objects.get_or_create(pk=1)
    look.looked_at, look.error = now, error[:500]
    look.failing_since = (look.failing_since or now) if error else None
    look.save()


def key_of(mail: Incoming) -> str:
    """What tells a mail from others: its Message-ID; a digest where it has none or a monstrous one."""
    said = _clean(mail.message_id)
    return said if said and len(said) <= 300 else mail.digest


def _one_at_a_time(key: str) -> None:
    """Two workers with the same mail take it one after the other."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"helpdesk.mail {key}"])


def _ticket_of(mail: Incoming) -> Ticket | None:
    """Its ticket: by our sign; by a mail it answers or its subject, which anybody can write, if the sender
    takes part.
    """
    tickets = Ticket.objects.select_related("duplicate_of")
    number = mail_ids.number_in(mail_ids.places(mail))
    if number is not None and (found := tickets.filter(number=number).first()):
        return found
    claimed = _claimed(mail, tickets)
    return claimed if claimed and _takes_part(mail, claimed) else None


def _claimed(mail: Incoming, tickets: QuerySet[Ticket]) -> Ticket | None:
    """What it says that it belongs to."""
    answered = [one for one in (mail.in_reply_to, *reversed(mail.references)) if one]
    rows = {
        row.key: row.ticket for row in Mail.objects.for_rows().filter(key__in=answered, ticket__isnull=False)
    }
    for one in answered:
        if one in rows:
            return rows[one]
    number = mail_ids.number_in_subject(mail.subject)
    return tickets.filter(number=number).first() if number else None


def _takes_part(mail: Incoming, ticket: Ticket) -> bool:
    person = _person_of(mail)
    if person is None:
        return False
    return person.pk in (ticket.asker_id, ticket.assignee_id) or ticket.watchers.filter(pk=person.pk).exists()


def _speak(row: Mail, mail: Incoming) -> None:
    """Say what the mail says: in the ticket it belongs to where its sender may speak, else in a new one."""
    parts = quoting.split(_clean(mail.text), mail_ids.MARKER)
    by, ticket = _sender_of(mail), row.ticket
    message = _replied(ticket, by, _body(parts.reply, row), row.key) if ticket else None
    if message is not None:
        row.action, row.quoted, row.reason = KEPT.REPLY, parts.quoted, f"It answers {message.ticket.key}."
    else:
        message = _opened(row, mail, by, _body(_clean(mail.text).strip(), row))
    row.message, row.ticket = message, message.ticket


def _replied(ticket: Ticket, by: User, body: str, key: str) -> Message | None:
    """The words in the ticket, or where it continues; None where this person may not speak."""
    if not rules.can_see(by, ticket):
        return None
    try:
        return reply(ticket=ticket, by=by, body=body, channel=Channel.MAIL, external_id=_short(key))
    except ContinuesElsewhere as elsewhere:
        return _replied(elsewhere.ticket, by, body, key)
    except NotAllowed:
        return None


def _opened(row: Mail, mail: Incoming, by: User, body: str) -> Message:
    """A ticket that says the whole mail, quotations too: here nobody has read them yet."""
    title = PREFIXES.sub("", _clean(mail.subject)).strip() or body.strip().splitlines()[0]
    ticket = open_ticket(
        by=by,
        title=title[:200],
        body=body,
        category=Category.objects.filter(active=True).order_by("slug").get(slug="other"),
        impact=Impact.ME,
        urgency=Urgency.SOON,
        private=row.ticket is not None and row.ticket.private,
        submission=_short(row.key),
        channel=Channel.MAIL,
    )
    return ticket.messages.earliest()


def _body(text: str, row: Mail) -> str:
    """Never empty, and bounded; the original holds the rest."""
    if text and len(text) <= LONGEST_BODY:
        return text
    if text:
        return text[:LONGEST_BODY] + "\n\n… The rest is in the original mail."
    return "The mail has no text." + (f" {len(row.files)} files came with it." if row.files else "")


def _sender_of(mail: Incoming) -> User:
    """Whose words these are. What a mail says of its sender anybody can write: it never speaks for the
    platform's people unless our own server proved it.
    """
    found = _person_of(mail)
    if found and (not found.is_platform or mail.is_proved_by(settings.MAIL_TRUSTS)):
        return found
    return accounts.correspondent(email=_clean(mail.sender), name=_clean(mail.sender_name))


def _person_of(mail: Incoming) -> User | None:
    """Whoever has the address it says it is from, if it says one; who is known by mail alone counts too."""
    if mail.names_several:
        return None
    people = User.objects.filter(email__iexact=_clean(mail.sender)).order_by("-is_active", "pk")
    return people.first() if mail.sender else None


def _short(key: str) -> str:
    """Fits where ids of other channels are kept."""
    return key if len(key) <= 64 else incoming.digest_of(key.encode(errors="replace"))[:64]


def _clean(text: str) -> str:
    """As PostgreSQL takes it: no NUL, no half characters."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


@transaction.atomic
def make_ticket(*, row: Mail, by: Any) -> Ticket:
    """Open a ticket of a stranger's mail after all, or add it to the one it answers; the same one each time.

    Refuses all but the platform, and mails that machines sent.
    """
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform make tickets of mails.")
    row = Mail.objects.select_for_update().get(pk=row.pk)
    if row.message_id is None:
        if row.action != KEPT.STRANGER:
            raise NotAllowed("Only what a person wrote becomes a ticket.")
        row.action, row.reason = KEPT.NEW, f"{by} made it a ticket."[:300]
        _speak(row, incoming.read(bytes(row.raw)))
        row.save()
        if row.action == KEPT.NEW:
            posting.confirm(row)
        audit.record(by=by, action="ticket.made_of_mail", obj=row, summary=f"{row.ticket}")
    assert row.ticket is not None
    return row.ticket


def unreadable(*, raw: bytes, transport: str, why: Any) -> Mail:
    """For what fell over on the way in: keep the original in a ticket that says what happened."""
    key = incoming.digest_of(raw)
    notice = f"Subject: A mail could not be taken in\n\nThe original is kept. What went wrong: {why}"
    with transaction.atomic():
        _one_at_a_time(key)
        row = Mail.objects.filter(key=key).first() or Mail(key=key, raw=raw, transport=transport)
        if row.pk is None:
            row.action, row.reason = KEPT.UNREADABLE, f"It could not be taken in: {why}"[:300]
            _speak(row, incoming.read(notice.encode(errors="replace")))
            row.action = KEPT.UNREADABLE
            row.save()
    return row
