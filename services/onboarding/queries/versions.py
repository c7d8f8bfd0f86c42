"""Which version of its blueprint made a service, what newer one is there, and the form that leads to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet

from services.accounts.models import User
from services.catalog.models import Entity
from services.integrations import githosts

from ..errors import NotOnboarded, Refusal
from ..models import BlueprintVersion, Made, Request
from .changes import FILE, Opening, places_of
from .forms import blueprints, evaluate, place_of

if TYPE_CHECKING:
    from services.onboarding import blueprints as engine


EMPTY_ANSWERS: tuple[Any, ...] = (None, "", [], False)


@dataclass(frozen=True)
class Behind:
    """A service that an older version made, and what was released since, the newest first."""

    made: Made
    blueprint: engine.Blueprint

    @property
    def releases(self) -> tuple[engine.Release, ...]:
        from services.onboarding.blueprints.newer import released_since

        return released_since(self.blueprint, self.made.version)

    @property
    def is_behind(self) -> bool:
        return is_behind(self.blueprint, self.made.digest, self.made.version)

    @property
    def version(self) -> str:
        return self.made.version or "an earlier version"

    @property
    def newer(self) -> str:
        return self.blueprint.version or "a newer version"


def is_behind(blueprint: engine.Blueprint, digest: str, version: str) -> bool:
    """Another version; what changed without saying so is none."""
    return digest != blueprint.digest and not (blueprint.version and version == blueprint.version)


def behind(rows: QuerySet[Made]) -> QuerySet[Made]:
    """Those with a newer version of their blueprint, in one statement however many there are."""
    asked = Q(pk__in=())
    for each in blueprints().values():
        same = Q(digest=each.digest) | (Q(version=each.version) if each.version else Q(pk__in=()))
        asked |= Q(blueprint=each.name) & ~same
    return rows.filter(asked)


def made_of(entity_ref: str) -> Behind | None:
    """What made it; None for what no form made, and while its blueprint is gone."""
    made = Made.objects.filter(entity_ref=entity_ref).first()
    blueprint = blueprints().get(made.blueprint) if made else None
    return Behind(made, blueprint) if made and blueprint else None


def fleet() -> QuerySet[Made]:
    """Everything that a form made and that is still in the catalog."""
    return Made.objects.filter(entity_ref__in=Entity.objects.values("ref"))


def keep(used: Iterable[engine.Blueprint]) -> None:
    """Remembers the versions that a request is made with, so that they can be compared with later."""
    from services.onboarding.blueprints import texts_of

    BlueprintVersion.objects.bulk_create(
        (
            BlueprintVersion(
                digest=each.digest, blueprint=each.name, version=each.version, texts=texts_of(each.folder)
            )
            for each in used
        ),
        ignore_conflicts=True,
    )


def versions_of(digests: Iterable[str]) -> dict[str, str]:
    """How the versions with these digests are called, as far as they are known."""
    rows = BlueprintVersion.objects.filter(digest__in=set(digests))
    return dict(rows.values_list("digest", "version"))


# ---- the form that leads to a newer version --------------------------------------------------------------


def upgrade_draft_of(entity: Entity, user: User) -> Request | None:
    mine = Request.objects.drafts().filter(created_by=user, entity_ref=entity.ref, token="")
    return mine.exclude(upgrade={}).first()


def upgrading(entity: Entity, user: User) -> Opening:
    """The newer version's form, with the answers in the repository under the names they have there now.

    Refuses (NotOnboarded) what no form made, (Refusal) what is at the newest version already. Raises
    `integrations.errors` when the git host is silent.
    """
    found = _written(entity, user)
    if found is None:
        raise NotOnboarded(f"{entity.name} did not come through a form of Slipway: no version made it.")
    row, blueprint = found
    if not is_behind(blueprint, row.upgrade["digest"], row.upgrade["version"]):
        raise Refusal(f"{entity.name} is made by the newest version of {blueprint.title} already.")
    draft = upgrade_draft_of(entity, user)
    answers = draft.answers if draft else row.origin
    if draft is not None:
        draft.origin, draft.upgrade, draft.blueprint = row.origin, row.upgrade, row.blueprint
    return Opening(draft or row, answers, row.origin)


def _written(entity: Entity, user: User) -> tuple[Request, engine.Blueprint] | None:
    """A request that is not kept yet for the `slipway.yaml` of this entity; None when it has none."""
    from services.onboarding.blueprints import newer
    from services.onboarding.blueprints.previous import answers_in, pin_in

    read = githosts.get(place_of(Request())[0]).reader(place_of(Request())[1])
    for path in places_of(entity):
        text = read(path)
        for blueprint in blueprints().values():
            said, pin = answers_in(text, blueprint.name), pin_in(text) or ("", "")
            if said is None:
                continue
            answers = newer.carried_on(blueprint, said[0], pin[1])
            row = Request(created_by=user, blueprint=blueprint.name, entity_ref=entity.ref, origin=answers)
            if evaluate(blueprint.name, answers, user=user, request=row, alone=True).entity_ref == entity.ref:
                version = pin[1] or versions_of([pin[0]]).get(pin[0], "")
                row.upgrade = {"digest": pin[0], "version": version, "request": said[1], "answers": said[0]}
                row.upgrade["folder"] = path.removesuffix(FILE)
                return row, blueprint
    return None


def with_upgrade(context: engine.Context, row: Request) -> engine.Context:
    """The context of an upgrade: with what the version before made of the answers in the repository."""
    from services.onboarding.blueprints.model import Upgrade

    said = row.upgrade
    files = _made_before(context, row) or _brought_before(row)
    return replace(context, upgrade=Upgrade(files, said["answers"], said["request"]))


def _made_before(context: engine.Context, row: Request) -> Mapping[str, str]:
    """As the version that was kept makes it; nothing where that version was not kept."""
    from services.onboarding.blueprints.upgrading import made_by

    before = blueprint_at(row.upgrade["digest"])
    return made_by(before, row.upgrade["answers"], context, row.upgrade["request"]) if before else {}


def blueprint_at(digest: str) -> engine.Blueprint | None:
    """A version that was kept; None where none was, and for one that cannot be read any more."""
    current = next((each for each in blueprints().values() if each.digest == digest), None)
    return current or _kept(digest)


@lru_cache(maxsize=32)
def _read_kept(digest: str, texts: tuple[tuple[str, str], ...]) -> engine.Blueprint | None:
    from services.onboarding import blueprints as engine

    try:
        return engine.load(engine.sketch(dict(texts)))
    except (engine.BlueprintError, engine.TooMuch):  # written for an older Slipway
        return None


def _kept(digest: str) -> engine.Blueprint | None:
    row = BlueprintVersion.objects.filter(digest=digest).first()
    return _read_kept(digest, tuple(sorted(row.texts.items()))) if row else None


def _brought_before(row: Request) -> dict[str, str]:
    """Where that version was not kept: the files of the last request that made it anew, else of the last."""
    merged = Request.objects.about(row.entity_ref).filter(kind=Request.Kind.FORM).exclude(merge_sha="")
    rows = merged.order_by("-number")
    found = rows.filter(origin={}).first() or rows.first()
    folder, name = row.upgrade["folder"], row.entity_name
    others = [path.removesuffix(FILE) for path in (found.files if found else {}) if path.endswith(FILE)]
    return {
        path: text
        for path, text in (found.files.items() if found else ())
        if path.startswith(f"{folder}/")
        or (path.endswith(f"/{name}.yaml") and not any(path.startswith(f"{each}/") for each in others))
    }


def needed(found: engine.Evaluation) -> list[engine.FieldState]:
    """The questions a newer version asks that the answers so far do not say."""
    states = [state for section in found.sections for state in section.fields]
    return [state for state in states if any(error.rule == "required" for error in state.errors)]


def news_of(row: Request) -> dict[str, Any]:
    """What the form of an upgrade says above its questions: versions, releases, fields that came and went."""
    from services.onboarding.blueprints.newer import released_since

    blueprint, answers = blueprints()[row.blueprint], row.upgrade["answers"]
    before = blueprint_at(row.upgrade["digest"])
    known = before.fields.keys() if before else answers.keys()
    releases = released_since(blueprint, row.upgrade["version"])
    moved = {new: old for each in releases for old, new in each.moved.items()}
    return {
        "blueprint": blueprint,
        "before": row.upgrade["version"] or "an earlier version",
        "now": blueprint.version or "the newest version",
        "releases": releases,
        "asked": [each for name, each in blueprint.fields.items() if name not in known and name not in moved],
        "moved": [(old, blueprint.fields[new]) for new, old in moved.items() if old in answers],
        "gone": [
            name
            for name, said in row.origin.items()
            if name not in blueprint.fields and said not in EMPTY_ANSWERS
        ],
        "is_exact": before is not None,
    }
