"""News of requests for higher apps."""

from django.dispatch import Signal

# request: Request, by: User | None. Its state changed, in this transaction.
moved = Signal()
