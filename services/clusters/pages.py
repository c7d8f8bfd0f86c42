"""What the clusters add to the pages that belong to nobody."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from portal.shell import charts, registry
from portal.shell.http import HttpRequest
from portal.shell.once import once
from portal.shell.registry import Banner, EntityPanel, NavItem, NeedsItem, PaletteItem, Tab
from services.catalog import health
from services.catalog.sources.clusters import pictures
from services.clusters import changes, costs, fixes, incidents, links, queries, rules
from services.clusters.models import Cluster
from services.clusters.picture import EnvironmentState
from services.clusters.sightings import Sightings

SHOWN = 2
EVIDENCE = 4
RANK = {"error": 0, "warn": 1, "info": 2}


class Watched:
    """The catalog's source of health."""

    def by_entity(self, refs: Sequence[str]) -> dict[str, dict[str, str]]:
        return queries.health_by_entity(refs)

    def refs_with(self, health: str) -> set[str]:
        return queries.refs_with(health)

    def environments(self) -> Sequence[str]:
        ordered = sorted(queries.environments(), key=lambda e: not e.is_production)
        return [environment.name for environment in ordered]


def register() -> None:
    health.sources.append(Watched())
    pictures.append(Sightings())
    registry.nav.add(
        NavItem(
            "clusters",
            "Clusters",
            "server-2",
            "clusters:cluster_list",
            30,
            section="platform",
            badge=in_trouble,
            visible=lambda request: rules.can_manage_clusters(request.user),
        )
    )
    registry.palette.add(found)
    registry.needs_me.add(needs)
    registry.banners.add(banners)
    top = "clusters/entity_environments.html"
    registry.entity_panels.add(EntityPanel("environments", 10, top, environments, area="top"))
    registry.entity_panels.add(EntityPanel("findings", 10, "clusters/entity_findings.html", worst_findings))
    registry.entity_tabs.add(
        Tab("live", "Live", 10, "clusters/entity_live.html", live, badge=broken, visible=runs)
    )
    registry.entity_tabs.add(
        Tab("resources", "Resources", 14, "clusters/entity_resources.html", resources, visible=runs)
    )
    registry.nav.add(NavItem("resources", "Resources", "chart-bar", "clusters:resource_list", 45))


def states_for(request: HttpRequest, entity: Any, *, measured: bool = False) -> list[EnvironmentState]:
    """The live state, production first, read once for all parts of one page."""
    if entity.kind != "Component":
        return []
    states = once(request, f"live {entity.ref}", lambda: queries.live_state(entity.ref, measured=measured))
    return sorted(states, key=lambda state: not state.environment.is_production)


def environments(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    """One card for each environment, production first."""
    states = states_for(request, entity)
    return {"states": states, "notes": notes_for(request)} if states else None


def notes_for(request: HttpRequest) -> dict[str, registry.EnvironmentNote]:
    return once(request, "environment notes", lambda: registry.notes(request))


@dataclass(frozen=True)
class Told:
    """A finding where it was found, with the address of its fix."""

    finding: Any
    state: EnvironmentState
    fix_url: str

    @property
    def evidence(self) -> list[tuple[str, str]]:
        """Fields and what they say, each once."""
        return list(dict.fromkeys((e.field, e.value) for e in self.finding.evidence))[:EVIDENCE]


def told(request: HttpRequest, entity: Any) -> list[Told]:
    """Everything that is wrong, the worst first; what is stale says nothing."""
    return once(request, f"told {entity.ref}", lambda: _told(request, entity))


def _told(request: HttpRequest, entity: Any) -> list[Told]:
    found = _findings(request, entity)
    return sorted((Told(f, state, _fix_url(request, entity, f)) for f, state in found), key=_urgency)


def _findings(request: HttpRequest, entity: Any) -> list[tuple[Any, EnvironmentState]]:
    live = [state for state in states_for(request, entity) if not state.stale]
    return [(finding, state) for state in live for finding in state.findings]


def _fix_url(request: HttpRequest, entity: Any, finding: Any) -> str:
    return fixes.url_of(request, entity, finding.fix) if finding.fix else ""


def _urgency(one: Told) -> tuple[int, bool]:
    return RANK.get(one.finding.severity, 9), not one.state.environment.is_production


def worst_findings(request: HttpRequest, entity: Any) -> dict[str, Any] | None:
    everything = [each for each in told(request, entity) if each.finding.severity != "info"]
    return {"told": everything[:SHOWN], "more": len(everything) - SHOWN} if everything else None


def live(request: HttpRequest, entity: Any, *, measured: bool = False) -> dict[str, Any]:
    """`measured`: with what containers use, which the page asks for when it looks again."""
    return {
        "entity": entity,
        "places": states_for(request, entity, measured=measured),
        "told": told(request, entity),
        "changes": changes_in(entity, states_for(request, entity)),
        "deeds": queries.deeds_of(entity),
        "drifts": {each.environment.name: each for each in queries.drifts_of(entity.ref)},
        "notes": notes_for(request),
        "may_read_logs": rules.can_read_logs(request.user, entity),
        "may_steer": rules.can_steer(request.user, entity),
    }


def resources(request: HttpRequest, entity: Any) -> dict[str, Any]:
    """What it asks for, uses and costs, and what would fit better, each with its form filled in."""
    offered = [
        (proposal, fixes.url_of(request, entity, proposal.fix)) for proposal in costs.proposals(entity.ref)
    ]
    return {
        "entity": entity,
        "lines": costs.lines(ref=entity.ref),
        "offered": offered,
        "spark": charts.spark([cost for _, cost in costs.trend(entity.ref)]),
        "places": links.of(entity, [state.environment for state in states_for(request, entity)]),
    }


def changes_in(entity: Any, states: Sequence[EnvironmentState]) -> dict[str, list[changes.Change]]:
    """By environment, with the moment in view at which the trouble there began."""
    done = list(queries.done_by_people(entity))
    return {
        state.environment.name: changes.changes_of(
            state.rows, done, state.environment.name, changes.began(state.findings)
        )
        for state in states
    }


def broken(request: HttpRequest, entity: Any) -> int | None:
    """How many things are wrong."""
    return sum(finding.severity == "error" for finding, _ in _findings(request, entity)) or None


def runs(request: HttpRequest, entity: Any) -> bool:
    return bool(entity.kind == "Component")


def in_trouble(request: HttpRequest) -> QuerySet[Cluster]:
    return Cluster.objects.in_trouble()


def found(request: HttpRequest, query: str) -> Iterator[PaletteItem]:
    if not rules.can_manage_clusters(request.user):
        return
    yield PaletteItem("Do", "Register a cluster", reverse("clusters:cluster_new"), "server-2", "Form")
    for cluster in Cluster.objects.filter(name__icontains=query)[:3] if query else ():
        url = reverse("clusters:cluster_detail", args=[cluster.name])
        yield PaletteItem("Clusters", cluster.title, url, "server-2", cluster.get_state_display())


def banners(request: HttpRequest) -> Iterator[Banner]:
    """Incidents of clusters that go on: told to everybody, so that nobody needs to ask."""
    manages = rules.can_manage_clusters(request.user)
    for incident in incidents.open_incidents():
        touched = incident.details.get("services") or 0
        whom = f"{touched} service{'' if touched == 1 else 's'} run there. " if touched else ""
        text = f"{whom}The platform team is on it: nothing to change in yours, and no ticket is needed."
        url = reverse("clusters:cluster_detail", args=[incident.cluster.name]) if manages else ""
        title = f"{incident.cluster}: {incident.title}"
        yield Banner(title, text, incident.started_at, url=url, action="Look at it" if url else "")


def needs(request: HttpRequest) -> Iterator[NeedsItem]:
    """For the platform: clusters we no longer see."""
    if not rules.can_manage_clusters(request.user):
        return
    for cluster in Cluster.objects.in_trouble()[:3]:
        text = cluster.problem or "Nothing was heard of it lately; the watcher may be down."
        url = reverse("clusters:cluster_detail", args=[cluster.name])
        yield NeedsItem(
            "server-2", "bad", f"Cluster {cluster} cannot be seen", text[:200], url, "Look at it", order=15
        )
