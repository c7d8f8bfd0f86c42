"""Every change of a request: `writing` and `deciding` by people, `outcomes` of what happened outside.

From here each is done again when it lost a deadlock; inside a transaction that is its owner's to do.
"""

from services.effects.contention import again_when_lost

from . import (
    bringing,
    changing,
    deciding,
    outcomes,
    promoting,
    retiring,
    reverting,
    settling,
    upgrading,
    writing,
)
from .exempting import ask_exemption, end_exemption, grant_exemption, refuse_exemption
from .outcomes import applied, gave_up, merge_answered, proposed
from .reminding import remind
from .sets import Wanted, ask_for_set
from .upgrading import MOST_AT_ONCE

approve = again_when_lost(deciding.approve)
bring_again = again_when_lost(bringing.bring_again)
bring_image = again_when_lost(bringing.bring_image)
bring_back = again_when_lost(retiring.bring_back)
change_service = again_when_lost(changing.change_service)
close = again_when_lost(deciding.close)
comment = again_when_lost(deciding.comment)
discard = again_when_lost(writing.discard)
edit_and_resubmit = again_when_lost(writing.edit_and_resubmit)
keep = again_when_lost(settling.keep)
merge = again_when_lost(deciding.merge)
promote = again_when_lost(promoting.promote)
proposal_seen = again_when_lost(outcomes.proposal_seen)
put_back = again_when_lost(settling.put_back)
reject = again_when_lost(deciding.reject)
reopen_as_draft = again_when_lost(writing.reopen_as_draft)
restore = again_when_lost(writing.restore)
retire = again_when_lost(retiring.retire)
revert = again_when_lost(reverting.revert)
retry = again_when_lost(deciding.retry)
rollouts_seen = again_when_lost(outcomes.rollouts_seen)
save_draft = again_when_lost(writing.save_draft)
submit = again_when_lost(writing.submit)
upgrade_again = again_when_lost(upgrading.upgrade_again)
upgrade_service = again_when_lost(upgrading.upgrade_service)
upgrade_several = again_when_lost(upgrading.upgrade_several)
withdraw = again_when_lost(deciding.withdraw)

__all__ = [
    "MOST_AT_ONCE",
    "Wanted",
    "applied",
    "approve",
    "ask_exemption",
    "ask_for_set",
    "bring_again",
    "bring_back",
    "bring_image",
    "change_service",
    "close",
    "comment",
    "discard",
    "edit_and_resubmit",
    "end_exemption",
    "gave_up",
    "grant_exemption",
    "keep",
    "merge",
    "merge_answered",
    "promote",
    "proposal_seen",
    "proposed",
    "put_back",
    "refuse_exemption",
    "reject",
    "remind",
    "reopen_as_draft",
    "restore",
    "retire",
    "retry",
    "revert",
    "rollouts_seen",
    "save_draft",
    "submit",
    "upgrade_again",
    "upgrade_service",
    "upgrade_several",
    "withdraw",
]
