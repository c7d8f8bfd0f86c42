"""Who may do what with previews. The same predicates serve actions, pages and the API."""

from services.accounts.models import User
from services.catalog.models import Entity
from services.onboarding.rules import can_bring

from .models import Booking, Preview, Transfer


def can_ask(user: User, entity: Entity) -> bool:
    """A preview of a service: those it belongs to, their programs, and the platform team."""
    return can_bring(user, entity)


def can_manage(user: User, preview: Preview) -> bool:
    """Renew, end, wake, put to sleep: its team, whoever asked, and the platform team."""
    if user.program_of_id is not None:
        return user.program_of_id == preview.team_id
    own = user.pk == preview.created_by_id or user.in_team(preview.team)
    return user.is_active and (own or user.is_platform)


def can_tick(user: User, transfer: Transfer) -> bool:
    own = user.pk == transfer.created_by_id or user.in_team(transfer.team)
    return user.is_active and (own or user.is_platform)


def can_give_back(user: User, booking: Booking) -> bool:
    return user.is_active and (user.pk == booking.booked_by_id or user.is_platform)
