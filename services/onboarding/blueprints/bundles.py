"""Shortcuts: `bundle.yaml` in a folder beside blueprints names those that are often asked for together."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from services.onboarding.blueprints.loader import CATEGORIES
from services.onboarding.blueprints.model import Blueprint, Bundle
from services.onboarding.blueprints.source import BlueprintError, Piece, read_one

FILE = "bundle.yaml"


def load_bundle(folder: Path, known: Mapping[str, Blueprint]) -> Bundle:
    """Refuses (BlueprintError) what names a blueprint that is not there, or one that stands alone."""
    top = Piece(document := read_one(folder, FILE), (), document.data)
    top.only(("apiVersion", "kind", "metadata", "spec"))
    if top.text("kind") != "Bundle" or top.text("apiVersion") != "slipway.dev/v1":
        raise top.error("must be apiVersion slipway.dev/v1, kind Bundle", "kind")
    about, spec = top.piece("metadata"), top.piece("spec")
    about.only(("name", "title", "description", "icon", "tags", "category", "order"))
    spec.only(("blueprint", "with"))
    if about.text("category", "Other") not in CATEGORIES:
        raise about.error(f"category must be one of {', '.join(CATEGORIES)}", "category")
    if spec.text("blueprint") not in known:
        raise spec.error(f"there is no blueprint {spec.text('blueprint')}", "blueprint")
    return Bundle(
        name=about.text("name"),
        title=about.text("title"),
        description=about.text("description", ""),
        icon=about.text("icon", "stack-2"),
        category=about.text("category", "Other"),
        order=about.get("order", int, 50),
        tags=tuple(about.get("tags", list, [])),
        blueprint=spec.text("blueprint"),
        brings=tuple(_brought(spec, known)),
    )


def _brought(spec: Piece, known: Mapping[str, Blueprint]) -> Iterator[str]:
    for name in spec.get("with", list):
        if name not in known or known[name].joining is None:
            raise spec.error(f"{name} is no blueprint that joins others", "with")
        yield str(name)


def bundles_in(
    folders: Sequence[Path], known: Mapping[str, Blueprint]
) -> tuple[dict[str, Bundle], dict[str, str]]:
    """Those that can be offered, and what is wrong with the others, by folder."""
    found: dict[str, Bundle] = {}
    broken: dict[str, str] = {}
    for path in (path for folder in folders for path in sorted(folder.glob(f"*/{FILE}"))):
        try:
            bundle = load_bundle(path.parent, known)
        except BlueprintError as error:
            broken[path.parent.name] = str(error)
        else:
            found[bundle.name] = bundle
    return found, broken
