"""Blueprints and some answers: what the form looks like now, and what would happen."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from services.manifests.check import Finding
from services.manifests.diff import file_diffs
from services.manifests.expressions import ExpressionError
from services.manifests.render import RenderError
from services.onboarding.blueprints.answers import Form, variables_of
from services.onboarding.blueprints.approvals import united
from services.onboarding.blueprints.cost import cost_of, sum_of
from services.onboarding.blueprints.guard import as_errors, findings_of
from services.onboarding.blueprints.model import (
    ApprovalNeed,
    Blueprint,
    Context,
    Cost,
    Evaluation,
    FieldError,
    FieldState,
    PartState,
    SectionState,
)
from services.onboarding.blueprints.newer import TAKE, taken_in
from services.onboarding.blueprints.parts import Part, parts_of
from services.onboarding.blueprints.tree import Tree, build, hash_of
from services.onboarding.blueprints.wiring import Filled, fill_all, mistakes_in, state_of

NO_COST = Cost(0.0, "EUR", ())
Told = list[tuple[Finding, frozenset[str]]]


@dataclass
class Built:
    """One part on its way through the evaluation."""

    part: Part
    form: Form
    context: Context
    tree: Tree = field(default_factory=Tree)
    cost: Cost = NO_COST
    errors: list[FieldError] = field(default_factory=list)
    is_broken: bool = False


def evaluate(
    blueprint: Blueprint,
    answers: Mapping[str, Any],
    context: Context,
    known: Mapping[str, Blueprint] | None = None,
) -> Evaluation:
    """Everything a form page and a submission need; never raises for what people answered.

    `known` are the blueprints that the answers may name as further parts of the same request.
    """
    context = replace(context, existing=cache(context.existing))
    take = taken_in(answers)
    if context.upgrade is not None:
        context = replace(context, upgrade=replace(context.upgrade, take=take))
    parts = parts_of(blueprint, answers, known or {})
    filled = fill_all(parts, answers, context)
    environments = {each.name: each for each in context.environments}
    built = [_built(part, filled, environments) for part in parts]
    whole = _whole(built)
    findings: Told = []
    approvals: tuple[ApprovalNeed, ...] = ()
    cost = sum_of({each.tree.name or each.part.key: each.cost for each in built})
    sound = [each for each in built if not each.is_broken]
    try:
        findings = list(findings_of([(one.part, one.tree) for one in sound], environments, context))
        approvals = united([(one.part, _judged(one, cost, findings, whole)) for one in sound], context)
    except (RenderError, ExpressionError) as error:
        built[0].errors.append(FieldError("blueprint", str(error)))
    blocking = as_errors(findings)
    errors = tuple(error for each in built for error in each.errors)
    return Evaluation(
        answers={**filled.answers, TAKE: sorted(take)} if take else dict(filled.answers),
        sections=tuple(s for each in built for s in _sections(each, blocking)),
        files=whole.files,
        removed=tuple(whole.removed),
        diffs=_diffs(whole, context),
        findings=tuple(finding for finding, _ in findings),
        cost=cost,
        approvals=approvals,
        entity=built[0].tree.entity,
        entity_ref=built[0].tree.entity_ref,
        dependencies=tuple(dict.fromkeys(ref for each in sound for ref in _dependencies(each))),
        environments=tuple(whole.objects),
        errors=errors,
        blocked=bool(errors) or any(finding.severity == "block" for finding, _ in findings),
        tree_hash=hash_of(whole, context),
        parts=tuple(_state(each, filled, blocking) for each in built),
        conflicts=tuple(conflict for each in built for conflict in each.tree.conflicts),
    )


def _built(part: Part, filled: Filled, environments: Mapping[str, Any]) -> Built:
    form, context = filled.forms[part.key], filled.contexts[part.key]
    one = Built(part, form, context)
    one.errors = [replace(error, field=part.outer(error.field)) for error in form.errors]
    one.errors += mistakes_in(filled.wires_to(part))
    try:
        one.tree = build(part.blueprint, form.preview, variables_of(part.blueprint, context), context)
        one.cost = cost_of(part.blueprint, one.tree, environments)
    except (RenderError, ExpressionError) as error:
        one.errors.append(FieldError("blueprint", str(error)))
        one.is_broken = True
    return one


def _whole(built: Sequence[Built]) -> Tree:
    """All trees as one; where two parts would write the same file, the later one says so."""
    whole = Tree()
    owner: dict[str, Built] = {}
    for one in built:
        for path, text in one.tree.files.items():
            if path in owner and not one.is_broken:
                message = f"makes {path}, and so does {_called(owner[path])}: give one another name"
                one.errors.append(FieldError("path", message, field=one.part.outer("name")))
                break
            owner[path] = one
            whole.files[path] = text
    whole.removed = [path for one in built for path in one.tree.removed if path not in whole.files]
    order = [each.name for each in built[0].context.environments]
    used = {name for one in built for name in one.tree.objects}
    whole.objects = {
        name: [each for one in built for each in one.tree.objects.get(name, ())]
        for name in order
        if name in used
    }
    return whole


def _called(one: Built) -> str:
    return f"{one.tree.name} ({one.part.blueprint.noun})"


def _dependencies(one: Built) -> list[str]:
    expression = one.part.blueprint.dependencies
    return [str(item) for item in expression.evaluate(one.tree.scope)] if expression else []


def _diffs(tree: Tree, context: Context) -> tuple[Any, ...]:
    paths = (*tree.files, *tree.removed)
    before = {path: context.existing(path) for path in paths}
    return tuple(file_diffs(before, {path: tree.files.get(path) for path in paths}))


def _judged(one: Built, cost: Cost, findings: Told, whole: Tree) -> Tree:
    """The part's tree, with what rules about approvals may know of the whole request."""
    scope = one.tree.scope
    scope.extend("cost", {"monthly": cost.monthly, "currency": cost.currency})
    scope.extend("findings", [{"rule": each.rule, "severity": each.severity} for each, _ in findings])
    kinds = sorted({str(each.data.get("kind")) for some in whole.objects.values() for each in some})
    owner = str(one.part.blueprint.owner.render(scope))
    change = {"blueprint": one.part.blueprint.name, "owner": owner, "kinds": kinds}
    scope.extend("change", {**change, "removed": len(whole.removed)})
    return one.tree


def _state(one: Built, filled: Filled, blocking: Mapping[str, list[FieldError]]) -> PartState:
    return PartState(
        key=one.part.key,
        blueprint=one.part.blueprint,
        name=one.tree.name,
        sections=tuple(_sections(one, blocking)),
        wires=tuple(state_of(wire) for wire in filled.wires_to(one.part)),
        files=frozenset(one.tree.files),
        cost=one.cost,
        entity=one.tree.entity,
        entity_ref=one.tree.entity_ref,
        environments=tuple(one.tree.objects),
        errors=tuple(one.errors),
        digest=one.tree.digest or one.part.blueprint.digest,
        version=one.tree.version,
    )


def _sections(one: Built, blocking: Mapping[str, list[FieldError]]) -> Iterator[SectionState]:
    """An answer that is wrong itself is not in the files: what blocks there is the example's mistake."""
    clash = [error for error in one.errors if error.rule == "path"]
    for section in one.part.blueprint.sections:
        states = tuple(_outer(one, one.form.states[each.name], blocking, clash) for each in section.fields)
        yield SectionState(section.title, section.hint, states)


def _outer(
    one: Built, state: FieldState, blocking: Mapping[str, list[FieldError]], clash: Sequence[FieldError]
) -> FieldState:
    """The state under its name in the whole form."""
    name = one.part.outer(state.name)
    own = tuple(replace(error, field=one.part.outer(error.field)) for error in state.errors)
    own += tuple(error for error in clash if error.field == name)
    return replace(state, name=name, errors=own or tuple(blocking.get(name, ())))
