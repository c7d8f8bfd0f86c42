"""Whole organisations on git hosts, by provider name; what one can be asked is in `base.Organisation`."""

from collections.abc import Iterator
from contextlib import contextmanager

from services.integrations.rest import Http, Malformed, NothingThere, RateLimited, checked_address

from .base import Organisation, Repository
from .gitea import Gitea
from .github import GitHub
from .gitlab import GitLab

__all__ = [
    "ADDRESSES", "Malformed", "NothingThere", "Organisation", "RateLimited", "Repository",
    "checked_address", "opened",
]  # fmt: skip
ADDRESSES = {"github": "https://api.github.com", "gitlab": "https://gitlab.com", "gitea": "https://gitea.com"}
_PROVIDERS: dict[str, type[GitHub | GitLab | Gitea]] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}


@contextmanager
def opened(provider: str, *, address: str, name: str, token: str = "") -> Iterator[Organisation]:
    """The organisation or group `name` at an address; nothing is asked yet."""
    kind = _PROVIDERS[provider]
    http = Http(address or ADDRESSES[provider], kind.headers(token))
    try:
        yield kind(http, name)
    finally:
        http.close()
