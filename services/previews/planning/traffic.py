"""How the traffic of a moved set would be led over, share by share: which files change, by which means."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.clusters.models import Environment
from services.integrations import githosts
from services.manifests import emit, objects
from services.manifests.check import Finding, check
from services.manifests.copying import Item, traffic
from services.manifests.copying.hosts import hosts_in
from services.manifests.editing import revise
from services.manifests.reader import load_all

from ..errors import Impossible
from ..models import entities_of
from ..transfers import Transfer
from .elsewhere import _needs
from .gathering import Gathered, gather

SHARES = (0, 10, 50, 100)
WEIGHTS, NAMES, SWITCH = "weights", "names", "switch"
WORDS = {
    WEIGHTS: "by weights in the routes: both sides are on one cluster",
    NAMES: "by weighted names: external-dns of either side answers for its share",
    SWITCH: "by the names, all at once: they go from this side's DNS to the other's",
}


@dataclass
class Shift:
    """`files`: the new texts, None for one that goes; `traffic` is what the transfer remembers of it."""

    share: int
    how: str
    base: str
    files: dict[str, str | None] = field(default_factory=dict)
    hosts: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    needs: list[dict[str, Any]] = field(default_factory=list)
    traffic: dict[str, Any] = field(default_factory=dict)

    @property
    def blocked(self) -> bool:
        return any(each.severity == "block" for each in self.findings)


def places_of(row: Transfer) -> tuple[Environment, Environment]:
    """Refuses (Impossible) one whose environments are not both there any more."""
    found = {each.name: each for each in Environment.objects.filter(name__in=[row.base, row.target])}
    if len(found) < 2:
        raise Impossible(f"{row.base} or {row.target} is not there any more.")
    return found[row.base], found[row.target]


def means(row: Transfer, base: Environment, target: Environment, routes: list[Item]) -> str:
    """By what it is led over; every share is possible but by `switch`."""
    gateways = all(objects.kind(item.data) == "HTTPRoute" for item in routes)
    if base.cluster_id == target.cluster_id and gateways:
        return WEIGHTS
    by = base.settings.get("dns_weights")
    return NAMES if by and by == target.settings.get("dns_weights") else SWITCH


def shift(row: Transfer, share: int) -> Shift:
    """What would change for a share in a hundred to go to the target; nothing done.

    Refuses (Impossible): no routes, a share that its means cannot. Raises `integrations.errors`.
    """
    base, target = places_of(row)
    entities = list(entities_of(row.refs).values())
    here, there = gather(entities, base.name), gather(entities, target.name)
    routes = _routes(here)
    if not routes:
        raise Impossible(f"Nothing of it has a route in {base}: nothing comes in that could be led over.")
    how = means(row, base, target, routes)
    if share not in SHARES or (how == SWITCH and share not in (0, 100)):
        raise Impossible(f"{share} % cannot be led over {WORDS[how].partition(':')[0]}.")
    made = Shift(
        share, how, here.base, hosts=sorted({host for each in routes for host in hosts_in(each.data)})
    )
    work = _Work(row, base, target, here, there, made)
    work.over_weights(routes) if how == WEIGHTS else work.over_names(routes)
    work.finish()
    needs = [*_needs(entities, target, row.team.slug), *_needs(entities, base, row.team.slug)]
    made.needs = [
        {**each, "reason": f"{share} % of its traffic goes to {target}"}
        for each in {need["key"]: need for need in needs}.values()
    ]
    return made


def _routes(found: Gathered) -> list[Item]:
    every = [item for items in found.items.values() for item in items]
    return [item for item in every if objects.kind(item.data) in traffic.ROUTES and any(hosts_in(item.data))]


class _Work:
    def __init__(
        self,
        row: Transfer,
        base: Environment,
        target: Environment,
        here: Gathered,
        there: Gathered,
        made: Shift,
    ) -> None:
        self.row, self.base, self.target, self.here, self.there, self.made = (
            row,
            base,
            target,
            here,
            there,
            made,
        )
        self.reader = githosts.get(here.provider).reader(here.repo, here.base)
        self.known: Mapping[str, Any] = row.traffic.get("files") or {}
        self.kept: dict[str, dict[str, str]] = {}

    def over_weights(self, routes: list[Item]) -> None:
        for item in routes:
            self.change(item, lambda data: traffic.weighted(
                data, here=self.base.namespace, there=self.target.namespace, share=self.made.share
            ))  # fmt: skip
        for ref in dict.fromkeys(item.part for item in routes):
            services = sorted(
                {name for item in routes if item.part == ref for name in traffic.led_to(item.data)}
            )
            folder = self.there.folders.get(ref)
            if folder is None:
                raise Impossible(f"{ref.rpartition('/')[2]} is not in {self.target} yet.")
            path, name = f"{folder}/referencegrant-{self.base.name}.yaml", f"from-{self.base.name}"
            made = traffic.grant(services, here=self.base.namespace, there=self.target.namespace, name=name)
            if self.made.share:
                self.made.files[path] = emit.dump([made])
            elif self.reader(path) is not None:
                self.made.files[path] = None

    def over_names(self, routes: list[Item]) -> None:
        """Those of the target answer to the names of the base, whoever's DNS says where those are."""
        share, by = self.made.share, str(self.base.settings.get("dns_weights") or "")
        for item in routes:
            if self.made.how == NAMES:
                self.change(item, lambda data: traffic.with_weight(
                    data, side=self.base.name, share=100 - share, by=by
                ) if share else data)  # fmt: skip
            else:
                self.change(item, lambda data: traffic.unnamed(data) if share else data)
        for item in _routes(self.there):
            hosts = sorted(
                {host for each in routes if each.part == item.part for host in hosts_in(each.data)}
            )
            self.change(item, lambda data, hosts=hosts: self.welcoming(data, hosts, share, by))

    def welcoming(self, data: Any, hosts: list[str], share: int, by: str) -> Any:
        if not share:
            return data
        made = traffic.answering(data, hosts)
        weighs = self.made.how == NAMES
        return traffic.with_weight(made, side=self.target.name, share=share, by=by) if weighs else made

    def change(self, item: Item, edit: Any) -> None:
        """From what was there before the first share, unless somebody changed it since: then without ours."""
        now = self.made.files.get(item.path) or self.text(item.path)
        known = self.known.get(item.path)
        whole = item.path not in self.made.files
        before = known["before"] if whole and known and known["put"] == _digest(now) else now
        documents = load_all(before)
        number = next(at for at, each in enumerate(documents) if _same_object(each.data, item.data))
        data = documents[number].data
        if before is now and whole:
            data = traffic.without(data, there=self.target.namespace, properties=self.properties)
        after = revise(before, edit(data), number)
        if whole:
            self.kept[item.path] = {"before": before if before is not now else revise(now, data, number)}
        self.made.files[item.path] = after

    @property
    def properties(self) -> list[str]:
        return [str(self.base.settings.get("dns_weights") or "aws-weight")]

    def text(self, path: str) -> str:
        return (self.reader(path) or b"").decode()

    def finish(self) -> None:
        for path, kept in self.kept.items():
            kept["put"] = _digest(self.made.files[path] or "")
        self.made.traffic = {"share": self.made.share, "how": self.made.how, "files": self.kept}
        self.made.files = {
            path: text for path, text in self.made.files.items() if text is None or text != self.text(path)
        }
        for place, found in ((self.base, self.here), (self.target, self.there)):
            mine = {
                path: text for path, text in self.made.files.items() if f"/{place.name}/" in path and text
            }
            datas = [each.data for text in mine.values() for each in load_all(text)]
            beside = [item.data for items in found.items.values() for item in items if item.path not in mine]
            about = {**place.settings, "is_production": place.is_production}
            told = check([*datas, *beside], environment=place.name, settings=about)
            self.made.findings += [each for each in told if each.document < len(datas)]


def _same_object(one: Any, other: Any) -> bool:
    return isinstance(one, dict) and (objects.kind(one), objects.name(one)) == (
        objects.kind(other), objects.name(other),
    )  # fmt: skip


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
