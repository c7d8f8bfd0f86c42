"""Requests of the past played again under a changed blueprint or guardrail; nothing is kept of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..models import Request, RequestQuerySet
from .forms import blueprints, context_for

if TYPE_CHECKING:
    from services.onboarding import blueprints as engine
    from services.onboarding.blueprints.rehearsing import Difference

MOST = 200


@dataclass(frozen=True)
class Change:
    """What is rehearsed: another version of one blueprint, or guardrails, or both."""

    blueprint: engine.Blueprint | None = None
    guardrails: Any = None


@dataclass(frozen=True)
class Rehearsed:
    request: Request
    difference: Difference

    @property
    def verdict(self) -> str:
        return self.difference.verdict


def of_the_past(change: Change, last: int) -> RequestQuerySet:
    """The last requests that the change concerns, the newest first."""
    rows = Request.objects.filter(kind=Request.Kind.FORM, submitted_at__isnull=False)
    names = [change.blueprint.name] if change.blueprint else list(blueprints())
    rows = rows.filter(blueprint__in=names).select_related("created_by", "team")
    return rows.order_by("-number")[: max(0, min(last, MOST))]


def rehearsed(row: Request, change: Change) -> Rehearsed:
    """The answers as they were accepted, as if the repository were empty."""
    from services.onboarding.blueprints import rehearsing

    known = blueprints()
    current = known.get(row.blueprint) or change.blueprint
    assert current is not None, row.blueprint
    context = replace(context_for(row.created_by, row), existing=lambda path: None)
    contexts = context, replace(context, guardrails=change.guardrails)
    found = rehearsing.rehearse(current, change.blueprint or current, row.answers, contexts, known)
    return Rehearsed(row, found)


def guardrails_with(texts: Sequence[tuple[str, str]]) -> Any:
    """The shipped guardrails, with those in these files in place of their namesakes. Raises PolicyError."""
    from services.manifests import guardrails, reader
    from services.manifests.guardrails import policy

    try:
        documents = [each for name, text in texts for each in reader.load_all(text, name)]
    except reader.ManifestError as error:
        raise policy.PolicyError("unreadable", str(error)) from error
    own = policy.read(documents)
    if not own:
        raise policy.PolicyError(
            "none", "there is no ValidatingAdmissionPolicy", texts[0][0] if texts else ""
        )
    return guardrails.with_own(own)


def guardrails_at(path: Path) -> Any:
    """The same from a file, or from the files right in a folder."""
    suffixes = (".yaml", ".yml")
    files = sorted(each for each in path.iterdir() if each.suffix in suffixes) if path.is_dir() else [path]
    return guardrails_with([(each.name, each.read_text()) for each in files])
