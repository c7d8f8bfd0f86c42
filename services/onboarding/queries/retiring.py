"""What goes when a service is retired, who would miss it, and what can be brought back."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from services.accounts.models import User
from services.catalog import reach
from services.catalog.models import Entity
from services.clusters.actions import HOLDS_DATA
from services.clusters.models import Environment
from services.integrations import githosts
from services.manifests.reader import ManifestError, load_all

from ..models import Request, State
from .changes import FILE, written
from .forms import evaluate, place_of

UNDO = timedelta(days=30)
REACHABLE = frozenset({"Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute"})


@dataclass(frozen=True)
class Retirement:
    """`files` are removed, as they stand at the commit `base`; `data` stays in the clusters all the same."""

    entity: Entity
    blueprint: str
    base: str
    files: dict[str, bytes]
    environments: list[str]
    dependents: list[Entity]
    objects: dict[str, list[tuple[str, str]]]
    data: list[str]
    needs: list[dict[str, Any]]

    @property
    def tree_hash(self) -> str:
        return hash_of(self.base, self.files)


def retirement(entity: Entity, user: User) -> Retirement:
    """Refuses (NotOnboarded) what no form made. Raises `integrations.errors` when the git host is silent."""
    found = written(entity, user)
    provider, repo = place_of(Request(entity_ref=entity.ref))
    host = githosts.get(provider)
    base = host.head(repo)
    folder = found.path.removesuffix(FILE)
    files = host.read_tree(repo, base, folder)
    beside = evaluate(
        found.blueprint, found.answers, user=user, request=found.as_request(entity, user), at=base
    )
    read = host.reader(repo, base)
    more = {path: read(path) for path in beside.files if not path.startswith(f"{folder}/")}
    files |= {path: text for path, text in more.items() if text is not None}
    environments = _environments(files, folder)
    by_folder = {
        each.name: list(_objects({p: t for p, t in files.items() if p.startswith(f"{folder}/{each.name}/")}))
        for each in environments
    }
    objects = [each for some in by_folder.values() for each in some]
    dependents = dependents_of(entity)
    return Retirement(
        entity, found.blueprint, base, files, [each.name for each in environments], dependents,
        {at: [(kind, name) for kind, name, _ in some] for at, some in by_folder.items()},
        sorted({f"{kind} {name}" for kind, name, _ in objects if kind in HOLDS_DATA}),
        list(_needs(entity, environments, dependents, objects)),
    )  # fmt: skip


def dependents_of(entity: Entity) -> list[Entity]:
    """What says, or was seen, to need it directly."""
    refs = reach.walk(entity.ref, needed=1, needs=0).needed.steps
    return list(Entity.objects.filter(ref__in=refs).select_related("owner").order_by("name"))


def came_with(entity: Entity) -> list[Entity]:
    """What the same request brought beside it: that stays, and is retired by itself."""
    if not entity.onboarded_request:
        return []
    rows = Entity.objects.filter(onboarded_request=entity.onboarded_request).exclude(pk=entity.pk)
    return list(rows.order_by("name"))


def hash_of(base: str, files: Mapping[str, bytes]) -> str:
    """Of exactly these contents, at this commit."""
    total = hashlib.sha256(base.encode())
    for path, text in sorted(files.items()):
        total.update(f"\0{path}\0{hashlib.sha256(text).hexdigest()}".encode())
    return f"sha256:{total.hexdigest()}"


def undo_until(row: Request) -> datetime | None:
    """Until when a retired service can be brought back; None when it cannot."""
    if row.kind != Request.Kind.RETIRE or row.state != State.LIVE or row.finished_at is None:
        return None
    end = row.finished_at + UNDO
    return end if end > timezone.now() else None


def _environments(files: Iterable[str], folder: str) -> list[Environment]:
    below = {path.removeprefix(f"{folder}/").partition("/")[0] for path in files if path.startswith(folder)}
    return list(Environment.objects.filter(name__in=below).order_by("position", "name"))


def _objects(files: Mapping[str, bytes]) -> Iterable[tuple[str, str, bool]]:
    """Kind and name of every object, and whether the world may reach it; what cannot be read is no object."""
    for path, text in sorted(files.items()):
        try:
            documents = load_all(text, path) if path.endswith((".yaml", ".yml")) else []
        except ManifestError:
            continue
        for each in (document.data for document in documents):
            about = each.get("metadata") if isinstance(each, dict) else None
            if isinstance(about, dict) and about.get("namespace"):
                kind = str(each.get("kind"))
                opened = kind in REACHABLE or (each.get("spec") or {}).get("type") == "LoadBalancer"
                yield kind, str(about.get("name")), opened


def _needs(
    entity: Entity, environments: list[Environment], dependents: list[Entity],
    objects: list[tuple[str, str, bool]],
) -> Iterable[dict[str, Any]]:  # fmt: skip
    """Production is not taken down by one person alone; what others use or reach, not by one yes (row 27)."""
    if not any(each.is_production for each in environments):
        return
    used = bool(dependents) or any(opened for _, _, opened in objects)
    others = f", and {len(dependents)} need it" if dependents else ""
    yield {
        "key": "retire",
        "who": ["lead", "platform"],
        "team": entity.owner_ref.rpartition("/")[2],
        "count": 2 if used else 1,
        "reason": f"It goes from production{others}",
    }
