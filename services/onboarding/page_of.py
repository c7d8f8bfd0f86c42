"""What the pages of requests show, put together from the queries: a line of the list, the page of one."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone

from portal.shell import times
from services.integrations import githosts
from services.integrations.errors import IntegrationError
from services.integrations.githosts.base import Proposal
from services.onboarding import asking, queries, standing
from services.onboarding.blueprints import fields_of
from services.onboarding.models import Hop, Request, Rollout, State

CSV_HEADER = (
    "request",
    "title",
    "blueprint",
    "team",
    "asked by",
    "state",
    "waits for",
    "created",
    "finished",
)
HEALTH = {
    Rollout.State.WAITING: ("Unknown", "Waits its turn"),
    Rollout.State.APPLYING: ("Progressing", "Applying"),
    Rollout.State.PROGRESSING: ("Progressing", "Rolling out"),
    Rollout.State.HEALTHY: ("Healthy", "Healthy"),
    Rollout.State.FAILING: ("Degraded", "Failing"),
}
USUAL_SECONDS = 600
PROPOSAL_SECONDS = 20  # the page asks every three, and hosts of others count
CHART_FROM, CHART_TO, ROW_HEIGHT = 84.0, 206.0, 23


@dataclass(frozen=True)
class ListLine:
    row: Request
    tone: str
    icon: str
    steps: list[str]
    waits_for: str
    waited_since: Any


def line(row: Request) -> ListLine:
    """One request in a list, from its prefetched hops: no query of its own."""
    hops = list(row.hops.all())
    tone, icon = standing.TONES[State(row.state)]
    now = next((hop for hop in hops if hop.finished_at is None), None)
    return ListLine(row, tone, icon, _steps(hops), now.waits_for if now else "", now and now.started_at)


def _steps(hops: Iterable[Hop]) -> list[str]:
    """A class per leg: d done, n now with a person, g now with a machine, empty to come."""
    by_name: dict[str, Hop] = {hop.name: hop for hop in hops}
    names = list(Hop.Name)
    furthest = max((names.index(Hop.Name(name)) for name in by_name), default=0)
    return [_step(by_name.get(name)) or ("d" if at < furthest else "") for at, name in enumerate(names)]


def _step(hop: Hop | None) -> str:
    if hop is None:
        return ""
    if hop.finished_at is not None:
        return "d"
    return "n" if hop.is_human else "g"


def csv_rows(rows: Iterable[Request]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        now = next((hop for hop in row.hops.all() if hop.finished_at is None), None)
        yield (
            row.ref, row.title, row.blueprint, row.team or "", str(row.created_by), row.get_state_display(),
            now.waits_for if now else "", row.created_at.isoformat(timespec="minutes"),
            row.finished_at.isoformat(timespec="minutes") if row.finished_at else "",
        )  # fmt: skip


def detail(row: Request) -> dict[str, Any]:
    legs, stands = queries.legs(row), standing.standing(row)
    return {
        "standing": stands,
        "legs": [(leg, _is_skipped(leg, legs[at + 1 :])) for at, leg in enumerate(legs)],
        "entity_url": entity_url(row),
        "whole": sum((leg.took for leg in legs if leg.took), timedelta()),
        "bars": bars(legs),
        "rollouts": [rollout_line(rollout) for rollout in row.rollouts.all()],
        "parts": list(parts_of(row)),
        "timeline": queries.timeline(row, stands.who),
        "pull": (pull := proposal_of(row)),
        "merged_by": queries.person_named(pull.merged_by) if pull else None,
        "overruled": [each["overruled"] for each in row.findings if each.get("overruled")],
        "problem": row.problem if row.state == State.NEEDS_ATTENTION else {},
        "needs": asking.lines(row),
    }


def fix_of(row: Request) -> dict[str, Any]:
    """What the finding would change in the form; a fix of anything else is for people to read."""
    changes = (row.problem.get("fix") or {}).get("changes") or {}
    fields = fields_of(queries.form_of(row.blueprint, row.answers))
    return {name: value for name, value in changes.items() if name in fields}


def _is_skipped(leg: queries.Leg, later: Iterable[queries.Leg]) -> bool:
    """Not gone, though a later one is: it was not needed."""
    return leg.state == "todo" and any(each.state != "todo" for each in later)


def entity_url(row: Request, ref: str = "") -> str:
    """The page of what came of it, or of a part of it, once the catalog has it."""
    kind, _, rest = (ref or row.entity_ref).partition(":")
    namespace, _, name = rest.partition("/")
    if row.state != State.LIVE or not name or row.is_of_set:
        return ""
    return reverse("catalog:entity_detail", args=[kind, namespace, name])


def parts_of(row: Request) -> Iterator[dict[str, str]]:
    """What the request makes, the main thing first; nothing for one that makes a single thing."""
    parts = list(row.parts.all())
    known = queries.blueprints().get(row.blueprint)
    if not parts:
        return
    if known is not None:
        main = {"name": row.entity_name, "title": known.title, "icon": known.icon}
        yield {**main, "url": entity_url(row)}
    for part in parts:
        url = entity_url(row, part.entity_ref)
        yield {"name": part.entity_name, "title": part.title, "icon": part.icon, "url": url}


def rollout_line(rollout: Rollout) -> dict[str, Any]:
    health, word = HEALTH[Rollout.State(rollout.state)]
    tone = {"Healthy": "ok", "Degraded": "bad"}.get(health, "")
    return {
        "rollout": rollout, "health": health, "word": word, "tone": tone,
        "parts": [_part_line(each) for each in rollout.parts],
    }  # fmt: skip


def _part_line(seen: Mapping[str, str]) -> dict[str, str]:
    health, word = HEALTH[Rollout.State(seen["state"])]
    name, said = seen["entity"].rpartition("/")[2], seen["message"]
    plain = health == "Healthy" and not said.startswith("In place")
    return {"name": name, "health": health, "message": word if plain or not said else said}


def proposal_of(row: Request) -> Proposal | None:
    """The pull request as the git host shows it; None while there is none, or while the host is silent."""
    if row.pull_number is None:
        return None
    try:
        host, number = githosts.get(row.provider), row.pull_number
        if not host.capabilities.webhooks:
            return host.proposal(row.repo, number)
        key = f"proposal:{row.pk}:{row.version}"
        return cache.get_or_set(key, lambda: host.proposal(row.repo, number), PROPOSAL_SECONDS)
    except IntegrationError:
        return None


def usual(row: Request) -> dict[str, str]:
    """How long requests of this blueprint usually take; empty before there are enough to say so.

    Half a year of history hardly changes within minutes, so it is not counted on each look.
    """
    return cache.get_or_set(f"usual:{row.blueprint}", lambda: _usual(row), USUAL_SECONDS) or {}


def _usual(row: Request) -> dict[str, str]:
    rows = Request.objects.filter(blueprint=row.blueprint, state=State.LIVE)
    since = timezone.now() - timedelta(days=180)
    total = next(each for each in queries.hop_statistics(rows, since) if each.name == "total")
    if total.count < 5:
        return {}
    return {"p50": times.span(total.p50), "p90": times.span(total.p90)}


def bars(legs: Iterable[queries.Leg]) -> dict[str, Any]:
    """The Gantt-like chart: each leg from its start, in the width it took."""
    gone = [(leg, leg.started_at, leg.took) for leg in legs if leg.took is not None and leg.started_at]
    if not gone:
        return {}
    begin = min(start for _, start, _ in gone)
    end = max(start + took for _, start, took in gone)
    whole = max((end - begin).total_seconds(), 1.0)
    scale = (CHART_TO - CHART_FROM) / whole
    rows = [
        {
            "label": leg.label,
            "took": times.span(took),
            "x": f"{CHART_FROM + (start - begin).total_seconds() * scale:.1f}",
            "width": f"{max(3.0, took.total_seconds() * scale):.1f}",
            "y": number * ROW_HEIGHT + 5,
            "text_y": number * ROW_HEIGHT + 15,
            "fill": "f4" if leg.is_human else "f0",
            "person": leg.is_human,
        }
        for number, (leg, start, took) in enumerate(gone)
    ]
    return {"rows": rows, "height": len(rows) * ROW_HEIGHT + 2}
