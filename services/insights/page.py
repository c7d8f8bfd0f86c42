"""The first page of insights as data for its template, and a link behind every number."""

from typing import Any

from services.insights import cards, queries, tiles
from services.insights.periods import label
from services.insights.queries import Scope
from services.insights.shapes import Links


def build(scope: Scope, *, platform: bool) -> dict[str, Any]:
    """Everything the page shows: six queries."""
    links = Links(scope, platform=platform)
    adoption, support = queries.adoption(scope), queries.support(scope)
    lead, answer = queries.lead_time(scope), queries.first_answer(scope)
    hops, states = queries.hop_times(scope), queries.requests_by_state(scope)
    names = [label(day, scope.period.unit) for day in scope.period.buckets]
    return {
        "tiles": [
            tiles.services(adoption, links),
            tiles.median("Form to live, median", lead, links.requests(state="live", on="finished")),
            tiles.median("First answer, median", answer, links.tickets("answered")),
            tiles.minutes(support, scope, links),
        ],
        "charts": [
            cards.adoption(adoption, names, links),
            cards.teams(adoption, links),
            cards.hops(hops, lead, links),
            cards.states(states, links),
            cards.tickets(support, names, links),
            cards.causes(support, names, links),
        ],
    }
