"""The built-in git host: bare repositories on disk, pull requests in the portal's database."""

from .host import LocalHost

__all__ = ["LocalHost"]
