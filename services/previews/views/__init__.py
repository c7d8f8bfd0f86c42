"""Pages of previews, of copies elsewhere, and of bookings."""

from .asking import preview_new
from .booking import booking_calendar, booking_cancel, booking_list
from .following import preview_follow
from .showing import preview_detail, preview_list, preview_step
from .transferring import transfer_detail, transfer_new, transfer_shift, transfer_tick

__all__ = [
    "booking_calendar", "booking_cancel", "booking_list", "preview_detail", "preview_follow",
    "preview_list", "preview_new", "preview_step", "transfer_detail", "transfer_new", "transfer_shift",
    "transfer_tick",
]  # fmt: skip
