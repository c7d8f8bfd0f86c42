"""The palette: everything one can open or run, from every app's source, ranked by how well it matches."""

from dataclasses import dataclass
from itertools import islice

from django.urls import reverse

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.registry import PaletteItem

PER_GROUP = 6
PER_SOURCE = 60
GO, DO = "Go to", "Do"
COMMANDS = (
    PaletteItem(DO, "Use the light theme", "#theme-light", "sun"),
    PaletteItem(DO, "Use the dark theme", "#theme-dark", "moon"),
    PaletteItem(DO, "Follow the system's theme", "#theme-system", "device-desktop"),
    PaletteItem(DO, "List the keys of this page", "#keys", "keyboard", "?"),
    PaletteItem(DO, "Sign out", "#sign-out", "logout"),
)


@dataclass(frozen=True)
class Option:
    """An item with the matching part of its label marked."""

    number: int
    item: PaletteItem
    before: str
    match: str
    after: str


def groups(request: HttpRequest) -> list[tuple[str, list[Option]]]:
    """Groups in the order their best option ranks; `>` in front asks for commands only."""
    asked = request.GET.get("q", "").strip()[:100]
    only_commands, query = asked.startswith(">"), asked.removeprefix(">").strip()
    items = [*_commands(request)] if only_commands else [*_found(request, query), *_commands(request)]
    found: dict[str, list[PaletteItem]] = {}
    for item in sorted((i for i in items if _matches(i, query)), key=lambda i: _rank(i, query)):
        found.setdefault(item.group, []).append(item)
    numbers = iter(range(1, 1000))
    return [
        (name, [_option(next(numbers), item, query) for item in rows[:PER_GROUP]])
        for name, rows in found.items()
    ]


def _found(request: HttpRequest, query: str) -> list[PaletteItem]:
    return [item for source in registry.palette for item in islice(source(request, query), PER_SOURCE)]


def _commands(request: HttpRequest) -> list[PaletteItem]:
    pages = [
        PaletteItem(GO, item.label, reverse(item.url_name), item.icon)
        for item in registry.nav
        if item.visible is None or item.visible(request)
    ]
    return [*pages, *COMMANDS]


def _matches(item: PaletteItem, query: str) -> bool:
    """Every word is in the label or the hint, or its source says that it is found."""
    if item.is_found:
        return True
    text = f"{item.label} {item.hint}".lower()
    return all(word in text for word in query.lower().split())


def _rank(item: PaletteItem, query: str) -> tuple[int, str]:
    label, asked = item.label.lower(), query.lower()
    if label == asked:
        return 0, label
    if label.startswith(asked):
        return 1, "" if not asked else label
    return (2 if asked in label else 3), "" if item.is_found else label


def _option(number: int, item: PaletteItem, query: str) -> Option:
    at = item.label.lower().find(query.lower()) if query else -1
    if at < 0:
        return Option(number, item, item.label, "", "")
    end = at + len(query)
    return Option(number, item, item.label[:at], item.label[at:end], item.label[end:])
