"""Everything that changes a ticket. One door for page, API, mail, chat and automations.

Each action locks the ticket's row, refuses first, then writes the change, an immutable event and an audit
entry in one transaction. `at` is when it happened, now when absent: messages that arrive late, and histories
that are brought along, keep their times. `seen` is the version the person was looking at.
"""

from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.actions.sorting import assign, set_category, set_priority, set_private, watch
from services.helpdesk.actions.state import change_state, settle, state_before_duplicate

__all__ = [
    "assign",
    "change_state",
    "open_ticket",
    "reply",
    "set_category",
    "set_priority",
    "set_private",
    "settle",
    "state_before_duplicate",
    "watch",
]
