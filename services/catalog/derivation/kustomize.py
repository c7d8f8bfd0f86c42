"""Kustomizations: the ConfigMaps they generate and the patches they carry inline. Names are merged by the
reader of the results, so that a base and its overlays count once."""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Any

from services.catalog.derivation.kubernetes import Cluster
from services.catalog.derivation.model import Block, Json
from services.catalog.derivation.texts import assignments
from services.catalog.derivation.trees import listed, mapping, numbered, plain, text
from services.catalog.descriptors.reading import Document, read

NAMES = ("kustomization.yaml", "kustomization.yml")


def is_kustomization(file: str, data: Any) -> bool:
    if not isinstance(data, dict):
        return False
    is_kind = data.get("kind") in ("Kustomization", "Component") and "kustomize.config" in text(
        data, "apiVersion"
    )
    return is_kind or (posixpath.basename(file).lower() in NAMES and "spec" not in data)


def take(cluster: Cluster, files: Mapping[str, bytes], file: str, document: Document) -> None:
    """Add what a kustomization makes of itself."""
    space = text(document.data, "namespace")
    for field, kind in (("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")):
        for number, generator in numbered(document.data, field):
            line = document.line_of((field, number))
            block = Block(
                text(generator, "name"), text(generator, "namespace") or space, file, secret=kind == "Secret"
            )
            _fill(block, files, file, generator, line)
            known = cluster.blocks.setdefault((kind, block.space, block.name), block)
            known.entries |= block.entries
    for line, patch in _patches(document):
        for inner in read(patch.encode()):
            if isinstance(inner.data, dict) and isinstance(inner.data.get("kind"), str):
                cluster.add(file, inner.data, lambda path, i=inner, n=line: i.line_of(path) + n)  # type: ignore[misc]


def _fill(block: Block, files: Mapping[str, bytes], file: str, generator: Json, line: int) -> None:
    for each in listed(generator, "literals"):
        key, _, value = plain(each).partition("=")
        block.entries[key] = (value.strip("\"'"), line)
    folder = posixpath.dirname(file)
    envs = [*listed(generator, "envs"), generator.get("env")]
    for name in (plain(each) for each in envs if each):
        content = files.get(posixpath.normpath(posixpath.join(folder, name)), b"")
        for key, value, _ in assignments(content.decode(errors="replace")):
            block.entries[key] = (value, line)
    for each in listed(generator, "files"):
        key, _, name = plain(each).rpartition("=")
        content = files.get(posixpath.normpath(posixpath.join(folder, name)), b"")
        block.entries[key or posixpath.basename(name)] = (content.decode(errors="replace"), line)


def _patches(document: Document) -> Iterator[tuple[int, str]]:
    """Strategic merge patches that stand in the kustomization itself: (the line before, text)."""
    for number, patch in numbered(document.data, "patches"):
        if "\n" in text(patch, "patch") and mapping(patch) is not None:
            yield document.line_of(("patches", number, "patch")), text(patch, "patch")
    for number, each in enumerate(listed(document.data, "patchesStrategicMerge")):
        if "\n" in plain(each):
            yield document.line_of(("patchesStrategicMerge", number)), plain(each)
