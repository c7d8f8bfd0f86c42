"""Whether everything is ready for a newer Kubernetes: looked for in git and in what runs, told by team."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters.models import Cluster, Environment, KubeObject
from services.integrations import githosts
from services.manifests import apis
from services.manifests.apis import Fate
from services.manifests.reader import load_each

from .api_uses import ApiUse
from .models import Request
from .queries import place_of

LARGEST = 1_000_000
NEWEST = (1, 36)
OLDEST = 16
LIVE = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "Ingress", "PersistentVolumeClaim")


@dataclass(frozen=True)
class Line:
    use: ApiUse
    standing: str


@dataclass(frozen=True)
class TeamLine:
    team: str
    removed: int
    deprecated: int


def versions() -> list[str]:
    """What can be asked for, the newest first."""
    return [f"1.{minor}" for minor in range(NEWEST[1], OLDEST - 1, -1)]


def next_version() -> str:
    """The one after the newest that a cluster runs."""
    known = [apis.version(each) for each in Cluster.objects.values_list("version", flat=True)]
    newest = max(known, default=(0, 0))
    return f"1.{min(newest[1] + 1, NEWEST[1])}" if newest[0] == 1 else f"1.{NEWEST[1]}"


def lines(rows: Iterable[ApiUse], target: str) -> list[Line]:
    """Those the version is without, and then those it is going to be without."""
    found = [Line(row, apis.standing(Fate(row.deprecated, row.removed, ""), target)) for row in rows]
    return sorted((each for each in found if each.standing), key=lambda each: each.standing != "removed")


def by_team(found: Iterable[Line]) -> list[TeamLine]:
    counted = Counter((each.use.team or "nobody", each.standing) for each in found)
    teams = sorted({team for team, _ in counted})
    return [TeamLine(team, counted[team, "removed"], counted[team, "deprecated"]) for team in teams]


def sweep() -> int:
    """Looks through git and what runs, and writes down what it found. Raises `integrations.errors`."""
    now = timezone.now()
    found = [ApiUse(**each, as_of=now) for each in (*_in_git(), *_live())]
    with transaction.atomic():
        ApiUse.objects.all().delete()
        ApiUse.objects.bulk_create(found, batch_size=500)
    return len(found)


def _in_git() -> Iterator[dict[str, Any]]:
    """Every manifest of the deploy repository that may use any of it; only those are read closely."""
    provider, repo = place_of(Request())
    host = githosts.get(provider)
    places = set(Environment.objects.standing().values_list("name", flat=True))
    files = host.read_tree(repo, host.head(repo), "", _is_manifest)
    for path, content in files.items():
        if not apis.SUSPECT.search(content.decode("utf-8", "replace")):
            continue
        for document in load_each(content, path)[0]:
            for use in apis.uses(document.data) if isinstance(document.data, dict) else ():
                yield (
                    _said(use) | _whose(path, places) | {"source": "git", "place": f"{path}:{document.line}"}
                )


def _is_manifest(path: str, size: int) -> bool:
    return path.endswith((".yaml", ".yml")) and size <= LARGEST


def _whose(path: str, places: set[str]) -> dict[str, str]:
    """`apps/<team>/<service>/<environment>/…`; of any other path what it says of an environment."""
    parts = path.split("/")[:-1]
    environment = next((part for part in parts if part in places), "")
    if parts[:1] == ["apps"] and len(parts) > 2:
        return {"team": parts[1], "service": parts[2], "environment": environment}
    return {"team": "", "service": "", "environment": environment}


def _live() -> Iterator[dict[str, Any]]:
    owners = dict(Entity.objects.filter(kind="Component").values_list("ref", "owner_ref"))
    rows = KubeObject.objects.filter(kind__in=LIVE, owner_uid="").select_related("environment", "cluster")
    for row in rows.iterator(chunk_size=500):
        about = {
            "team": owners.get(row.entity_ref, "").rpartition("/")[2],
            "service": row.entity_ref.rpartition("/")[2],
            "environment": row.environment.name if row.environment else "",
            "place": f"{row.namespace} on {row.cluster.name}",
        }
        for use in apis.uses(row.data):
            yield _said(use) | about | {"source": "live"}


def _said(use: apis.Use) -> dict[str, str]:
    fate = use.fate
    return {
        "object": use.object, "what": use.what, "deprecated": fate.deprecated, "removed": fate.removed,
        "instead": fate.instead,
    }  # fmt: skip
