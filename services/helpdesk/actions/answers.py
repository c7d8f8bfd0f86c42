"""Known answers: voted on, and read instead of asking."""

from typing import Any

from django.db import transaction

from services.audit import actions as audit
from services.helpdesk import rules
from services.helpdesk.errors import NotAllowed
from services.helpdesk.models import Answer, AnswerVote, Deflection, Ticket
from services.helpdesk.states import State


@transaction.atomic
def vote(*, answer: Answer, helped: bool, by: Any) -> AnswerVote:
    """Say whether an answer solved it; a second vote replaces the first. Refuses drafts."""
    if not answer.published:
        raise NotAllowed("This answer is not published.")
    row, _ = AnswerVote.objects.update_or_create(answer=answer, person=by, defaults={"helped": helped})
    return row


@transaction.atomic
def solved_by(*, answer: Answer, entity_ref: str, by: Any) -> Deflection:
    """Somebody who was about to ask says that this solved it: a vote, and a ticket that may be spared."""
    vote(answer=answer, helped=True, by=by)
    row = Deflection.objects.create(person=by, answer=answer, entity_ref=entity_ref.lower())
    audit.record(by=by, action="answer.solved", obj=answer, summary=str(answer))
    return row


def draft_from(ticket: Ticket, by: Any) -> Answer:
    """An answer suggested from a resolved ticket, not saved: its question and the desk's last public word.

    Refuses all but the platform, tickets that are not resolved, and private ones.
    """
    if not rules.can_triage(by):
        raise NotAllowed("Only people of the platform write answers.")
    if ticket.private or ticket.state not in (State.RESOLVED, State.CLOSED):
        raise NotAllowed("Answers are made of resolved tickets that everybody may read.")
    said = (
        ticket.messages.filter(internal=False)
        .exclude(author_id=ticket.asker_id)
        .order_by("-created_at")
        .first()
    )
    return Answer(
        title=ticket.title[:160], body=said.body if said else "", category=ticket.category, owner=by,
        entity_ref="", source=ticket, published=False,
    )  # fmt: skip
