"""A workspace in Slack on a real socket: checks what it is asked as Slack does, and can misbehave."""

from .server import SIGNING_SECRET, TOKEN, Workspace, serving
from .signing import signed

__all__ = ["SIGNING_SECRET", "TOKEN", "Workspace", "serving", "signed"]
