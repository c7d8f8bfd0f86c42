"""What pages show of a service in an environment, made from the watched objects."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from services.clusters.deeds import Deed, possible
from services.clusters.models import WORKLOADS, Environment, Health, KubeEvent, KubeObject
from services.clusters.parts import Part, parts_of, resources_of
from services.diagnosis.amounts import cores, size

WORST_FIRST = [
    Health.DEGRADED, Health.MISSING, Health.PROGRESSING, Health.UNKNOWN, Health.SUSPENDED, Health.HEALTHY,
]  # fmt: skip
REQUEST = "slipway.dev/request"
Usages = Mapping[str, Mapping[str, Any]]  # by pod and container: cores and bytes
REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class ContainerState:
    """`state` is running, waiting or terminated; `last_…` tells how its previous run ended."""

    name: str
    image: str
    state: str
    reason: str
    message: str
    ready: bool
    restarts: int
    limit: str
    resources: str
    since: datetime | None
    uses: str
    last_reason: str
    last_exit: int | None
    last_at: datetime | None


@dataclass(frozen=True)
class PodState:
    name: str
    health: str
    message: str
    phase: str
    node: str
    born_at: datetime | None
    ready: bool
    restarts: int
    containers: list[ContainerState]

    @property
    def word(self) -> str:
        """What it does, in one word: the reason of a container that waits or ended, else the phase."""
        silent = ("", "Completed")
        stuck = [c.reason for c in self.containers if c.state != "running" and c.reason not in silent]
        unready = "Not ready" if self.phase == "Running" and not self.ready else self.phase or "Unknown"
        return stuck[0] if stuck else unready


@dataclass(frozen=True)
class WorkloadState:
    """`request` is the number of the request that last wrote it, `R-1001`; empty for anything else."""

    kind: str
    name: str
    health: str
    message: str
    ready: int
    desired: int
    image: str
    version: str
    restarts: int
    generation: int
    observed_generation: int
    request: str
    changed_at: datetime | None
    pods: list[PodState]
    is_paused: bool

    @property
    def may_do(self) -> list[Deed]:
        return possible(self.kind, is_paused=self.is_paused)


@dataclass(frozen=True)
class News:
    """The same event of several objects, told once."""

    reason: str
    message: str
    is_warning: bool
    count: int
    last_at: datetime
    kind: str
    names: list[str]


def news_of(events: Iterable[KubeEvent]) -> list[News]:
    """Events grouped by what they say but for the name; warnings first, then the latest."""
    groups: dict[tuple[str, str, str, bool], list[KubeEvent]] = defaultdict(list)
    for event in events:
        said = event.message.replace(event.involved_name, "…")
        groups[event.involved_kind, event.reason, said, event.is_warning].append(event)
    found = [
        News(
            reason=reason,
            message=same[0].message if len(same) == 1 else said,
            is_warning=is_warning,
            count=sum(event.count for event in same),
            last_at=max(event.last_at for event in same),
            kind=kind,
            names=sorted({event.involved_name for event in same}),
        )
        for (kind, reason, said, is_warning), same in groups.items()
    ]
    return sorted(found, key=lambda news: (not news.is_warning, -news.last_at.timestamp()))


@dataclass(frozen=True)
class EnvironmentState:
    """`stale`: the picture is older than a live page may show; `health` is then what it last was."""

    environment: Environment
    health: str
    message: str
    ready: int
    desired: int
    image: str
    version: str
    changed_at: datetime | None
    as_of: datetime | None
    stale: bool
    simulated: bool
    workloads: list[WorkloadState]
    findings: list[Any]
    events: list[KubeEvent]
    rows: Sequence[KubeObject]

    @property
    def parts(self) -> list[Part]:
        return parts_of(self.rows)

    @property
    def news(self) -> list[News]:
        return news_of(self.events)

    @property
    def restarts(self) -> int:
        return sum(workload.restarts for workload in self.workloads)

    @property
    def shown_health(self) -> str:
        """Unknown once stale: what it was is no news."""
        return str(Health.UNKNOWN) if self.stale else self.health


def worst(healths: Iterable[str]) -> str:
    """The health that deserves to be shown for several things."""
    found = list(healths)
    return next((str(h) for h in WORST_FIRST if h in found), str(Health.UNKNOWN))


def version_of(image: str) -> str:
    """The tag of an image, or the first letters of its digest."""
    rest, _, digest = image.partition("@")
    tag = rest.rpartition("/")[2].partition(":")[2]
    return tag or digest.removeprefix("sha256:")[:12]


def counts_of(kind: str, spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[int, int]:
    """Ready and wanted, as each kind counts."""
    if kind == "DaemonSet":
        return int(status.get("numberReady") or 0), int(status.get("desiredNumberScheduled") or 0)
    if kind == "Job":
        return int(status.get("succeeded") or 0), int(spec.get("completions") or 1)
    if kind == "CronJob":
        return 0, 0
    return int(status.get("readyReplicas") or 0), int(spec.get("replicas") or 0)


def time(value: Any) -> datetime | None:
    """A Kubernetes time, or None for anything else."""
    try:
        return parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        return None


def changed_at(obj: Mapping[str, Any]) -> datetime | None:
    """When a workload last rolled out, as far as it says."""
    for condition in (obj.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "Progressing" and condition.get("lastUpdateTime"):
            return time(condition["lastUpdateTime"])
    return time(obj["metadata"].get("creationTimestamp"))


def image_of(row: KubeObject) -> str:
    spec = row.spec
    if row.kind == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    containers = ((spec.get("template") or {}).get("spec") or {}).get("containers") or [{}]
    return str(containers[0].get("image") or "")


def _container(status: Mapping[str, Any], spec: Mapping[str, Any], used: Mapping[str, Any]) -> ContainerState:
    cpu, memory = used.get(str(status.get("name")), (None, None))
    state = status.get("state") or {}
    word = next(iter(state), "waiting")
    now = state.get(word) or {}
    last = (status.get("lastState") or {}).get("terminated") or {}
    return ContainerState(
        name=str(status.get("name") or ""),
        image=str(status.get("image") or ""),
        state=word,
        reason=str(now.get("reason") or ""),
        message=str(now.get("message") or ""),
        ready=bool(status.get("ready")),
        restarts=int(status.get("restartCount") or 0),
        limit=str(((spec.get("resources") or {}).get("limits") or {}).get("memory") or ""),
        resources=resources_of(spec),
        since=time(now.get("startedAt")),
        uses="" if cpu is None else f"uses {cores(cpu)} CPU and {size(memory)} memory",
        last_reason=str(last.get("reason") or ""),
        last_exit=last.get("exitCode"),
        last_at=time(last.get("finishedAt")),
    )


def _pod(row: KubeObject, used: Mapping[str, Any]) -> PodState:
    specs = {c.get("name"): c for part in ("containers", "initContainers") for c in row.spec.get(part) or []}
    statuses = [
        *(row.status.get("initContainerStatuses") or []),
        *(row.status.get("containerStatuses") or []),
    ]
    containers = [_container(s, specs.get(s.get("name"), {}), used) for s in statuses if isinstance(s, dict)]
    return PodState(
        name=row.name,
        health=row.health,
        message=row.health_message,
        phase=str(row.status.get("phase") or ""),
        node=str(row.spec.get("nodeName") or ""),
        born_at=row.born_at,
        ready=bool(containers) and all(c.ready for c in containers if c.state != "terminated"),
        restarts=sum(c.restarts for c in containers),
        containers=containers,
    )


def _workload(row: KubeObject, pods: list[KubeObject], used: Usages) -> WorkloadState:
    ready, desired = counts_of(row.kind, row.spec, row.status)
    image = image_of(row)
    metadata = row.data.get("metadata") or {}
    ordered = sorted(pods, key=lambda p: (p.health == Health.HEALTHY, p.name))
    shown = [_pod(pod, used.get(pod.name, {})) for pod in ordered]
    return WorkloadState(
        kind=row.kind,
        name=row.name,
        health=row.health,
        message=row.health_message,
        ready=ready,
        desired=desired,
        image=image,
        version=version_of(image),
        restarts=sum(pod.restarts for pod in shown),
        generation=int(metadata.get("generation") or 0),
        observed_generation=int(row.status.get("observedGeneration") or 0),
        request=str((metadata.get("annotations") or {}).get(REQUEST) or ""),
        changed_at=row.changed_at,
        pods=shown,
        is_paused=bool(row.spec.get("paused") or row.spec.get("suspend")),
    )


def _descendants(row: KubeObject, children: Mapping[str, list[KubeObject]]) -> list[KubeObject]:
    found: list[KubeObject] = []
    for child in children.get(row.uid, []):
        found += [child, *_descendants(child, children)]
    return found


def workloads_of(rows: Sequence[KubeObject], used: Usages | None = None) -> list[WorkloadState]:
    """What people deployed, each with the pods it made; `used` by pod and container."""
    children: dict[str, list[KubeObject]] = defaultdict(list)
    for row in rows:
        if row.owner_uid:
            children[row.owner_uid].append(row)
    tops = [row for row in rows if row.kind in WORKLOADS and not row.owner_uid]
    tops.sort(key=lambda row: (WORKLOADS.index(row.kind), row.name))
    pods = {t.pk: [d for d in _descendants(t, children) if d.kind == "Pod"] for t in tops}
    return [_workload(t, pods[t.pk], used or {}) for t in tops]


def environment_state(
    environment: Environment,
    rows: Sequence[KubeObject],
    events: list[KubeEvent],
    findings: list[Any],
    used: Usages | None = None,
) -> EnvironmentState:
    found = workloads_of(rows, used)
    counted = [w for w in found if w.kind not in ("Job", "CronJob")]
    main = (counted or found)[0]
    times = [w.changed_at for w in found if w.changed_at]
    cluster = environment.cluster
    return EnvironmentState(
        environment=environment,
        health=worst(w.health for w in found),
        message=next((w.message for w in found if w.health == worst(w.health for w in found)), ""),
        ready=sum(w.ready for w in counted),
        desired=sum(w.desired for w in counted),
        image=main.image,
        version=main.version,
        changed_at=max(times, default=None),
        as_of=cluster.heard_at,
        stale=cluster.is_stale,
        simulated=cluster.is_simulated,
        workloads=found,
        findings=findings,
        events=events,
        rows=rows,
    )
