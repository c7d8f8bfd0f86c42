"""How fast the API is that answers as Backstage's catalog does, and how that grows: `python -m bench.api`.

Fills, serves and asks as `bench.catalog` does; `--sizes` and `--json` as there.
"""

import sys

from bench._company import Company
from bench.catalog import measure, run

SIZES = (1_000, 10_000, 50_000, 100_000)
API = "/api/catalog/"


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


def main(arguments: list[str]) -> None:
    run("read API", SIZES, lambda company, url, cookie: measure(url, cookie, questions(company)), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
