"""Every change of a request: `writing` and `deciding` by people, `outcomes` of what happened outside."""

from .changing import change_service
from .deciding import approve, close, comment, merge, reject, retry, withdraw
from .outcomes import applied, gave_up, merge_answered, proposal_seen, proposed, rollouts_seen
from .writing import discard, edit_and_resubmit, reopen_as_draft, restore, save_draft, submit

__all__ = [
    "applied",
    "approve",
    "change_service",
    "close",
    "comment",
    "discard",
    "edit_and_resubmit",
    "gave_up",
    "merge",
    "merge_answered",
    "proposal_seen",
    "proposed",
    "reject",
    "reopen_as_draft",
    "restore",
    "retry",
    "rollouts_seen",
    "save_draft",
    "submit",
    "withdraw",
]
