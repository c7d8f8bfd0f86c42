"""What must hold before the portal starts."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register("slipway")
def approvals(**kwargs: Any) -> list[CheckMessage]:
    """The company's rules about approvals can be read."""
    from services.onboarding import blueprints

    try:
        blueprints.company_approvals(settings.APPROVALS)
    except blueprints.BlueprintError as error:
        return [Error(str(error), hint="SLIPWAY_APPROVALS names this file.", id="onboarding.E001")]
    return []


@register("slipway")
def promotion(**kwargs: Any) -> list[CheckMessage]:
    """What the company says of bringing images can be read."""
    from services.onboarding import blueprints

    try:
        blueprints.company_promotion(settings.PROMOTION)
    except blueprints.BlueprintError as error:
        return [Error(str(error), hint="SLIPWAY_PROMOTION names this file.", id="onboarding.E002")]
    return []
