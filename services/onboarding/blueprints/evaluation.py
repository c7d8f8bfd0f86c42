"""A blueprint and some answers: what the form looks like now, and what would happen."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from services.manifests.check import Finding
from services.manifests.diff import file_diffs
from services.manifests.expressions import ExpressionError
from services.manifests.render import RenderError
from services.onboarding.blueprints.answers import Form, fill, variables_of
from services.onboarding.blueprints.approvals import needs
from services.onboarding.blueprints.cost import cost_of
from services.onboarding.blueprints.guard import as_errors, findings_of
from services.onboarding.blueprints.model import (
    ApprovalNeed,
    Blueprint,
    Context,
    Cost,
    Evaluation,
    FieldError,
    SectionState,
)
from services.onboarding.blueprints.tree import Tree, build, hash_of


def evaluate(blueprint: Blueprint, answers: Mapping[str, Any], context: Context) -> Evaluation:
    """Everything a form page and a submission need; never raises for what people answered."""
    context = replace(context, existing=cache(context.existing))
    form = fill(blueprint, answers, context)
    environments = {each.name: each for each in context.environments}
    errors = form.errors
    tree, cost = Tree(), Cost(0.0, "EUR", ())
    approvals: tuple[ApprovalNeed, ...] = ()
    findings: list[tuple[Finding, frozenset[str]]] = []
    dependencies: tuple[str, ...] = ()
    try:
        tree = build(blueprint, form.preview, variables_of(blueprint, context), context)
        findings = list(findings_of(blueprint, tree, environments, context))
        cost = cost_of(blueprint, tree, environments)
        approvals = _approvals(blueprint, tree, cost, findings, context)
        dependencies = tuple(_list(blueprint.dependencies, tree))
    except (RenderError, ExpressionError) as error:
        errors = (*errors, FieldError("blueprint", str(error)))
    return Evaluation(
        answers=form.answers,
        sections=_sections(blueprint, form, as_errors(findings)),
        files=tree.files,
        removed=tuple(tree.removed),
        diffs=_diffs(tree, context),
        findings=tuple(finding for finding, _ in findings),
        cost=cost,
        approvals=approvals,
        entity=tree.entity,
        entity_ref=tree.entity_ref,
        dependencies=dependencies,
        environments=tuple(tree.objects),
        errors=errors,
        blocked=bool(errors) or any(finding.severity == "block" for finding, _ in findings),
        tree_hash=hash_of(tree, context),
    )


def _list(expression: Any, tree: Tree) -> list[str]:
    return [str(item) for item in expression.evaluate(tree.scope)] if expression else []


def _diffs(tree: Tree, context: Context) -> tuple[Any, ...]:
    paths = (*tree.files, *tree.removed)
    before = {path: context.existing(path) for path in paths}
    return tuple(file_diffs(before, {path: tree.files.get(path) for path in paths}))


def _approvals(
    blueprint: Blueprint, tree: Tree, cost: Cost, findings: list[tuple[Finding, frozenset[str]]],
    context: Context,
) -> tuple[ApprovalNeed, ...]:  # fmt: skip
    tree.scope.extend("cost", {"monthly": cost.monthly, "currency": cost.currency})
    tree.scope.extend("findings", [{"rule": each.rule, "severity": each.severity} for each, _ in findings])
    kinds = sorted({str(one.data.get("kind")) for some in tree.objects.values() for one in some})
    owner = str(blueprint.owner.render(tree.scope))
    change = {"blueprint": blueprint.name, "owner": owner, "kinds": kinds, "removed": len(tree.removed)}
    tree.scope.extend("change", change)
    return tuple(needs((*blueprint.approvals, *context.approvals), tree.scope))


def _sections(
    blueprint: Blueprint, form: Form, blocking: Mapping[str, list[FieldError]]
) -> tuple[SectionState, ...]:
    """An answer that is wrong itself is not in the files: what blocks there is the example's mistake."""
    return tuple(
        SectionState(
            section.title,
            section.hint,
            tuple(
                replace(state, errors=state.errors or tuple(blocking.get(state.name, ())))
                for state in (form.states[field.name] for field in section.fields)
            ),
        )
        for section in blueprint.sections
    )
