"""Every change of a preview: `asking` for it, `living` with it, `outcomes` of what happened outside."""

from services.effects.contention import again_when_lost

from . import asking, booking, living, transferring
from .booking import Taken
from .outcomes import request_moved, turned

ask = again_when_lost(asking.ask)
book = again_when_lost(booking.book)
bring_back = again_when_lost(asking.bring_back)
give_back = again_when_lost(booking.give_back)
tick = again_when_lost(transferring.tick)
transfer = again_when_lost(transferring.transfer)
end = again_when_lost(living.end)
renew = again_when_lost(living.renew)
turn = again_when_lost(living.turn)
tend = living.tend

__all__ = [
    "Taken", "ask", "book", "bring_back", "end", "give_back", "renew", "request_moved", "tend", "tick",
    "transfer", "turn", "turned",
]  # fmt: skip
