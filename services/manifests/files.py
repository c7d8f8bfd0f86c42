"""Manifests on disk: files and folders given to a command, read with their names and their mistakes."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.manifests.reader import MAX_CHARACTERS, Document, ManifestError, load_each

SUFFIXES = (".yaml", ".yml", ".json")
MOST_FILES = 20_000
MOST_BYTES = MAX_CHARACTERS  # at least a byte each


class NoSuchPath(ValueError):
    """A path that is not there, or a folder with far too much in it."""


@dataclass(frozen=True)
class ManifestFile:
    """`name` is relative to the path that was given."""

    name: str
    documents: list[Document] = field(default_factory=list)
    errors: list[ManifestError] = field(default_factory=list)


def read(paths: Iterable[str | Path], *, repeated_keys: bool = False) -> Iterator[ManifestFile]:
    """Every YAML and JSON file of the paths once, in order of their names; hidden folders are left out."""
    seen: set[Path] = set()
    for path, name in _files([Path(each) for each in paths]):
        if path.resolve() in seen:
            continue
        seen.add(path.resolve())
        try:
            documents, errors = _documents(path, name, repeated_keys)
            origin = str(path)[: -len(name)]
            yield ManifestFile(name, [replace(each, origin=origin) for each in documents], errors)
        except ManifestError as error:
            yield ManifestFile(name, errors=[error])
        except OSError as error:
            yield ManifestFile(name, errors=[ManifestError(f"cannot be read: {error.strerror}", name)])


def _files(paths: list[Path]) -> Iterator[tuple[Path, str]]:
    for given in paths:
        if given.is_file():
            yield given, given.name
        elif given.is_dir():
            yield from _below(given)
        else:
            raise NoSuchPath(f"there is no file or folder {given}")


def _below(folder: Path) -> Iterator[tuple[Path, str]]:
    root = folder.resolve()
    found = [
        each
        for each in folder.rglob("*")
        if each.suffix in SUFFIXES
        and each.is_file()
        and not (each.is_symlink() and root not in each.resolve().parents)  # nothing from outside is read
    ]
    if len(found) > MOST_FILES:
        raise NoSuchPath(f"{folder} holds {len(found)} files; give a smaller folder")
    for path in sorted(found):
        name = path.relative_to(folder)
        if not any(part.startswith(".") for part in name.parts):
            yield path, name.as_posix()


def _documents(path: Path, name: str, repeated_keys: bool) -> tuple[list[Document], list[ManifestError]]:
    if path.stat().st_size > MOST_BYTES:
        raise ManifestError(f"the file is larger than {MOST_BYTES // 1_000_000} MB", name)
    text = path.read_bytes()
    if path.suffix != ".json":
        return load_each(text, name, repeated_keys=repeated_keys)
    # JSON may hold tabs, which YAML refuses, and only where a space may stand as well.
    documents, errors = load_each(text.replace(b"\t", b" "), name, repeated_keys=repeated_keys)
    if not errors or not errors[0].line:
        return documents, errors
    try:
        return _json(text, name, repeated_keys), []
    except ManifestError as error:
        error.template, error.foreign = errors[0].template, errors[0].foreign
        raise


def _json(text: bytes, name: str, repeated_keys: bool) -> list[Document]:
    """One value after the other, as `kubectl get -o json` prints them when it is asked twice."""
    decoder = json.JSONDecoder(object_pairs_hook=dict if repeated_keys else _unique)
    rest = text.decode("utf-8-sig").lstrip()
    documents: list[Document] = []
    try:
        while rest:
            value, end = decoder.raw_decode(rest)
            documents.append(Document(len(documents), 1, value, {}, name))
            rest = rest[end:].lstrip()
    except (ValueError, RecursionError) as error:
        raise ManifestError(f"not JSON: {error}", name, len(documents)) from error
    return documents


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key is there twice")
    return found
