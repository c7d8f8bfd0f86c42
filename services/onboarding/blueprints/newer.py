"""Files made by an older version of a blueprint, brought to the newer one.

Three sides meet in each file: what the older version made (`base`), what the newer one makes, and what is in
the repository now. What only one of the two changed is taken from it; where people changed by hand what the
newer version changes too, theirs stays, unless they say otherwise, and it is said.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from services.manifests.editing import revise
from services.manifests.merging import MISSING, three_way
from services.onboarding.blueprints.model import Blueprint, Conflict, Release, Upgrade
from services.onboarding.blueprints.previous import ANSWERS, documents_of, merge

TAKE: Final = "+take"
MARK = re.compile(r"(slipway\.dev/request: )R-\d+")
NONE: Final[frozenset[str]] = frozenset()
SHORT: Final = 200


@dataclass(frozen=True)
class Settled:
    """`text` None: the file is not to be in the repository; `judged` is what guardrails read."""

    text: str | None
    judged: str
    conflicts: tuple[Conflict, ...] = ()


def released_since(blueprint: Blueprint, version: str) -> tuple[Release, ...]:
    """What is newer than a version, the newest first; everything where the version is not known."""
    return tuple(each for each in blueprint.changes if not version or rank(each.version) > rank(version))


def rank(version: str) -> tuple[int, ...]:
    """`1.10` comes after `1.9`, and `1` is `1.0`."""
    numbers = [int(each) for each in version.split(".") if each.isdigit()]
    while numbers and not numbers[-1]:
        numbers.pop()
    return tuple(numbers)


def carried_on(blueprint: Blueprint, answers: Mapping[str, Any], version: str) -> dict[str, Any]:
    """The answers under the names their fields have now."""
    found = dict(answers)
    for release in reversed(released_since(blueprint, version)):
        for old, new in release.moved.items():
            if old in found:
                found.setdefault(new, found[old])
                del found[old]
    return found


def taken_in(answers: Mapping[str, Any]) -> frozenset[str]:
    """The conflicts in which the person wants what the newer version says."""
    said = answers.get(TAKE)
    return frozenset(each for each in said if isinstance(each, str)) if isinstance(said, list) else NONE


def marked(text: str, request: str) -> str:
    """The text as if this request had brought it: which one did is no difference."""
    return MARK.sub(rf"\g<1>{request}", text) if request else text


def settled(upgrade: Upgrade, path: str, found: bytes | None, text: str, request: str) -> Settled:
    """What a file becomes that the newer version makes as `text`."""
    base = marked(upgrade.files[path], request) if path in upgrade.files else None
    here = found.decode(errors="replace") if found is not None else None
    as_ours = marked(here, request) if here is not None else None
    if as_ours == text or (base == text and here is not None):
        return Settled(here, text)
    if base == as_ours:
        return Settled(text, text)
    if base == text:  # gone by hand, and the newer version has nothing to say about it
        return Settled(None, text)
    if base is None or here is None or as_ours is None:
        return _whole(upgrade, path, here, text)
    merged, conflicts = brought_together(path, base, as_ours, text, upgrade.take)
    return Settled(here if merged == as_ours else merged, merged, conflicts)


def removed(upgrade: Upgrade, path: str, found: bytes, request: str) -> tuple[bool, tuple[Conflict, ...]]:
    """Whether a file goes that the newer version does not make any more."""
    here = found.decode(errors="replace")
    if marked(here, request) == marked(upgrade.files[path], request) or path.endswith(f"/{ANSWERS}"):
        return True, ()
    conflict = Conflict(path, path, "", "", "changed by hand", "not made any more", path in upgrade.take)
    return conflict.taken, (conflict,)


def _whole(upgrade: Upgrade, path: str, here: str | None, text: str) -> Settled:
    """A file that is there though no version made it, or is not there though one did."""
    said = "written by hand" if here is not None else "removed by hand"
    conflict = Conflict(path, path, "", "", said, "made by the newer version", path in upgrade.take)
    return Settled(text if conflict.taken else here, text, (conflict,))


def brought_together(
    path: str, base: str, here: str, wanted: str, take: frozenset[str]
) -> tuple[str, tuple[Conflict, ...]]:
    """Line by line where that goes, else value by value; what both changed is as it is here, unless taken."""
    lines = merge(base, here, wanted)
    if lines is not None and documents_of(lines.encode()):
        return lines, ()
    found = [documents_of(text.encode()) for text in (base, here, wanted)]
    if any(len(each) != 1 for each in found):
        conflict = Conflict(path, path, "", "", "changed by hand", "changed too", path in take)
        return wanted if conflict.taken else here, (conflict,)
    conflicts: list[Conflict] = []
    decide = partial(_decide, path, take, conflicts)
    before, now, after = (each[0] for each in found)
    return revise(here, three_way(before, now, after, decide)), tuple(conflicts)


def deciding(path: str, take: frozenset[str], conflicts: list[Conflict]) -> Any:
    """For `three_way`: keeps what is here, and writes down that it does."""
    return partial(_decide, path, take, conflicts)


def _decide(
    path: str, take: frozenset[str], conflicts: list[Conflict], at: Sequence[str], base: Any, here: Any,
    wanted: Any,
) -> Any:  # fmt: skip
    if at and at[-1] == "resources" and all(isinstance(each, list) for each in (base, here, wanted)):
        return listed(base, here, wanted)
    place = ".".join(at)
    key = f"{path}#{place}"
    conflicts.append(Conflict(key, path, place, _said(base), _said(here), _said(wanted), key in take))
    return wanted if key in take else here


def listed(base: Iterable[Any], here: Iterable[Any], wanted: Iterable[Any]) -> list[Any]:
    """A kustomization's files: those of both, without those either took away."""
    before, after = list(base), list(wanted)
    kept = [each for each in here if each not in before or each in after]
    return [*kept, *(each for each in after if each not in before and each not in kept)]


def _said(value: Any) -> str:
    if value is MISSING:
        return "nothing"
    return str(value)[:SHORT]
