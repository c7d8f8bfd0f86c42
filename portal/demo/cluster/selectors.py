"""Label and field selectors, as lists and watches take them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from portal.demo.cluster.status import ApiError

Object = dict[str, Any]
Test = Callable[[Object], bool]
_SET = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")
_EQUAL = re.compile(r"^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$")
_SPLIT = re.compile(r",(?![^(]*\))")


def labels_of(obj: Mapping[str, Any]) -> Mapping[str, str]:
    return obj["metadata"].get("labels") or {}


def _label_test(term: str) -> Test:
    if found := _SET.match(term):
        key, word, values = found[1], found[2], {v.strip() for v in found[3].split(",")}
        return lambda obj: (labels_of(obj).get(key) in values) == (word == "in")
    if found := _EQUAL.match(term):
        key, sign, value = found[1], found[2], found[3]
        return lambda obj: (labels_of(obj).get(key) == value) == (sign != "!=")
    if term.startswith("!"):
        return lambda obj: term[1:] not in labels_of(obj)
    if " " in term:
        raise ApiError(400, f"unable to parse requirement: {term}")
    return lambda obj: term in labels_of(obj)


def _value_at(obj: Mapping[str, Any], path: str) -> str:
    here: Any = obj
    for step in path.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return "" if here is None else str(here)


def _field_test(term: str) -> Test:
    found = _EQUAL.match(term)
    if not found:
        raise ApiError(400, f"invalid field selector: {term}")
    path, sign, value = found[1], found[2], found[3]
    return lambda obj: (_value_at(obj, path) == value) == (sign != "!=")


def compile_selectors(labels: str, fields: str) -> Test:
    """One test for both; refuses with 400 what cannot be read."""
    tests = [_label_test(term.strip()) for term in _SPLIT.split(labels) if term.strip()]
    tests += [_field_test(term.strip()) for term in fields.split(",") if term.strip()]
    return lambda obj: all(test(obj) for test in tests)


def _expression(rule: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    value = labels.get(rule["key"])
    return {
        "In": value in (rule.get("values") or []),
        "NotIn": value not in (rule.get("values") or []),
        "Exists": rule["key"] in labels,
        "DoesNotExist": rule["key"] not in labels,
    }[rule["operator"]]


def matches(selector: Mapping[str, Any] | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector (`matchLabels`, `matchExpressions`) selects these; empty selects none."""
    if not selector:
        return False
    wanted = selector.get("matchLabels") or {}
    rules = selector.get("matchExpressions") or []
    return all(labels.get(k) == v for k, v in wanted.items()) and all(_expression(r, labels) for r in rules)
