"""Policies against objects. When a list is at fault its items are judged one by one, to name the one."""

import operator
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from services.manifests import pointers
from services.manifests.expressions import Expression, ExpressionError, Scope, sized
from services.manifests.guardrails.matching import CLUSTER_WIDE, matches, plural
from services.manifests.guardrails.policy import FixTemplate, Policy, Validation
from services.manifests.guardrails.sieve import NOTHING, Sieve
from services.manifests.objects import Object, group, kind, name, namespace, pod_path, walk
from services.manifests.pointers import Path
from services.manifests.problems import Problem

_VARIABLE = re.compile(r"\$(pod|item|job)\b\.?")


class Surroundings:
    """What expressions know beside the object: its namespace and the settings of the environment."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        namespaces: Mapping[str, Object],
        policies: Iterable[Policy],
    ) -> None:
        self.params = {
            each.params_name: _with_settings(each.params, settings)
            for each in policies
            if each.params is not None
        }
        self.sizes = {name: sized(value) for name, value in self.params.items()}
        self._namespaces = namespaces

    def namespace_of(self, obj: Object) -> Object | None:
        """The Namespace among the documents, else as much of it as its name tells; None when unknown."""
        where = namespace(obj)
        if kind(obj) in CLUSTER_WIDE or not where:
            return None
        given = self._namespaces.get(where, {})
        metadata = given.get("metadata") or {}
        known = {"kubernetes.io/metadata.name": where, **(metadata.get("labels") or {})}
        return {**given, "metadata": {**metadata, "name": where, "labels": known}}


def _with_settings(params: Mapping[str, Any], settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those it names: what else an environment says is none of its business, and would only cost time."""
    data = params.get("data") or {}
    given = {key: _as_text(settings[key]) for key in data if key in settings}
    return {**params, "data": {**data, **given}}


def _as_text(value: Any) -> str:
    """Settings as a config map holds them: text, lists separated by commas."""
    return ",".join(str(each) for each in value) if isinstance(value, list | tuple) else str(value)


def without_nulls(value: Any) -> Any:
    """As the API server reads it: a field that is null is a field not given. Copies only where it must."""
    if isinstance(value, pointers.MAPPINGS):
        kept = {key: _without_nulls_below(each) for key, each in value.items() if each is not None}
        same = len(kept) == len(value) and all(kept[key] is value[key] for key in kept)
        return value if same else kept
    if isinstance(value, list):
        items = [_without_nulls_below(each) for each in value]
        return value if all(map(operator.is_, items, value)) else items
    return value


def _without_nulls_below(value: Any) -> Any:
    return value if isinstance(value, str | int) else without_nulls(value)


class Case:
    """One object under evaluation; what policies have in common is computed once."""

    def __init__(self, obj: Object, around: Surroundings, sieve: Sieve = NOTHING) -> None:
        self.obj, self.around, self.sieve = obj, around, sieve
        self.namespace = around.namespace_of(obj)
        self._known: set[str] = set()
        self._conditions: dict[tuple[Expression, ...], bool] = {}
        self.failed: dict[str, ExpressionError] = {}

    @classmethod
    def of(cls, obj: Object, around: Surroundings, sieve: Sieve) -> "Case":
        """As the API server would hand it over: without nulls."""
        return cls({"metadata": {}, **without_nulls(obj)}, around, sieve)

    @cached_property
    def scope(self) -> Scope:
        return Scope(
            {
                "object": self.obj,
                "oldObject": None,
                "namespaceObject": self.namespace,
                "request": self._request(),
                **self.around.params,
            },
            self.around.sizes,
        )

    def meets(self, conditions: tuple[Expression, ...]) -> bool:
        """Most policies have the same conditions: they are evaluated once."""
        if conditions not in self._conditions:
            self._conditions[conditions] = all(_true(each, self.scope) for each in conditions)
        return self._conditions[conditions]

    @cached_property
    def passed(self) -> frozenset[str]:
        """The policies it surely breaks nowhere."""
        return self.sieve.passed(self.scope)

    def prepare(self, policy: Policy) -> Scope:
        """Compute the policy's variables. One without a value is left out: only its use is an error."""
        for variable, expression in policy.variables:
            if variable not in self._known:
                self._compute(variable, expression)
        return self.scope

    def _compute(self, variable: str, expression: Expression) -> None:
        self._known.add(variable)
        try:
            self.scope.extend(variable, expression.evaluate(self.scope))
        except ExpressionError as error:
            self.failed[variable] = error

    def _request(self) -> dict[str, Any]:
        version = str(self.obj.get("apiVersion", "")).rpartition("/")[2]
        which = {"group": group(self.obj), "version": version}
        return {
            "operation": "CREATE",
            "name": name(self.obj),
            "namespace": namespace(self.obj),
            "kind": {**which, "kind": kind(self.obj)},
            "resource": {**which, "resource": plural(kind(self.obj))},
            "subResource": "",
            "dryRun": True,
            "userInfo": {"username": "", "groups": []},
        }


def problems(policy: Policy, case: Case) -> Iterator[Problem]:
    """Every validation the object breaks; of a policy that names its kind."""
    if not policy.only_names_kinds and not matches(policy.constraints, case.obj, case.namespace):
        return
    try:
        if not case.meets(policy.conditions) or policy.id in case.passed:
            return
        scope = case.prepare(policy)
    except ExpressionError as error:
        yield from _unable(policy, case, error)
        return
    for validation in policy.validations:
        yield from _broken(policy, validation, case, scope)


def _broken(policy: Policy, validation: Validation, case: Case, scope: Scope) -> Iterator[Problem]:
    try:
        if not _true(validation.expression, scope):
            yield from _located(policy, validation, case)
    except ExpressionError as error:
        yield from _unable(policy, case, error)


def _true(expression: Expression, scope: Scope) -> bool:
    result = expression.evaluate(scope)
    if not isinstance(result, bool):
        raise ExpressionError("must give true or false", expression.source)
    return result


def _unable(policy: Policy, case: Case, error: ExpressionError) -> Iterator[Problem]:
    """failurePolicy: Fail refuses what cannot be judged, Ignore lets it pass; a refusal says so."""
    if policy.fails_closed:
        first = next((case.failed[name] for name, _ in policy.variables if name in case.failed), error)
        message = f"could not be judged by the policy {policy.id}: {first.message}"
        yield Problem(policy.rule, (), message, unjudged=True)


def _located(policy: Policy, validation: Validation, case: Case) -> Iterator[Problem]:
    """One problem for each item at fault; one for the object where no single item is."""
    found = False
    for place, item, alone in _isolated(policy, case):
        if alone is case or not _true(validation.expression, alone.prepare(policy)):
            found = True
            yield _problem(policy, validation, alone, place, item)
    if not found:
        yield _problem(policy, validation, case, ())


def _isolated(policy: Policy, case: Case) -> Iterator[tuple[Path, Any, Case]]:
    """The object with one item of the lists (or maps) named by `each` at a time."""
    lists = [path for each in policy.each for path in _lists(each, case.obj)]
    items = [(path, key, item) for path in lists for key, item in _items(pointers.find(case.obj, path))]
    if len(items) == 1:
        path, key, item = items[0]
        yield (*path, key), item, case
        return
    bare = case.obj
    for path in lists:
        bare = pointers.with_value(bare, path, type(pointers.find(bare, path))())
    for path, key, item in items:
        alone = [item] if isinstance(key, int) else {key: item}
        yield (*path, key), item, Case(pointers.with_value(bare, path, alone), case.around)


def _items(found: Any) -> Iterable[tuple[Any, Any]]:
    return enumerate(found) if isinstance(found, list) else found.items()


def _lists(template: str, obj: Object) -> Iterator[Path]:
    """The places of `$pod.containers.*.env` that hold something."""
    steps = [str(step) for step in _resolved(template.replace(".*", '["*"]'), obj, ())]
    for path, value in walk(obj, steps):
        if isinstance(value, list | dict) and value:
            yield path


def _resolved(template: str, obj: Object, item: Path) -> Path:
    """`$pod.containers` and `$item.image` as real places."""
    match = _VARIABLE.match(template)
    if match is None:
        return pointers.parse(template)
    pod = pod_path(obj) or ()
    start = {"item": item, "pod": pod, "job": pod[:-2]}[match[1]]
    return (*start, *pointers.parse(template[match.end() :]))


def _problem(policy: Policy, validation: Validation, case: Case, place: Path, item: Any = None) -> Problem:
    case.scope.lend("item", item)
    changes, label = _fixed(validation.fix, case, place) if validation.fix else ({}, "")
    path = _resolved(validation.path, case.obj, place) if validation.path else place
    return Problem(policy.rule, path, _message(policy, validation, case.scope), changes, label)


def _message(policy: Policy, validation: Validation, scope: Scope) -> str:
    """As Kubernetes says it: the message expression where it gives a text, else message, else the title."""
    if validation.message_expression:
        try:
            said = validation.message_expression.evaluate(scope)
        except ExpressionError:
            said = None
        if isinstance(said, str) and said.strip():
            return said.strip()
    titled = policy.rule.title if policy.rule.title != policy.id else ""
    return validation.message or titled or f"failed expression: {validation.source.strip()}"


def _fixed(fix: FixTemplate, case: Case, place: Path) -> tuple[dict[Path, Any], str]:
    """The changes that pass; none where the fix does not apply to this object (its expression fails)."""
    try:
        label = str(fix.label.evaluate(case.scope))
        values = [(path, _steady(value.evaluate(case.scope))) for path, value in fix.changes]
    except ExpressionError:
        return {}, ""
    return {_resolved(path, case.obj, place): value for path, value in values}, label


def _steady(value: Any) -> Any:
    """Maps in one order: the evaluator gives them in a different one each time."""
    if isinstance(value, dict):
        return {key: _steady(value[key]) for key in sorted(value)}
    return [_steady(each) for each in value] if isinstance(value, list) else value
