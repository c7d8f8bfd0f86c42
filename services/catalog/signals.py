"""News of the catalog's sources for higher apps."""

from django.dispatch import Signal

# source: Source, pull: deliveries.Pull, key: str of the delivery. A proved webhook told of it, once.
pull_told = Signal()
