"""Fill the database with the demo company. May run again at any time; what is there stays as it is."""

import time
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from portal.demo.seeding import (
    catalog,
    cluster,
    desk,
    discovery,
    open_requests,
    open_tickets,
    ownership,
    past_requests,
    past_tickets,
    people,
    repository,
)

Step = Callable[[], str]


class Command(BaseCommand):
    help = "Seed the demo company Larkfield: people, catalog, repository, cluster, and a year of history."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--history", action="store_true", default=True, help="with a year of history")
        parser.add_argument("--no-history", action="store_false", dest="history")

    def handle(self, *args: Any, **options: Any) -> None:
        for step in steps(history=options["history"]):
            started = time.monotonic()
            done = step()
            if options["verbosity"]:
                self.stderr.write(f"{done} ({time.monotonic() - started:.1f} s)")


def steps(*, history: bool) -> list[Step]:
    """In the order in which one needs the other."""
    now = timezone.now()
    wanted: list[Step] = [
        people.seed,
        lambda: repository.seed(now),
        lambda: catalog.seed(now, history=history),
        cluster.seed,
        discovery.seed,
        lambda: desk.seed(now),
    ]
    if history:
        wanted += [lambda: past_requests.seed(now), lambda: past_tickets.seed(now)]
    wanted += [lambda: open_requests.seed(now), lambda: open_tickets.seed(now), lambda: ownership.seed(now)]
    return wanted
