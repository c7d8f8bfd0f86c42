"""Kinds of operators that forms write: which fields they have.

Whole schemas of theirs are long. What is told here is a name they do not know, and a value of another type;
where a cluster has a newer release than this, its settings say so (`newer_kinds`).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as File
from typing import Any, Final

import yaml

from services.manifests.pointers import Path

FILE: Final = File(__file__).with_name("crds") / "fields.yaml"
TYPES: Final[Mapping[str, tuple[str, Any]]] = {
    "s": ("string", str), "i": ("integer", int), "b": ("boolean", bool), "o": ("object", Mapping),
    "l": ("array", list),
}  # fmt: skip
OBJECT: Final = ("apiVersion", "kind", "metadata", "spec", "status")
MORE: Final = {"Application": ("operation",)}


@dataclass(frozen=True)
class Slip:
    """A name that is not among those `known` there, or (with `types`) a value of none of these types."""

    path: Path
    known: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    value: Any = None


@lru_cache
def known() -> Mapping[str, Any]:
    """The fields of `spec` by `group/version/Kind`."""
    return dict(yaml.load(FILE.read_text(), Loader=yaml.CSafeLoader))


def fields_of(api_version: str, kind: str) -> Any:
    """None for a kind that no form writes."""
    return known().get(f"{api_version}/{kind}")


def slips(data: Mapping[str, Any], fields: Any) -> Iterator[Slip]:
    """Names that are not known, and values of another type."""
    known = (*OBJECT, *MORE.get(str(data.get("kind")), ()))
    yield from (Slip((name,), known) for name in data if name not in known)
    yield from _within(data.get("spec"), fields, ("spec",))


def _within(value: Any, shape: Any, at: Path) -> Iterator[Slip]:
    if value is None or shape == "a":
        return
    wanted, kind = TYPES["o" if isinstance(shape, dict) else "l" if isinstance(shape, list) else shape]
    if not isinstance(value, kind) or (wanted == "integer" and isinstance(value, bool)):
        yield Slip(at, types=(wanted,), value=value)
    elif isinstance(shape, dict):
        for name, each in value.items():
            if name in shape:
                yield from _within(each, shape[name], (*at, name))
            else:
                yield Slip((*at, name), tuple(shape))
    elif isinstance(shape, list):
        for number, each in enumerate(value):
            yield from _within(each, shape[0], (*at, number))
