"""Blueprints: a form, the manifests it renders, the rules it is under. Pure: no models, no requests."""

from services.onboarding.blueprints.adopted import from_json as adopted_from
from services.onboarding.blueprints.answers import with_carried
from services.onboarding.blueprints.approvals import of_company as company_approvals
from services.onboarding.blueprints.evaluation import evaluate
from services.onboarding.blueprints.library import Library, offered
from services.onboarding.blueprints.loader import SHIPPED, load, shipped
from services.onboarding.blueprints.model import (
    ApprovalNeed,
    Blueprint,
    Bundle,
    Choice,
    Conflict,
    Context,
    Cost,
    EnvironmentInfo,
    Evaluation,
    FieldError,
    FieldState,
    PartState,
    Person,
    Release,
    SectionState,
    TeamRef,
)
from services.onboarding.blueprints.parts import Part, fields_of, parts_of, with_changes
from services.onboarding.blueprints.promotion import Promotion
from services.onboarding.blueprints.promotion import of_company as company_promotion
from services.onboarding.blueprints.sketch import MOST_CHARACTERS, Sketch, TooMuch, sketch, texts_of
from services.onboarding.blueprints.source import BlueprintError

__all__ = [
    "MOST_CHARACTERS",
    "SHIPPED",
    "ApprovalNeed",
    "Blueprint",
    "BlueprintError",
    "Bundle",
    "Choice",
    "Conflict",
    "Context",
    "Cost",
    "EnvironmentInfo",
    "Evaluation",
    "FieldError",
    "FieldState",
    "Library",
    "Part",
    "PartState",
    "Person",
    "Promotion",
    "Release",
    "SectionState",
    "Sketch",
    "TeamRef",
    "TooMuch",
    "adopted_from",
    "company_approvals",
    "company_promotion",
    "evaluate",
    "fields_of",
    "load",
    "offered",
    "parts_of",
    "shipped",
    "sketch",
    "texts_of",
    "with_carried",
    "with_changes",
]
