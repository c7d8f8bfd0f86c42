"""Reading what the watcher saw. Pages never ask a cluster, but for a log."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count, Q, QuerySet
from django.utils import timezone

from portal.shell.frozen import Frozen
from services.audit import queries as audit
from services.audit.models import Event
from services.clusters import changes, diagnosing, picture, redaction, sealing
from services.clusters.models import (
    STALE_AFTER,
    WORKLOADS,
    Cluster,
    Drift,
    Environment,
    Health,
    KubeEvent,
    KubeObject,
    Usage,
)
from services.clusters.picture import EnvironmentState
from services.diagnosis.health import assess
from services.diagnosis.judgement import Health as Judged
from services.effects.models import Effect
from services.effects.queries import effects_for
from services.integrations.kube import errors
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref

RECENT = timedelta(hours=1)
MEASURED_LATELY = timedelta(minutes=5)
EVENTS_SHOWN = 40
OBJECTS_SHOWN = 400
AROUND_SHOWN = 200
LOG_LINES = 60
DEEDS_SHOWN = 4


def environments() -> QuerySet[Environment]:
    """Those that stay, in their order."""
    return Environment.objects.standing().select_related("cluster").order_by("position", "name")


def clusters() -> QuerySet[Cluster]:
    return Cluster.objects.annotate(objects_count=Count("objects_seen")).prefetch_related(
        "environments", "watches"
    )


def client_for(cluster: Cluster, timeout: float | None = None) -> KubeClient:
    """A client to use in `with`. Raises kube's Unauthorised when the token cannot be opened any more."""
    try:
        token = sealing.unseal(cluster.token_sealed) if cluster.token_sealed else ""
    except sealing.CannotOpen as error:
        raise errors.Unauthorised(f"The token of {cluster.name} must be entered again.") from error
    return KubeClient(cluster.server, token, cluster.ca, timeout or settings.HTTP_TIMEOUT)


def _picture(ref: str) -> QuerySet[KubeObject]:
    """The objects of an entity, and around them: the quotas and policies of its environments, its clusters'
    classes of routes, and nodes that are lost."""
    own = KubeObject.objects.filter(entity_ref=ref)
    lost = Q(kind="Node", health=Health.DEGRADED) | Q(kind="IngressClass")
    wide = lost & Q(cluster__in=own.order_by().values("cluster"))
    places = own.order_by().values("environment")
    near = Q(kind__in=("ResourceQuota", "NetworkPolicy"), environment__in=places)
    around = KubeObject.objects.filter(wide | near, entity_ref="")
    shown = (own, OBJECTS_SHOWN), (around, AROUND_SHOWN)
    one, other = (rows.select_related("environment__cluster")[:most] for rows, most in shown)
    return one.union(other, all=True)


picture_of = Frozen(_picture, ref="")


def _events(entity_ref: str) -> dict[int, list[KubeEvent]]:
    """The latest events of each environment."""
    found: dict[int, list[KubeEvent]] = defaultdict(list)
    events = KubeEvent.objects.filter(entity_ref=entity_ref, last_at__gte=timezone.now() - RECENT)
    for event in events.select_related("environment")[: EVENTS_SHOWN * 4]:
        if len(found[event.environment_id]) < EVENTS_SHOWN:
            found[event.environment_id].append(event)
    return found


def live_state(entity_ref: str, *, measured: bool = False) -> list[EnvironmentState]:
    """The service in each environment it runs in, in their order; empty when it runs nowhere we watch.

    `measured`: with what its containers use, which is one question more.
    """
    ref = entity_ref.lower()
    rows, others = _parted(picture_of(ref=ref), ref)
    where = _where_it_runs(rows)
    events = _events(ref) if rows else {}
    around = _around(where, others)
    used = _used(ref) if where and measured else {}
    return [
        picture.environment_state(
            environment,
            rows[environment.pk],
            events[environment.pk],
            diagnosing.findings_of(
                rows[environment.pk], events[environment.pk], around=around[environment.pk]
            ),
            used.get(environment.pk),
        )
        for environment in where
    ]


def _used(entity_ref: str) -> dict[int, dict[str, Any]]:
    """By environment, what its pods used when they were last measured."""
    fresh = timezone.now() - MEASURED_LATELY
    rows = Usage.objects.filter(entity_ref=entity_ref.lower(), at__gte=fresh)
    return dict(rows.values_list("environment_id", "pods"))


def _parted(found: Iterable[KubeObject], ref: str) -> tuple[dict[int, list[KubeObject]], list[KubeObject]]:
    """Its own by environment, and what stands around."""
    rows: dict[int, list[KubeObject]] = defaultdict(list)
    around = []
    for row in found:
        if row.entity_ref != ref:
            around.append(row)
        elif row.environment_id is not None:  # what is of no namespace is of no service
            rows[row.environment_id].append(row)
    return rows, around


def _around(environments: Sequence[Environment], rows: Sequence[KubeObject]) -> dict[int, list[KubeObject]]:
    """What stands around each environment, in its cluster and its namespace."""
    found: dict[int, list[KubeObject]] = defaultdict(list)
    for each in environments:
        here = {(each.pk, each.cluster_id), (None, each.cluster_id)}
        found[each.pk] = [row for row in rows if (row.environment_id, row.cluster_id) in here]
    return found


def _where_it_runs(rows: dict[int, list[KubeObject]]) -> list[Environment]:
    """The environments with a workload of its own, in their order."""
    found = [
        objects[0].place
        for objects in rows.values()
        if any(row.kind in WORKLOADS and not row.owner_uid for row in objects)
    ]
    return sorted(found, key=lambda environment: (environment.position, environment.name))


def workloads_in(environment: Environment) -> QuerySet[KubeObject]:
    """What people deployed there, whosever it is."""
    return KubeObject.objects.workloads().filter(environment=environment).order_by("name", "kind")


def counts(row: KubeObject) -> tuple[int, int]:
    """Pods that are ready, and pods that are wanted, of a workload."""
    return picture.counts_of(row.kind, row.spec, row.status)


def _healths() -> QuerySet[KubeObject, tuple[str, str, str, Any]]:
    return KubeObject.objects.workloads().values_list(
        "entity_ref", "environment__name", "health", "environment__cluster__heard_at"
    )


seen_healths: Any = Frozen(lambda refs: _healths().filter(entity_ref__any_of=refs), refs=[""])


def health_by_entity(refs: Iterable[str]) -> dict[str, dict[str, str]]:
    """Health by environment name for each of `refs` that runs somewhere: one query. Stale is Unknown."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    fresh = timezone.now() - STALE_AFTER
    for ref, environment, health, heard_at in seen_healths(refs=list(refs)):
        known = heard_at is not None and heard_at >= fresh
        found[ref][environment].append(health if known else str(Health.UNKNOWN))
    return {
        ref: {environment: picture.worst(healths) for environment, healths in by_environment.items()}
        for ref, by_environment in found.items()
    }


def refs_with(health: str) -> set[str]:
    """Every entity that has this health in some environment."""
    rows = KubeObject.objects.workloads().filter(health=health).exclude(entity_ref="")
    return set(rows.values_list("entity_ref", flat=True))


def snapshot(entity_ref: str) -> dict[str, Any]:
    """The redacted state of a service everywhere, to be frozen: objects, events, when each was seen."""
    ref = entity_ref.lower()
    rows, _ = _parted(picture_of(ref=ref), ref)
    events = _events(ref)
    return {
        environment.name: {
            "cluster": environment.cluster.name,
            "namespace": environment.namespace,
            "as_of": environment.cluster.heard_at.isoformat() if environment.cluster.heard_at else None,
            "objects": [_frozen(row) for row in rows[environment.pk]],
            "events": [_told(event) for event in events[environment.pk]],
        }
        for environment in Environment.objects.select_related("cluster").order_by("position", "name")
        if rows[environment.pk]
    }


def _frozen(row: KubeObject) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "name": row.name,
        "health": row.health,
        "message": row.health_message,
        "spec": row.spec,
        "status": row.status,
    }


def _told(event: KubeEvent) -> dict[str, Any]:
    about = f"{event.involved_kind}/{event.involved_name}"
    return {
        "object": about,
        "reason": event.reason,
        "message": event.message,
        "count": event.count,
        "last_at": event.last_at.isoformat(),
    }


def done_by_people(entity: Any) -> QuerySet[Event]:
    """What people did to what runs of it, of late."""
    recent = timezone.now() - changes.LOOKED_BACK
    return audit.events_for(entity).filter(action__startswith="workload.", at__gte=recent)


def drifts_of(entity_ref: str) -> QuerySet[Drift]:
    """Where it is not as git says, as it was last compared."""
    return Drift.objects.differing().filter(entity_ref=entity_ref).select_related("environment")


def deeds_of(entity: Any) -> QuerySet[Effect]:
    """What people asked for of late, and what came of it; the latest first."""
    asked = effects_for(entity).filter(kind="clusters.steer", created_at__gte=timezone.now() - RECENT)
    return asked.order_by("-created_at")[:DEEDS_SHOWN]


def log_tail(environment: Environment, pod: str, container: str, *, previous: bool = False) -> list[str]:
    """The last lines of a container, redacted and bounded. Raises kube's errors."""
    with client_for(environment.cluster, timeout=5.0) as client:
        text = client.logs(environment.namespace, pod, container, previous=previous, tail=LOG_LINES)
    return [line[:500] for line in redaction.redact_text(text).splitlines()[-LOG_LINES:]]


def healths_of(environment: Environment, refs: Iterable[Ref]) -> list[tuple[Ref, Judged]]:
    """How objects are that nobody watches, asked now. Raises kube's errors."""
    with client_for(environment.cluster, timeout=5.0) as client:
        return [(ref, assess(client.get(ref))) for ref in refs]


def still_there(environment: Environment, refs: Iterable[Ref]) -> list[Ref]:
    """Those of them that the cluster still has, asked now. Raises kube's errors but for what is gone."""
    with client_for(environment.cluster, timeout=5.0) as client:
        return [ref for ref in refs if client.find(ref) is not None]


def pod_of(entity_ref: str, environment: Environment, name: str) -> KubeObject | None:
    """A pod, if it belongs to the entity: the way to its log goes through the service's page."""
    return KubeObject.objects.filter(
        entity_ref=entity_ref.lower(), environment=environment, kind="Pod", name=name
    ).first()
