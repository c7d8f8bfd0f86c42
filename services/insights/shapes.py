"""What the template of insights draws, and where the rows behind its numbers are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from portal.shell import charts
from services.insights.queries import Scope


@dataclass(frozen=True)
class Tile:
    """One number with its unit, what changed since the period before, and its curve."""

    label: str
    big: str
    unit: str
    change: str
    better: bool | None
    rising: bool
    spark: charts.Spark | None
    url: str


@dataclass(frozen=True)
class Cell:
    """A number in a table; `url` opens the rows it counts."""

    text: str
    url: str = ""


@dataclass(frozen=True)
class Chart:
    """A card: a conclusion, a picture, the same as a table, where its rows are, its CSV."""

    key: str
    title: str
    says: str
    kind: str
    drawing: Any
    header: Sequence[str]
    rows: Sequence[tuple[Cell, ...]]
    more: str
    more_url: str
    note: str = ""
    empty: str = ""


class Links:
    """Addresses of the rows behind numbers; each is what the other pages read from theirs."""

    def __init__(self, scope: Scope, *, platform: bool) -> None:
        self._when = scope.period.query
        self._team = {"team": scope.team.slug} if scope.team else {}
        self._owner = {"owner": scope.team.ref} if scope.team else {}
        self._tickets = "helpdesk:queue" if platform else "helpdesk:ticket_list"

    def services(self, **more: str) -> str:
        return _url("catalog:entity_list", {"kind": "service", **self._owner, **more})

    def requests(self, **more: str) -> str:
        return _url(
            "onboarding:request_list", {"show": "all", "kind": "asked", **self._when, **self._team, **more}
        )

    def tickets(self, on: str, **more: str) -> str:
        return _url(self._tickets, {"who": "all", "view": "", "on": on, **self._when, **self._team, **more})


def _url(name: str, query: dict[str, str]) -> str:
    return f"{reverse(name)}?{urlencode({k: v for k, v in query.items() if v})}"
