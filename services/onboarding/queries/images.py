"""What bringing an image to one environment of a service would change, and why it may not be."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from services.accounts.models import User
from services.clusters.models import Environment

from ..errors import ImageRefused
from ..models import Request
from .deployed import Deployed
from .forms import context_for, environment_info
from .retiring import hash_of

if TYPE_CHECKING:
    from services.manifests.images import Image
    from services.manifests.problems import Finding
    from services.onboarding import blueprints as engine


@dataclass(frozen=True)
class Brought:
    """`files` are those that change, whole; `findings` what guardrails say that they did not say before."""

    where: Deployed
    image: str
    version: str
    before: tuple[str, ...]
    files: Mapping[str, str]
    findings: tuple[Finding, ...]

    @property
    def tree_hash(self) -> str:
        return hash_of(self.where.base, {path: text.encode() for path, text in self.files.items()})


def environment_named(name: str, refused: str = "environment") -> Environment:
    """Refuses (ImageRefused) a name that no environment has, with the nearest that one has."""
    rows = list(Environment.objects.standing().select_related("cluster"))
    found = next((row for row in rows if row.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, [row.name for row in rows], 1, 0.3)
        raise ImageRefused("There is no such environment.", refused, "unknown", "".join(near))
    return found


def wanted_image(where: Deployed, image: str = "", digest: str = "") -> Image:
    """The image that is meant. Refuses (ImageRefused) one of another service, and one that is not fixed."""
    from services.manifests import images

    main = where.main
    if main is None:
        said = f"The repository has no manifests of {where.entity.name} in {where.environment} with an image."
        raise ImageRefused(said, "service", "not_deployed")
    if digest and not images.DIGEST.match(digest):
        raise ImageRefused(
            "A digest is sha256: and 64 hexadecimal digits.", "digest", "format", digest.lower()[:71]
        )
    try:
        meant = images.parse(image) if image else images.at(main.image)
    except images.NotAnImage as error:
        raise ImageRefused(f"That {error}.", "image", "format", str(main.image)) from error
    if digest and meant.digest not in ("", digest):
        raise ImageRefused(
            "Image and digest name two different builds.", "digest", "contradiction", meant.digest
        )
    meant = images.at(meant, tag=meant.tag, digest=digest or meant.digest)
    _check_repository(where, meant)
    if not meant.is_fixed:
        told = f"{meant.tag or 'No tag'} can mean another build tomorrow: name a digest or one build's tag."
        raise ImageRefused(told, "image", "immutable", str(main.image) if main.image.is_fixed else "")
    return meant


def _check_repository(where: Deployed, meant: Image) -> None:
    from services.manifests import images

    known = list(dict.fromkeys(each.image.repository for each in where.places))
    if meant.repository in known:
        return
    near = difflib.get_close_matches(meant.repository, known, 1, 0.0)[0]
    own = where.main.image.repository if where.main else near
    nearest = near if near.rpartition("/")[2] == meant.name else own
    right = images.Image(nearest, meant.tag, meant.digest)
    told = f"{where.entity.name} runs images of {own} in {where.environment}; others are not its own."
    raise ImageRefused(told, "image", "repository", str(right))


def brought(where: Deployed, meant: Image) -> Brought:
    """The files with this image wherever the service has one of the same repository, and no other change.

    Refuses (ImageRefused) what a guardrail stops that it did not stop before.
    """
    from services.manifests import images

    files, before = dict[str, str](), list[str]()
    for place in where.places:
        if place.image.repository == meant.repository:
            text = files.get(place.file) or where.files[place.file].decode()
            files[place.file] = images.with_image(text, place, meant)
            before.append(str(place.image))
    changed = {path: text for path, text in files.items() if text.encode() != where.files[path]}
    found = Brought(
        where, str(meant), meant.version, tuple(dict.fromkeys(before)), changed, new_findings(where, changed)
    )
    refuse_blocking(found.findings, "image")
    return found


def refuse_blocking(findings: Iterable[Finding], field: str) -> None:
    stopping = [each for each in findings if each.severity == "block"]
    if stopping:
        raise ImageRefused(f"{stopping[0].title}: {stopping[0].message}.", field, stopping[0].rule)


def new_findings(where: Deployed, changed: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is found in the changed files, and was not before."""
    old = _findings(where, lambda path: where.files[path])
    known = {(each.rule, each.object, each.path) for each in old}
    found = _findings(where, lambda path: changed.get(path, where.files[path].decode()).encode())
    return tuple(each for each in found if (each.rule, each.object, each.path) not in known)


def _findings(where: Deployed, read: Callable[[str], bytes]) -> list[Finding]:
    from services.manifests.check import check
    from services.manifests.problems import with_leases
    from services.manifests.reader import load_each

    from .exemptions import leases_of

    documents = [document for path in sorted(where.files) for document in load_each(read(path), path)[0]]
    place = environment_info(where.environment)
    said = {**place.settings, "is_production": place.is_production}
    found = check(documents, environment=place.name, settings=said)
    today = timezone.localdate().isoformat()
    return list(with_leases(found, leases_of(where.entity.ref), place.name, today))


def is_automatic(environment: Environment) -> bool:
    """Whether the company lets what brings only an image there be merged without a review."""
    return promotion().is_automatic(environment_info(environment).as_variable())


def promotion() -> engine.Promotion:
    from services.onboarding import blueprints as engine

    return engine.company_promotion(settings.PROMOTION)


def needs_of(found: Brought, kind: str, user: User) -> list[dict[str, Any]]:
    """Who has to say yes by the company's rules. Refuses (ImageRefused) where one cannot be judged."""
    from services.manifests.expressions import ExpressionError, Scope
    from services.manifests.render import RenderError
    from services.onboarding.blueprints.approvals import needs

    context = context_for(user, Request())
    owner = found.where.entity.owner_ref.rpartition("/")[2]
    scope = Scope({
        "user": {"username": user.username, "name": str(user), "teams": []},
        "request": "", "today": context.today, "values": {}, "here": {},
        "answers": {"name": found.where.entity.name, "owner": owner, "image": found.image},
        "environments": [environment_info(found.where.environment).as_variable()],
        "all_environments": [each.as_variable() for each in context.environments],
        "cost": {"monthly": 0.0, "currency": "EUR"},
        "findings": [{"rule": each.rule, "severity": each.severity} for each in found.findings],
        "change": {"blueprint": kind, "owner": owner, "kinds": [], "removed": 0},
    })  # fmt: skip
    try:
        return [asdict(each) | {"who": list(each.who)} for each in needs(tuple(context.approvals), scope)]
    except (ExpressionError, RenderError) as error:
        said = f"A rule of the company about approvals cannot be judged: {error}"
        raise ImageRefused(said, "environment", "approvals") from error
