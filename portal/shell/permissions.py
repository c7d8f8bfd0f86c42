"""The permission matrix: every address of the portal and who may open it, read from the URLconf itself."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver

OTHERS = ("django.", "rest_framework.", "drf_spectacular.", "allauth.")


@dataclass(frozen=True)
class Row:
    path: str
    view: str
    policy: str


def matrix() -> list[Row]:
    """One row for every view of ours, in the order of its address; an empty policy is a mistake."""
    return sorted(_rows(get_resolver(), ""), key=lambda row: row.path)


def _rows(resolver: URLResolver, prefix: str) -> Iterator[Row]:
    for entry in resolver.url_patterns:
        path = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from _rows(entry, path)
        else:
            yield from _row(entry, path)


def _row(entry: URLPattern, path: str) -> Iterator[Row]:
    view: Any = entry.callback
    name = f"{view.__module__}.{view.__name__}"
    if not name.startswith(OTHERS):
        yield Row("/" + path, name, getattr(view, "policy", ""))


def as_markdown(rows: list[Row]) -> str:
    lines = [f"| `{row.path}` | `{row.view}` | {row.policy.replace('_', ' ')} |" for row in rows]
    return "\n".join(["| address | view | who may |", "|---|---|---|", *lines]) + "\n"
