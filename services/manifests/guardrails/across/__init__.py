"""Rules that compare several documents: what a policy of one object cannot see."""

from services.manifests.guardrails.across import availability, connections, exposure, surroundings
from services.manifests.guardrails.across.rule import AcrossRule

__all__ = ["RULES", "AcrossRule"]

RULES: tuple[AcrossRule, ...] = (
    *availability.RULES,
    *connections.RULES,
    *exposure.RULES,
    *surroundings.RULES,
)
