"""GitHub, GitLab and Gitea as far as requests are proposed to them: one host, three ways to talk to it."""

from .server import TOKEN, Serving, serving
from .state import BOT, Forge

__all__ = ["BOT", "TOKEN", "Forge", "Serving", "serving"]
