"""What one can ask for, as the page lists it: by what it is for, with what is missing for it said.

Row 66: the forms are the service catalogue. Row 88: every need has one, a service, a job, a preview, storage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from services.clusters.models import Environment

from .forms import blueprints, environment_info, library

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
    """`missing` says why nobody can have it here; empty for what there is somewhere.

    A bundle's begins the form of its blueprint with those it `brings`.
    """

    blueprint: engine.Blueprint
    missing: str
    bundle: engine.Bundle | None = None
    brings: Sequence[engine.Blueprint] = ()

    @property
    def shown(self) -> engine.Blueprint | engine.Bundle:
        return self.bundle or self.blueprint

    @property
    def query(self) -> str:
        return "?" + urlencode([("with", each.name) for each in self.brings]) if self.brings else ""


@dataclass(frozen=True)
class Group:
    title: str
    hint: str
    offers: Sequence[Offer]


def offers(words: str = "") -> list[Group]:
    """Every blueprint that all of the words are about, in groups."""
    rows = Environment.objects.standing().select_related("cluster")
    environments = [environment_info(each) for each in rows]
    known = library()
    all_of_them = [*(Offer(each, _missing([each], environments)) for each in known.blueprints.values())]
    all_of_them += [_bundled(each, known.blueprints, environments) for each in known.bundles.values()]
    ordered = sorted(all_of_them, key=lambda each: (each.shown.order, each.shown.title))
    found = [each for each in ordered if _is_about(each.shown, words)]
    groups = [
        Group(title, hint, [each for each in found if each.shown.category == category])
        for category, (title, hint) in CATEGORIES.items()
    ]
    return [group for group in groups if group.offers]


def joinable() -> list[Offer]:
    """What may come along with something else in one request."""
    environments = [
        environment_info(each) for each in Environment.objects.standing().select_related("cluster")
    ]
    known = sorted(
        blueprints().values(), key=lambda each: (list(CATEGORIES).index(each.category), each.order)
    )
    return [Offer(each, _missing([each], environments)) for each in known if each.joining]


def _bundled(
    bundle: engine.Bundle,
    known: Mapping[str, engine.Blueprint],
    environments: Sequence[engine.EnvironmentInfo],
) -> Offer:
    brings = [known[name] for name in bundle.brings]
    main = known[bundle.blueprint]
    return Offer(main, _missing([main, *brings], environments), bundle, brings)


def _is_about(offer: engine.Blueprint | engine.Bundle, words: str) -> bool:
    category = " ".join(CATEGORIES.get(offer.category, ("",)))
    intro = getattr(offer, "intro", "")
    text = " ".join((offer.title, offer.description, intro, *offer.tags, category)).lower()
    return all(word in text for word in words.lower().split())


def _missing(wanted: Sequence[engine.Blueprint], environments: Sequence[engine.EnvironmentInfo]) -> str:
    from services.onboarding.blueprints.choices import lacking

    needs = {kind: name for blueprint in wanted for kind, name in blueprint.requires.items()}
    able = [each for each in environments if not each.lacks(needs)]
    return "" if able else lacking(environments, needs)
