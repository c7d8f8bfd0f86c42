"""How fast the API is that answers as Backstage's catalog does, and how that grows: `python -m bench.api`.

Fills and serves as `bench.catalog` does, and asks as programs do, with a token; `--sizes` and `--json` as
there. `anew` is a question that nobody asked before, `again` one that was: its answer is kept until the next
write. Milliseconds as the client waits, the median and the 95th percentile; `server` is the portal's part.
"""

import os
import sys
from typing import Any

from bench._company import Company
from bench._load import crowd, measure
from bench._report import show
from bench.catalog import Results, run, somebody

SIZES = (1_000, 10_000, 50_000)
API = "/api/catalog/"
MEASURED = ("anew", "p95 anew", "server", "again", "p95 again")


def questions(company: Company) -> dict[str, str]:
    """Address by what it is."""
    last, team = company.components[-1], company.teams[1]
    twenty = f"{API}entities/by-query?limit=20"
    by_name = f"{twenty}&orderField=metadata.name,asc"
    part = "fullTextFilterFields=metadata.name,metadata.title"
    return {
        "list of twenty": f"{by_name}&filter=kind=component",
        "list of twenty, no total": f"{by_name}&filter=kind=component&totalItems=exclude",
        "list of twenty, by id": f"{twenty}&filter=kind=component,spec.type=service",
        "list of one team": f"{by_name}&filter=kind=component,relations.ownedBy=group:default/{team}",
        "few of many": f"{by_name}&filter=kind=component,metadata.name={last}",
        "a page in the middle": _middle(by_name),
        "full text, rare": f"{by_name}&fullTextFilterTerm={last[1:]}&{part}",
        "full text, common": f"{by_name}&fullTextFilterTerm=cart&{part}",
        "full text, nothing": f"{by_name}&fullTextFilterTerm=qqxqq&{part}",
        "facets": f"{API}entity-facets?facet=kind&facet=spec.type&facet=spec.lifecycle",
        "facets of a kind": f"{API}entity-facets?facet=spec.type&facet=metadata.tags&filter=kind=component",
        "entity by name": f"{API}entities/by-name/component/default/{last}",
        "entity by name, no relations": f"{API}entities/by-name/component/default/{last}?fields=spec",
    }


def _middle(by_name: str) -> str:
    """The page after an entity in the middle of all: what a cursor says there."""
    from services.catalog.compatible.cursors import Asked, Cursor
    from services.catalog.models import Entity

    middle = Entity.objects.filter(name__startswith="profile").order_by("name", "pk").first()
    assert middle is not None
    asked = Asked(order="metadata.name", filters=("kind=component",))
    return (
        f"{API}entities/by-query?limit=20&cursor={Cursor(asked, middle.name, middle.pk, False, 1).written()}"
    )


def token() -> dict[str, str]:
    from services.accounts.actions import create_token

    scopes = ["catalog:read"]
    return {"Authorization": f"Bearer {create_token(by=somebody(), name='b', scopes=scopes, days=1)[1]}"}


def _asked(company: Company, url: str, headers: dict[str, str]) -> Results:
    asked = questions(company)
    anew = measure(url, headers, asked, anew=True)
    again = measure(url, headers, asked)
    found = {what: [*anew[what][:3], *again[what][:2], anew[what][-1]] for what in asked}
    listed = crowd(url, headers, asked["list of twenty"], clients=8, seconds=5)
    return {**found, "lists a second, eight clients": [listed, os.getloadavg()[0]]}


def main(arguments: list[str]) -> None:
    sizes, imports, results = run(SIZES, token, _asked, arguments)
    show("import", imports, arguments)
    *asked, listed = results[sizes[0]]
    show("read API", [_row(what, results) for what in asked], arguments)
    rows = [
        {"entities": size, listed: its[listed][0], "load": its[listed][1]} for size, its in results.items()
    ]
    show("throughput", rows, arguments)


def _row(what: str, results: dict[int, Results]) -> dict[str, Any]:
    row: dict[str, Any] = {"question, ms": what}
    for size, its in results.items():
        for name, value in zip(MEASURED, its[what], strict=False):
            row[f"{size // 1000}k {name}"] = value
    return row | {"queries": [*results.values()][-1][what][-1]}


if __name__ == "__main__":
    main(sys.argv[1:])
