"""What services cost and waste, from the days that were kept; what would fit them better."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Avg, Max, Sum
from django.urls import reverse
from django.utils import timezone

from services.catalog.models import Entity
from services.clusters.models import Cluster, Environment, KubeObject, UsageDay
from services.clusters.usage import MONTH, monthly, prices_of
from services.diagnosis.amounts import amount, cores, size

WEEK, FORTNIGHT, TREND = timedelta(days=7), timedelta(days=14), timedelta(days=30)
# Asking for twice what was ever used is waste; using nearly all of it is too tight.
TOO_MUCH, TOO_LITTLE = 2.0, 0.95
ROOM_CPU, ROOM_MEMORY = 1.3, 1.25
CPU_STEP, MEMORY_STEP = 0.005, 16 * 2**20
LEAST_CPU, LEAST_MEMORY = 0.01, 32 * 2**20
TRUSTED = 3  # samples: one look says little


@dataclass(frozen=True)
class Line:
    """A service in an environment, over a week: cores and bytes at once, money for a month."""

    ref: str
    name: str
    owner: str
    environment: Environment
    pods: float
    cpu_asked: float
    cpu_used: float
    cpu_peak: float
    memory_asked: float
    memory_used: float
    memory_peak: float
    spot_share: float
    cost: float
    is_measured: bool

    @property
    def address(self) -> str:
        kind, _, rest = self.ref.partition(":")
        return f"{reverse('catalog:entity_detail', args=[kind, *rest.split('/', 1)])}?tab=resources"

    @property
    def spot(self) -> str:
        return f"{round(self.spot_share * 100)} %"

    @property
    def waste(self) -> float:
        """What a month costs that not even the peak needed."""
        if not self.is_measured:
            return 0.0
        cpu = max(0.0, self.cpu_asked - self.cpu_peak * ROOM_CPU)
        memory = max(0.0, self.memory_asked - self.memory_peak * ROOM_MEMORY)
        return monthly(self.environment, cpu, memory)

    @property
    def currency(self) -> str:
        return str(prices_of(self.environment).get("currency") or "")

    @property
    def cpu_text(self) -> str:
        return _beside(cores(self.cpu_used), cores(self.cpu_asked), measured=self.is_measured)

    @property
    def memory_text(self) -> str:
        return _beside(size(self.memory_used), size(self.memory_asked), measured=self.is_measured)


def _beside(used: str, asked: str, *, measured: bool) -> str:
    return f"{used} of {asked}" if measured else f"asks for {asked}"


def lines(*, ref: str = "", environment: str = "", owner: str = "") -> list[Line]:
    """Over the last week, what wastes most first."""
    days = UsageDay.objects.filter(day__gt=timezone.now().date() - WEEK, environment__is_preview=False)
    days = days.filter(entity_ref=ref) if ref else days
    days = days.filter(environment__name=environment) if environment else days
    means = {f"mean_{name}": Avg(name) for name in MEANS}
    peaks = {"top_cpu": Max("cpu_peak"), "top_memory": Max("memory_peak")}
    rows = list(days.order_by().values("entity_ref", "environment").annotate(**means, **peaks))
    found = [_line(row, *known) for row, known in _known(rows)]
    kept = [each for each in found if not owner or each.owner == owner]
    return sorted(kept, key=lambda each: (-each.waste, -each.cost, each.name))


MEANS = ("pods", "cpu_asked", "cpu_used", "memory_asked", "memory_used", "spot_share", "cost")


def _known(rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Mapping[str, Any], tuple[Environment, Any]]]:
    """Each with its environment and what the catalog calls it."""
    places = {each.pk: each for each in Environment.objects.select_related("cluster")} if rows else {}
    refs = {row["entity_ref"] for row in rows}
    named = Entity.objects.filter(ref__in=refs).only("ref", "name", "title", "owner_ref") if rows else ()
    entities = {each.ref: each for each in named}
    return [(row, (places[row["environment"]], entities.get(row["entity_ref"]))) for row in rows]


def _line(row: Mapping[str, Any], environment: Environment, entity: Any) -> Line:
    ref = row["entity_ref"]
    means = {name: float(row[f"mean_{name}"]) for name in MEANS}
    means["cost"] *= MONTH
    return Line(
        ref=ref,
        name=entity.title or entity.name if entity else ref.rpartition("/")[2],
        owner=(entity.owner_ref if entity else "").rpartition("/")[2],
        environment=environment,
        cpu_peak=row["top_cpu"],
        memory_peak=row["top_memory"],
        is_measured=row["top_memory"] > 0,
        **means,
    )


@dataclass(frozen=True)
class Total:
    name: str
    cost: float
    waste: float
    services: int
    currency: str

    @property
    def share(self) -> int:
        return round(100 * self.waste / self.cost) if self.cost else 0


def totals(found: Sequence[Line], by: str) -> list[Total]:
    """By `owner` or `environment`, the dearest first; sums of one currency only make sense."""
    groups: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for each in found:
        groups[str(getattr(each, by)) or "nobody", each.currency].append(each)
    made = [
        Total(
            name,
            sum(one.cost for one in some),
            sum(one.waste for one in some),
            len({o.ref for o in some}),
            money,
        )
        for (name, money), some in groups.items()
    ]
    return sorted(made, key=lambda each: (-each.cost, each.name))


@dataclass(frozen=True)
class Proposal:
    """A request of one container that would fit better; `fix` is what a form takes."""

    environment: Environment
    container: str
    what: str
    asked: str
    peak: str
    better: str
    saves: float
    currency: str
    fix: dict[str, str]

    @property
    def is_less(self) -> bool:
        return self.saves > 0


def proposals(ref: str) -> list[Proposal]:
    """From the peaks of two weeks; what saves most first."""
    days = UsageDay.objects.filter(
        entity_ref=ref, day__gt=timezone.now().date() - FORTNIGHT, is_measured=True
    )
    merged: dict[tuple[int, str], dict[str, float]] = {}
    looks: dict[int, int] = defaultdict(int)
    pods: dict[int, float] = {}
    places: dict[int, Environment] = {}
    for row in days.select_related("environment__cluster").order_by("day"):
        place = row.environment_id
        places[place], pods[place] = row.environment, row.pods
        looks[place] += row.samples
        for name, each in row.containers.items():
            before = merged.get((place, name), {})
            peaks = {
                peak: max(each.get(peak, 0), before.get(peak, 0)) for peak in ("cpu_peak", "memory_peak")
            }
            merged[place, name] = each | peaks
    found = [
        proposal
        for (place, name), each in merged.items()
        if looks[place] >= TRUSTED
        for proposal in _proposals(places[place], name, each, pods[place])
    ]
    return sorted(found, key=lambda each: (-each.saves, each.environment.position, each.container, each.what))


def _proposals(place: Environment, container: str, given: Mapping[str, float], pods: float) -> list[Proposal]:
    money = str(prices_of(place).get("currency") or "")
    found = []
    for what, step, least, room in (
        ("cpu", CPU_STEP, LEAST_CPU, ROOM_CPU),
        ("memory", MEMORY_STEP, LEAST_MEMORY, ROOM_MEMORY),
    ):
        asked, peak = given.get(f"{what}_asked", 0.0), given.get(f"{what}_peak", 0.0)
        better = max(least, -(-peak * room // step) * step)
        if not peak or not asked or not _is_off(asked, peak, better):
            continue
        shown = cores if what == "cpu" else size
        written = cores(better) if what == "cpu" else f"{round(better / 2**20)}Mi"
        less = (asked - better) * pods
        saves = monthly(place, less if what == "cpu" else 0, less if what == "memory" else 0)
        fix = {"field": f"{what}_request", "value": written}
        found.append(Proposal(place, container, what, shown(asked), shown(peak), written, saves, money, fix))
    return found


def _is_off(asked: float, peak: float, better: float) -> bool:
    """Far too much, or, of memory and CPU alike, so little that the next peak does not fit."""
    return (asked > peak * TOO_MUCH and better < asked) or peak > asked * TOO_LITTLE


def trend(ref: str = "") -> list[tuple[date, float]]:
    """What each of the last thirty days cost, of one service or of all."""
    days = UsageDay.objects.filter(day__gt=timezone.now().date() - TREND)
    days = days.filter(entity_ref=ref) if ref else days
    return [(day, cost) for day, cost in days.order_by("day").values_list("day").annotate(Sum("cost"))]


@dataclass(frozen=True)
class Fill:
    """How full something is."""

    name: str
    where: str
    says: str
    share: float

    @property
    def percent(self) -> int:
        return round(self.share * 100)

    @property
    def tone(self) -> str:
        return "bad" if self.share >= 1 else "warn" if self.share >= 0.8 else "ok"


def quotas() -> list[Fill]:
    """Each limit of each quota, the fullest first."""
    rows = KubeObject.objects.filter(kind="ResourceQuota", environment__isnull=False).select_related(
        "environment"
    )
    found = [
        Fill(f"{row.name}: {key}", str(row.environment), f"{used.get(key, 0)} of {most}", share)
        for row in rows
        for used in [row.status.get("used") or {}]
        for key, most in sorted((row.status.get("hard") or {}).items())
        if (share := _share(used.get(key), most)) is not None
    ]
    return sorted(found, key=lambda each: -each.share)


def _share(used: Any, most: Any) -> float | None:
    limit = amount(most)
    return (amount(used) or 0.0) / limit if limit else None


def pools(found: Sequence[Line]) -> list[Fill]:
    """What is asked for of what the nodes of each cluster have to give."""
    nodes: dict[int, dict[str, float]] = defaultdict(lambda: {"cpu": 0.0, "memory": 0.0})
    for cluster, given in KubeObject.objects.filter(kind="Node").values_list(
        "cluster", "data__status__allocatable"
    ):
        for what in ("cpu", "memory"):
            nodes[cluster][what] += amount((given or {}).get(what)) or 0.0
    names = {each.pk: str(each) for each in Cluster.objects.all()} if nodes else {}
    made = []
    for cluster, having in sorted(nodes.items()):
        here = [each for each in found if each.environment.cluster_id == cluster]
        for what, shown in (("cpu", cores), ("memory", size)):
            asked = sum(getattr(each, f"{what}_asked") for each in here)
            if having[what]:
                says = f"{shown(asked)} of {shown(having[what])}"
                title = "CPU" if what == "cpu" else "Memory"
                made.append(Fill(title, names[cluster], says, asked / having[what]))
    return made
