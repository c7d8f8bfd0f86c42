"""Guardrails on the rendered objects, told in terms of the form: which field, and what to put there."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services.manifests import pointers
from services.manifests.check import Finding, Fix, check
from services.manifests.expressions import Expression, ExpressionError
from services.manifests.problems import ORDER, with_leases
from services.onboarding.blueprints.model import Context, EnvironmentInfo, FieldError, Place
from services.onboarding.blueprints.parts import Part
from services.onboarding.blueprints.tree import Tree


def findings_of(
    parts: Sequence[tuple[Part, Tree]], environments: Mapping[str, EnvironmentInfo], context: Context
) -> Iterator[tuple[Finding, frozenset[str]]]:
    """Each finding once, with the form fields it is about; fixes change fields, or there is no fix.

    The objects of all parts are judged together. Of what several environments have in common the most severe
    is told. What is excepted in one environment is told beside what is not in another.
    """
    told: dict[tuple[Any, ...], tuple[Finding, frozenset[str]]] = {}
    leases = {part.key: context.leases(tree.entity_ref) for part, tree in parts}
    for name, environment in environments.items():
        here = [(part, tree) for part, tree in parts if name in tree.objects]
        documents = [each for _, tree in here for each in tree.objects[name]]
        found = (
            check(
                documents,
                environment=name,
                kubernetes=context.kubernetes,
                guardrails=context.guardrails,
                settings={**environment.settings, "is_production": environment.is_production},
            )
            if documents
            else []
        )
        for part, tree in here:
            places = Places(part, tree, environment)
            own = [
                each for each in found if each.file in tree.files or (part is here[0][0] and not each.file)
            ]
            for finding in with_leases(own, leases[part.key], name, context.today):
                kind = finding.object.split("/")[0]
                key = (
                    part.key,
                    finding.rule,
                    finding.path,
                    finding.message,
                    kind,
                    finding.excepted is not None,
                )
                if key not in told or ORDER[finding.severity] < ORDER[told[key][0].severity]:
                    told[key] = places.in_fields(finding)
    yield from told.values()


class Places:
    """The places that hold in one environment."""

    def __init__(self, part: Part, tree: Tree, environment: EnvironmentInfo) -> None:
        self.part = part
        self.scope = tree.scope
        self.scope.extend("environment", environment.as_variable())
        self.places = [each for each in part.blueprint.places if self._holds(each.when)]

    def _holds(self, when: Expression | None) -> bool:
        return when is None or when.evaluate(self.scope) is True

    def in_fields(self, finding: Finding) -> tuple[Finding, frozenset[str]]:
        kind = finding.object.split("/")[0]
        about = {self.part.outer(place.field) for place in self.at(kind, finding.path)}
        changes = self.changes(kind, finding.fix) if finding.fix else {}
        fix = Fix(finding.fix.label, changes) if finding.fix and changes else None
        return replace(finding, fix=fix), frozenset(about | changes.keys())

    def at(self, kind: str, path: str) -> Iterator[Place]:
        keys = pointers.parse(path) if path else ()
        return (each for each in self.places if each.kind in ("", kind) and _fits(each.pattern, keys))

    def changes(self, kind: str, fix: Fix) -> dict[str, Any]:
        """The fix in field names; empty when a part of it belongs to no field."""
        changes: dict[str, Any] = {}
        for path, value in fix.changes.items():
            place = next(self.at(kind, path), None)
            if place is None:
                return {}
            changes[self.part.outer(place.field)] = self.convert(place, value)
        return {} if any(value is None for value in changes.values()) else changes

    def convert(self, place: Place, value: Any) -> Any:
        if place.value is None or value is None:
            return value
        try:
            self.scope.extend("value", value)
            return place.value.evaluate(self.scope)
        except ExpressionError:
            return None


def _fits(pattern: tuple[str | int, ...], path: tuple[str | int, ...]) -> bool:
    return len(pattern) == len(path) and all(
        want in (got, "*") for want, got in zip(pattern, path, strict=True)
    )


def as_errors(findings: list[tuple[Finding, frozenset[str]]]) -> dict[str, list[FieldError]]:
    """What blocks, as errors beside the fields it is about."""
    errors: dict[str, list[FieldError]] = {}
    for finding, fields in findings:
        for name in fields if finding.severity == "block" else ():
            suggestion = finding.fix.changes.get(name) if finding.fix else None
            errors.setdefault(name, []).append(FieldError(finding.rule, finding.message, suggestion, name))
    return errors
