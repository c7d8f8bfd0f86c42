"""A blueprint evaluated for a person, against the catalog, the environments and the deploy repository.

The engine is loaded by the first who asks for it: it is heavy, and only web and workers do.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from services.accounts.models import User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations import githosts

from ..models import ACTIVE, Request, RequestPart
from .exemptions import leases_of

if TYPE_CHECKING:
    from services.onboarding import blueprints as engine
    from services.onboarding.blueprints import Library

EMPTY = Request()
OFFERED = 400


def blueprints() -> Mapping[str, engine.Blueprint]:
    """Everything one can ask for, by name."""
    return library().blueprints


def library() -> Library:
    """What is shipped, and the company's own; in development as it is on disk now."""
    from services.onboarding import blueprints as engine

    return engine.offered((engine.SHIPPED, *settings.BLUEPRINT_FOLDERS), watched=settings.DEBUG)


def digest_of(blueprint: str) -> str:
    return blueprints()[blueprint].digest


def title_for(blueprint: str, answers: Mapping[str, Any], request: Request | None = None) -> str:
    """How the request is called in lists: by what it is about, once that has a name, and what comes along."""
    return f"{_about(blueprint, answers, request)}{_along(blueprint, answers)}"[:200]


def _about(blueprint: str, answers: Mapping[str, Any], request: Request | None) -> str:
    if request is not None and request.is_change:
        return _upgrading(request) if request.is_upgrade else f"Change {request.entity_name}"
    name = str(answers.get("name") or "").strip()[:100]
    known = blueprints().get(blueprint)
    if known is None:
        return f"New {name or blueprint}"
    return f"{known.verb} {name}" if name else f"New {known.noun}"


def _upgrading(request: Request) -> str:
    known = blueprints().get(request.blueprint)
    to = f" to {known.noun} {known.version}".rstrip() if known else ""
    return f"Upgrade {request.entity_name}{to}"


def _along(blueprint: str, answers: Mapping[str, Any]) -> str:
    """ " with database, cache and address"; empty for one that stands alone."""
    labels = [
        part.blueprint.joining.label for part in form_of(blueprint, answers)[1:] if part.blueprint.joining
    ]
    return (
        f" with {' and '.join([', '.join(labels[:-1]), labels[-1]] if labels[1:] else labels)}"
        if labels
        else ""
    )


def form_of(blueprint: str, answers: Mapping[str, Any]) -> Sequence[engine.Part]:
    """The parts these answers speak of, the main one first; none of a blueprint that is gone."""
    from services.onboarding import blueprints as engine

    known = blueprints()
    return engine.parts_of(known[blueprint], answers, known) if blueprint in known else ()


def place_of(row: Request) -> tuple[str, str]:
    """The git host and the repository of a request; of one that is not kept yet, where it would go."""
    return (row.pk is None and githosts.target()) or (row.provider, row.repo)


def base_of(request: Request) -> str:
    """The commit the files are rendered against."""
    return githosts.get(request.provider).head(request.repo)


def evaluate(
    blueprint: str,
    answers: Mapping[str, Any],
    *,
    user: User,
    request: Request | None = None,
    at: str | None = None,
    alone: bool = False,
) -> engine.Evaluation:
    """The form as these answers make it. `request` is the one being edited; its own name is not taken.

    `at` is the commit of the deploy repository to compare with (None: the tip of its default branch);
    `alone` compares with nothing. Raises IntegrationError while the git host does not answer.
    """
    from services.onboarding import blueprints as engine

    context = context_for(user, request, at)
    if alone:
        context = replace(context, existing=lambda path: None)
    return engine.evaluate(blueprints()[blueprint], dict(answers), context, blueprints())


def context_for(user: User, request: Request | None = None, at: str | None = None) -> engine.Context:
    from services.onboarding import blueprints as engine

    from .versions import with_upgrade

    row = request or EMPTY
    context = engine.Context(
        user=_person(user),
        environments=[
            environment_info(each) for each in Environment.objects.standing().select_related("cluster")
        ],
        taken=_taken(row),
        systems=lambda chosen: [
            engine.Choice(e.name, e.title or e.name) for e in _entities("name", chosen, "System")
        ],
        components=lambda chosen: [
            engine.Choice(e.ref, e.title or e.name, e.type)
            for e in _entities("ref", chosen, "Component", "Resource")
        ],
        services=lambda chosen: [engine.Choice(e.ref, e.title or e.name) for e in _services(user, chosen)],
        reserved=lambda kind: _reserved(kind, row),
        today=timezone.localdate().isoformat(),
        existing=_reader(row, at),
        request=request.ref if request and request.pk else "",
        fixed=_fixed(row),
        together=_together(row),
        leases=leases_of,
        approvals=engine.company_approvals(settings.APPROVALS),
        adopted=engine.adopted_from(row.adopted),
    )
    return with_upgrade(context, row) if row.is_upgrade else context


def _fixed(row: Request) -> dict[str, Any]:
    """What a change leaves as it is: the name, the owner, the environments."""
    from services.onboarding import blueprints as engine

    fields = engine.fields_of(form_of(row.blueprint, row.origin)) if row.is_change else {}
    return {name: row.origin.get(name) for name, field in fields.items() if field.is_identity}


def _together(row: Request) -> frozenset[str]:
    """The parts that came with one another before: what connects them is in their answers already."""
    parts = form_of(row.blueprint, row.origin) if row.is_change else ()
    return frozenset(part.handle for part in parts)


def _entities(key: str, chosen: Collection[str], *kinds: str) -> list[Entity]:
    """The chosen ones, and as many others as a page offers: a catalog may hold tens of thousands."""
    rows = Entity.objects.filter(kind__in=kinds).order_by("name").only("ref", "name", "title", "type")
    offered = list(rows[:OFFERED])
    missing = set(chosen) - {getattr(each, key) for each in offered}
    return [*rows.filter(**{f"{key}__in": missing}), *offered] if missing else offered


def _services(user: User, chosen: Collection[str]) -> list[Entity]:
    """Components of the person's teams, and what was chosen if it is one of them."""
    rows = catalog.owned_by(user).filter(kind="Component").order_by("name").only("ref", "name", "title")
    offered = list(rows[:OFFERED])
    missing = set(chosen) - {each.ref for each in offered}
    return [*rows.filter(ref__in=missing), *offered] if missing else offered


def _reserved(kind: str, own: Request) -> list[dict[str, Any]]:
    """What the catalog, and requests under way, hold of a type of resource; without one's own."""
    rows = Entity.objects.filter(kind="Resource", type=kind).exclude(ref__in=own.entity_refs)
    found = [(row.name, row.spec) for row in rows.only("name", "spec")]
    under_way = Request.objects.filter(state__in=ACTIVE, entity__spec__type=kind).exclude(pk=own.pk)
    parts = RequestPart.objects.filter(is_open=True, entity__spec__type=kind).exclude(request=own.pk)
    entities = [*under_way.values_list("entity", flat=True), *parts.values_list("entity", flat=True)]
    asked = [(entity["metadata"]["name"], entity["spec"]) for entity in entities]
    return [{"name": name, **spec} for name, spec in (*found, *asked)] + _declared(kind)


def _declared(kind: str) -> list[dict[str, Any]]:
    """Row 23: the ranges that clusters use already, as the settings of their environments say."""
    if kind != "ip-range":
        return []
    settings = Environment.objects.values_list("settings", flat=True)
    networks = [each for found in settings for each in found.get("networks", [])]
    return list({each["cidr"]: {"name": each["name"], "cidr": each["cidr"]} for each in networks}.values())


def _person(user: User) -> engine.Person:
    from services.onboarding import blueprints as engine

    own = [user.program_of] if user.program_of is not None else user.teams.all()
    teams = [engine.TeamRef(team.slug, team.name) for team in own]
    return engine.Person(user.username, str(user), teams)


def environment_info(row: Environment) -> engine.EnvironmentInfo:
    from services.onboarding import blueprints as engine

    kinds = frozenset(row.cluster.serves) or None
    return engine.EnvironmentInfo(row.name, str(row), row.namespace, row.is_production, row.settings, kinds)


def _taken(own: Request) -> Callable[[str], bool]:
    """A name is taken by a component or resource in the catalog or another open request, except one's own."""

    mine = own.entity_refs

    def taken(name: str) -> bool:
        refs = [f"{kind}:default/{name.lower()}" for kind in ("component", "resource")]
        if any(ref in refs for ref in mine):
            return False
        others = Request.objects.open().about(*refs).exclude(pk=own.pk)
        return Entity.objects.filter(ref__in=refs).exists() or others.exists()

    return taken


def _reader(row: Request, at: str | None) -> Callable[[str], bytes | None]:
    """Reads the deploy repository, opening it once and only when asked."""

    @cache
    def opened() -> Callable[[str], bytes | None]:
        provider, repo = place_of(row)
        return githosts.get(provider).reader(repo, at)

    return lambda path: opened()(path)
