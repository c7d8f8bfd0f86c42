"""A preview of many services, from the click to its open pull request: `python -m bench.previews [--json]`.

`--services` of them (21 unless said), each needing the next two, with the manifests that the form of a web
service renders, in a repository of `--files` files (50,000); the steps of the worker are done here. Nobody
should wait for it: the limit is eight seconds.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._report import percentiles, show
from bench.catalog import scratch_portal

SERVICES, FILES, TIMES, LIMIT = 21, 50_000, 10, 8.0


def main(arguments: list[str]) -> None:
    with scratch_portal() as folder:
        rows = measured(folder, _said(arguments, "--services", SERVICES), _said(arguments, "--files", FILES))
    show("previews", rows, arguments)


def _said(arguments: list[str], name: str, usual: int) -> int:
    return int(arguments[arguments.index(name) + 1]) if name in arguments else usual


def measured(folder: Path, services: int = SERVICES, files: int = FILES) -> list[dict[str, Any]]:
    """Seconds of each step, over several previews one after the other; needs a scratch portal."""
    from services.integrations import githosts
    from services.integrations.githosts.local import LocalHost

    world = _world(folder / "git-previews", services, files)
    githosts.register("local", lambda: LocalHost(world["root"]))
    samples: dict[str, list[float]] = {}
    for number in range(TIMES + 2):
        for step, spent in _one(world, f"trial-{number}").items():
            samples.setdefault(step, []).extend([spent] if number >= 2 else [])
    about = f"{services} services, {files:,} files"
    return [_row(about, step, spent) for step, spent in samples.items()]


def _row(about: str, step: str, spent: list[float]) -> dict[str, Any]:
    p50, p95 = percentiles(spent)
    return {
        "preview": about,
        "step": step,
        "p50 s": p50,
        "p95 s": p95,
        "limit s": LIMIT if step == "all" else "",
    }


def _world(root: Path, services: int, files: int) -> dict[str, Any]:
    from bench import onboarding
    from services.catalog.actions import import_documents
    from services.integrations.githosts.base import Person
    from services.integrations.githosts.local import LocalHost
    from services.manifests.emit import dump

    world = onboarding._world(root, files)
    names = [f"part-{number}" for number in range(services)]
    found = {path: text.encode() for name in names for path, text in _manifests(world, name).items()}
    LocalHost(root).commit(world["repo"], files=found, author=Person("ada", "Ada"), message="Parts")
    entities = [_entity(name, names[at + 1 : at + 3]) for at, name in enumerate(names)]
    import_documents(files={"parts.yaml": dump(entities).encode()}, title="parts", by=None)
    return world | {"first": names[0], "services": services}


def _entity(name: str, needs: list[str]) -> dict[str, Any]:
    spec = {"type": "service", "lifecycle": "production", "owner": "orders"}
    about = {"apiVersion": "backstage.io/v1alpha1", "kind": "Component", "metadata": {"name": name}}
    return about | {"spec": spec | {"dependsOn": [f"component:{each}" for each in needs]}}


def _manifests(world: dict[str, Any], name: str) -> dict[str, str]:
    """What the form of a web service writes for one environment."""
    from services.onboarding import queries

    said = {"name": name, "description": "One of many.", "owner": "orders", "environments": ["staging"]}
    said["image"] = f"registry.example.com/{name}:1.0.0"
    found = queries.evaluate("web-service", said, user=world["mira"], alone=True)
    return {path: text for path, text in found.files.items() if path.startswith("apps/")}


def _one(world: dict[str, Any], name: str) -> dict[str, float]:
    """Planned, rendered, checked, asked for, and proposed."""
    from bench.onboarding import _work
    from services.accounts.models import Team
    from services.catalog.queries import find
    from services.clusters.models import Environment
    from services.onboarding.models import State
    from services.previews import actions, planning

    entity = find(f"component:default/{world['first']}")
    assert entity is not None
    wish = planning.Wish(
        entity, Environment.objects.get(name="staging"), name, Team.objects.get(slug="orders")
    )
    spent: dict[str, float] = {}

    def step(section: str, run: Callable[[], Any]) -> Any:
        started = time.perf_counter()
        found = run()
        spent[section] = time.perf_counter() - started
        return found

    shown = step("planned, rendered, checked for the page", lambda: planning.plan(wish))
    assert len(shown.chosen) == world["services"], len(shown.chosen)
    row = step("the same again, and asked for", lambda: actions.ask(by=world["mira"], wish=wish))
    step("pull request opened", lambda: _work("onboarding.propose"))
    row.request.refresh_from_db()
    assert row.request.state == State.IN_REVIEW, row.request.state
    spent["all"] = sum(spent.values())
    row.ended_at = row.created_at  # a team has only so many
    row.save()
    return spent


if __name__ == "__main__":
    main(sys.argv[1:])
