"""Git hosts by provider name; what one can do is in `base.GitHost`."""

from collections.abc import Callable

from .base import GitHost

_factories: dict[str, Callable[[], GitHost]] = {}


def register(provider: str, factory: Callable[[], GitHost]) -> None:
    _factories[provider] = factory


def get(provider: str = "local") -> GitHost:
    """The host of that name: the built-in one, or one that was registered. Refuses (KeyError) any other."""
    if provider in _factories:
        return _factories[provider]()
    from . import servers

    return servers.named(provider)


def is_built_in(provider: str) -> bool:
    """Whether it is of the portal itself: with no page, webhook or rule of its own."""
    return provider in _factories


def target() -> tuple[str, str] | None:
    """The host and the repository that new requests are proposed to; None for the built-in one."""
    from services.integrations.models import GitServer

    rows = GitServer.objects.filter(takes_requests=True)
    return rows.values_list("name", "repository").first()


def _local() -> GitHost:
    from .local import LocalHost

    return LocalHost()


register("local", _local)
