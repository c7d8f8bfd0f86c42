"""What the page of a promotion shows: who has what, what comes along, and the pull request it would be."""

from collections.abc import Collection, Sequence
from itertools import groupby
from typing import Any

from services.accounts.models import User
from services.catalog.models import Entity
from services.manifests.diff import file_diffs
from services.onboarding import asking, drawing, queries
from services.onboarding.errors import ImageRefused
from services.onboarding.models import Request

NOT_TWICE = "It runs in one place only, so there is nothing to bring from one to another."


def context(entity: Entity, user: User, source: str, target: str, fields: Sequence[str]) -> dict[str, Any]:
    """Refuses (ImageRefused) while it runs in fewer than two places. Raises `integrations.errors`."""
    standing = queries.standings(entity)
    pair = queries.pair_of(standing, source, target)
    if pair is None:
        raise ImageRefused(NOT_TWICE, "service", "not_deployed")
    there, here = (each.environment for each in pair)
    compared = queries.comparison(entity, there, here)
    ticked = [each.key for each in compared.fields if each.key in fields]
    return {
        "entity": entity,
        "standing": standing,
        "there": pair[0],
        "here": pair[1],
        "compared": compared,
        "ticked": set(ticked),
        "unexpected": _by_object(compared.unexpected),
        "expected": _by_object(compared.expected),
        "many": len(standing) > 2,
        "open_one": Request.objects.open().bringing(entity.ref, here.name).filter(merge_sha="").first(),
        **_change(compared, ticked, user),
    }


def _by_object(fields: Collection[Any]) -> list[tuple[str, list[Any]]]:
    return [(name, list(some)) for name, some in groupby(fields, key=lambda each: each.difference.object)]


def _change(compared: queries.Comparison, ticked: Sequence[str], user: User) -> dict[str, Any]:
    """The pull request as it would be; why there can be none."""
    try:
        found = queries.promoted(compared, ticked)
        needs = queries.needs_of(found, Request.Kind.PROMOTION, user)
    except ImageRefused as refused:
        return {"refused": refused.message, "files": [], "needs": [], "is_automatic": False}
    diffs = file_diffs({path: compared.here.files[path] for path in found.files}, dict(found.files))
    names = asking.team_names(needs)
    return {
        "refused": "",
        "files": drawing.files(diffs, found.findings),
        "guards": drawing.guards(found.findings),
        "needs": [(asking.who(need, names), need["reason"]) for need in needs],
        "is_automatic": not ticked and not needs and queries.is_automatic(compared.here.environment),
    }
