"""A set of services planned: which of them, what comes of their manifests, what the guardrails say."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from services.accounts.models import Team
from services.catalog import reach
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.manifests import emit, images, objects, pointers
from services.manifests.check import Finding, check, counts
from services.manifests.copying import Copied, Item, Target, copy
from services.onboarding.models import Request

from ..errors import Impossible
from ..models import PREFIX
from ..models import ref_of as ref_of
from . import space as space
from .gathering import Gathered, gather

MOST_SERVICES = 120
ENTITY = "slipway.dev/entity"
REQUEST = "slipway.dev/request"
PREVIEW = "slipway.dev/preview"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")


@dataclass(frozen=True)
class Wish:
    """What somebody wants. `left_out`: of the closure, what stays shared; `images` by name of the service."""

    entity: Entity
    base: Environment
    name: str
    team: Team
    left_out: frozenset[str] = frozenset()
    images: Mapping[str, str] = field(default_factory=dict)
    over: Mapping[str, str] = field(default_factory=dict)
    together: tuple[str, ...] = ()


@dataclass(frozen=True)
class Choice:
    """One of the closure: `step` away from the service, in the set or not, and why it cannot be."""

    ref: str
    entity: Entity | None
    step: int
    chosen: bool
    files: int = 0
    why_not: str = ""

    @property
    def name(self) -> str:
        return self.ref.rpartition("/")[2]


@dataclass(frozen=True)
class Plan:
    """`took`: seconds of each step, as they are shown."""

    wish: Wish
    choices: list[Choice]
    gathered: Gathered
    copied: Copied
    items: list[Item]
    findings: list[Finding]
    needs: list[dict[str, Any]]
    took: dict[str, float]

    @property
    def place(self) -> str:
        return f"{PREFIX}{self.wish.name}"

    @property
    def chosen(self) -> list[Choice]:
        return [each for each in self.choices if each.chosen]

    @property
    def shared(self) -> list[Choice]:
        return [each for each in self.choices if not each.chosen]

    @property
    def offered(self) -> list[Choice]:
        """What one can choose; the rest has nothing to be copied."""
        return [each for each in self.choices if not each.why_not]

    @property
    def bare(self) -> list[Choice]:
        return [each for each in self.choices if each.why_not]

    @property
    def blocked(self) -> bool:
        return any(each.severity == "block" for each in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        return counts(self.findings)

    @cached_property
    def files(self) -> dict[str, str]:
        return files_of(self.items, f"previews/{self.wish.team.slug}/{self.place}")

    @cached_property
    def url(self) -> str:
        """Where one looks first: a host of the service itself, else any."""
        mine = [item for item in self.items if item.part == self.wish.entity.ref]
        for host in (*_hosts(mine), *_hosts(self.items)):
            return f"https://{host}"
        return ""

    @property
    def seconds(self) -> float:
        return sum(self.took.values())


def plan(wish: Wish, request: Request | None = None) -> Plan:
    """Everything of a preview, nothing done. Refuses (Impossible) when there is nothing to copy.

    Raises `integrations.errors` while the git host is silent.
    """
    clock = _Clock()
    closure = closure_of(wish)
    clock.lap("graph")
    known = [entity for _, entity in closure.values() if entity is not None]
    gathered = gather(known, wish.base.name, wish.over)
    choices = _choices(wish, closure, gathered)
    if not any(each.chosen and each.ref == wish.entity.ref for each in choices):
        raise Impossible(_nothing(wish, gathered))
    clock.lap("read")
    items, copied = _rendered(wish, choices, gathered, request)
    clock.lap("render")
    settings = {**space.settings_of(wish.base), "is_production": False}
    findings = check([each.data for each in items], environment="preview", settings=settings)
    clock.lap("check")
    needs = space.needs_of(copied.items, wish.base, wish.team.slug)
    return Plan(wish, choices, gathered, copied, items, findings, needs, clock.laps)


def _nothing(wish: Wish, gathered: Gathered) -> str:
    where = f"of {wish.entity.name} for {wish.base} in {gathered.repo}"
    if gathered.unreadable:
        return f"What is there {where} cannot be read: {gathered.unreadable[0]}"
    return f"There are no manifests {where}, so there is nothing to make a preview from."


def closure_of(wish: Wish) -> dict[str, tuple[int, Entity | None]]:
    """The service, those asked for together with it, and everything it needs, the nearest first."""
    found = reach.walk(wish.entity.ref, needed=0, needs=reach.FARTHEST)
    steps = {wish.entity.ref: 0} | dict.fromkeys(wish.together, 1) | found.needs.steps
    nearest = dict(sorted(steps.items(), key=lambda each: (each[1], each[0]))[:MOST_SERVICES])
    rows = {row.ref: row for row in Entity.objects.filter(ref__in=nearest).select_related("holder")}
    return {ref: (step, rows.get(ref)) for ref, step in nearest.items() if _runs(ref, rows.get(ref))}


def _runs(ref: str, entity: Entity | None) -> bool:
    return ref.partition(":")[0] in ("component", "resource")


def _choices(
    wish: Wish, closure: Mapping[str, tuple[int, Entity | None]], gathered: Gathered
) -> list[Choice]:
    found = []
    for ref, (step, entity) in closure.items():
        files = len(gathered.items.get(ref, ()))
        why = "" if files else f"no manifests for {wish.base}" if entity else "not in the catalog"
        wanted = ref == wish.entity.ref or ref not in wish.left_out
        found.append(Choice(ref, entity, step, bool(files) and wanted, files, why))
    return found


def _rendered(
    wish: Wish, choices: Sequence[Choice], gathered: Gathered, request: Request | None
) -> tuple[list[Item], Copied]:
    chosen = {each.ref for each in choices if each.chosen}
    own = [item for ref in gathered.items if ref in chosen for item in gathered.items[ref]]
    others = [item for ref in gathered.items if ref not in chosen for item in gathered.items[ref]]
    copied = copy(
        [replace(each, data=_with_image(each, wish.images)) for each in own],
        target_of(wish, request),
        source=wish.base.namespace,
        beside=_services(others) | {each.name for each in choices if not each.chosen},
    )
    marks = {ENTITY: ref_of(wish.name), REQUEST: space.mark(request)}
    place = f"{PREFIX}{wish.name}"
    kept = space.secrets(copied.missing, wish.base)
    copied.missing = [each for each in copied.missing if each.kind != "Secret" or not kept]
    made = space.placed(
        [*space.around(copied.items, wish.base, place), *kept], place, marks, {PREVIEW: wish.name}
    )
    return [*made, *map(_owned, copied.items)], copied


def target_of(wish: Wish, request: Request | None = None) -> Target:
    return Target(
        namespace=f"{PREFIX}{wish.name}",
        name=wish.name,
        domain=space.domain_of(wish.base),
        labels={PREVIEW: wish.name},
        annotations={REQUEST: space.mark(request)},
        small=True,
    )


def _services(items: Iterable[Item]) -> set[str]:
    return {objects.name(each.data) for each in items if each.data.get("kind") == "Service"}


def _owned(item: Item) -> Item:
    """The watched picture tells by this whose pod it is."""
    marks = item.data["metadata"].setdefault("annotations", {})
    if ":" in item.part:
        marks.setdefault(ENTITY, item.part)
    return item


def _with_image(item: Item, wanted: Mapping[str, str]) -> dict[str, Any]:
    """The first container of a workload, or the one that is called like the service, with another image."""
    image = wanted.get(item.part.rpartition("/")[2])
    at = objects.pod_path(item.data)
    if not image or at is None or item.data.get("kind") not in WORKLOADS:
        return item.data
    data = _copied(item.data)
    containers = pointers.find(data, (*at, "containers"))
    named = [each for each in containers if each.get("name") == item.part.rpartition("/")[2]]
    container = (named or containers)[0]
    container["image"] = _retagged(str(container.get("image")), image) if image[0] == ":" else image
    return data


def _retagged(now: str, tag: str) -> str:
    try:
        return images.parse(now).repository + tag
    except images.NotAnImage:
        return now


def _copied(data: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = emit.ordered(data)
    return found


def files_of(items: Iterable[Item], folder: str) -> dict[str, str]:
    """One file for each object: `<folder>/<service>/<kind>-<name>.yaml`."""
    found: dict[str, str] = {}
    for item in items:
        part, kind = item.part.rpartition("/")[2] or space.PART, objects.kind(item.data).lower()
        found[f"{folder}/{part}/{kind}-{objects.name(item.data)}.yaml"] = emit.dump([item.data])
    return found


def _hosts(items: Iterable[Item]) -> Iterable[str]:
    from services.manifests.copying.hosts import hosts_in

    for item in items:
        if item.data.get("kind") in ("Ingress", "HTTPRoute"):
            yield from (host for host in hosts_in(item.data) if not host.startswith("*"))


class _Clock:
    def __init__(self) -> None:
        self.laps: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        now = time.perf_counter()
        self.laps[name], self._last = now - self._last, now
