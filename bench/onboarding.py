"""The form, the checks, the proposal, and what they need of memory: `python -m bench.onboarding [--json]`.

The form of a web service evaluated as somebody types; 12 and 250 documents rendered and checked; and requests
taken from the form to the merge over bare repositories of `--files` files (1,000 and 50,000 unless said), in
a scratch database. What the last costs should be the same whatever lies beside it in the repository.
"""

import resource
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

from bench import live_form, manifests
from bench._report import percentiles, show
from bench.catalog import scratch_portal

FILES = (1_000, 50_000)
TIMES = 20
SECTIONS = ("submit", "pull request opened", "looked at", "its diff read", "approve", "merged")
Samples = dict[str, list[float]]


def main(arguments: list[str]) -> None:
    told = arguments[arguments.index("--files") + 1] if "--files" in arguments else ""
    sizes = [int(size) for size in told.split(",")] if told else list(FILES)
    weights = [weight("a process that has done nothing yet")]
    forms = form_rows()
    weights.append(weight("with forms evaluated"))
    documents = list(document_rows())
    weights.append(weight("with 250 documents rendered and checked"))
    with scratch_portal() as folder:
        proposals = {size: proposed(folder, size, weights) for size in sizes}
    show("form evaluation", forms, arguments)
    show("documents", documents, arguments)
    show("proposal", [_row(section, proposals) for section in SECTIONS], arguments)
    show("memory", weights, arguments)


# The form


def form_rows() -> list[dict[str, Any]]:
    first = live_form.cold()
    blueprint = live_form.load(live_form.SHIPPED / "web-service")
    return [
        first,
        live_form.measured(blueprint, "three answers, two environments", live_form.MINIMAL, 20),
        live_form.measured(blueprint, "everything answered, 10,000 components", live_form.EVERYTHING, 10_000),
    ]


# Documents


def document_rows() -> Iterator[dict[str, Any]]:
    for number, times in ((12, 60), (250, TIMES)):
        runs = manifests.service(number)
        for what in ("rendered", "rendered and checked", "rendered, checked and written"):
            yield manifests.row(f"{number} documents {what}", runs[what], times)


# Proposals


def proposed(folder: Path, files: int, weights: list[dict[str, Any]]) -> Samples:
    """Milliseconds of each step of requests on a repository of so many files, one after the other."""
    from services.integrations import githosts
    from services.integrations.githosts.local import LocalHost

    world = _world(folder / f"git-{files}", files)
    githosts.register("local", lambda: LocalHost(world["root"]))
    samples: Samples = {section: [] for section in SECTIONS}
    for number in range(TIMES + 3):
        for section, spent in _one(world, f"parcels-{files}-{number}").items():
            samples[section] += [spent] if number >= 3 else []  # the first ones load what all others use
    weights.append(weight(f"after {TIMES} requests on {files:,} files"))
    return samples


def _world(root: Path, files: int) -> dict[str, Any]:
    """A team, its environments, and a repository in which so many files lie."""
    from services.clusters import actions as clusters
    from services.clusters.models import Environment
    from services.integrations.githosts.local import LocalHost
    from services.integrations.kube.kubeconfig import Credentials
    from services.onboarding.models import Request
    from tests.factories.people import member

    mira, sam = member("mira", "orders"), member("sam", "orders", role="lead")
    if not Environment.objects.exists():
        cluster = clusters.register_cluster(
            by=None, name="bench", credentials=Credentials("http://127.0.0.1:9", "", "")
        )
        for position, name in enumerate(("staging", "production")):
            Environment.objects.create(
                name=name, title=name.title(), cluster=cluster, namespace=f"example-{name}",
                is_production=name == "production", position=position, settings=live_form.SETTINGS,
            )  # fmt: skip
    repo = Request().repo
    LocalHost(root).create(repo)
    fill(root / f"{repo}.git", files)
    return {"root": root, "mira": mira, "sam": sam, "repo": repo}


def fill(path: Path, files: int) -> None:
    """Ten files to each service and environment, of which two are like no other."""
    import pygit2
    from pygit2.enums import FileMode

    git, index, common = pygit2.Repository(str(path)), pygit2.Index(), {}
    for number in range(files):
        place, kind = divmod(number, 10)
        team, service = divmod(place // 2, 50)
        environment = "production" if place % 2 else "staging"
        text = f"kind: Kind{kind}\nspec:\n  replicas: {place if kind < 2 else kind}\n"
        blob = common.get(text) or common.setdefault(text, git.create_blob(text.encode()))
        name = f"apps/team-{team}/service-{service}/{environment}/file-{kind}.yaml"
        index.add(pygit2.IndexEntry(name, blob, FileMode.BLOB))
    who = pygit2.Signature("Ada Example", "ada@example.com", 1_790_000_000, 0)
    git.create_commit("refs/heads/main", who, who, "Everything there is", index.write_tree(git), [])


def _one(world: dict[str, Any], name: str) -> dict[str, float]:
    """A request for a new service, from submit to merged; the steps of the worker are done here."""
    from services.integrations import githosts
    from services.onboarding import actions, tasks

    spent: dict[str, float] = {}

    def step(section: str, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = run()
        spent[section] = (time.perf_counter() - started) * 1000
        return found

    said = {"name": name, "description": "Tells where parcels are.", "owner": "orders"}
    said |= {"image": f"registry.example.com/{name}:1.0.0", "environments": ["staging", "production"]}
    row = step("submit", lambda: actions.submit(by=world["mira"], blueprint="web-service", answers=said))
    step("pull request opened", lambda: _work("onboarding.propose"))
    row.refresh_from_db()
    step("looked at", lambda: tasks.follow(row))
    host = githosts.get("local")
    step("its diff read", lambda: host.diff(world["repo"], row.pull_number))
    step("approve", lambda: actions.approve(request=row, by=world["sam"], tree_hash=row.tree_hash))
    actions.merge(request=row, by=world["mira"], head=row.head_sha)
    step("merged", lambda: _work("onboarding.merge"))
    row.refresh_from_db()
    assert row.merge_sha, row.state
    return spent


def _work(kind: str) -> None:
    """The one effect of this kind that is due, as a worker does it; all others are let go."""
    from services.effects import worker
    from services.effects.models import Effect

    Effect.objects.filter(state="due").exclude(kind=kind).update(state="cancelled")
    worker.run_one()


def _row(section: str, proposals: dict[int, Samples]) -> dict[str, Any]:
    row: dict[str, Any] = {"a new service, two environments, ms": section}
    for size, samples in proposals.items():
        p50, p95 = percentiles(samples[section])
        row |= {f"{size:,} files p50": p50, f"{size:,} p95": p95}
    first, last = (
        percentiles(samples[section])[0] for samples in (*proposals.values(),)[:: len(proposals) - 1 or 1]
    )
    return row | {"growth": last / first}


# Memory


def weight(when: str) -> dict[str, Any]:
    """Of this process: its own and its part of what is shared, all it has, and the most it ever had."""
    now = psutil.Process().memory_full_info()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"memory, MiB": when, "PSS": now.pss / 2**20, "RSS": now.rss / 2**20, "peak RSS": peak}


if __name__ == "__main__":
    main(sys.argv[1:])
