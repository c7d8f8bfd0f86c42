"""What the frame of every page needs, computed only when a template draws it: fragments pay nothing."""

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from django.conf import settings
from django.urls import reverse

from portal.shell import counting, registry, toasts
from portal.shell.http import HttpRequest

ON_THE_PHONE = ("home", "catalog", "new", "requests", "help")


@dataclass(frozen=True)
class Entry:
    """One line of the navigation as drawn."""

    key: str
    label: str
    icon: str
    url: str
    badge: int | None
    hot: bool
    current: bool
    letter: str


class Shell:
    """Navigation, services and theme for one request."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def entries(self) -> list[Entry]:
        items = [item for item in registry.nav if item.visible is None or item.visible(self._request)]
        urls = {item.key: _address(item.url_name) for item in items}
        here, letters = self._current(urls), _letters([item.label for item in items])
        badges = counting.counts({item.key: item.badge(self._request) for item in items if item.badge})
        return [
            Entry(
                item.key,
                item.label,
                item.icon,
                urls[item.key],
                badges.get(item.key),
                item.hot,
                item.key == here,
                letters[item.label],
            )
            for item in items
        ]

    def _current(self, urls: dict[str, str]) -> str:
        """The entry whose address is the longest beginning of this page's."""
        path = self._request.path
        inside = [k for k, url in urls.items() if path == url or (url != "/" and path.startswith(url))]
        return max(inside, key=lambda key: len(urls[key]), default="")

    @property
    def nav(self) -> list[Entry]:
        return [entry for entry in self.entries if self._section(entry.key) == "main"]

    @property
    def platform_nav(self) -> list[Entry]:
        return [entry for entry in self.entries if self._section(entry.key) == "platform"]

    def _section(self, key: str) -> str:
        item = registry.nav.get(key)
        return item.section if item else ""

    @property
    def tabs(self) -> list[Entry]:
        """The bar at the bottom of a phone."""
        by_key = {entry.key: entry for entry in self.entries}
        return [by_key[key] for key in ON_THE_PHONE if key in by_key]

    @property
    def new_url(self) -> str:
        return next((entry.url for entry in self.entries if entry.key == "new"), "")

    @property
    def theme(self) -> str:
        return getattr(self._request.user, "theme", "") if hasattr(self._request, "user") else ""

    @property
    def toasts(self) -> list[dict[str, Any]]:
        return toasts.shown(self._request)


@cache
def _address(name: str) -> str:
    return reverse(name)


def _letters(labels: list[str]) -> dict[str, str]:
    """The key after `g` for each label: the first of its letters that no label before it took."""
    taken: dict[str, str] = {}
    for label in labels:
        free = (each for each in label.lower() if each.isalpha() and each not in taken.values())
        taken[label] = next(free, "")
    return taken


def shell(request: HttpRequest) -> dict[str, Any]:
    """Template context of every page: `shell` and the demo mark."""
    return {"shell": Shell(request), "demo": settings.DEMO}
