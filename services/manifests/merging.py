"""Two changes of one thing brought together, value by value: what both changed is as the second wants it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

MISSING: Final = object()
# (place, base, here, wanted) of what both sides changed otherwise; returns what it is to be.
Decide = Callable[[Sequence[str], Any, Any, Any], Any]


def same(one: Any, other: Any) -> bool:
    """Equal, and of one type: 1 is not true, nor 1.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and one == other


def as_wanted(at: Sequence[str], base: Any, here: Any, wanted: Any) -> Any:
    return wanted


def three_way(base: Any, here: Any, wanted: Any, decide: Decide = as_wanted, at: tuple[str, ...] = ()) -> Any:
    """`here` with everything that leads from `base` to `wanted`; `decide` says what both changed.

    Lists of named things (containers, ports, environment) are brought together by name, others are one value.
    """
    if same(wanted, base):
        return here
    if same(here, base):
        return wanted
    if all(isinstance(each, Mapping) for each in (base, here, wanted)):
        return _mappings(base, here, wanted, decide, at)
    ours, theirs, mine = (_by_name(each) for each in (base, here, wanted))
    if ours is None or theirs is None or mine is None:
        return wanted if same(here, wanted) else decide(at, base, here, wanted)
    return list(_mappings(ours, theirs, mine, decide, at).values())


def _mappings(
    base: Mapping[Any, Any], here: Mapping[Any, Any], wanted: Mapping[Any, Any], decide: Decide,
    at: tuple[str, ...],
) -> dict[Any, Any]:  # fmt: skip
    """In the order of `here`, with what is new at the end; MISSING stands for what is not there."""
    keys = [*here, *(key for key in wanted if key not in here)]
    sides = {key: [each.get(key, MISSING) for each in (base, here, wanted)] for key in keys}
    found = {key: three_way(b, h, w, decide, (*at, str(key))) for key, (b, h, w) in sides.items()}
    return {key: value for key, value in found.items() if value is not MISSING}


def _by_name(items: Any) -> dict[str, Any] | None:
    """Named things by name; None for anything else, and where a name is there twice."""
    if not isinstance(items, list) or not all(
        isinstance(each, Mapping) and each.get("name") for each in items
    ):
        return None
    found = {str(each["name"]): each for each in items}
    return found if len(found) == len(items) else None
