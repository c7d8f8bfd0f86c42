"""Having Argo CD make previews of a repository's pull requests, and having it stop."""

import dataclasses
import json

from django.db import transaction

from services.accounts.models import User
from services.audit import actions as audit
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError
from services.manifests.copying.follow import Followed
from services.onboarding import actions as onboarding
from services.onboarding.errors import HostSilent, NotAllowed, WrongState
from services.onboarding.models import Request

from .. import planning, queries, rules
from ..errors import Forbidden
from ..planning import Following, Wish


def follow(*, by: User, wish: Wish, about: Followed) -> Request:
    """Proposes an ApplicationSet and what it applies; the platform team says yes, somebody reviews it.

    Refuses: not one's service (NotAllowed), a cluster without Argo CD, nothing to copy (Impossible), what
    guardrails stop (Forbidden), a second request for it (NameTaken), one that is there (WrongState), while
    the git host is silent (HostSilent).
    """
    _check(by, wish.entity)
    if queries.followed(wish.entity):
        raise WrongState(f"Argo CD makes previews of {wish.entity.name} already.")
    try:
        found = planning.following(wish, about)
    except IntegrationError as error:
        raise HostSilent("The git host does not answer. Nothing was done; try again in a moment.") from error
    if found.blocked:
        worst = next(each for each in found.findings if each.severity == "block")
        raise Forbidden(f"{worst.object}: {worst.message}.")
    return _ask(by, found, about)


def _check(by: User, entity: Entity) -> None:
    if not rules.can_ask(by, entity):
        raise NotAllowed(f"{entity.name} belongs to others: its team asks for previews of it.")


@transaction.atomic
def _ask(by: User, found: Following, about: Followed) -> Request:
    wish, many = found.wish, len(found.chosen)
    wanted = onboarding.Wanted(
        kind=Request.Kind.COPY, title=f"Previews of {about.source}"[:200], team=wish.team,
        ref=queries.followed_ref(wish.entity), environments=[], base=found.gathered.base, needs=found.needs,
        reason=f"{many} service{'s' if many > 1 else ''} from {wish.base} for each labelled pull request",
        findings=[json.loads(json.dumps(dataclasses.asdict(each), default=str)) for each in found.findings],
        answers={
            "services": [each.name for each in found.chosen], "base": wish.base.name, "source": about.source,
        },
    )  # fmt: skip
    row = onboarding.ask_for_set(by=by, wanted=wanted, render=lambda request: found.files)
    audit.record(by=by, action="preview.followed", obj=wish.entity, summary=about.source)
    return row


@transaction.atomic
def unfollow(*, by: User, entity: Entity) -> Request:
    """Takes it out of the repository again; Argo CD then takes away what it made. Again: as it is.

    Refuses: not one's service (NotAllowed), none that stands (WrongState).
    """
    _check(by, entity)
    standing = queries.followed(entity)
    if standing is None:
        raise WrongState(f"Argo CD makes no previews of {entity.name}.")
    wanted = onboarding.Wanted(
        kind=Request.Kind.END, title=f"No more previews of {entity.name} by Argo CD", ref=standing.entity_ref,
        team=standing.team or by.teams.get(), environments=[], base="", reason="Not needed any more",
        removed=list(standing.files),
    )  # fmt: skip
    row = onboarding.ask_for_set(by=by, wanted=wanted, render=lambda request: {})
    audit.record(by=by, action="preview.unfollowed", obj=entity, summary=entity.name)
    return row
