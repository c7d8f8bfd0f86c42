"""What one can ask for, as the page lists it: by what it is for, with what is missing for it said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from services.clusters.models import Environment

from .forms import blueprints, environment_info

if TYPE_CHECKING:
    from services.onboarding import blueprints as engine

# Category of a blueprint: what the page calls it, in this order.
CATEGORIES = {
    "Run": ("Run something", "Services, workers and jobs, and how many of them."),
    "Store": ("Keep something", "Data, messages and secrets; each comes as a Secret and an address."),
    "Reach": ("Be reached", "Addresses and names."),
    "Observe": ("See what happens", "Metrics, alerts and dashboards."),
    "Platform": ("Room and rights", "Places of a team's own, and who may do what in them."),
    "Other": ("More", ""),
}


@dataclass(frozen=True)
class Offer:
    """`missing` says why nobody can have it here; empty for what there is somewhere."""

    blueprint: engine.Blueprint
    missing: str


@dataclass(frozen=True)
class Group:
    title: str
    hint: str
    offers: Sequence[Offer]


def offers(words: str = "") -> list[Group]:
    """Every blueprint that all of the words are about, in groups."""
    environments = [environment_info(each) for each in Environment.objects.select_related("cluster")]
    known = sorted(blueprints().values(), key=lambda each: (each.order, each.title))
    found = [Offer(each, _missing(each, environments)) for each in known if _is_about(each, words)]
    groups = [
        Group(title, hint, [each for each in found if each.blueprint.category == category])
        for category, (title, hint) in CATEGORIES.items()
    ]
    return [group for group in groups if group.offers]


def _is_about(blueprint: engine.Blueprint, words: str) -> bool:
    category = " ".join(CATEGORIES.get(blueprint.category, ("",)))
    texts = (blueprint.title, blueprint.description, blueprint.intro, *blueprint.tags, category)
    text = " ".join(texts).lower()
    return all(word in text for word in words.lower().split())


def _missing(blueprint: engine.Blueprint, environments: Sequence[engine.EnvironmentInfo]) -> str:
    from services.onboarding.blueprints.choices import lacking

    able = [each for each in environments if not each.lacks(blueprint.requires)]
    return "" if able else lacking(environments, blueprint.requires)
