"""What a version of a blueprint makes of answers: the side that a newer version is compared with."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from services.manifests.expressions import ExpressionError
from services.manifests.render import RenderError
from services.onboarding.blueprints.answers import fill, variables_of
from services.onboarding.blueprints.model import Blueprint, Brought, Context, nothing_exists
from services.onboarding.blueprints.tree import build


def made_by(
    blueprint: Blueprint, answers: Mapping[str, Any], context: Context, request: str
) -> dict[str, str]:
    """The files that a version makes of these answers; none where it cannot make sense of them any more."""
    fixed = {each.name: answers.get(each.name) for each in blueprint.fields.values() if each.is_identity}
    quiet = replace(
        context, fixed=fixed, existing=nothing_exists, request=request, brought=Brought(), adopted=None,
        upgrade=None,
    )  # fmt: skip
    try:
        preview = fill(blueprint, answers, quiet).preview
        return build(blueprint, preview, variables_of(blueprint, quiet), quiet).files
    except (RenderError, ExpressionError):
        return {}
