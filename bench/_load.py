"""The other process: asks for addresses over one connection that stays open, and says how long each took.

The client is as thin as it gets, so that what is measured is the portal's. `anew` adds a parameter that means
nothing, another each time, so that no answer that is kept can be given.
"""

import http.client
import itertools
import json
import subprocess
import sys
import threading
import time
from typing import Any
from urllib.parse import urlsplit

from bench._report import percentiles

TIMES, WARM = 40, 5
_number = itertools.count()


def ask(connection: http.client.HTTPConnection, path: str, headers: dict[str, str]) -> Any:
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200, (path, answer.status, body[:300])
    return answer


def main(address: str, headers: str, anew: str) -> None:
    """For each address on the input a line with what was measured."""
    given, place = json.loads(headers), urlsplit(address).netloc
    connection = http.client.HTTPConnection(place, timeout=60)
    for line in sys.stdin:
        path = line.strip()
        whole: list[float] = []
        told: list[list[float]] = []
        for number in range(WARM + TIMES):
            asked = f"{path}{'&' if '?' in path else '?'}_={next(_number)}" if anew == "anew" else path
            started = time.perf_counter()
            answer = ask(connection, asked, given)
            if number >= WARM:
                whole.append((time.perf_counter() - started) * 1000)
                parts = answer.headers["Server-Timing"].split(", ")
                told.append([float(part.split("=")[1]) for part in parts])
        server, sql, cpu = (percentiles([*column]) for column in zip(*told, strict=True))
        measured = [*percentiles(whole), *server, cpu[0], sql[0]]
        print(json.dumps([*measured, int(answer.headers["X-Sql-Count"])]), flush=True)


def measure(
    address: str, headers: dict[str, str], asked: dict[str, str], *, anew: bool = False
) -> dict[str, list[float]]:
    """What `main` prints, by what each address is."""
    command = [sys.executable, "-m", "bench._load", address, json.dumps(headers), "anew" if anew else "again"]
    told = "".join(f"{url}\n" for url in asked.values())
    done = subprocess.run(command, input=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(zip(asked, map(json.loads, done.stdout.splitlines()), strict=True))


def crowd(address: str, headers: dict[str, str], path: str, *, clients: int, seconds: float) -> float:
    """Answers a second to several clients at once, each asking anew as soon as it was answered."""
    place, end = urlsplit(address).netloc, time.perf_counter() + seconds
    done = [0] * clients

    def run(which: int) -> None:
        connection = http.client.HTTPConnection(place, timeout=60)
        while time.perf_counter() < end:
            ask(connection, f"{path}&_={next(_number)}", headers)
            done[which] += 1

    threads = [threading.Thread(target=run, args=(which,)) for which in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / seconds


if __name__ == "__main__":
    main(*sys.argv[1:])
