"""Reading ValidatingAdmissionPolicy files: the part of the language we evaluate, and a refusal of the rest.

Everything beyond Kubernetes' own fields stands in annotations, so the same file can be applied to a cluster:

    slipway.dev/title, slipway.dev/reason    what people read
    slipway.dev/lessons                      rows of the lesson table in docs/guardrails.md
    slipway.dev/severity[.<environment>]     block, warn, info or off
    slipway.dev/each                         lists whose items are judged one by one, to name the one at fault
    slipway.dev/path                         the place to show; $pod is the pod's spec, $job the job's and
                                             $item the item of `each`
    slipway.dev/fix                          YAML: a label and the changes that pass, both in CEL
    slipway.dev/params                       YAML: settings and their defaults, `params.data` in expressions
"""

import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path as File
from typing import Any

from services.manifests import reader
from services.manifests.expressions import Expression, ExpressionError, compile_expression
from services.manifests.guardrails.matching import only_names_kinds
from services.manifests.problems import Rule, Severity

PREFIX = "slipway.dev/"
API_VERSIONS = frozenset(
    f"admissionregistration.k8s.io/{version}" for version in ("v1", "v1beta1", "v1alpha1")
)
SEVERITIES = ("block", "warn", "info", "off")
ACTIONS = {"Deny": "block", "Warn": "warn", "Audit": "info"}
SPEC = frozenset(
    {
        "auditAnnotations",
        "failurePolicy",
        "matchConditions",
        "matchConstraints",
        "paramKind",
        "validations",
        "variables",
    }
)
CONSTRAINTS = frozenset(
    {"excludeResourceRules", "matchPolicy", "namespaceSelector", "objectSelector", "resourceRules"}
)
VALIDATION = frozenset({"expression", "message", "messageExpression", "reason"})
OURS = "A rule of your organisation; ask its owner for the reason."


class PolicyError(ValueError):
    """A policy that cannot be evaluated as it is meant; it is refused rather than half understood."""

    def __init__(self, name: str, message: str, file: str = "") -> None:
        super().__init__(f"{file or 'policy'}: {name}: {message}")
        self.name = name
        self.file = file


@dataclass(frozen=True)
class Validation:
    """`source` is the expression as written; `expression` has its variables under unmistakable names."""

    source: str
    expression: Expression
    message: str = ""
    message_expression: Expression | None = None
    path: str = ""
    fix: "FixTemplate | None" = None


@dataclass(frozen=True)
class FixTemplate:
    """Paths with $pod and $item, and the expressions that give label and values."""

    label: Expression
    changes: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True)
class Policy:
    rule: Rule
    constraints: Mapping[str, Any]
    conditions: tuple[Expression, ...]
    variables: tuple[tuple[str, Expression], ...]
    validations: tuple[Validation, ...]
    fails_closed: bool = True
    off: frozenset[str] = frozenset()
    each: tuple[str, ...] = ()
    params: Mapping[str, Any] | None = None
    params_name: str = ""
    source: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @cached_property
    def only_names_kinds(self) -> bool:
        return only_names_kinds(self.constraints)

    @cached_property
    def id(self) -> str:
        return self.rule.id

    def is_off(self, environment: str) -> bool:
        return environment in self.off if environment in self.rule.severities else "" in self.off


def read(documents: list[reader.Document]) -> list[Policy]:
    """The policies of some files; bindings and parameter objects among them are taken into account."""
    objects = [each for each in documents if isinstance(each.data, Mapping)]
    bindings: dict[str, Mapping[str, Any]] = {}
    for each in objects:
        if each.data.get("kind") == "ValidatingAdmissionPolicyBinding":
            spec = each.data.get("spec") or {}
            bindings[str(spec.get("policyName"))] = spec
    policies = []
    for each in objects:
        if each.data.get("kind") == "ValidatingAdmissionPolicy":
            policies.append(_policy(each, bindings, [other.data for other in objects]))
    return policies


def read_folder(folder: File) -> list[Policy]:
    """Every policy of the YAML files right in a folder (not below it)."""
    documents = []
    for file in sorted(each for each in folder.iterdir() if each.suffix in (".yaml", ".yml")):
        try:
            documents += reader.load_all(file.read_bytes(), file.name)
        except reader.ManifestError as error:
            raise PolicyError("unreadable", str(error), file.name) from error
    return read(documents)


def _policy(
    document: reader.Document, bindings: Mapping[str, Any], objects: list[Mapping[str, Any]]
) -> Policy:
    metadata = document.data.get("metadata") or {}
    name = str(metadata.get("name") or "unnamed")
    binding = bindings.get(name)
    try:
        return _built(document.data, name, binding, _param_object(document.data, binding, objects))
    except ExpressionError as error:
        raise PolicyError(name, str(error), document.file) from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise PolicyError(name, str(error), document.file) from error


def _built(
    data: Mapping[str, Any], name: str, binding: Mapping[str, Any] | None, params: Mapping[str, Any] | None
) -> Policy:
    spec = data["spec"]
    _only("spec", spec, SPEC)
    _only("matchConstraints", spec["matchConstraints"], CONSTRAINTS)
    if data.get("apiVersion") not in API_VERSIONS:
        raise ValueError(f"{data.get('apiVersion')!r} is not an apiVersion of admission policies")
    notes = _notes(data)
    severities, off = _severities(notes, binding)
    given = params or _defaults(notes)
    names = _Names(given)
    variables = tuple(names.define(each["name"], each["expression"]) for each in spec.get("variables") or [])
    return Policy(
        rule=Rule(name, notes.get("title", name), notes.get("reason", OURS), severities, _lessons(notes)),
        constraints=_constraints(spec, binding),
        conditions=tuple(names.expression(each["expression"]) for each in spec.get("matchConditions") or []),
        variables=variables,
        validations=tuple(
            _validation(each, names, notes, number) for number, each in enumerate(spec["validations"], 1)
        ),
        fails_closed=spec.get("failurePolicy", "Fail") == "Fail",
        off=off,
        each=tuple(part.strip() for part in notes.get("each", "").split(",") if part.strip()),
        params=given,
        params_name=names.params,
        source=data,
    )


_NAME = re.compile(
    r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?<![\w.])variables\.(\w+)|(?<![\w.])(params|authorizer)\b"""
)


class _Names:
    """Gives `variables.x` and `params` names that say what they stand for.

    Policies that define the same variable alike then share its value, and it is computed once for an object.
    """

    def __init__(self, params: Mapping[str, Any] | None) -> None:
        self.params = _unmistakable("params", repr(params)) if params is not None else ""
        self._known: dict[str, str] = {}

    def define(self, name: str, source: Any) -> tuple[str, Expression]:
        expression = self.expression(source)
        self._known[name] = _unmistakable(f"variables_{name}", expression.source)
        return self._known[name], expression

    def expression(self, source: Any) -> Expression:
        compile_expression(str(source))  # for an error in the author's own words
        return compile_expression(_NAME.sub(self._renamed, str(source)))

    def _renamed(self, match: re.Match[str]) -> str:
        text, variable, word = match.groups()
        if text is not None:
            return text
        if variable is not None:
            if variable not in self._known:
                raise ValueError(f"variables.{variable} is not defined before its use")
            return self._known[variable]
        if word == "authorizer":
            raise ValueError("authorizer is known in the cluster only")
        if not self.params:
            raise ValueError("the expressions use params, but there is no parameter object for them")
        return self.params


def _unmistakable(name: str, meaning: str) -> str:
    return f"{name}_{zlib.crc32(meaning.encode()):08x}"


def _only(where: str, given: Mapping[str, Any], known: frozenset[str]) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise ValueError(f"{where}.{unknown[0]} is not understood here")


def _notes(data: Mapping[str, Any]) -> dict[str, str]:
    """Our annotations, without their prefix."""
    annotations = (data.get("metadata") or {}).get("annotations") or {}
    ours = {key: str(value) for key, value in annotations.items() if key.startswith(PREFIX)}
    return {key.removeprefix(PREFIX): value for key, value in ours.items()}


def _validation(given: Mapping[str, Any], names: _Names, notes: Mapping[str, str], number: int) -> Validation:
    """Path and fix of one of several validations stand in annotations with its number: `fix-2`."""
    _only("validations", given, VALIDATION)
    message = given.get("messageExpression")
    return Validation(
        source=str(given["expression"]),
        expression=names.expression(given["expression"]),
        message=str(given.get("message", "")),
        message_expression=names.expression(message) if message else None,
        path=notes.get(f"path-{number}", notes.get("path", "")),
        fix=_fix(notes.get(f"fix-{number}", notes.get("fix")), names),
    )


def _severities(
    notes: Mapping[str, str], binding: Mapping[str, Any] | None
) -> tuple[dict[str, Severity], frozenset[str]]:
    """By annotation, else by the binding's actions, else it blocks. `off` is kept apart."""
    actions = (binding or {}).get("validationActions") or ["Deny"]
    given = {"": min((ACTIONS.get(action, "block") for action in actions), key=SEVERITIES.index)}
    for key, value in notes.items():
        if key == "severity" or key.startswith("severity."):
            if value not in SEVERITIES:
                raise ValueError(f"severity {value!r} is not one of {', '.join(SEVERITIES)}")
            given[key.partition(".")[2]] = value
    off = frozenset(environment for environment, severity in given.items() if severity == "off")
    return {key: _severity(value) for key, value in given.items()}, off


def _severity(word: str) -> Severity:
    known: dict[str, Severity] = {"block": "block", "warn": "warn"}
    return known.get(word, "info")


def _lessons(notes: Mapping[str, str]) -> tuple[int, ...]:
    return tuple(int(part) for part in notes.get("lessons", "").replace(",", " ").split())


def _fix(text: str | None, names: _Names) -> FixTemplate | None:
    if text is None:
        return None
    given = reader.load_all(text)[0].data
    changes = tuple((path, names.expression(value)) for path, value in given["changes"].items())
    return FixTemplate(names.expression(given["label"]), changes)


def _defaults(notes: Mapping[str, str]) -> Mapping[str, Any] | None:
    if "params" not in notes:
        return None
    return {"data": {key: str(value) for key, value in reader.load_all(notes["params"])[0].data.items()}}


def _constraints(spec: Mapping[str, Any], binding: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The policy's own, narrowed by its binding's selectors and rules."""
    narrowed = (binding or {}).get("matchResources") or {}
    return {**spec["matchConstraints"], "narrowed": narrowed}


def _param_object(
    data: Mapping[str, Any], binding: Mapping[str, Any] | None, objects: list[Mapping[str, Any]]
) -> Mapping[str, Any] | None:
    wanted = (data.get("spec") or {}).get("paramKind") or {}
    name = ((binding or {}).get("paramRef") or {}).get("name")
    for each in objects if wanted and name else []:
        same_kind = all(each.get(key) == wanted.get(key) for key in ("apiVersion", "kind"))
        if same_kind and (each.get("metadata") or {}).get("name") == name:
            return each
    return None


def expressions(policy: Policy) -> Iterator[Expression]:
    """Those that Kubernetes evaluates (a fix is ours alone)."""
    yield from policy.conditions
    yield from (expression for _, expression in policy.variables)
    for validation in policy.validations:
        yield validation.expression
        if validation.message_expression:
            yield validation.message_expression
