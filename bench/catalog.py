"""How fast the catalog's pages are with many entities: `python -m bench.catalog [--entities 10000] [--json]`.

Fills a scratch database of its own (an embedded PostgreSQL in a temporary folder) and asks through Django's
test client, which runs every middleware and template but no socket.
"""

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._report import percentiles, show, timed

ENTITIES = 10_000
TIMES = 60
WORDS = [
    "cart",
    "order",
    "price",
    "stock",
    "search",
    "pay",
    "ship",
    "return",
    "media",
    "review",
    "tax",
    "mail",
]


@contextmanager
def scratch_portal() -> Iterator[None]:
    """A migrated database in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"SLIPWAY_HOME": folder, "SLIPWAY_PROFILE": "1", "SLIPWAY_LOG_LEVEL": "ERROR"}
        os.environ |= {"SLIPWAY_DEBUG": "1", "DJANGO_SETTINGS_MODULE": "portal.settings"}
        os.environ.pop("DATABASE_URL", None)
        from portal import embedded

        embedded.start_postgres(Path(folder))
        try:
            embedded.ensure_database(Path(folder))
            _set_up()
            yield
        finally:
            embedded.stop_postgres(Path(folder))


def _set_up() -> None:
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def documents(entities: int) -> Iterator[str]:
    """Groups, systems and components that know each other, as one company of that size would have them."""
    chance = random.Random(7)
    teams, systems = max(5, entities // 100), max(5, entities // 50)
    for number in range(teams):
        yield _document("Group", f"team-{number}", "type: team\n  children: []")
    for number in range(systems):
        yield _document("System", f"system-{number}", f"owner: team-{number % teams}")
    rest = entities - teams - systems
    for number in range(rest):
        name = f"{chance.choice(WORDS)}-{chance.choice(WORDS)}-{number}"
        needs = ", ".join(f"component:{n}" for n in _earlier(chance, number))
        spec = f"type: service\n  lifecycle: production\n  owner: team-{number % teams}"
        spec += f"\n  system: system-{number % systems}\n  dependsOn: [{needs}]"
        yield _document("Component", name, spec)
        _names.append(name)


_names: list[str] = []


def _earlier(chance: random.Random, number: int) -> list[str]:
    return sorted({_names[chance.randrange(number)] for _ in range(min(number, chance.randrange(5)))})


def _document(kind: str, name: str, spec: str) -> str:
    metadata = f"  name: {name}\n  description: Everything about {name.replace('-', ' ')}."
    return f"apiVersion: backstage.io/v1alpha1\nkind: {kind}\nmetadata:\n{metadata}\nspec:\n  {spec}\n"


def fill(entities: int) -> list[dict[str, Any]]:
    """Import them all, twice; how long each took."""
    from services.catalog.actions import import_documents

    made = list(documents(entities))
    files = {f"part-{n}.yaml": "---\n".join(made[n : n + 500]).encode() for n in range(0, len(made), 500)}
    rows = []
    for what in ("import", "import again, unchanged"):
        started = time.perf_counter()
        import_documents(files=files, title="bench", by=None, kind="folder", location="/bench")
        spent = (time.perf_counter() - started) * 1000
        rows.append({"page": f"{what} of {entities:,}", "p50 ms": spent, "p95 ms": spent, "queries": "-"})
    return rows


def pages() -> dict[str, str]:
    """Address by what it is."""
    hub = _names[0]
    return {
        "list": "/catalog/",
        "everything, last page": "/catalog/?kind=any&page=9999",
        "list of one team": "/catalog/?owner=team-1",
        "list, sorted by owner": "/catalog/?sort=-owner",
        "list, text": "/catalog/?kind=any&q=tax+mail",
        "list, text inside words": "/catalog/?kind=any&q=eturn",
        "palette": "/palette?q=tax-ma",
        "entity": f"/catalog/component/default/{_names[-1]}/",
        "entity that many need": f"/catalog/component/default/{hub}/",
        "dependencies": f"/catalog/component/default/{_names[len(_names) // 2]}/?tab=dependencies",
        "team": "/catalog/group/default/team-1/",
    }


def measured(client: Any, what: str, url: str) -> dict[str, Any]:
    response = client.get(url)
    assert response.status_code == 200, (url, response.status_code)
    p50, p95 = percentiles(timed(lambda: client.get(url), TIMES))
    return {"page": what, "p50 ms": p50, "p95 ms": p95, "queries": int(response["X-Sql-Count"])}


def main(arguments: list[str]) -> None:
    entities = int(arguments[arguments.index("--entities") + 1]) if "--entities" in arguments else ENTITIES
    with scratch_portal():
        rows = fill(entities)
        from django.db import connection
        from django.test import Client

        from portal.shell import roles
        from services.accounts.models import Membership, Team, User

        with roles.as_owner(), connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        user = User.objects.create_user("ada", "ada@example.com", "x" * 16, name="Ada Example")
        team = Team.objects.create(slug="team-1", name="Team 1", runs_platform=True)
        Membership.objects.create(user=user, team=team)
        client = Client()
        client.force_login(user)
        rows += [measured(client, what, url) for what, url in pages().items()]
        connection.close()
    show("catalog", rows, arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
