"""Everything that changes a ticket. One door for page, API, mail, chat and automations.

Each action locks the ticket's row, refuses first, then writes the change, an immutable event and an audit
entry in one transaction. `at` is when it happened, now when absent: messages that arrive late, and histories
that are brought along, keep their times. `seen` is the version the person was looking at.
"""

from services.helpdesk.actions.answers import draft_from, solved_by, vote
from services.helpdesk.actions.bulk import Outcome, over, run_macro, undo
from services.helpdesk.actions.conversation import reply
from services.helpdesk.actions.converting import convert, follow_requests
from services.helpdesk.actions.duty import hand_over, save_rota, stand_in, swap, tell_turn, undo_change
from services.helpdesk.actions.escalating import escalate, forget_deadlines, look, recount
from services.helpdesk.actions.following import call_in, may_nudge, me_too, nudge
from services.helpdesk.actions.mailing import make_ticket, note_look, take
from services.helpdesk.actions.opening import open_ticket
from services.helpdesk.actions.sending import call_back, send_now, send_soon
from services.helpdesk.actions.settings import remove_setting, save_setting
from services.helpdesk.actions.sorting import assign, set_category, set_priority, set_private, watch
from services.helpdesk.actions.state import change_state, settle, state_before_duplicate, take_back
from services.helpdesk.actions.ties import (
    answer_all,
    join_problem,
    link,
    make_problem,
    merge,
    split,
    unlink,
)

__all__ = [
    "Outcome",
    "answer_all",
    "assign",
    "call_back",
    "call_in",
    "change_state",
    "convert",
    "draft_from",
    "escalate",
    "follow_requests",
    "forget_deadlines",
    "hand_over",
    "join_problem",
    "link",
    "look",
    "make_problem",
    "make_ticket",
    "may_nudge",
    "me_too",
    "merge",
    "note_look",
    "nudge",
    "open_ticket",
    "over",
    "recount",
    "remove_setting",
    "reply",
    "run_macro",
    "save_rota",
    "save_setting",
    "send_now",
    "send_soon",
    "set_category",
    "set_priority",
    "set_private",
    "settle",
    "solved_by",
    "split",
    "stand_in",
    "state_before_duplicate",
    "swap",
    "take",
    "take_back",
    "tell_turn",
    "undo",
    "undo_change",
    "unlink",
    "vote",
    "watch",
]
