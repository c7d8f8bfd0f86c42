"""Every change of a preview: `asking` for it, `living` with it, `outcomes` of what happened outside."""

from services.effects.contention import again_when_lost

from . import asking, living
from .outcomes import request_moved, turned

ask = again_when_lost(asking.ask)
bring_back = again_when_lost(asking.bring_back)
end = again_when_lost(living.end)
renew = again_when_lost(living.renew)
turn = again_when_lost(living.turn)
tend = living.tend

__all__ = ["ask", "bring_back", "end", "renew", "request_moved", "tend", "turn", "turned"]
