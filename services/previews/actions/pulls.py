"""What a git host tells of pull requests: a label asks for a preview, taking it away or closing ends it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

import structlog
from django.db import transaction

from services.accounts import actions as accounts
from services.accounts.models import User
from services.audit import actions as audit
from services.catalog import queries as catalog
from services.catalog.models import Entity, Source
from services.clusters.models import Environment
from services.effects.actions import enqueue
from services.effects.models import Effect
from services.integrations.deliveries import Pull
from services.integrations.errors import IntegrationError
from services.manifests.copying.follow import LABEL
from services.onboarding.errors import HostSilent, Refusal

from .. import planning, queries, rules
from ..models import Preview
from ..planning import Wish
from .asking import LONGEST_NAME, Lease
from .following import ask_once
from .living import end

KIND: Final = "previews.pull"
HOURS: Final = 72
log = structlog.get_logger(__name__)


def pull_told(sender: object, *, source: Source, pull: Pull, key: str, **_: object) -> None:
    """Within the transaction that took the delivery in: it is looked at by a worker, once."""
    about = asdict(pull) | {"labels": sorted(pull.labels), "at": pull.at.isoformat()}
    place = f"{source.hook_provider}/{pull.repository}#{pull.number}".lower()[:120]
    said = about | {"place": place, "provider": source.hook_provider, "source": source.pk}
    enqueue(kind=KIND, key=f"{place}/{key}"[:200], payload=said)


def follow(said: dict[str, Any]) -> str:
    """Brings up, up to date, or takes away what a pull request asks for; what became of it, in words.

    News that a later one overtook does nothing. Raises HostSilent while the deploy repository is.
    """
    later = Effect.objects.filter(kind=KIND, payload__place=said["place"], payload__at__gt=said["at"])
    if later.exists():
        return "a later word came"
    names = wanted(said["labels"]) if said["is_open"] else frozenset()
    entities = catalog.of_repository(said["provider"], said["repository"])
    if said["is_open"] and names is not None:
        picked = [each for each in entities if not names or each.name in names]
        return _bring_up(said, picked)
    return _take_away(said)


def wanted(labels: Sequence[str]) -> frozenset[str] | None:
    """`preview` asks for one of everything in the repository, `preview:cart` of that; None for neither."""
    found = [each.strip().lower() for each in labels]
    named = frozenset(each.partition(":")[2].strip() for each in found if each.startswith(f"{LABEL}:"))
    return frozenset() if LABEL in found else (named or None)


def pull_name(said: dict[str, Any]) -> str:
    return f"{said['repository']}#{said['number']}"[:300]


def _bring_up(said: dict[str, Any], entities: Sequence[Entity]) -> str:
    base = next(iter(queries.bases()), None)
    if base is None or not entities:
        return "nothing in the catalog is of this repository" if base else "there is no environment yet"
    try:
        there = planning.gather(entities, base.name).items
    except IntegrationError as error:
        raise HostSilent("The git host does not answer.") from error
    running = [each for each in entities if each.ref in there]
    if not running:
        return f"there are no manifests of it for {base}"
    root, *others = running
    return _asked(said, root, others, base)


def _asked(said: dict[str, Any], root: Entity, others: Sequence[Entity], base: Environment) -> str:
    team = queries.team_named(root.owner_ref)
    if team is None:
        return f"{root.name} belongs to no team that is known here"
    by = accounts.program_of(team=team)
    own = [each for each in others if rules.can_ask(by, each)]
    images = tags(said, [root, *own], base)
    name = name_for_pull(root.name, pull_name(said))
    wish = Wish(root, base, name, team, images=images, together=tuple(e.ref for e in own))
    try:
        made, outcome = ask_once(by=by, wish=wish, lease=Lease(HOURS, pull=pull_name(said)))
    except HostSilent:
        raise
    except Refusal as refusal:
        return _refused(by, root, said, refusal)
    return f"{made.name} {outcome}"


@transaction.atomic
def _refused(by: User, root: Entity, said: dict[str, Any], refusal: Refusal) -> str:
    summary = f"{pull_name(said)}: {refusal.message}"[:300]
    audit.record(by=by, action="preview.refused", obj=root, summary=summary)
    return refusal.message


def name_for_pull(name: str, pull: str) -> str:
    """`cart-pr-12`, as short as names of previews are."""
    tail = "-pr-" + re.split("[#!]", pull)[-1]
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower())[: LONGEST_NAME - len(tail)]
    return f"{stem.strip('-')}{tail}"


def tags(said: dict[str, Any], entities: Sequence[Entity], base: Environment) -> dict[str, str]:
    """`preview_tag` of the environment says how their builds are called: `pr-{number}`, `{sha}`."""
    pattern = str(base.settings.get("preview_tag") or "")
    sha = str(said["sha"])
    words = {"{number}": str(said["number"]), "{sha}": sha, "{short}": sha[:7]}
    if not pattern or (not sha and "{s" in pattern):
        return {}
    for word, value in words.items():
        pattern = pattern.replace(word, value)
    return {each.name: f":{pattern}" for each in entities}


def _take_away(said: dict[str, Any]) -> str:
    rows = Preview.objects.standing().filter(pull__iexact=pull_name(said))
    why = f"{pull_name(said)} lost its label" if said["is_open"] else f"{pull_name(said)} is closed"
    for row in rows:
        end(preview=row, by=None, reason=why)
    return f"{len(rows)} taken away" if rows else "nothing to take away"
