"""What the audit's chain costs: `python -m bench.audit [--events 100000] [--json]`.

Writes events into a scratch database with and without the chain, one by one, from several connections at
once, and in bulk; then verifies all of them.
"""

import sys
import threading
import time
from typing import Any

import psycopg

from bench._report import show
from bench.catalog import scratch_portal

SECONDS = 3.0
EVENTS = 100_000
COLUMNS = "(at, actor, actor_name, action, object_type, object_id, summary, details, request_id)"
VALUES = (
    "SELECT now(), 'mira', 'Mira Lindqvist', 'request.submitted', 'onboarding.request', n::text,"
    """ 'Onboard wishlist', '{"from": "draft", "to": "submitted"}', 'f3a1c2d4-0000-4000-8000-000000000000'"""
)
INSERT = f"INSERT INTO audit_event {COLUMNS} {VALUES} FROM generate_series(1, %s) n"  # constants only


def main(arguments: list[str]) -> None:
    events = int(arguments[arguments.index("--events") + 1]) if "--events" in arguments else EVENTS
    with scratch_portal():
        from portal import embedded

        address = embedded.owner_url(embedded.state_dir())
        rows = [row for chained in (False, True) for row in written(address, chained, events)]
        rows.append(verified(address))
    show("audit", rows, arguments)


def written(address: str, chained: bool, events: int) -> list[dict[str, Any]]:
    switch = "ENABLE" if chained else "DISABLE"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"ALTER TABLE audit_event {switch} TRIGGER audit_event_ask_for_seal")
        rows = [
            _row(f"{writers} at once, a commit each", chained, *_at_once(address, writers))
            for writers in (1, 2, 8)
        ]
        started = time.perf_counter()
        connection.execute(INSERT, [events])
        rows.append(_row(f"{events} in one commit", chained, events, time.perf_counter() - started))
        if not chained:
            connection.execute("SET session_replication_role = replica")
            connection.execute("DELETE FROM audit_event")
    return rows


def _at_once(address: str, writers: int) -> tuple[int, float]:
    counts = [0] * writers
    end = time.perf_counter() + SECONDS

    def write(me: int) -> None:
        with psycopg.connect(address, autocommit=True) as connection:
            while time.perf_counter() < end:
                connection.execute(INSERT, [1])
                counts[me] += 1

    threads = [threading.Thread(target=write, args=[me]) for me in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts), SECONDS


def verified(address: str) -> dict[str, Any]:
    from services.audit import chain

    with psycopg.connect(address) as connection:
        started = time.perf_counter()
        report = chain.verify(connection)
        seconds = time.perf_counter() - started
    if report.problems:
        raise SystemExit(f"the chain is broken: {report.problems[0]}")
    return _row("verify", True, report.events, seconds)


def _row(what: str, chained: bool, events: int, seconds: float) -> dict[str, Any]:
    return {
        "what": what,
        "chain": "yes" if chained else "no",
        "events": events,
        "a second": round(events / seconds),
        "us each": round(seconds / events * 1e6),
    }


if __name__ == "__main__":
    main(sys.argv[1:])
