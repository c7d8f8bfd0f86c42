"""The states of a handover, and every way from one to another."""

from django.db.models import TextChoices


class State(TextChoices):
    ASKED = "asked", "Asked"
    ACCEPTED = "accepted", "Accepted, waits for the descriptor"
    SETTLED = "settled", "Handed over"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"
    OVERTAKEN = "overtaken", "Overtaken"


OPEN = (State.ASKED, State.ACCEPTED)
# (where it stands, what happens) -> where it stands then. `settle` and `overtake` are what the catalog sees.
TRANSITIONS: dict[tuple[str, str], State] = {
    (State.ASKED, "accept"): State.ACCEPTED,
    (State.ASKED, "decline"): State.DECLINED,
    (State.ASKED, "withdraw"): State.WITHDRAWN,
    (State.ASKED, "overtake"): State.OVERTAKEN,
    (State.ASKED, "settle"): State.SETTLED,
    (State.ACCEPTED, "reopen"): State.ASKED,
    (State.ACCEPTED, "withdraw"): State.WITHDRAWN,
    (State.ACCEPTED, "settle"): State.SETTLED,
    (State.ACCEPTED, "overtake"): State.OVERTAKEN,
    (State.DECLINED, "reopen"): State.ASKED,
    (State.WITHDRAWN, "reopen"): State.ASKED,
}
