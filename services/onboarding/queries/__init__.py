"""Reading requests: lists, what waits for whom, the form's evaluation, the timeline, the clocks."""

from .forms import base_of, blueprints, context_for, digest_of, evaluate, title_for
from .hops import HopStatistic, Leg, hop_statistics, legs
from .lists import find, may_become, person_named, requests_for, to_follow, waits_for
from .rollouts import Picture, environments_in_order, pictures
from .timeline import Item, timeline

__all__ = [
    "HopStatistic",
    "Item",
    "Leg",
    "Picture",
    "base_of",
    "blueprints",
    "context_for",
    "digest_of",
    "environments_in_order",
    "evaluate",
    "find",
    "hop_statistics",
    "legs",
    "may_become",
    "person_named",
    "pictures",
    "requests_for",
    "timeline",
    "title_for",
    "to_follow",
    "waits_for",
]
