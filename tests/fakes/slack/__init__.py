"""A workspace in Slack on a real socket: checks what it is asked as Slack does, and can misbehave."""

from .methods import METHODS
from .server import SIGNING_SECRET, TOKEN, Workspace, serving
from .signing import signed

__all__ = ["METHODS", "SIGNING_SECRET", "TOKEN", "Workspace", "serving", "signed"]
