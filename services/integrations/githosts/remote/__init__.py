"""Git hosts of others, over their REST APIs: one `GitHost` for all, one dialect for each."""

from .host import RemoteHost

__all__ = ["RemoteHost"]
