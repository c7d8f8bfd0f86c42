"""Git hosts by provider name; what one can do is in `base.GitHost`."""

from collections.abc import Callable

from .base import GitHost

_factories: dict[str, Callable[[], GitHost]] = {}


def register(provider: str, factory: Callable[[], GitHost]) -> None:
    _factories[provider] = factory


def get(provider: str = "local") -> GitHost:
    """The provider's host. Refuses (KeyError) a provider nobody registered."""
    return _factories[provider]()


def _local() -> GitHost:
    from .local import LocalHost

    return LocalHost()


register("local", _local)
