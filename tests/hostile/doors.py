"""Every address of the portal, with arguments that exist and arguments that do not."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.hostile import world as company

HOSTILE_TEXT = ("a\x00b", "..%2f..", "‮gnp", "x" * 3000, "'\"><script>", "-1", "９９", "\ud7ff")
NO_SUCH: dict[str, tuple[Any, ...]] = {
    "IntConverter": (0, 987654321, 10**30),
    "TicketKey": (0, 987654321),
    "SlugConverter": ("nothing", "x" * 3000),
    "StringConverter": ("nothing", *HOSTILE_TEXT),
}


@dataclass(frozen=True)
class Door:
    """One named view: its policy, and what its address asks for."""

    name: str
    view: Any
    converters: dict[str, Any]

    @property
    def policy(self) -> str:
        return str(getattr(self.view, "policy", ""))

    def address(self, **kwargs: Any) -> str:
        return reverse(self.name, kwargs=kwargs)

    def rooms(self, known: dict[str, list[dict[str, Any]]]) -> list[str]:
        """Addresses of things that exist."""
        if not self.converters:
            return [self.address()]
        matching = [prefix for prefix in known if self.name.startswith(prefix)]
        assert matching, f"tests.hostile.world.everything knows no arguments for {self.name}"
        return [self.address(**kwargs) for kwargs in known[max(matching, key=len)]]

    def nowhere(self, known: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
        """Addresses of things that do not exist: one argument after the other spoiled."""
        if not self.converters:
            return
        good = known[max((p for p in known if self.name.startswith(p)), key=len)][0]
        for argument, converter in self.converters.items():
            for value in NO_SUCH[type(converter).__name__]:
                mark = "spoiled" if isinstance(value, str) else 424242
                path = self.address(**{**good, argument: mark})
                yield path.replace(str(mark), quote(str(value), safe=""))


def doors() -> list[Door]:
    return list(_doors(get_resolver(), ""))


def _doors(resolver: URLResolver, namespace: str) -> Iterator[Door]:
    for entry in resolver.url_patterns:
        if isinstance(entry, URLResolver):
            inside = f"{namespace}{entry.namespace}:" if entry.namespace else namespace
            yield from _doors(entry, inside)
        elif isinstance(entry, URLPattern):
            assert entry.name, f"{entry.pattern} has no name"
            yield Door(namespace + entry.name, entry.callback, dict(entry.pattern.converters))


def known(world: SimpleNamespace) -> dict[str, list[dict[str, Any]]]:
    return company.everything(world)
