"""What stands in the repository already: a change touches the lines its answers change, and no others."""

import difflib
from collections.abc import Mapping
from typing import Any, Final

from services.manifests.editing import revise
from services.manifests.emit import ManifestError, load_all
from services.manifests.merging import three_way

ANSWERS: Final = "slipway.yaml"
Edit = tuple[int, int, list[str]]


def answers_in(text: bytes | None, blueprint: str) -> tuple[dict[str, Any], str] | None:
    """Answers and request of a `slipway.yaml` of this blueprint; None when it is none."""
    found = documents_of(text)
    kept = found[0] if len(found) == 1 else {}
    about, spec = kept.get("metadata"), kept.get("spec")
    if kept.get("kind") != "Answers" or not isinstance(about, Mapping) or not isinstance(spec, Mapping):
        return None
    answers = spec.get("answers")
    if about.get("blueprint") != blueprint or not isinstance(answers, dict):
        return None
    return answers, str(about.get("request") or "")


def pin_in(text: bytes | None) -> tuple[str, str] | None:
    """Digest and version of the blueprint that made what lies beside a `slipway.yaml`."""
    spec = next(iter(documents_of(text)), {}).get("spec")
    if not isinstance(spec, Mapping) or not spec.get("digest"):
        return None
    return str(spec["digest"]), str(spec.get("version") or "")


def documents_of(text: bytes | None) -> list[dict[str, Any]]:
    """The mappings in a file; none where it holds anything else."""
    try:
        found = [each.data for each in load_all(text)] if text is not None else []
    except ManifestError:
        return []
    return found if all(isinstance(each, dict) for each in found) else []


def merge(base: str, here: str, wanted: str) -> str | None:
    """`here` with what leads from `base` to `wanted`; None where both changed the same or adjoining lines."""
    lines = base.splitlines(keepends=True)
    ours, theirs = _edits(lines, wanted), _edits(lines, here)
    ours = [edit for edit in ours if edit not in theirs]
    if any(_touch(one, other) for one in ours for other in theirs):
        return None
    for start, end, new in sorted([*ours, *theirs], reverse=True):
        lines[start:end] = new
    return "".join(lines)


def merge_values(base: str, here: str, wanted: str) -> str:
    """The same, value by value, where lines are too close: what both changed is as the form wants it."""
    found = [documents_of(text.encode()) for text in (base, here, wanted)]
    if any(len(each) != 1 for each in found):
        return wanted
    before, now, after = (each[0] for each in found)
    return revise(here, three_way(before, now, after))


def _edits(lines: list[str], to: str) -> list[Edit]:
    after = to.splitlines(keepends=True)
    matcher = difflib.SequenceMatcher(None, lines, after, autojunk=False)
    return [(i, j, after[k:m]) for tag, i, j, k, m in matcher.get_opcodes() if tag != "equal"]


def _touch(one: Edit, other: Edit) -> bool:
    return max(one[0], other[0]) <= min(one[1], other[1])
