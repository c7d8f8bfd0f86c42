"""Reading requests: lists, what waits for whom, the form's evaluation, the timeline, the clocks."""

from .changes import Opening, draft_of, fixed_by, open_for, opening, written
from .ending import over
from .exemptions import asked_for, ending_for, leases_of, to_decide
from .forms import base_of, blueprints, context_for, digest_of, evaluate, library, place_of, title_for
from .hops import HopStatistic, Leg, hop_statistics, legs
from .lists import find, person_named, requests_for, to_follow, waits_for
from .offers import Group, Offer, offers
from .retiring import Retirement, dependents_of, hash_of, retirement, undo_until
from .rollouts import Picture, environments_in_order, pictures
from .timeline import Item, timeline

__all__ = [
    "Group",
    "HopStatistic",
    "Item",
    "Leg",
    "Offer",
    "Opening",
    "Picture",
    "Retirement",
    "asked_for",
    "base_of",
    "blueprints",
    "context_for",
    "dependents_of",
    "digest_of",
    "draft_of",
    "ending_for",
    "environments_in_order",
    "evaluate",
    "find",
    "fixed_by",
    "hash_of",
    "hop_statistics",
    "leases_of",
    "legs",
    "library",
    "offers",
    "open_for",
    "opening",
    "over",
    "person_named",
    "pictures",
    "place_of",
    "requests_for",
    "retirement",
    "timeline",
    "title_for",
    "to_decide",
    "to_follow",
    "undo_until",
    "waits_for",
    "written",
]
