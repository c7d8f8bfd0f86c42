"""What another version of a blueprint, or another guardrail, would have made of answers that were given."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.manifests.check import Finding
from services.manifests.diff import FileDiff, file_diffs
from services.onboarding.blueprints.evaluation import evaluate
from services.onboarding.blueprints.model import Blueprint, Context, Evaluation, FieldError

SAME, DIFFERS, REFUSED, BROKEN = "same", "differs", "refused", "broken"
# The version of the blueprint in the file of answers: it differs always, and says nothing.
_DIGEST = re.compile(r"^  digest: .*\n", re.MULTILINE)


@dataclass(frozen=True)
class Difference:
    """`verdict`: the same; other files or findings; newly refused; or the change cannot be evaluated at all.

    `gained` and `lost` are findings, `refused` and `mended` are mistakes in answers, that are there now and
    were not, and the other way round. `costs` are before and after.
    """

    verdict: str
    files: tuple[FileDiff, ...] = ()
    gained: tuple[Finding, ...] = ()
    lost: tuple[Finding, ...] = ()
    refused: tuple[FieldError, ...] = ()
    mended: tuple[FieldError, ...] = ()
    costs: tuple[float, float] = (0.0, 0.0)


def difference(before: Evaluation, after: Evaluation) -> Difference:
    files = {path: _comparable(text) for path, text in before.files.items()}
    later = dict.fromkeys(files) | {path: _comparable(text) for path, text in after.files.items()}
    gained, lost = (
        _only_first(_findings(after), _findings(before)),
        _only_first(_findings(before), _findings(after)),
    )
    refused, mended = (
        _only_first(_errors(after), _errors(before)),
        _only_first(_errors(before), _errors(after)),
    )
    diffs = tuple(file_diffs(files, later))
    broken = any(error.rule == "blueprint" for error in refused)
    stopped = bool(refused) or any(each.severity == "block" for each in gained)
    differs = bool(diffs or gained or lost or mended)
    verdict = BROKEN if broken else REFUSED if stopped else DIFFERS if differs else SAME
    costs = before.cost.monthly, after.cost.monthly
    return Difference(verdict, diffs, gained, lost, refused, mended, costs)


def rehearse(
    current: Blueprint, changed: Blueprint, answers: Mapping[str, Any], contexts: tuple[Context, Context],
    known: Mapping[str, Blueprint],
) -> Difference:  # fmt: skip
    """The same answers under both; `contexts` differ in their guardrails at most."""
    before = evaluate(current, answers, contexts[0], known)
    after = evaluate(changed, answers, contexts[1], {**known, changed.name: changed})
    return difference(before, after)


def _comparable(text: str) -> str:
    return _DIGEST.sub("", text)


def _findings(found: Evaluation) -> dict[Any, Finding]:
    return {(each.rule, each.severity, each.object, each.path): each for each in found.findings}


def _errors(found: Evaluation) -> dict[Any, FieldError]:
    return {(each.field, each.rule, each.message): each for each in found.errors}


def _only_first(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> tuple[Any, ...]:
    return tuple(each for key, each in one.items() if key not in other)


def computed_for(
    found: Blueprint, answers: Mapping[str, Any], context: Context
) -> Iterator[tuple[str, dict[str, Any]]]:
    """`values`, and `here` of each environment, as the manifests see them; as far as they can be computed."""
    from services.manifests.expressions import ExpressionError, Scope
    from services.onboarding.blueprints.answers import fill, variables_of
    from services.onboarding.blueprints.tree import computed

    form = fill(found, answers, context)
    scope = Scope({**variables_of(found, context), "answers": form.preview})
    try:
        chosen = found.environments.evaluate(scope)
        places = [each for each in context.environments if each.name in chosen]
        scope.extend("environments", [each.as_variable() for each in places])
        computed(found.values, "values", scope)
        yield "values", dict(scope.variables["values"])
        for each in places:
            scope.extend("environment", each.as_variable())
            computed(found.here, "here", scope)
            yield each.name, dict(scope.variables["here"])
    except (ExpressionError, TypeError):  # the mistake is told where the files are made
        return
