"""Every blueprint there is to choose from: the shipped ones, and those in folders of the company's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from services.onboarding.blueprints import loader
from services.onboarding.blueprints.bundles import bundles_in
from services.onboarding.blueprints.model import Blueprint, Bundle
from services.onboarding.blueprints.source import BlueprintError


@dataclass(frozen=True)
class Library:
    """`broken` has what is wrong with a folder, by its name: the others are offered all the same."""

    blueprints: Mapping[str, Blueprint]
    broken: Mapping[str, str]
    bundles: Mapping[str, Bundle] = field(default_factory=dict)


def offered(folders: Sequence[Path], *, watched: bool = False) -> Library:
    """Of blueprints with one name the last folder's counts. `watched`: looks for changed files each time."""
    return _read(tuple(folders), tuple(_stamp(each) for each in folders) if watched else ())


def _stamp(folder: Path) -> int:
    """Changes when a file below the folder is written, comes or goes."""
    files = sorted(folder.rglob("*.yaml"))
    return hash(tuple((str(each), each.stat().st_mtime_ns) for each in files))


@lru_cache(maxsize=2)
def _read(folders: tuple[Path, ...], stamps: tuple[int, ...]) -> Library:
    if stamps:
        loader.forget()
    found: dict[str, Blueprint] = {}
    broken: dict[str, str] = {}
    if loader.SHIPPED in folders and not stamps:
        found |= loader.shipped()
    own = [folder for folder in folders if stamps or folder != loader.SHIPPED]
    for path in (path for folder in own for path in sorted(folder.glob("*/blueprint.yaml"))):
        try:
            blueprint = loader.load(path.parent)
        except BlueprintError as error:
            broken[path.parent.name] = str(error)
        else:
            found[blueprint.name] = blueprint
    bundles, wrong = bundles_in(folders, found)
    return Library(found, {**broken, **wrong}, bundles)
