"""Label and field selectors, as lists and watches take them."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from portal.demo.cluster.status import ApiError

Object = dict[str, Any]
Test = Callable[[Object], bool]
# Fields that can be selected by, as in the API: of every kind, and of these.
FIELDS = {"metadata.name", "metadata.namespace"}
FIELDS_OF = {
    "Pod": {
        "spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName",
        "status.phase", "status.podIP", "status.nominatedNodeName",
    },
    "Event": {
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "involvedObject.apiVersion", "involvedObject.resourceVersion", "involvedObject.fieldPath",
        "reason", "reportingComponent", "source", "type",
    },
    "Secret": {"type"},
    "Node": {"spec.unschedulable"},
    "Namespace": {"status.phase"},
    "Job": {"status.successful"},
    "ReplicaSet": {"status.replicas"},
}  # fmt: skip
_COMPARE = re.compile(r"^(\S+?)\s*([<>])\s*(-?\d+)$")
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
    if found := _COMPARE.match(term):
        key, sign, limit = found[1], found[2], int(found[3])
        return lambda obj: _is_beyond(labels_of(obj).get(key), sign, limit)
    if term.startswith("!"):
        return lambda obj: term[1:] not in labels_of(obj)
    if not re.fullmatch(r"[\w./-]+", term):
        raise ApiError(400, f"unable to parse requirement: {term}")
    return lambda obj: term in labels_of(obj)


def _is_beyond(value: str | None, sign: str, limit: int) -> bool:
    if value is None or not value.lstrip("-").isdigit():
        return False
    return int(value) > limit if sign == ">" else int(value) < limit


def _value_at(obj: Mapping[str, Any], path: str) -> str:
    here: Any = obj
    for step in path.split("."):
        here = here.get(step) if isinstance(here, Mapping) else None
    return "" if here is None else str(here)


def _field_test(term: str, kind: str) -> Test:
    found = _EQUAL.match(term)
    if not found:
        raise ApiError(400, f"invalid selector: '{term}'; can't understand '{term}'")
    path, sign, value = found[1], found[2], found[3]
    if path not in FIELDS | FIELDS_OF.get(kind, set()):
        raise ApiError(400, f"field label not supported: {path}")
    return lambda obj: (_value_at(obj, path) == value) == (sign != "!=")


def by_labels(text: str) -> Test:
    """Refuses with 400 what cannot be read."""
    tests = [_label_test(term.strip()) for term in _SPLIT.split(text) if term.strip()]
    return lambda obj: all(test(obj) for test in tests)


def by_fields(text: str, kind: str) -> Test:
    """Refuses with 400 what cannot be read, and fields that objects of the kind cannot be selected by."""
    tests = [_field_test(term.strip(), kind) for term in text.split(",") if term.strip()]
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
