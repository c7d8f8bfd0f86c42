"""Every address of the portal, with arguments that exist and arguments that do not."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote
from uuid import UUID

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tests.hostile import world as company

HOSTILE_TEXT = ("a\x00b", "..%2f..\u202e", "x" * 3000, "'\"><script>\ud7ff")
NO_SUCH: dict[str, tuple[Any, ...]] = {
    "IntConverter": (0, 987654321, 10**30),
    "TicketKey": (0, 987654321),
    "SlugConverter": ("nothing", "x" * 3000),
    "PathConverter": ("nothing", "../x", "x" * 3000),
    "UUIDConverter": (UUID(int=1),),
    "StringConverter": ("nothing", *HOSTILE_TEXT),
}
# What stands in an address until it is replaced by what its pattern would not let through.
MARKS: dict[type, Any] = {str: "spoiled", int: 424242, UUID: UUID(int=42)}

Known = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class Door:
    """One named view: its policy, and what its address asks for."""

    name: str
    view: Any
    converters: dict[str, Any]

    @property
    def policy(self) -> str:
        return str(getattr(self.view, "policy", ""))

    @property
    def is_api(self) -> bool:
        """Asked by programs, which are told that they are nobody and not sent to the door."""
        return hasattr(self.view, "scopes")

    @property
    def is_signed(self) -> bool:
        """Sent to by machines, which sign what they send."""
        return hasattr(self.view, "is_signed")

    def address(self, **kwargs: Any) -> str:
        return reverse(self.name, kwargs=kwargs)

    def arguments(self, known: Known) -> list[dict[str, Any]]:
        """What exists for this address: that of its longest prefix with arguments of the same names."""
        fitting = [
            prefix
            for prefix, given in known.items()
            if self.name.startswith(prefix) and given[0].keys() == self.converters.keys()
        ]
        assert fitting, f"tests.hostile.world.everything knows nothing for {self.name}"
        return known[max(fitting, key=len)]

    def rooms(self, known: Known) -> list[str]:
        """Addresses of things that exist."""
        if not self.converters:
            return [self.address()]
        return [self.address(**kwargs) for kwargs in self.arguments(known)]

    def nowhere(self, known: Known) -> Iterator[str]:
        """Addresses of things that do not exist: one argument after the other spoiled."""
        for argument, converter in self.converters.items():
            good = self.arguments(known)[0]
            for value in NO_SUCH[type(converter).__name__]:
                mark = MARKS[type(value)]
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


def known(world: SimpleNamespace) -> Known:
    return company.everything(world)
