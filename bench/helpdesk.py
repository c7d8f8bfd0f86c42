"""How fast the help desk is, and how that grows: `python -m bench.helpdesk [--sizes 1000,100000] [--json]`.

Fills a scratch database with `bench._desk` (ten events a ticket, a twentieth of the tickets open; another
share with `--open 0.5`), serves it by gunicorn as production does, and asks from another process, as
`bench.catalog` does. Limits: queue and ticket 20 ms for half of the answers and 100 ms for 95 of 100,
searches 30 ms, twelve statements; and the same at any size.
"""

import os
import sys
import time
from pathlib import Path
from typing import Any

from bench._company import Company
from bench._desk import OPEN_SHARE, Desk
from bench._load import measure
from bench._report import show
from bench.catalog import Results, cookie, grow, row_of, scratch_portal, settled

SIZES = (1_000, 100_000)
SERVICES = 600


def pages(desk: Desk) -> dict[str, str]:
    """Address by what it is."""
    queue, service = "/help/queue/", desk.company.components[7]
    return {
        "queue": queue,
        "queue, all open": f"{queue}?view=open",
        "queue, mine": f"{queue}?view=mine",
        "queue, waiting": f"{queue}?view=waiting",
        "queue, resolved": f"{queue}?view=done",
        "queue, oldest first": f"{queue}?view=open&sort=age",
        "queue, a later page": f"{queue}?view=done&page=5",
        "my tickets": "/help/",
        "everybody's tickets": "/help/?who=all",
        "tickets of a service": f"/help/?entity=component:default/{service}",
        "ticket": f"/help/T-{1000 + desk.count}/",
        "ticket, closed": f"/help/T-{1000 + desk.count // 2}/",
        "ticket, a hundred things said": f"/help/T-{desk.long}/",
        "ticket, conversation": f"/help/T-{1000 + desk.count}/thread/?version=0",
        "ticket, preview": f"/help/T-{1000 + desk.count}/preview/",
        "search, rare word": f"{queue}?view=&q={desk.rare}",
        "search, rare word and operator": f"{queue}?view=&q=is:open+{desk.rare}",
        "search, common word": f"{queue}?view=&q=certificate",
        "search, two words": f"{queue}?view=&q=rollout+still",
        "search, half a word": f"{queue}?view=&q={desk.rare[:6]}",
        "search, nothing": f"{queue}?view=&q=qqxqq",
        "search, a number": f"{queue}?view=&q=T-{1000 + desk.count // 2}",
        "search, operators": f"{queue}?view=&q=is:open+priority:high,urgent+-assignee:none+created:>30d",
        "search, a service": f"{queue}?view=&q=service:{service}+state:closed",
        "search, reopened": f"{queue}?view=&q=is:reopened",
        "search, in everybody's": "/help/?who=all&q=memory+quota",
        "palette": f"/palette?q={desk.rare[:5]}",
        "asking: similar": f"/help/ask/similar/?title=certificate+expires&entity=component:default/{service}",
        "insights": "/insights/",
    }


def _option(arguments: list[str], name: str, usual: str) -> str:
    return arguments[arguments.index(name) + 1] if name in arguments else usual


def main(arguments: list[str]) -> None:
    sizes = [int(size) for size in _option(arguments, "--sizes", ",".join(map(str, SIZES))).split(",")]
    with scratch_portal() as folder:
        fills, results = _grown(folder, sizes, float(_option(arguments, "--open", str(OPEN_SHARE))))
    show("filling", fills, arguments)
    show("help desk", [row_of(what, results, sizes) for what in results[sizes[0]]], arguments)


def _grown(folder: Path, sizes: list[int], share: float) -> tuple[list[dict[str, Any]], dict[int, Results]]:
    from django.db import connection

    from tests.scale.processes import Processes

    headers, company = cookie(), Company()
    grow(company, 0, SERVICES)
    desk, fills, results = Desk(company, share=share), [], {}
    with Processes(folder) as processes:
        web = processes.web(workers=2)
        web.wait()
        for size in sizes:
            fills.append(_filled(desk, size))
            settled()
            results[size] = measure(web.url, headers, pages(desk))
        connection.close()
    return fills, results


def _filled(desk: Desk, size: int) -> dict[str, Any]:
    started = time.perf_counter()
    desk.more(size - desk.count)
    spent = time.perf_counter() - started
    return {"tickets": desk.count, "events": desk.happened, "seconds": spent, "load": os.getloadavg()[0]}


if __name__ == "__main__":
    main(sys.argv[1:])
