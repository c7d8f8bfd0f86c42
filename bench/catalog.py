"""How fast the catalog is, and how that grows: `python -m bench.catalog [--sizes 1000,100000] [--json]`.

Fills a scratch database of its own (an embedded PostgreSQL in a temporary folder) with `bench._company`,
serves it by gunicorn as production does, and asks from another process, one client, one by one.
`whole` is what the client waited, `server` what the portal took, of that `cpu` its own work and `sql` its
waiting for the database; milliseconds, the median, beside the first two their 95th percentile.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._company import Company
from bench._load import measure
from bench._report import percentiles, show

SIZES = (1_000, 10_000, 100_000)
MEASURED = ("whole p50", "p95 whole", "server p50", "p95 server", "cpu", "sql")
SOURCE, FILE = 10_000, 500
Results = dict[str, list[float]]


@contextmanager
def scratch_portal() -> Iterator[Path]:
    """A migrated database in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SLIPWAY_HOME": folder, "SLIPWAY_PROFILE": "1", "SLIPWAY_LOG_LEVEL": "ERROR"}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "portal.settings"}
        os.environ.pop("DATABASE_URL", None)
        from portal import embedded

        embedded.start_postgres(Path(folder))
        try:
            embedded.ensure_database(Path(folder))
            _set_up()
            yield Path(folder)
        finally:
            embedded.stop_postgres(Path(folder))


def _set_up() -> None:
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)


def grow(company: Company, number: int, entities: int) -> dict[str, Any]:
    """Import so many more, source by source; how long until all of them are found."""
    from services.catalog import queries
    from services.catalog.actions import import_documents

    made = list(company.more(entities))
    spent = 0.0
    for start in range(0, len(made), SOURCE):
        some = made[start : start + SOURCE]
        files = {
            f"part-{n}.yaml": "---\n".join(some[n : n + FILE]).encode() for n in range(0, len(some), FILE)
        }
        started = time.perf_counter()
        import_documents(
            files=files, title="bench", by=None, kind="folder", location=f"/bench/{number}/{start}"
        )
        spent += time.perf_counter() - started
    started = time.perf_counter()
    assert queries.search(company.components[-1])
    spent += time.perf_counter() - started
    return {"import of": f"{entities:,}", "seconds": spent, "entities/s": round(entities / spent)}


def pages(company: Company) -> dict[str, str]:
    """Address by what it is."""
    hub, last = company.components[0], company.components[-1]
    return {
        "list of twenty": "/catalog/?kind=any&rows=20",
        "list of fifty": "/catalog/?kind=any",
        "services": "/catalog/?kind=service",
        "list of one team": f"/catalog/?kind=any&owner={company.teams[1]}",
        "sorted by owner, downward": "/catalog/?kind=any&sort=-owner",
        "two filters, one negated": "/catalog/?kind=component&lifecycle=deprecated&not=type:library",
        "full text, rare": f"/catalog/?kind=any&q={last}",
        "full text, two words": "/catalog/?kind=any&q=invoice+ledger",
        "full text, in a fifth of all": "/catalog/?kind=any&q=cart",
        "full text, part of a word": "/catalog/?kind=any&q=eturn",
        "full text, with slips": "/catalog/?kind=any&q=vuocher+invioce",
        "palette": "/palette?q=tax-ma",
        "entity by name": f"/catalog/component/default/{last}/catalog-info.yaml",
        "entity page": f"/catalog/component/default/{last}/",
        "entity page, needed by many": f"/catalog/component/default/{hub}/",
        "dependencies": f"/catalog/component/default/{last}/?tab=dependencies",
        "team page": f"/catalog/group/default/{company.teams[1]}/",
    }


def far_page() -> str:
    """A page in the middle of everything: its address is what the button on the page before says."""
    from portal.shell import keyset
    from services.catalog.models import Entity

    middle = Entity.objects.filter(name__startswith="profile").order_by("name", "pk").first()
    return f"/catalog/?kind=any&after={keyset.cursor(middle, ['name', 'pk'])}"


def facets() -> list[float]:
    """Milliseconds for the numbers of all values of kind, type and lifecycle, in this process."""
    from bench._report import timed
    from services.catalog.finding.tallies import Tallies

    p50, p95 = percentiles(timed(Tallies, 40))
    return [p50, p95, p50, p95, p50, p50, 1]


def somebody() -> Any:
    """A platform engineer."""
    from services.accounts.models import Membership, Team, User

    user = User.objects.create_user("ada", "ada@example.com", "x" * 16, name="Ada Example")
    team = Team.objects.create(slug="team-1", name="Team 1", runs_platform=True)
    Membership.objects.create(user=user, team=team)
    return user


def cookie() -> dict[str, str]:
    """What a browser sends that is signed in."""
    from django.conf import settings
    from django.test import Client

    client = Client()
    client.force_login(somebody())
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies[settings.SESSION_COOKIE_NAME].value}"}


def settled() -> None:
    """What the database and the worker do by themselves within a minute, done now."""
    from django.db import connection

    from portal.shell import roles
    from services.catalog.finding import tallies

    tallies.fold()
    with roles.as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def main(arguments: list[str]) -> None:
    sizes, imports, results = run(SIZES, cookie, _asked, arguments)
    show("import", imports, arguments)
    show("catalog", [row_of(what, results, sizes) for what in results[sizes[0]]], arguments)


def _asked(company: Company, url: str, headers: dict[str, str]) -> Results:
    asked = {**pages(company), "list, a page in the middle": far_page()}
    return {**measure(url, headers, asked), "facets": facets()}


def run(
    sizes: Sequence[int],
    enter: Callable[[], dict[str, str]],
    ask: Callable[[Company, str, dict[str, str]], Results],
    arguments: list[str],
) -> tuple[Sequence[int], list[dict[str, Any]], dict[int, Results]]:
    """Fill to each size in turn, serve, and what `ask` measured of a company, asking with the headers of
    `enter`: the sizes, the imports, and the results by size."""
    if "--sizes" in arguments:
        sizes = [int(size) for size in arguments[arguments.index("--sizes") + 1].split(",")]
    with scratch_portal() as folder:
        imports, results = _grown(folder, sizes, enter, ask)
    return sizes, imports, results


def _grown(folder: Path, sizes: Sequence[int], enter: Any, ask: Any) -> tuple[Any, Any]:
    from django.db import connection

    from tests.scale.processes import Processes

    company, have, headers = Company(), 0, enter()
    imports, results = [], {}
    with Processes(folder) as processes:
        web = processes.web(workers=2)
        web.wait()
        for number, size in enumerate(sizes):
            imports.append({**grow(company, number, size - have), "load": os.getloadavg()[0]})
            settled()
            results[size] = ask(company, web.url, headers)
            have = size
        connection.close()
    return imports, results


def row_of(what: str, results: dict[int, Results], sizes: Sequence[int]) -> dict[str, Any]:
    row: dict[str, Any] = {"page, ms": what}
    for size in sizes:
        for name, value in zip(MEASURED, results[size][what], strict=False):
            row[f"{size // 1000}k {name}"] = value
    row["queries"] = results[sizes[-1]][what][-1]
    row["growth"] = results[sizes[-1]][what][2] / max(0.1, results[sizes[0]][what][2])
    return row


if __name__ == "__main__":
    main(sys.argv[1:])
