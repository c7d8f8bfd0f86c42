"""Entities out of what runs in a cluster: pure, from objects as they were seen to a report for each of them.

What an object does not say is not made up; what it says and nobody can read is told.
"""

from services.catalog.sources.discovery.proposing import discover
from services.catalog.sources.discovery.vocabulary import FIELDS, Rules, Seen

__all__ = ["FIELDS", "Rules", "Seen", "discover"]
