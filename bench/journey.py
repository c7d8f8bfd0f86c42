"""The main job over HTTP on the whole stack: the live form, submit to pull request, merge to live.

`python -m bench.journey [--json]`. The stack is the one people start, with the demo in it.
"""

import sys
import tempfile
import time
from contextlib import AbstractContextManager
from pathlib import Path

import httpx

from bench._form import Form
from bench._report import percentiles, show, timed
from tests.stack import Stack, running

EVALUATIONS = 60
REQUESTS = 8
PAGES = ["/", "/catalog/", "/catalog/component/default/checkout/", "/requests/", "/help/", "/insights/"]


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, _portal(Path(folder)) as portal:
        mira, priya = person(portal.address, "mira"), person(portal.address, "priya")
        pages = [page_row(mira, path) for path in PAGES]
        live = timed(lambda: evaluate(mira, f"service-{time.monotonic_ns() % 10**6}"), EVALUATIONS)
        runs = [onboard(mira, priya, f"bench-{number}") for number in range(REQUESTS)]
    show("pages of the demo", pages, arguments)
    rows = [row("live form evaluation, whole answer, ms", live)]
    rows.append(row("submit to pull request, ms", [first for first, _ in runs]))
    rows.append(row("merge to live in two environments, ms", [second for _, second in runs]))
    show("journey", rows, arguments)


def _portal(folder: Path) -> AbstractContextManager[Stack]:
    return running(folder / "home", SLIPWAY_PROFILE="1")


def row(what: str, samples: list[float]) -> dict[str, object]:
    p50, p95 = percentiles(samples)
    return {"what": what, "n": len(samples), "p50": p50, "p95": p95}


def person(url: str, username: str) -> httpx.Client:
    """A signed-in browser without a window."""
    client = httpx.Client(base_url=url, follow_redirects=True, timeout=30)
    page = client.get("/sign-in/")
    form = Form(page.text, "become")
    client.post(form.action, data=form.with_(username=username)).raise_for_status()
    return client


def page_row(client: httpx.Client, path: str) -> dict[str, object]:
    samples = timed(lambda: client.get(path).raise_for_status(), 20)
    p50, p95 = percentiles(samples)
    queries = client.get(path).headers["X-Sql-Count"]
    return {"page": path, "queries": int(queries), "p50 ms": p50, "p95 ms": p95}


def filled(client: httpx.Client, name: str) -> Form:
    form = Form(client.get("/new/web-service/").text, "/new/web-service/")
    changes = {
        "name": name,
        "description": "Measures how long it takes.",
        "image": f"registry.larkfield.shop/{name}:1.0.0",
    }
    form.fields = [*[f for f in form.fields if f[0] not in changes], *changes.items()]
    return form


_forms: dict[int, Form] = {}


def evaluate(client: httpx.Client, name: str) -> None:
    form = _forms.setdefault(id(client), filled(client, "bench-form"))
    data = form.with_(name=name, _intent="evaluate")
    client.post("/new/web-service/", data=data, headers={"HX-Request": "true"}).raise_for_status()


def onboard(mira: httpx.Client, priya: httpx.Client, name: str) -> tuple[float, float]:
    """Milliseconds from submit to the pull request, and from merge to live."""
    started = time.perf_counter()
    page = mira.post("/new/web-service/", data=filled(mira, name).with_(_intent="submit"))
    page.raise_for_status()
    path = page.url.path
    wait_for(mira, path, "In review")
    proposed = time.perf_counter()
    press(priya, f"{path}changes/", "approve")
    merged = time.perf_counter()
    press(priya, f"{path}changes/", "merge")
    wait_for(mira, path, "Healthy in every environment")
    return (proposed - started) * 1000, (time.perf_counter() - merged) * 1000


def press(client: httpx.Client, path: str, action: str) -> None:
    form = Form(client.get(path).text, f"/{action}/")
    client.post(form.action, data=form.with_()).raise_for_status()


def wait_for(client: httpx.Client, path: str, words: str, seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while words not in client.get(path).text:
        if time.monotonic() > end:
            raise TimeoutError(f"{path} never said {words!r}")
        time.sleep(0.05)


if __name__ == "__main__":
    main(sys.argv[1:])
