"""What two places of one service say differently, value by value; carrying values from one to the other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from services.manifests import objects, pointers
from services.manifests.editing import revise
from services.manifests.images import KUSTOMIZATIONS
from services.manifests.merging import MISSING, same
from services.manifests.pointers import Path
from services.manifests.reader import Document, ManifestError, load_all

NAMES: Final = ("name", "containerPort", "port", "mountPath", "key")


@dataclass(frozen=True)
class Difference:
    """`path` is where it stands in the document of `file`; `here` is there now, `there` in the other place.

    Either may be MISSING.
    """

    file: str
    document: int
    kind: str
    object: str
    path: Path
    here: Any
    there: Any

    @property
    def key(self) -> str:
        return f"{self.object}#{pointers.text(self.path)}"


@dataclass(frozen=True)
class Alone:
    """An object that only one of the two places has."""

    object: str
    file: str


def documents_of(files: Mapping[str, bytes]) -> Iterator[Document]:
    """Every object in files that can be read; Secrets are nobody's to compare."""
    for path, text in sorted(files.items()):
        try:
            found = load_all(text, path)
        except ManifestError:
            continue
        for document in found:
            if isinstance(document.data, dict) and objects.kind(document.data) not in ("Secret", "List"):
                yield document


def paired(
    here: Sequence[Document], there: Sequence[Document]
) -> tuple[list[tuple[Document, Document]], list[Alone], list[Alone]]:
    """Objects of one kind and name; of what is left, the only one of its kind on each side."""
    ours, theirs = {_label(each): each for each in here}, {_label(each): each for each in there}
    pairs = [(ours.pop(label), theirs.pop(label)) for label in list(ours) if label in theirs]
    for kind in {label.partition(" ")[0] for label in ours}:
        left, right = _of_kind(ours, kind), _of_kind(theirs, kind)
        if len(left) == len(right) == 1:
            pairs.append((ours.pop(left[0]), theirs.pop(right[0])))
    return pairs, _alone(ours), _alone(theirs)


def _label(document: Document) -> str:
    if document.file.rpartition("/")[2] in KUSTOMIZATIONS:
        return "Kustomization"
    return f"{objects.kind(document.data)} {objects.name(document.data)}"


def _of_kind(some: Mapping[str, Document], kind: str) -> list[str]:
    return [label for label in some if label.partition(" ")[0] == kind]


def _alone(some: Mapping[str, Document]) -> list[Alone]:
    return [Alone(label, document.file) for label, document in some.items()]


def differences(here: Document, there: Document) -> Iterator[Difference]:
    label = _label(here)
    for path, one, other in _walk((), here.data, there.data):
        yield Difference(here.file, here.index, label.partition(" ")[0], label, path, one, other)


def _walk(path: Path, here: Any, there: Any) -> Iterator[tuple[Path, Any, Any]]:
    if here is not MISSING and there is not MISSING and same(here, there):
        return
    if isinstance(here, Mapping) and isinstance(there, Mapping):
        for key in [*here, *(key for key in there if key not in here)]:
            yield from _walk((*path, key), here.get(key, MISSING), there.get(key, MISSING))
        return
    key = _named_by(here, there)
    if key is None:
        yield path, here, there
        return
    theirs = {item[key]: item for item in there}
    for index, item in enumerate(here):
        yield from _walk((*path, index), item, theirs.pop(item[key], MISSING))
    for offset, item in enumerate(theirs.values()):
        yield (*path, len(here) + offset), MISSING, item


def _named_by(here: Any, there: Any) -> str | None:
    """The key that tells the items of both lists apart."""
    if not isinstance(here, list) or not isinstance(there, list):
        return None
    for key in NAMES:
        if all(_tells_apart(items, key) for items in (here, there)):
            return key
    return None


def _tells_apart(items: list[Any], key: str) -> bool:
    named = [
        item[key] for item in items if isinstance(item, Mapping) and isinstance(item.get(key), str | int)
    ]
    return len(named) == len(items) == len(set(named))


def carried(files: Mapping[str, str], wanted: Sequence[Difference]) -> dict[str, str]:
    """The files with these values as the other place has them, and every other byte as it was.

    What goes from a list goes last, from its end: places of others stay right until then.
    """
    result = dict(files)
    coming = [each for each in wanted if each.there is not MISSING]
    going = sorted((each for each in wanted if each.there is MISSING), key=lambda each: _order(each.path))
    for each in (*coming, *reversed(going)):
        text = result[each.file]
        data = load_all(text)[each.document].data
        new = _without(data, each.path) if each.there is MISSING else _with(data, each.path, each.there)
        result[each.file] = revise(text, new, each.document)
    return result


def _order(path: Path) -> list[tuple[bool, str, int]]:
    return [(isinstance(part, int), str(part), part if isinstance(part, int) else 0) for part in path]


def _with(data: Any, path: Path, value: Any) -> Any:
    """As `pointers.with_value`; an item past the end of a list is appended to it."""
    *way, last = path
    if isinstance(last, int) and isinstance(items := pointers.find(data, way), list) and last >= len(items):
        return pointers.with_value(data, way, [*items, value])
    return pointers.with_value(data, path, value)


def _without(data: Any, path: Path) -> Any:
    *way, last = path
    around = pointers.find(data, way)
    if isinstance(around, list):
        return pointers.with_value(data, way, [item for at, item in enumerate(around) if at != last])
    return pointers.with_value(data, way, {key: item for key, item in around.items() if key != last})
