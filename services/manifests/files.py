"""Manifests on disk: files and folders given to a command, read with their names and their mistakes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from services.manifests.reader import Document, ManifestError, load_all

SUFFIXES = (".yaml", ".yml", ".json")
MOST_FILES = 20_000


class NoSuchPath(ValueError):
    """A path that is not there, or a folder with far too much in it."""


@dataclass(frozen=True)
class ManifestFile:
    """`name` is relative to the path that was given."""

    name: str
    documents: list[Document] = field(default_factory=list)
    error: ManifestError | None = None


def read(paths: Iterable[str | Path], *, repeated_keys: bool = False) -> Iterator[ManifestFile]:
    """Every YAML and JSON file of the paths, in order of their names; hidden folders are left out."""
    for path, name in _files([Path(each) for each in paths]):
        try:
            yield ManifestFile(name, _documents(path, name, repeated_keys))
        except ManifestError as error:
            yield ManifestFile(name, error=error)
        except OSError as error:
            yield ManifestFile(name, error=ManifestError(f"cannot be read: {error.strerror}", name))


def _files(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    for given in paths:
        if given.is_file():
            yield given, given.name
        elif given.is_dir():
            yield from _below(given)
        else:
            raise NoSuchPath(f"there is no file or folder {given}")


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    found = [each for each in folder.rglob("*") if each.suffix in SUFFIXES and each.is_file()]
    if len(found) > MOST_FILES:
        raise NoSuchPath(f"{folder} holds {len(found)} files; give a smaller folder")
    for path in sorted(found):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            yield path, name.as_posix()


def _documents(path: Path, name: str, repeated_keys: bool) -> list[Document]:
    text = path.read_bytes()
    try:
        return load_all(text, name, repeated_keys=repeated_keys)
    except ManifestError:
        if path.suffix != ".json":
            raise
        return [Document(0, 1, _json(text, name), {}, name)]  # JSON may hold tabs, which YAML refuses


def _json(text: bytes, name: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"not JSON: {error}", name) from error
