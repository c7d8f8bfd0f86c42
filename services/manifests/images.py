"""Images as manifests name them: repository and version, and where they stand in a file."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from services.manifests import objects, pointers
from services.manifests.editing import revise
from services.manifests.pointers import Path
from services.manifests.reader import Document, load_all
from services.manifests.semantics.pods import IMAGE

LONGEST: Final = 512
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
TAG: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")
# Words that name a line of work, or whatever is newest on it; and versions that stand for all below them.
_MOVING: Final = re.compile(r"(latest|nightly|edge|snapshot|canary|rolling)([-_.].*)?|v?\d{1,2}(\.\d{1,4})?")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}\Z")
KUSTOMIZATIONS: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")


class NotAnImage(ValueError):
    """The text names no image."""


@dataclass(frozen=True)
class Image:
    """`registry.example.com/cart:1.4.0@sha256:…`, taken apart."""

    repository: str
    tag: str = ""
    digest: str = ""

    def __str__(self) -> str:
        return (
            self.repository
            + (f":{self.tag}" if self.tag else "")
            + (f"@{self.digest}" if self.digest else "")
        )

    @property
    def version(self) -> str:
        """As people say it: the tag, else the beginning of the digest."""
        return self.tag or self.digest.removeprefix("sha256:")[:12]

    @property
    def is_fixed(self) -> bool:
        """Whether it always means the same build: a digest, or a tag that names one."""
        if self.digest:
            return True
        named = any(letter.isdigit() for letter in self.tag) or _COMMIT.match(self.tag) is not None
        return named and _MOVING.fullmatch(self.tag) is None

    @property
    def name(self) -> str:
        return self.repository.rpartition("/")[2]


def parse(text: str) -> Image:
    """Refuses (NotAnImage) what no container runtime takes for an image."""
    if len(text) > LONGEST or not IMAGE.match(text):
        raise NotAnImage("is not an image: write registry/name:tag or registry/name@sha256:…")
    rest, _, digest = text.partition("@")
    if digest and not DIGEST.match(digest):
        raise NotAnImage("its digest must be sha256: and 64 hexadecimal digits")
    last = rest.rpartition("/")[2]
    tag = last.partition(":")[2]
    return Image(rest.removesuffix(f":{tag}") if tag else rest, tag, digest)


@dataclass(frozen=True)
class Place:
    """Where an image is written: document and path in a file, and the object and container it is for."""

    file: str
    document: int
    path: Path
    object: str
    container: str
    image: Image
    is_override: bool = False

    @property
    def label(self) -> str:
        return f"{self.container} of {self.object}"


def places(file: str, text: bytes | str, *, name: str, namespace: str, must_say: bool) -> Iterator[Place]:
    """Every image of the service's own containers in a file; objects of another namespace are not its.

    `must_say`: neither are those without a namespace, for the file's place says not where they go.
    Raises ManifestError for a file that cannot be read.
    """
    wanted = {namespace} if must_say else {namespace, ""}
    for document in load_all(text, file):
        if not isinstance(document.data, dict):
            continue
        if file.rpartition("/")[2] in KUSTOMIZATIONS:
            yield from () if must_say else _overrides(document)
        elif name in _names(document.data) and objects.namespace(document.data) in wanted:
            yield from _containers(document)


def _names(obj: dict[str, Any]) -> set[Any]:
    said = objects.labels(obj)
    keys = ("app.kubernetes.io/name", "app.kubernetes.io/instance", "app")
    return {objects.name(obj), *(str(said.get(key)) for key in keys)}


def _containers(document: Document) -> Iterator[Place]:
    about = f"{objects.kind(document.data)} {objects.name(document.data)}"
    for path, container in objects.containers(document.data, "containers", "initContainers"):
        image = _read(container.get("image"))
        if image is not None:
            called = str(container.get("name") or "")
            yield Place(document.file, document.index, (*path, "image"), about, called, image)


def _overrides(document: Document) -> Iterator[Place]:
    """`images` of a kustomization, which take the place of those in the manifests."""
    for path, entry in objects.entries(document.data, ("images",)):
        called = str(entry.get("name") or "")
        image = _read(str(entry.get("newName") or called))
        if image is not None:
            tag, digest = str(entry.get("newTag") or image.tag), str(entry.get("digest") or "")
            whole = Image(image.repository, tag, digest)
            yield Place(document.file, document.index, path, "Kustomization", called, whole, is_override=True)


def _read(said: Any) -> Image | None:
    try:
        return parse(said) if isinstance(said, str) else None
    except NotAnImage:
        return None


def with_image(text: str, wanted: Place, image: Image) -> str:
    """The file with another version at this place, and every other byte as it was."""
    data = load_all(text)[wanted.document].data
    if not wanted.is_override:
        return revise(text, pointers.with_value(data, wanted.path, str(image)), wanted.document)
    entry = {
        key: value
        for key, value in pointers.find(data, wanted.path).items()
        if key not in ("newTag", "digest")
    }
    said = {"newTag": image.tag, "digest": image.digest}
    entry |= {key: value for key, value in said.items() if value}
    return revise(text, pointers.with_value(data, wanted.path, entry), wanted.document)


def at(image: Image, *, tag: str = "", digest: str = "") -> Image:
    """The same repository with another version."""
    return replace(image, tag=tag, digest=digest)
