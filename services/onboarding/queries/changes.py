"""The form of what runs already: filled in from the `slipway.yaml` that lies beside its manifests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.accounts.models import User
from services.catalog.models import Entity
from services.integrations import githosts

from ..errors import NotOnboarded
from ..models import APART, Request
from .adopting import adoption, as_kept
from .forms import blueprints, evaluate, place_of
from .rollouts import fix_in_fields
from .together import beside

FILE = "/slipway.yaml"


@dataclass(frozen=True)
class Opening:
    """`request` is the person's draft, or a new one that is not kept yet; `answers` fill the form."""

    request: Request
    answers: dict[str, Any]
    origin: dict[str, Any]


def open_for(entity: Entity) -> Request | None:
    """The request under way; there is at most one, beside those that bring images or revert."""
    return Request.objects.open().about(entity.ref).exclude(kind__in=APART).first()


def draft_of(entity: Entity, user: User) -> Request | None:
    """What this person has begun to change of it and not sent yet."""
    mine = Request.objects.drafts().filter(created_by=user, entity_ref=entity.ref)
    return mine.exclude(origin={}).filter(upgrade={}).first()


def fixed_by(blueprint: str, field: str, value: str) -> dict[str, Any]:
    """A finding's fix as answers of this form; empty when the form has no such field, or no value is sure."""
    fix = fix_in_fields(Request(blueprint=blueprint), {"field": field, "value": value or None})
    return dict(fix["changes"]) if fix else {}


def opening(
    entity: Entity, user: User, changes: Mapping[str, Any] | None = None, fix: tuple[str, str] = ("", "")
) -> Opening:
    """The form as the repository has it now, with what the person's draft and `changes` make different.

    `fix` is a finding's: a field and its value as the cluster writes it.

    Refuses (NotOnboarded) what no form wrote. Raises `integrations.errors` when the git host is silent.
    """
    from services.onboarding import blueprints as engine

    found = written_or_adopted(entity, user)
    blueprint, origin = found.blueprint, found.answers
    if found.path:
        origin = origin | beside(entity, user, written)
    draft = draft_of(entity, user)
    answers = _moved_on(draft, origin) if draft else origin
    if changes := {**(changes or {}), **fixed_by(blueprint, *fix)}:
        answers = engine.with_carried(blueprints()[blueprint], answers, changes)
    if draft is not None:
        draft.adopted = found.adopted
    return Opening(draft or found.as_request(entity, user, origin), answers, origin)


def _moved_on(draft: Request, origin: dict[str, Any]) -> dict[str, Any]:
    """What was typed, over what the repository says meanwhile about everything else."""
    names = {*draft.origin, *draft.answers, *origin}
    typed = {name for name in names if draft.answers.get(name) != draft.origin.get(name)}
    return {name: (draft.answers if name in typed else origin).get(name) for name in sorted(names)}


def _unkept(entity: Entity, user: User, blueprint: str, origin: dict[str, Any]) -> Request:
    return Request(created_by=user, blueprint=blueprint, entity_ref=entity.ref, origin=origin)


@dataclass(frozen=True)
class Written:
    """A `slipway.yaml` in the repository: where it lies and what it says."""

    path: str
    blueprint: str
    answers: dict[str, Any]
    adopted: dict[str, Any] = field(default_factory=dict)

    def as_request(self, entity: Entity, user: User, origin: dict[str, Any] | None = None) -> Request:
        row = _unkept(entity, user, self.blueprint, self.answers if origin is None else origin)
        row.adopted = self.adopted
        return row


def written_or_adopted(entity: Entity, user: User) -> Written:
    """As `written`; what no form wrote is read into the form that comes nearest, if one does."""
    try:
        return written(entity, user)
    except NotOnboarded:
        found = None if _is_written(entity) else adoption(entity, user)
        if found is None:
            raise
        return Written("", found.blueprint, found.adopted.answers, as_kept(found))


def _is_written(entity: Entity) -> bool:
    """Whether there is a `slipway.yaml`, though one that cannot be used."""
    provider, repo = place_of(Request())
    read = githosts.get(provider).reader(repo)
    return any(read(path) is not None for path in places_of(entity))


def written(entity: Entity, user: User) -> Written:
    """Blueprint and answers, once they are seen to lead to this entity and this very file.

    Refuses (NotOnboarded) what no form wrote. Raises `integrations.errors` when the git host is silent.
    """
    provider, repo = place_of(Request())
    read = githosts.get(provider).reader(repo)
    for path in places_of(entity):
        for name in blueprints():
            answers = _answers(read(path), name)
            if answers and _leads_to(entity, path, name, answers, user):
                return Written(path, name, answers)
    raise NotOnboarded(
        f"{entity.name} did not come through a form of Slipway, so there is none to change it with. "
        "Change its manifests in the repository, or ask for help."
    )


def _answers(text: bytes | None, name: str) -> dict[str, Any]:
    """Under the names that the fields have today."""
    from services.onboarding.blueprints.newer import carried_on
    from services.onboarding.blueprints.previous import answers_in, pin_in

    found, pin = answers_in(text, name), pin_in(text)
    return carried_on(blueprints()[name], found[0], pin[1] if pin else "") if found else {}


def places_of(entity: Entity) -> Iterator[str]:
    """Where its last request put it, else where its owner's things are."""
    merged = Request.objects.about(entity.ref).exclude(merge_sha="").order_by("-number")
    merged = merged.exclude(kind__in=APART)
    last = merged.values_list("files", flat=True).first() or {}
    found = [path for path in last if path.endswith(FILE)]
    yield from sorted(found, key=lambda path: not path.endswith(f"/{entity.name}{FILE}"))
    yield f"apps/{entity.owner_ref.rpartition('/')[2]}/{entity.name}{FILE}"


def _leads_to(entity: Entity, path: str, blueprint: str, answers: dict[str, Any], user: User) -> bool:
    found = evaluate(blueprint, answers, user=user, request=_unkept(entity, user, blueprint, answers))
    understood = not any(error.rule == "fixed" for error in found.errors)
    return understood and found.entity_ref == entity.ref and path in found.files
