"""Manifests that no form made, beside the form that comes nearest to them: which file stands for which.

What the answers read from them would render is never written: a change is compared with it. So a change
of one answer changes its values in the files that are there, and everything else in them stays to the byte.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from services.manifests.editing import revise
from services.manifests.emit import ManifestError, load_all
from services.manifests.merging import Decide, as_wanted, three_way

KEY: Final = "adopted"
Identity = tuple[str, str]


@dataclass(frozen=True)
class Adopted:
    """`places` leads from a path of the form to the file there is and the document in it; `left` are paths
    of the form that the repository has nothing for; `descriptor` is the entity as the catalog knows it.

    `silent` ones are only written down, for a rendering that is compared with.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    descriptor: dict[str, Any] | None = None
    silent: bool = False

    def as_kept(self) -> dict[str, Any]:
        """What `slipway.yaml` remembers of it."""
        places = {path: f"{file}#{index}" for path, (file, index) in sorted(self.places.items())}
        return {"places": places, "left": sorted(self.left)}

    def file_of(self, path: str) -> str:
        """The file that stands for a path of the form."""
        return self.places[path][0] if path in self.places else path


def adopted_in(text: bytes | None) -> Adopted | None:
    """What a `slipway.yaml` remembers; None for what a form made from the beginning."""
    try:
        data = load_all(text)[0].data if text is not None else None
    except (ManifestError, IndexError):
        return None
    spec = data.get("spec") if isinstance(data, Mapping) else None
    kept = spec.get(KEY) if isinstance(spec, Mapping) else None
    if not isinstance(kept, Mapping):
        return None
    places = kept.get("places")
    return Adopted(
        places=dict(_places(places if isinstance(places, Mapping) else {})),
        left=tuple(map(str, kept.get("left") or ())),
    )


def _places(said: Mapping[Any, Any]) -> Iterator[tuple[str, tuple[str, int]]]:
    for path, place in said.items():
        file, _, index = str(place).rpartition("#")
        if file and index.isdigit():
            yield str(path), (file, int(index))


def revised(text: str, index: int, base: Any, wanted: Any, decide: Decide = as_wanted) -> str:
    """A file with one of its documents brought from what `base` says to what is wanted, and all else kept."""
    documents = load_all(text)
    if index >= len(documents):
        return text
    here = documents[index].data
    merged = three_way(aligned(base, base, here), here, aligned(wanted, base, here), decide)
    if isinstance(here, Mapping) and here.get("kind") == "Kustomization" and isinstance(merged, dict):
        merged = {**merged, "resources": _listed(here, base, wanted)}
    return revise(text, merged, index)


def aligned(data: Any, base: Any, here: Any) -> Any:
    """`data`, where `base` calls the one container or port otherwise than `here`, with the name from here."""
    if isinstance(data, Mapping) and isinstance(base, Mapping) and isinstance(here, Mapping):
        return {key: aligned(value, base.get(key), here.get(key)) for key, value in data.items()}
    ours, theirs, mine = _by_name(base), _by_name(here), _by_name(data)
    if not ours or not theirs or not mine:
        return data
    alone = [name for name in ours if name not in theirs]
    others = [name for name in theirs if name not in ours]
    called = dict(zip(alone[:1], others[:1], strict=False))
    return [
        {**aligned(each, ours.get(name), theirs.get(called.get(name, name))), "name": called.get(name, name)}
        for name, each in mine.items()
    ]


def _by_name(items: Any) -> dict[str, Any]:
    """Named things by name; nothing for anything else."""
    named = isinstance(items, list) and all(isinstance(each, Mapping) and each.get("name") for each in items)
    return {str(each["name"]): each for each in items} if named else {}


def _listed(here: Mapping[str, Any], base: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Any]:
    """What is listed by hand stays listed."""
    known, before, after = (list(each.get("resources") or ()) for each in (here, base, wanted))
    gone = [each for each in before if each not in after]
    return [*(e for e in known if e not in gone), *(e for e in after if e not in before and e not in known)]


def as_json(adopted: Adopted) -> dict[str, Any]:
    return asdict(adopted)


def from_json(kept: Mapping[str, Any]) -> Adopted | None:
    """As a request keeps it; None where it keeps none."""
    if not kept:
        return None
    places = {path: (file, index) for path, (file, index) in kept["places"].items()}
    return Adopted(dict(kept["answers"]), places, tuple(kept["left"]), kept["descriptor"])
