"""What apps add to the pages that belong to nobody: navigation, palette, home, the entity page.

An app registers in `AppConfig.ready()`; the shell and the catalog draw what is here and know no app by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import QuerySet

from portal.shell.frozen import Keys
from portal.shell.http import HttpRequest

T = TypeVar("T")


class Ordered(Protocol):
    key: str
    order: int


class Registry(Generic[T]):
    """Things in the order they want, each key once (a second `add` of a key replaces the first)."""

    def __init__(self, *, key: Callable[[T], Any], order: Callable[[T], int]) -> None:
        self._items: dict[Any, T] = {}
        self._key = key
        self._order = order

    def add(self, item: T) -> T:
        self._items[self._key(item)] = item
        return item

    def __iter__(self):  # type: ignore[no-untyped-def]  # Iterator[T] hides the sort from mypy's plugin
        return iter(sorted(self._items.values(), key=self._order))

    def get(self, key: Any) -> T | None:
        return self._items.get(key)


@dataclass(frozen=True)
class NavItem:
    """One line of the navigation. A badge is a number, or rows to count (all in one query;
    best `Counted`, for it stands on every page)."""

    key: str
    label: str
    icon: str
    url_name: str
    order: int
    section: str = "main"
    badge: "Callable[[HttpRequest], QuerySet[Any] | Keys | int | None] | None" = None
    visible: Callable[[HttpRequest], bool] | None = None
    hot: bool = False  # the badge counts what waits for this very person


@dataclass(frozen=True)
class NavService:
    """A line under "Your services"; `health` is one of the words of diagnosis."""

    label: str
    url: str
    health: str = "Unknown"


@dataclass(frozen=True)
class PaletteItem:
    """Something to open; `is_found`: its source searched deeper than label and hint, and ranked it."""

    group: str
    label: str
    url: str
    icon: str = ""
    hint: str = ""
    health: str = ""
    is_found: bool = False


@dataclass(frozen=True)
class NeedsItem:
    """One thing that waits for this person; `tone` is ok, warn, bad, info or idle."""

    icon: str
    tone: str
    title: str
    text: str
    url: str
    action: str
    at: datetime | None = None
    order: int = 50


@dataclass(frozen=True)
class Banner:
    """Something that concerns everybody for a while; `url` may be empty. It goes when its cause does."""

    title: str
    text: str
    since: datetime
    tone: str = "bad"
    url: str = ""
    action: str = ""


@dataclass(frozen=True)
class Panel:
    """A block of the home page; a context of None hides it."""

    key: str
    title: str
    order: int
    template: str
    context: Callable[[HttpRequest], dict[str, Any] | None]
    area: str = "main"


@dataclass(frozen=True)
class EntityPanel:
    """A block of the entity page; `area` is top, wide, main or side; a context of None hides it.

    Where `count` is given and counts nothing, with the badges of the tabs, the context is not asked for.
    """

    key: str
    order: int
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any] | None]
    area: str = "main"
    count: Callable[[HttpRequest, Any], Any] | None = None


@dataclass(frozen=True)
class Deed:
    """What one person did for one entity; `person` is a username, a mail address or a name."""

    ref: str
    person: str
    count: int
    last_at: datetime


@dataclass(frozen=True)
class Deeds:
    """Who works on what, of one kind: `gather` is asked in the background, for some references at a time."""

    key: str
    order: int
    one: str
    many: str
    gather: Callable[[Sequence[str], datetime], Iterable[Deed]]


@dataclass(frozen=True)
class Tab:
    key: str
    label: str
    order: int
    template: str
    context: Callable[[HttpRequest, Any], dict[str, Any]]
    badge: "Callable[[HttpRequest, Any], QuerySet[Any] | Keys | int | None] | None" = None
    visible: Callable[[HttpRequest, Any], bool] | None = None


@dataclass(frozen=True)
class EntityAction:
    label: str
    url: str
    icon: str
    tone: str = ""
    order: int = 50


@dataclass(frozen=True)
class Vital:
    """Something the portal can do without for a while; `check` says "ok", or what is wrong, on /readyz."""

    key: str
    order: int
    check: Callable[[], str]


@dataclass(frozen=True)
class Gauge:
    """A family of numbers on /metrics: `values` by the values of its `labels`."""

    name: str
    help: str
    values: Mapping[Any, float]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentNote:
    """What is to be known of an environment just now, beside its name."""

    text: str
    url: str
    icon: str = "info-circle"


Source = Callable[[HttpRequest, str], Iterable[PaletteItem]]
Notes = Callable[[HttpRequest], Mapping[str, EnvironmentNote]]
Needs = Callable[[HttpRequest], Iterable[NeedsItem]]
Services = Callable[[HttpRequest], Iterable[NavService]]
Banners = Callable[[HttpRequest], Iterable[Banner]]
Actions = Callable[[HttpRequest, Any], Iterable[EntityAction]]


def _by_name(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _keyed() -> Registry[Any]:
    return Registry(key=lambda item: item.key, order=lambda item: item.order)


nav: Registry[NavItem] = _keyed()
home_panels: Registry[Panel] = _keyed()
entity_tabs: Registry[Tab] = _keyed()
entity_panels: Registry[EntityPanel] = _keyed()
deeds: Registry[Deeds] = _keyed()
palette: Registry[Source] = Registry(key=_by_name, order=lambda _: 0)
banners: Registry[Banners] = Registry(key=_by_name, order=lambda _: 0)
needs_me: Registry[Needs] = Registry(key=_by_name, order=lambda _: 0)
your_services: Registry[Services] = Registry(key=_by_name, order=lambda _: 0)
vitals: Registry[Vital] = _keyed()
metrics: Registry[Callable[[], Iterable[Gauge]]] = Registry(key=_by_name, order=lambda _: 0)
entity_actions: Registry[Actions] = Registry(key=_by_name, order=lambda _: 0)
request_actions: Registry[Actions] = Registry(key=_by_name, order=lambda _: 0)
environment_notes: Registry[Notes] = Registry(key=_by_name, order=lambda _: 0)


def notes(request: HttpRequest) -> dict[str, EnvironmentNote]:
    """By name of the environment; of two notes on one the later registered is shown."""
    return {name: note for source in environment_notes for name, note in source(request).items()}
