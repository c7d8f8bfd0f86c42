"""What was merged, on its way to an environment that Argo CD or Flux brings it to."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from services.clusters import deliveries
from services.clusters.deliveries import Deliverer, Way
from services.clusters.models import Environment
from services.diagnosis import delivery
from services.diagnosis.delivery import Report
from services.diagnosis.findings.model import Evidence, Finding
from services.diagnosis.health import assess
from services.diagnosis.objects import condition, find
from services.integrations import githosts
from services.integrations.errors import IntegrationError, NotFound
from services.integrations.githosts.base import GitHost
from services.integrations.kube.errors import Forbidden, KindUnknown
from services.integrations.kube.objects import Ref

from . import applying
from .models import Request, Rollout

HELM_RELEASE = "HelmRelease"
# Flux applied it, and what runs did not become well in time: what runs says why.
UNWELL = "HealthCheckFailed"


@dataclass(frozen=True)
class Seen:
    """`word` is waits, failed or synced; of what is synced `applied` and `removed` are as of an apply."""

    word: str
    message: str
    finding: dict[str, Any] | None = None
    revision: str = ""
    applied: list[dict[str, Any]] = field(default_factory=list)
    removed: list[dict[str, Any]] = field(default_factory=list)
    is_unwell: bool = False


def place_named(name: str) -> tuple[Environment | None, Way | None]:
    place = Environment.objects.select_related("cluster").filter(name=name).first()
    return place, deliveries.way_of(place) if place else None


def ask(request: Request, environment: str) -> dict[str, Any] | None:
    """Has the tool look for the commit now. None where the portal applies itself.

    What cannot be found or done is told by `seen` a moment later. Raises kube's errors for no answer at all.
    """
    place, way = place_named(environment)
    if place is None or way is None or request.kind == Request.Kind.END:
        return None
    told: dict[str, Any] = {"by": way.by, "asked_at": timezone.now().isoformat(), "commit": request.merge_sha}
    try:
        found = [each for each in _chosen(place, way, request).values() if each is not None]
    except (KindUnknown, Forbidden):
        return told
    again = request.merge_sha if request.attempt else ""
    heard = [deliveries.nudge(place, each, again_at=again) for each in found]
    told["heard"] = all(heard)
    return told


def _chosen(place: Environment, way: Way, request: Request) -> dict[str, Deliverer | None]:
    """By folder of the request, what is closest about it; None where nothing is."""
    known = deliveries.deliverers(place, way)
    return {
        folder: _closest(known, request.repo, folder, place.namespace)
        for folder in applying.folders_of(request, place.name)
    }


def about(place: Environment, repo: str, folders: Iterable[str]) -> list[Deliverer]:
    """What brings these folders there, each once. Raises kube's errors."""
    way = deliveries.way_of(place)
    known = deliveries.deliverers(place, way) if way else []
    found = [_closest(known, repo, folder, place.namespace) for folder in sorted(folders)]
    return list({each.ref: each for each in found if each is not None}.values())


def _closest(known: list[Deliverer], repo: str, folder: str, namespace: str) -> Deliverer | None:
    """The one with the longest path; of several, the one that brings to this namespace."""
    ranked = [
        (
            max(delivery.covers(source, repo, folder) for source in each.sources),
            _is_for(each, namespace),
            each,
        )
        for each in known
    ]
    best = max(ranked, key=lambda one: one[:2], default=None)
    return best[2] if best and best[0] else None


def _is_for(each: Deliverer, namespace: str) -> bool:
    spec = each.obj.get("spec") or {}
    return namespace in ((spec.get("destination") or {}).get("namespace"), spec.get("targetNamespace"))


def seen(request: Request, rollout: Rollout) -> Seen | None:
    """Where it is; None where the environment is not delivered to any more."""
    place, way = place_named(rollout.environment)
    if place is None or way is None:
        return None
    try:
        return _seen(request, rollout, place, way)
    except KindUnknown as error:
        advice = f"Install {way.tool}, or have the portal apply to {place} itself (page of the cluster)."
        return _failed(f"{place.cluster} has no {way.tool}", str(error), advice)
    except Forbidden as error:
        advice = "Apply the role on the page of the cluster, then try again."
        return _failed(f"The portal may not read what {way.tool} says", str(error), advice)
    except IntegrationError as error:
        return Seen("waits", f"{place.cluster} or the git host does not answer: {error}"[:300])


def _seen(request: Request, rollout: Rollout, place: Environment, way: Way) -> Seen:
    chosen = _chosen(place, way, request)
    lost = next((folder for folder, each in chosen.items() if each is None), None)
    if lost is not None:
        kind = deliveries.BY[way.by]
        title = f"No {kind} of {way.tool} is about {lost}"
        said = f"None in {way.namespace} reads that folder of {request.repo}."
        advice = f"Make {'an' if kind[0] in 'AEIOU' else 'a'} {kind} for it, then try again."
        return _failed(title, said, advice)
    host, revision = githosts.get(request.provider), request.merge_sha
    for folder, each in chosen.items():
        assert each is not None  # `lost` says so
        found = _of_one(request, rollout, way, each, folder, host)
        if found.word != "synced":
            return found
        revision = _later(host, request.repo, revision, found.revision)
    return _arrived(request, place, way, [each for each in chosen.values() if each], revision)


def _later(host: GitHost, repo: str, one: str, other: str) -> str:
    return other if _has(host, repo, one, other) else one


def _has(host: GitHost, repo: str, commit: str, revision: str) -> bool:
    """Whether a revision contains the commit; one the host does not know is another repository's."""
    try:
        return bool(revision) and (revision == commit or host.is_ancestor(repo, commit, revision))
    except NotFound:
        return False


def _of_one(
    request: Request, rollout: Rollout, way: Way, each: Deliverer, folder: str, host: GitHost
) -> Seen:
    said = delivery.report(each.obj, each.repository)
    ours = [n for n, source in enumerate(each.sources) if delivery.covers(source, request.repo, folder)]
    here = [said.here[n] for n in ours if n < len(said.here)]
    tried = [said.tried[n] for n in ours if n < len(said.tried)]
    if said.word == "broken":
        return _told(each, said, f"{said.name} cannot bring anything")
    if said.word == "failed" and any(_has(host, request.repo, request.merge_sha, one) for one in tried):
        return _told(each, said, f"{said.name} could not bring it")
    arrived = [one for one in here if _has(host, request.repo, request.merge_sha, one)]
    if arrived and said.word != "works":
        return Seen("synced", f"{said.name} has it", revision=arrived[0])
    if _is_gone(rollout, way, each, said):
        advice = f"Look at the pods in {way.namespace}: nobody works on what is asked there."
        return _failed(f"{way.tool} does not react", f"{said.name} was asked, and nobody answered.", advice)
    return Seen("waits", _waiting(way, said, here))


def _is_gone(rollout: Rollout, way: Way, each: Deliverer, said: Report) -> bool:
    asked = parse_datetime(str(rollout.delivery.get("asked_at") or ""))
    if asked is None or timezone.now() - asked < way.patience or said.is_suspended:
        return False
    return deliveries.is_deaf(each) or said.word == "silent"


def _waiting(way: Way, said: Report, here: list[str]) -> str:
    """What it waits for, most of all where that is a person."""
    if said.is_suspended:
        return f"{said.name} is suspended: somebody has to resume it"
    at = f"; it is at {here[0][:8]}" if here and here[0] else ""
    if said.word == "works":
        return f"{said.name}: {said.says}"[:300]
    if not said.is_automatic:
        return f"{said.name} is synced by hand: somebody has to press Sync{at}"
    if said.word == "failed":
        return f"{said.name} has not come to this commit{at}; before it failed: {said.says}"[:300]
    return f"{said.name} {said.says or 'has not come to this commit yet'}{at}"


def _told(each: Deliverer, said: Report, title: str) -> Seen:
    where = f"{each.obj['kind']}/{each.ref.namespace}/{each.ref.name}"
    evidence = Evidence(where, "status", said.says, said.at)
    advice = "Correct what it names in git, or where it is set up, then try again."
    finding = Finding("out-of-sync", "error", title, [evidence], advice, object=where)
    return Seen("failed", said.says or title, asdict(finding), is_unwell=said.says.startswith(UNWELL))


def _failed(title: str, message: str, advice: str) -> Seen:
    return Seen("failed", message, asdict(Finding("out-of-sync", "error", title, [], advice)))


def _arrived(request: Request, place: Environment, way: Way, found: list[Deliverer], revision: str) -> Seen:
    """The commit is there, and so are its objects: those on the list of the tool, where it keeps one."""
    has = [delivery.report(each.obj, each.repository).has for each in found]
    listed = None if None in has or not has else frozenset().union(*(each for each in has if each))
    wanted = list(_wanted(request, place, revision, listed))
    live = list(deliveries.live_of(place, wanted))
    missing = [ref for ref, obj in live if obj is None]
    if missing:
        said = f"{missing[0].kind} {missing[0].name} is not there"
        return Seen("waits", f"{way.tool} has the commit, but {said}")
    objs = [obj for _, obj in live if obj is not None]
    if waiting := _release(objs):
        return waiting
    prunes = all(delivery.report(each.obj, each.repository).prunes for each in found)
    removed = [
        applying.removal(Ref.of(obj), "removed" if prunes else "kept")
        for obj in applying.gone_from(request, place.name)
        if Ref.of(obj) not in wanted
    ]
    applied = [applying.identity(obj) for obj in objs]
    return Seen("synced", "", revision=revision, applied=applied, removed=removed)


def _wanted(
    request: Request, place: Environment, revision: str, listed: frozenset[tuple[str, str, str]] | None
) -> Iterator[Ref]:
    for obj in applying.objects_of(request, place.name, revision):
        ref = Ref.of(obj)
        ref = Ref(ref.api_version, ref.kind, ref.name, ref.namespace or place.namespace)
        if listed is None or (ref.kind, ref.namespace, ref.name) in listed:
            yield ref


def _release(objs: list[dict[str, Any]]) -> Seen | None:
    """A HelmRelease is an order of its own: it has to be carried out as well."""
    for obj in objs:
        if obj["kind"] != HELM_RELEASE:
            continue
        judged, name = assess(obj), f"HelmRelease {obj['metadata']['name']}"
        message = str(condition(obj, "Ready").get("message") or judged.message)
        seen_at = find(obj, "status.observedGeneration")
        if judged.status == "Degraded":
            return _failed(f"{name} could not be installed", message, "Correct its values or chart.")
        if judged.status != "Healthy" or seen_at != find(obj, "metadata.generation"):
            return Seen("waits", f"{name}: {message or 'not installed yet'}"[:300])
    return None
