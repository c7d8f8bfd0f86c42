"""Git against live, service by service: compared by a worker, shown masked, put back or kept by people."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from textwrap import dedent
from typing import Any

from django.db.models import F
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters import deliveries, redaction
from services.clusters.models import Cluster, Drift, Environment, KubeObject
from services.integrations.errors import IntegrationError
from services.integrations.kube.objects import Ref
from services.manifests import differing, drift, pointers
from services.manifests.emit import dump
from services.manifests.images import parse as image_of
from services.manifests.merging import MISSING
from services.manifests.reader import Document

from . import queries
from .models import Request, Rollout

AT_ONCE = 30
LONGEST = 300
# How long a comparison counts before it is made again.
FRESH = timedelta(minutes=2)
NOT_APPLIED = ("kustomize.config.", "backstage.")
SCALERS = ("HorizontalPodAutoscaler", "ScaledObject")


@dataclass(frozen=True)
class Difference:
    """`file` and `document` are where git has it; `may_keep`: what is live can be written there."""

    ref: Ref
    document: Document
    drift: drift.Drift
    may_keep: bool

    @property
    def key(self) -> str:
        return f"{self.ref.kind} {self.ref.name}#{pointers.text(self.drift.path)}"


@dataclass(frozen=True)
class Found:
    state: str
    commit: str = ""
    problem: str = ""
    differences: list[Difference] = field(default_factory=list)
    git: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    live: dict[Ref, dict[str, Any]] = field(default_factory=dict)
    where: "queries.Deployed | None" = None


def compare(entity: Entity, place: Environment) -> Found:
    """Asks the git host and the cluster. Raises `integrations.errors`."""
    if moving := _on_its_way(entity, place):
        return Found(Drift.State.MOVING, problem=f"{moving.ref} is on its way")
    where = queries.deployed(entity, place)
    wanted = dict(_wanted(where, place))
    if not wanted:
        said = "The repository has no manifests of it for this environment"
        return Found(Drift.State.UNKNOWN, where.base, said)
    overrides = {each.image.repository: str(each.image) for each in where.places if each.is_override}
    live = {ref: obj for ref, obj in deliveries.live_of(place, list(wanted)) if obj is not None}
    scaled = _scaled(place, wanted)
    git = {ref: _with_images(each.data, overrides) for ref, each in wanted.items()}
    found = [
        Difference(
            ref, document, each, may_keep=bool(each.path) and not (overrides and each.path[-1] == "image")
        )
        for ref, document in wanted.items()
        for each in _of_one(git[ref], live.get(ref), is_scaled=(ref.kind, ref.name) in scaled)
    ]
    state = Drift.State.DIFFERS if found else Drift.State.SAME
    return Found(state, where.base, "", found, git, live, where)


def _of_one(git: dict[str, Any], live: dict[str, Any] | None, *, is_scaled: bool) -> list[drift.Drift]:
    if live is None:
        return [drift.Drift((), git, MISSING)]
    return drift.drift(git, live, is_scaled=is_scaled)


def _on_its_way(entity: Entity, place: Environment) -> Request | None:
    """What was merged and is not there yet: then git is ahead, and nothing is amiss."""
    here = Rollout.objects.filter(environment=place.name).exclude(
        state__in=[Rollout.State.HEALTHY, Rollout.State.PROGRESSING]
    )
    rows = Request.objects.open().about(entity.ref).filter(rollouts__in=here).exclude(merge_sha="")
    return rows.filter(rollouts__applied_at=None).first()


def _wanted(where: "queries.Deployed", place: Environment) -> Iterator[tuple[Ref, Document]]:
    for document in differing.documents_of(where.files):
        version, about = str(document.data.get("apiVersion") or ""), document.data.get("metadata")
        if not version or version.startswith(NOT_APPLIED) or not isinstance(about, Mapping):
            continue
        if about.get("name") and about.get("namespace", place.namespace) == place.namespace:
            ref = Ref(version, str(document.data.get("kind")), str(about["name"]), place.namespace)
            yield ref, document


def _with_images(data: dict[str, Any], overrides: Mapping[str, str]) -> dict[str, Any]:
    """As a kustomization beside it would have it."""
    if not overrides:
        return data
    path = ("spec", "template", "spec", "containers")
    containers = pointers.find(data, path)
    for index, each in enumerate(containers if isinstance(containers, list) else ()):
        try:
            repository = image_of(str(each["image"])).repository
        except (ValueError, KeyError, TypeError):
            continue
        if repository in overrides:
            data = pointers.with_value(data, (*path, index, "image"), overrides[repository])
    return data


def _scaled(place: Environment, wanted: Mapping[Ref, Document]) -> set[tuple[str, str]]:
    """What an autoscaler decides about, by what is in git and what was seen."""
    specs = [each.data.get("spec") for ref, each in wanted.items() if ref.kind in SCALERS]
    specs += [
        row.spec for row in KubeObject.objects.filter(environment=place, kind="HorizontalPodAutoscaler")
    ]
    found = set()
    for spec in specs:
        target = (spec or {}).get("scaleTargetRef") or {}
        found.add((str(target.get("kind") or "Deployment"), str(target.get("name"))))
    return found


# shown


def shown(each: Difference) -> dict[str, Any]:
    """As it is kept and read: masked, cut, in words."""
    one = each.drift
    return {
        "key": each.key,
        "object": f"{each.ref.kind} {each.ref.name}",
        "path": pointers.text(one.path) or "the whole object",
        "git": _said(each, one.git),
        "live": _said(each, one.live),
        "manager": one.manager,
        "since": one.since,
        "file": each.document.file,
        "may_keep": each.may_keep,
    }


def _said(each: Difference, value: Any) -> str:
    if value is MISSING:
        return ""
    if not each.drift.path:
        return "there"
    return redaction.MASK if _is_secret(each) else said(value)


def said(value: Any) -> str:
    """A value from a manifest as people read it: no secret in it, and cut."""
    several = value if isinstance(value, list) else [value]
    cleared = redaction.pruned({"metadata": {}, "spec": {"env": several}})["spec"]["env"]
    value = cleared if isinstance(value, list) else cleared[0]
    if isinstance(value, dict | list):
        value = dedent(dump([{"x": value}]).partition("\n")[2]).rstrip() if value else str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _is_secret(each: Difference) -> bool:
    """By its own name, or that of the variable it is the value of."""
    path = each.drift.path
    beside = pointers.find(each.document.data, path[:-1]) if path[-1] == "value" else None
    name = beside.get("name") if isinstance(beside, Mapping) else path[-1]
    return bool(redaction.SECRET_NAME.search(str(name)))


# the round


def sweep(at_once: int = AT_ONCE) -> int:
    """Compares those that were compared longest ago. One that cannot be compared holds up no other."""
    _list()
    old = Drift.objects.exclude(as_of__gt=timezone.now() - FRESH)
    rows = old.select_related("environment__cluster").order_by(F("as_of").asc(nulls_first=True))
    chosen = list(rows[:at_once])
    entities = {each.ref: each for each in Entity.objects.filter(ref__in={row.entity_ref for row in chosen})}
    for row in chosen:
        look(row, entities.get(row.entity_ref))
    return len(chosen)


def _list() -> None:
    """A row for each service that runs somewhere and is in the catalog; none for those that do not."""
    runs = KubeObject.objects.workloads().filter(environment__is_preview=False).exclude(entity_ref="")
    pairs = set(runs.values_list("environment_id", "entity_ref").distinct())
    known = set(Entity.objects.filter(ref__in={ref for _, ref in pairs}).values_list("ref", flat=True))
    pairs = {pair for pair in pairs if pair[1] in known}
    had = {
        (each.environment_id, each.entity_ref): each.pk
        for each in Drift.objects.only("environment_id", "entity_ref")
    }
    Drift.objects.filter(pk__in=[pk for pair, pk in had.items() if pair not in pairs]).delete()
    fresh = [Drift(environment_id=place, entity_ref=ref) for place, ref in pairs - had.keys()]
    Drift.objects.bulk_create(fresh, ignore_conflicts=True)


def look(row: Drift, entity: Entity | None) -> Drift:
    """One service in one environment, compared and written down."""
    cluster = row.environment.cluster
    if cluster.state in (Cluster.State.UNREACHABLE, Cluster.State.REFUSED):
        return write(row, Found(Drift.State.UNKNOWN, problem=f"{cluster} cannot be asked: {cluster.problem}"))
    if entity is None:
        return write(row, Found(Drift.State.UNKNOWN, problem="It is not in the catalog any more"))
    try:
        return write(row, compare(entity, row.environment))
    except IntegrationError as error:
        return write(row, Found(Drift.State.UNKNOWN, problem=str(error)[:500]))


def write(row: Drift, found: Found) -> Drift:
    """What could not be compared keeps what was seen last, and says why."""
    now = timezone.now()
    row.as_of, row.state, row.problem = now, found.state, found.problem
    if found.state in (Drift.State.SAME, Drift.State.DIFFERS):
        row.fields = [shown(each) for each in found.differences]
        row.count, row.commit = len(row.fields), found.commit
        row.since = (row.since or now) if row.count else None
    row.save()
    return row
