"""Every change of a preview: `asking` for it, `living` with it, `outcomes` of what happened outside."""

from services.effects.contention import again_when_lost

from . import argo, asking, booking, following, living, pulls, shifting, transferring
from .booking import Taken
from .following import OPENED, UNCHANGED, UPDATED
from .outcomes import request_moved, turned

pull_told = pulls.pull_told

ask = again_when_lost(asking.ask)
ask_once = again_when_lost(following.ask_once)
shift = again_when_lost(shifting.shift)
show = again_when_lost(following.show)
book = again_when_lost(booking.book)
bring_back = again_when_lost(asking.bring_back)
follow = again_when_lost(argo.follow)
unfollow = again_when_lost(argo.unfollow)
give_back = again_when_lost(booking.give_back)
tick = again_when_lost(transferring.tick)
transfer = again_when_lost(transferring.transfer)
end = again_when_lost(living.end)
renew = again_when_lost(living.renew)
turn = again_when_lost(living.turn)
tend = living.tend

__all__ = [
    "OPENED", "UNCHANGED", "UPDATED", "Taken", "ask", "ask_once", "book", "bring_back", "end", "follow",
    "give_back", "pull_told", "renew", "request_moved", "shift", "show", "tend", "tick", "transfer", "turn",
    "turned", "unfollow",
]  # fmt: skip
