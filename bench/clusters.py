"""What watching costs: `python -m bench.clusters [--pods 10000 --clusters 5 --churn 50 --watchers 1 --json]`.

Clusters in another process, over HTTP, with so many pods in all and so many changes a second; watchers as
production runs them; pages asked from a third process while all that goes on. `lag` is from the change in
the cluster to the row in the database. Limits: a picture at most 5 s old, 400 MB of a watcher, pages in
25 ms (median) and 100 ms (95th percentile), a cluster being away or not.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench._fleet import NAMESPACES, REPLICAS, TOKEN, service_name
from bench._load import measure
from bench._report import percentiles, show
from bench.catalog import cookie, scratch_portal, settled

PODS, CLUSTERS, CHURN, WATCHERS, SECONDS = 10_000, 5, 50, 1, 30
LAG, MEGABYTES, P50, P95 = 5.0, 400.0, 25.0, 100.0
FIRST = 900.0


def main(arguments: list[str]) -> None:
    os.environ["SLIPWAY_CLUSTER_NETWORKS"] = "127.0.0.0/8"
    with scratch_portal() as folder:
        found = measured(
            folder,
            pods=_said(arguments, "--pods", PODS),
            clusters=_said(arguments, "--clusters", CLUSTERS),
            churn=_said(arguments, "--churn", CHURN),
            watchers=_said(arguments, "--watchers", WATCHERS),
            seconds=_said(arguments, "--seconds", SECONDS),
        )
    show("watching", found["watching"], arguments)
    show("pages", found["pages"], arguments)


def _said(arguments: list[str], name: str, usual: int) -> int:
    return int(arguments[arguments.index(name) + 1]) if name in arguments else usual


@contextmanager
def fleet(clusters: int, pods: int, churn: int) -> Iterator[tuple[list[str], Callable[[str], None]]]:
    """The addresses of the clusters, and a way to tell their process something."""
    command = [sys.executable, "-m", "bench._fleet", str(clusters), str(pods), str(churn)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        says = process.stdin

        def tell(line: str) -> None:
            says.write(f"{line}\n")
            says.flush()

        try:
            yield json.loads(process.stdout.readline()), tell
        finally:
            process.kill()


def measured(
    folder: Path, *, pods: int, clusters: int, churn: int, watchers: int, seconds: int
) -> dict[str, Any]:
    import psutil
    from django.db import connection

    from tests.scale.processes import Processes

    headers = cookie()
    with fleet(clusters, pods, churn) as (urls, tell), Processes(folder) as processes:
        register(urls, pods // clusters // REPLICAS)
        settled()
        started = time.monotonic()
        watching = [psutil.Process(processes.watcher().pid) for _ in range(watchers)]
        first = until(lambda: seen() >= pods * 0.99, FIRST) - started
        told = {"first": [first, sum(map(_cpu, watching))]} | follow(watching, seconds)
        web = processes.web(workers=2)
        web.wait()
        settled()
        rows = page_rows("all there", measure(web.url, headers, pages()))
        tell("stop 0")
        time.sleep(5)
        rows += page_rows("one cluster is away", measure(web.url, headers, pages()))
        about = f"{pods:,} pods, {clusters} clusters, {churn}/s"
        connection.close()
    return {"watching": watching_rows(about, told), "pages": rows}


def register(urls: list[str], services: int) -> None:
    """The clusters, two environments in each, and a component for each service."""
    from services.catalog.actions import import_documents
    from services.clusters import sealing
    from services.clusters.models import Cluster, Environment

    for number, url in enumerate(urls):
        made = Cluster.objects.create(
            name=f"cluster-{number}", title=f"Cluster {number}", server=url, token_sealed=sealing.seal(TOKEN)
        )
        for position, namespace in enumerate(NAMESPACES):
            Environment.objects.create(
                name=f"{namespace}-{number}", cluster=made, namespace=namespace, position=position,
                is_production=not position,
            )  # fmt: skip
    files = {
        f"{start}.yaml": _components(start, min(start + 200, services)) for start in range(0, services, 200)
    }
    import_documents(files=files, title="bench", by=None)


def _components(start: int, end: int) -> bytes:
    text = "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {{name: {}}}\n"
    text += "spec: {{type: service, lifecycle: production, owner: team-1}}\n"
    return "---\n".join(text.format(service_name(number)) for number in range(start, end)).encode()


def until(check: Callable[[], object], within: float) -> float:
    end = time.monotonic() + within
    while not check():
        assert time.monotonic() < end, f"not within {within:.0f} s"
        time.sleep(0.2)
    return time.monotonic()


def seen() -> int:
    from services.clusters.models import KubeObject

    return KubeObject.objects.filter(kind="Pod").count()


def follow(watching: list[Any], seconds: int) -> dict[str, list[float]]:
    """Lags of the probes, ages of the pictures, and what the watchers weigh and work, for so long."""
    told: dict[str, list[float]] = {"lag": [], "age": [], "memory": [], "busy": []}
    known: dict[str, str] = {}
    spent, began = sum(_cpu(each) for each in watching), time.monotonic()
    end, weighed = time.monotonic() + seconds, 0.0
    while time.monotonic() < end:
        for cluster, at in probes():
            if known.get(cluster) != at:
                told["lag"] += [time.time() - float(at)] if cluster in known else []
                known[cluster] = at
        if time.monotonic() > weighed:
            weighed = time.monotonic() + 1
            told["memory"].append(max(each.memory_full_info().pss / 1e6 for each in watching))
            told["age"].append(oldest())
        time.sleep(0.05)
    told["busy"].append((sum(_cpu(each) for each in watching) - spent) / (time.monotonic() - began))
    assert told["lag"], "no probe arrived"
    return told


def _cpu(process: Any) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def probes() -> list[tuple[str, str]]:
    from services.clusters.models import KubeObject

    found = KubeObject.objects.filter(
        kind="Pod", name__startswith="service-0-", entity_ref="component:default/service-0"
    )
    rows = found.values_list("cluster__name", "data__metadata__annotations__bench/at")
    return [(cluster, at) for cluster, at in rows if at]


def oldest() -> float:
    from django.utils import timezone

    from services.clusters.models import Cluster

    heard = Cluster.objects.order_by("heard_at").values_list("heard_at", flat=True).first()
    return (timezone.now() - heard).total_seconds() if heard else FIRST


def watching_rows(about: str, told: dict[str, list[float]]) -> list[dict[str, Any]]:
    p50, p95 = percentiles(told["lag"])
    return [
        {"watching": about, "what": "first picture, s", "found": told["first"][0], "limit": ""},
        {"watching": about, "what": "until then, s of CPU", "found": told["first"][1], "limit": ""},
        {"watching": about, "what": "lag p50, s", "found": p50, "limit": LAG},
        {"watching": about, "what": "lag p95, s", "found": p95, "limit": LAG},
        {"watching": about, "what": "lag at most, s", "found": max(told["lag"]), "limit": LAG},
        {"watching": about, "what": "age at most, s", "found": max(told["age"]), "limit": LAG},
        {"watching": about, "what": "watcher at most, MB", "found": max(told["memory"]), "limit": MEGABYTES},
        {"watching": about, "what": "cores used", "found": told["busy"][0], "limit": ""},
    ]


def pages() -> dict[str, str]:
    return {
        "live tab": "/catalog/component/default/service-3/live/",
        "live tab, another": "/catalog/component/default/service-8/live/",
        "service": "/catalog/component/default/service-3/",
        "services with their health": "/catalog/?kind=component",
        "clusters": "/platform/clusters/",
        "a cluster": "/platform/clusters/cluster-1/",
        "home": "/",
    }


def page_rows(when: str, found: dict[str, list[float]]) -> list[dict[str, Any]]:
    return [
        {"page, ms": what, "when": when, "p50": row[0], "p95": row[1], "limits": f"{P50:.0f}/{P95:.0f}",
         "cpu": row[4], "sql": row[5], "queries": row[-1]}
        for what, row in found.items()
    ]  # fmt: skip


if __name__ == "__main__":
    main(sys.argv[1:])
