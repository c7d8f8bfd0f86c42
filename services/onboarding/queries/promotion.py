"""What differs between two environments of a service, and what promoting one to the other would change."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations import githosts
from services.integrations.errors import IntegrationError

from ..errors import ImageRefused
from ..models import Request
from .deployed import Deployed, deployed
from .images import Brought, new_findings, promotion, refuse_blocking

if TYPE_CHECKING:
    from services.manifests.differing import Alone, Difference
    from services.manifests.images import Image, Place

LONGEST = 200
# What says which object this is, and where: carried over, it would be another one.
IDENTITY = (("apiVersion",), ("kind",), ("metadata", "name"), ("metadata", "namespace"), ("namespace",))
MARK = ("metadata", "annotations", "slipway.dev/request")


@dataclass(frozen=True)
class ImageChange:
    """An image of the target, and the version that the source has of it."""

    place: Place
    wanted: Image

    @property
    def repository(self) -> str:
        return self.place.image.repository


@dataclass(frozen=True)
class Field:
    """One value that differs; `why` it may, empty where that is unexpected."""

    difference: Difference
    why: str

    @property
    def key(self) -> str:
        return self.difference.key

    @property
    def path(self) -> str:
        from services.manifests import pointers

        return pointers.text(self.difference.path)

    @property
    def here(self) -> str:
        return _shown(self.difference.here)

    @property
    def there(self) -> str:
        return _shown(self.difference.there)


@dataclass(frozen=True)
class Comparison:
    """`images` come along always; of the fields those that somebody asks for. `here` is the target."""

    there: Deployed
    here: Deployed
    images: tuple[ImageChange, ...]
    fields: tuple[Field, ...]
    only_here: tuple[Alone, ...]
    only_there: tuple[Alone, ...]

    @property
    def unexpected(self) -> list[Field]:
        return [each for each in self.fields if not each.why]

    @property
    def expected(self) -> list[Field]:
        return [each for each in self.fields if each.why]

    @property
    def content(self) -> str:
        """Of exactly what was compared."""
        total = hashlib.sha256()
        for where in (self.there, self.here):
            for path, text in sorted(where.files.items()):
                total.update(f"{path}\0{hashlib.sha256(text).hexdigest()}\n".encode())
        return f"sha256:{total.hexdigest()}"


def comparison(entity: Entity, source: Environment, target: Environment) -> Comparison:
    """Row 41: environments have the same files, and where they differ it is seen.

    Refuses (ImageRefused) where one of the two has no image of it. Raises `integrations.errors`.
    """
    there = deployed(entity, source)
    here = deployed(entity, target, there.base)
    for where, field in ((there, "from"), (here, "to")):
        if where.main is None:
            said = f"The repository has no manifests of {entity.name} in {where.environment} with an image."
            raise ImageRefused(said, field, "not_deployed")
    pairs, only_here, only_there = _pairs(there, here)
    fields = tuple(_fields(there, here, pairs))
    return Comparison(there, here, tuple(_images(there, here)), fields, tuple(only_here), tuple(only_there))


def _pairs(there: Deployed, here: Deployed) -> Any:
    from services.manifests.differing import documents_of, paired

    return paired(list(documents_of(here.files)), list(documents_of(there.files)))


def _images(there: Deployed, here: Deployed) -> Iterator[ImageChange]:
    """For each image of the target what the source runs of it: of its repository, else in its container."""
    from services.manifests import images

    for place in here.places:
        same_one = [each for each in there.places if each.image.repository == place.image.repository]
        beside = [each for each in there.places if each.label == place.label]
        found = next(iter(same_one or beside), None)
        if found is None:
            continue
        wanted = images.at(place.image, tag=found.image.tag, digest=found.image.digest)
        if wanted != place.image:
            yield ImageChange(place, wanted)


def _fields(there: Deployed, here: Deployed, pairs: Iterable[tuple[Any, Any]]) -> Iterator[Field]:
    from services.manifests.differing import differences

    images = {(each.file, each.document, each.path) for each in here.places}
    rules = promotion()
    for one, other in pairs:
        for found in differences(one, other):
            if found.path in (*IDENTITY, MARK) or _is_override(found):
                continue
            if (found.file, found.document, found.path) in images:
                continue
            why = rules.why(found.kind, found.path) or _of_the_place(found, there, here)
            yield Field(found, why)


def _is_override(found: Difference) -> bool:
    return found.kind == "Kustomization" and found.path[:1] == ("images",)


def _of_the_place(found: Difference, there: Deployed, here: Deployed) -> str:
    """Values that are the same but for the names of the two places."""
    if not isinstance(found.here, str) or not isinstance(found.there, str):
        return ""
    names = (
        (there.environment.namespace, here.environment.namespace),
        (there.environment.name, here.environment.name),
    )
    same = any(found.there.replace(old, new) == found.here for old, new in names)
    return "Names the place" if same else ""


def _shown(value: Any) -> str:
    """One value as people read it; long ones are cut."""
    from services.manifests.emit import dump
    from services.manifests.merging import MISSING

    if value is MISSING:
        return ""
    if isinstance(value, dict | list):
        text = dump([{"x": value}]).partition("\n")[2] if value else str(value)
        return _cut(text.rstrip())
    return str(value).lower() if isinstance(value, bool) else _cut(str(value))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def promoted(found: Comparison, keys: Collection[str]) -> Brought:
    """The target's files with the source's images, and with the fields of these keys as the source has them.

    Refuses (ImageRefused) a field that does not differ, an image that is not fixed, what a guardrail stops.
    """
    from services.manifests import differing, images

    known = {each.key: each.difference for each in found.fields}
    if missing := [key for key in keys if key not in known]:
        raise ImageRefused(f"{missing[0][:200]} does not differ between the two.", "fields", "unknown")
    files = {path: text.decode() for path, text in found.here.files.items() if _is_text(text)}
    for change in found.images:
        if not change.wanted.is_fixed:
            said = f"{found.there.environment} runs {change.wanted}, which can mean another build tomorrow."
            raise ImageRefused(said, "from", "immutable")
        files[change.place.file] = images.with_image(files[change.place.file], change.place, change.wanted)
    files = differing.carried(files, [known[key] for key in dict.fromkeys(keys)])
    changed = {path: text for path, text in files.items() if text.encode() != found.here.files[path]}
    refuse_blocking(findings := new_findings(found.here, changed), "fields")
    main = next(iter(found.images), None)
    image = main.wanted if main else (found.here.main.image if found.here.main else None)
    before = tuple(dict.fromkeys(str(each.place.image) for each in found.images))
    return Brought(found.here, str(image), image.version if image else "", before, changed, findings)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


@dataclass(frozen=True)
class Standing:
    """What the repository, or the cluster, has of a service in one place; who put it there, and when."""

    environment: Environment
    image: Image | str | None
    who: str = ""
    at: datetime | None = None
    what: str = ""
    request: Request | None = None


def standings(entity: Entity) -> list[Standing]:
    """Every environment it has an image in, in their order. Raises `integrations.errors`."""
    rows = Environment.objects.standing().select_related("cluster").order_by("position", "name")
    found, base = list[Standing](), ""
    for environment in rows:
        where = deployed(entity, environment, base)
        base = where.base
        if where.main is not None:
            found.append(_with_author(Standing(environment, where.main.image), where, where.main.file))
    return found


def brought_apart(entity: Entity, answered: Any) -> list[Standing]:
    """Where another image runs than the form's one answer says: builds and promotions brought them there."""
    found, base = list[Standing](), ""
    for environment in Environment.objects.select_related("cluster").order_by("position", "name"):
        where = deployed(entity, environment, base)
        base = where.base
        if where.main is not None:
            found.append(Standing(environment, where.main.image))
    return found if any(str(each.image) != answered for each in found) else []


def _with_author(found: Standing, where: Deployed, path: str) -> Standing:
    """From the request that brought it, else from the last commit that touched the file."""
    rows = Request.objects.filter(
        entity_ref=where.entity.ref, environments__contains=[found.environment.name]
    )
    merged = rows.exclude(merge_sha="").select_related("created_by").order_by("-submitted_at")
    row = next((each for each in merged if path in each.files), None)
    try:
        last = next(iter(githosts.get(where.provider).log(where.repo, where.base, path, 1)), None)
    except IntegrationError:
        last = None
    if last is None:
        return replace(found, request=row)
    return replace(found, who=last.author.name, at=last.at, what=last.title, request=row)


def pair_of(
    standing: Sequence[Standing], source: str = "", target: str = ""
) -> tuple[Standing, Standing] | None:
    """The two that are named, else the first neighbours with different images, else the last two."""
    by_name = {each.environment.name: each for each in standing}
    if source in by_name and target in by_name and source != target:
        return by_name[source], by_name[target]
    neighbours = list(itertools.pairwise(standing))
    return next(
        (each for each in neighbours if each[0].image != each[1].image),
        neighbours[-1] if neighbours else None,
    )
