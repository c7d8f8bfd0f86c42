"""Asking for a preview: planned, checked, and sent on the way of every request."""

import dataclasses
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import User
from services.audit import actions as audit
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.integrations.errors import IntegrationError
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NameTaken, NotAllowed
from services.onboarding.models import Request

from .. import planning, rules
from ..errors import Forbidden, Impossible, TooMany
from ..models import Preview, ref_of
from ..planning import Plan, Wish, plans, space

MOST_PER_TEAM = 10
LONGEST_NAME = 40
LEASES = (24, 72, 168)
LONGEST = timedelta(days=14)
NAMED = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
IMAGE = re.compile(r"(:?[A-Za-z0-9][A-Za-z0-9._:/@-]{0,500})")  # with a colon first: a tag of what runs
PULL = re.compile(r"([\w.-]+(?:/[\w.-]+){1,8})[#!]([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Lease:
    """`of_request`, `pull`: what it shows, and ends with."""

    hours: int = 24
    sleeps: bool = True
    of_request: Request | None = None
    pull: str = ""


def ask(*, by: User, wish: Wish, lease: Lease = Lease()) -> Preview:
    """A preview, and the request that brings it up.

    Refuses: not one's service (NotAllowed), a name in use (NameTaken), a team with too many (TooMany),
    nothing to copy (Impossible), what guardrails stop (Forbidden), while the git host is silent (HostSilent).
    """
    check(by, wish)
    try:
        found = planning.plan(wish)
    except IntegrationError as error:
        raise HostSilent("The git host does not answer. Nothing was done; try again in a moment.") from error
    if found.blocked:
        worst = next(each for each in found.findings if each.severity == "block")
        raise Forbidden(f"{worst.object}: {worst.message}.")
    return _ask(by, found, lease)


def check(by: User, wish: Wish) -> None:
    """What can be refused before anything is read."""
    if not rules.can_ask(by, wish.entity):
        owner = wish.entity.owner_ref.rpartition("/")[2] or "nobody"
        raise NotAllowed(f"{wish.entity.name} belongs to {owner}: its members ask for previews of it.")
    if len(wish.name) > LONGEST_NAME or not NAMED.fullmatch(wish.name):
        raise Impossible("A name has at most 40 lower-case letters, digits and dashes.")
    if Preview.objects.standing().filter(name=wish.name).exists():
        raise NameTaken(f"There is a preview {wish.name} already.")
    if Preview.objects.standing().filter(team=wish.team).count() >= MOST_PER_TEAM:
        raise TooMany(f"{wish.team} has {MOST_PER_TEAM} previews; end one first.")
    if bad := next((image for image in wish.images.values() if not IMAGE.fullmatch(image)), None):
        raise Impossible(f"{bad[:60]} is no image.")
    if wish.base.is_preview:
        raise Impossible("A preview is made from an environment that stays.")


@transaction.atomic
def _ask(by: User, found: Plan, lease: Lease) -> Preview:
    wish = found.wish
    if lease.pull:
        Entity.objects.select_for_update().get(pk=wish.entity.pk)
        if Preview.objects.standing().filter(root_ref=wish.entity.ref, pull=lease.pull).exists():
            raise NameTaken(f"There is a preview of {lease.pull} already.")
    try:
        environment = clusters.add_preview(
            by=by,
            base=wish.base,
            name=found.place,
            title=f"Preview {wish.name}",
            settings=space.settings_of(wish.base),
        )
    except clusters.NameTaken as error:
        raise NameTaken(f"There is an environment {found.place} already.") from error
    wanted = onboarding.Wanted(
        kind=Request.Kind.PREVIEW, title=f"Preview {wish.name}", ref=ref_of(wish.name), team=wish.team,
        environments=[found.place], base=found.gathered.base, reason=_reason(found), needs=found.needs,
        findings=[json.loads(json.dumps(dataclasses.asdict(each), default=str)) for each in found.findings],
        answers={"services": [each.name for each in found.chosen], "base": wish.base.name},
    )  # fmt: skip
    row = onboarding.ask_for_set(by=by, wanted=wanted, render=lambda request: rendered(found, request))
    preview = Preview.objects.create(
        name=wish.name, root_ref=wish.entity.ref, refs=[each.ref for each in found.chosen],
        routed=[dataclasses.asdict(each) for each in found.copied.routed], base=wish.base.name,
        left_out=[each.ref for each in found.shared if not each.why_not],
        environment=environment, team=wish.team, created_by=by, request=row, url=found.url,
        hosts=found.copied.hosts, images=dict(wish.images), of_request=lease.of_request, pull=lease.pull,
        until=timezone.now() + min(timedelta(hours=max(1, lease.hours)), LONGEST), sleeps=lease.sleeps,
    )  # fmt: skip
    audit.record(by=by, action="preview.asked", obj=preview, summary=_reason(found))
    return preview


def rendered(found: Plan, request: Request) -> dict[str, str]:
    """The files, naming the request that brings them."""
    for item in found.items:
        item.data["metadata"].setdefault("annotations", {})[plans.REQUEST] = request.ref
    return found.files


def _reason(found: Plan) -> str:
    many = len(found.chosen)
    shared = f", {len(found.shared)} shared" if found.shared else ""
    return f"{many} service{'s' if many > 1 else ''} from {found.wish.base}{shared}"


def bring_back(*, preview: Preview, by: User) -> Preview:
    """The same once more, after it ended, from what is in the repository now. Refuses as `ask`."""
    if not rules.can_manage(by, preview):
        raise NotAllowed(f"{preview.team} brings it back.", ask=[str(preview.created_by)])
    entity, base = catalog.find(preview.root_ref), Environment.objects.filter(name=preview.base).first()
    if entity is None or base is None:
        raise Impossible(f"{preview.root_name} or {preview.base} is not there any more.")
    left_out, images = frozenset(preview.left_out), _images(preview.images)
    wish = Wish(entity, base, preview.name, preview.team, left_out, images)
    whole = int((preview.until - preview.created_at).total_seconds() // 3600) or 24
    return ask(by=by, wish=wish, lease=Lease(whole, preview.sleeps))


def _images(said: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(image) for name, image in said.items()}
