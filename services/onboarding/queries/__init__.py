"""Reading requests: lists, what waits for whom, the form's evaluation, the timeline, the clocks."""

from .adopting import adoption
from .changes import Opening, draft_of, fixed_by, open_for, opening, written
from .deployed import Deployed, deployed
from .ending import over
from .exemptions import asked_for, ending_for, leases_of, run_out, to_decide
from .forms import (
    base_of,
    blueprints,
    context_for,
    digest_of,
    evaluate,
    form_of,
    library,
    place_of,
    title_for,
)
from .hops import HopStatistic, Leg, hop_statistics, legs
from .images import Brought, brought, environment_named, is_automatic, needs_of, wanted_image
from .lists import find, of_sets_in, person_named, requests_for, shown, to_follow, waits_for
from .offers import Group, Offer, joinable, offers
from .promotion import Comparison, Standing, brought_apart, comparison, pair_of, promoted, standings
from .rehearsing import Change, Rehearsed, guardrails_at, guardrails_with, of_the_past, rehearsed
from .retiring import Retirement, came_with, dependents_of, hash_of, retirement, undo_until
from .rollouts import Picture, environments_in_order, pictures
from .timeline import Item, timeline

__all__ = [
    "Brought",
    "Change",
    "Comparison",
    "Deployed",
    "Group",
    "HopStatistic",
    "Item",
    "Leg",
    "Offer",
    "Opening",
    "Picture",
    "Rehearsed",
    "Retirement",
    "Standing",
    "adoption",
    "asked_for",
    "base_of",
    "blueprints",
    "brought",
    "brought_apart",
    "came_with",
    "comparison",
    "context_for",
    "dependents_of",
    "deployed",
    "digest_of",
    "draft_of",
    "ending_for",
    "environment_named",
    "environments_in_order",
    "evaluate",
    "find",
    "fixed_by",
    "form_of",
    "guardrails_at",
    "guardrails_with",
    "hash_of",
    "hop_statistics",
    "is_automatic",
    "joinable",
    "leases_of",
    "legs",
    "library",
    "needs_of",
    "of_sets_in",
    "of_the_past",
    "offers",
    "open_for",
    "opening",
    "over",
    "pair_of",
    "person_named",
    "pictures",
    "place_of",
    "promoted",
    "rehearsed",
    "requests_for",
    "retirement",
    "run_out",
    "shown",
    "standings",
    "timeline",
    "title_for",
    "to_decide",
    "to_follow",
    "undo_until",
    "waits_for",
    "wanted_image",
    "written",
]
