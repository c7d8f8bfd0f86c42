"""One diagnosis: what is wrong, what shows it, what to do, the form field that fixes it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from services.diagnosis import objects, times
from services.diagnosis.objects import Object, find

Severity = Literal["error", "warn", "info"]


@dataclass(frozen=True)
class Evidence:
    object: str
    field: str
    value: str
    at: str = ""


@dataclass(frozen=True)
class Finding:
    """`fix` names a field of the form that changes it, with a value where one is sure to be better."""

    id: str
    severity: Severity
    title: str
    evidence: list[Evidence]
    advice: str
    fix: dict[str, Any] | None = None
    object: str = ""


@dataclass
class Picture:
    """Everything known about some objects; each question is answered without looking through all of it.

    `whole`: what is not here is not there. `throttled`: by namespace/pod/container, the share of its time
    slices in which it was held back. `now` is when all this was so: the latest time it tells of. `nodes`: how
    many there are, where only some are here.
    """

    objects: Sequence[Object]
    events: Sequence[Object] = ()
    logs: Mapping[str, str] = field(default_factory=dict)
    whole: bool = True
    throttled: Mapping[str, float] = field(default_factory=dict)
    now: datetime | None = None
    nodes: int = 0

    def __post_init__(self) -> None:
        self.now = self.now or times.latest([*self.objects, *self.events])
        self._by_kind: dict[str, list[Object]] = defaultdict(list)
        for each in self.objects:
            self._by_kind[objects.kind(each)].append(each)
        self._events: dict[tuple[str, str], list[Object]] = defaultdict(list)
        for event in sorted(self.events, key=seen_at):
            about = find(event, "involvedObject") or find(event, "regarding") or {}
            self._events[str(about.get("kind")), str(about.get("name"))].append(event)

    def of_kind(self, *kinds: str) -> Iterable[Object]:
        return (each for kind in kinds for each in self._by_kind[kind])

    def has(self, kind: str, namespace: str, name: str) -> bool:
        return any(
            objects.name(each) == name and objects.namespace(each) == namespace
            for each in self._by_kind[kind]
        )

    def is_older(self, obj: Object, than: timedelta) -> bool:
        born = times.parse(find(obj, "metadata.creationTimestamp", ""))
        return bool(born and self.now and self.now - born > than)

    def throttled_share(self, pod: Object, container: str) -> float:
        return self.throttled.get(f"{objects.namespace(pod)}/{objects.name(pod)}/{container}", 0.0)

    def events_of(self, obj: Object, *reasons: str) -> list[Object]:
        """The object's events, oldest first; of these reasons only, where some are named."""
        found = self._events[objects.kind(obj), objects.name(obj)]
        return [each for each in found if not reasons or each.get("reason") in reasons]

    def owner_of(self, obj: Object) -> str:
        """Name of the workload on top: the Deployment of a ReplicaSet's pod, the CronJob of a Job's pod."""
        owning = objects.items(obj, "metadata.ownerReferences")
        if not owning:
            return objects.reference(obj)
        kind, name = str(owning[0].get("kind")), str(owning[0].get("name"))
        for parent in self._by_kind[kind]:
            if objects.name(parent) == name and objects.namespace(parent) == objects.namespace(obj):
                return self.owner_of(parent)
        return "/".join(part for part in (kind, objects.namespace(obj), name) if part)

    def log_of(self, pod: Object, container: str) -> str:
        """The last lines of a container, where somebody fetched them: by `namespace/pod/container`."""
        return self.logs.get(f"{objects.namespace(pod)}/{objects.name(pod)}/{container}", "")


def seen_at(event: Object) -> str:
    """When an event was last seen; the API has three places for it."""
    found = (
        find(event, "series.lastObservedTime")
        or find(event, "lastTimestamp")
        or find(event, "eventTime")
        or find(event, "metadata.creationTimestamp")
    )
    return str(found or "")


def message_of(event: Object) -> str:
    return str(event.get("message") or event.get("note") or "")


def evidence(obj: Object, field: str, value: Any, at: Any = "") -> Evidence:
    return Evidence(objects.reference(obj), field, str(value), str(at or ""))


def event_evidence(event: Object, obj: Object) -> Evidence:
    return evidence(obj, f"event {event.get('reason')}", message_of(event), seen_at(event))
