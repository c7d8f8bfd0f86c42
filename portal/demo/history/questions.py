"""What people asked the platform team over the year, and how it went. Planned here, written by `seeding`."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

import yaml

from portal.demo import company
from portal.demo.company import COLLEAGUES, Colleague
from portal.demo.history.clock import after_working, around, working_moment
from portal.demo.history.plan import team_of

WEEKS = 52
# Impact, urgency, then half and nine tenths of the first answers in minutes: what burns is answered sooner.
URGENCIES = [
    ("me", "later", 95, 420),
    ("me", "soon", 70, 300),
    ("team", "later", 80, 360),
    ("team", "soon", 45, 180),
    ("team", "now", 22, 70),
    ("customers", "now", 8, 26),
]


@dataclass(frozen=True)
class PastTicket:
    title: str
    body: str
    answer: str
    category: str
    cause: str
    minutes: int
    by: Colleague
    assignee: Colleague
    service: str
    environment: str
    impact: str
    urgency: str
    opened: datetime
    answered: datetime
    resolved: datetime


@cache
def script() -> dict[str, Any]:
    return dict(yaml.safe_load((company.FOLDER / "tickets.yaml").read_text()))


def past_tickets(now: datetime) -> list[PastTicket]:
    """All tickets that were resolved before today, oldest first."""
    rng = Random("larkfield tickets")
    planned = [
        _ticket(rng, now, days, rng.choice(_questions(cause)))
        for week in range(WEEKS, 0, -1)
        for cause, (before, today) in script()["per_week"].items()
        for days in _days(rng, week, today + (before - today) * week / WEEKS)
    ]
    ended = [ticket for ticket in planned if ticket.resolved < now - timedelta(hours=2)]
    return sorted(ended, key=lambda ticket: ticket.opened)


def _questions(cause: str) -> list[dict[str, Any]]:
    return [question for question in script()["questions"] if question["cause"] == cause]


def _days(rng: Random, week: int, rate: float) -> list[int]:
    """On which days of that week it was asked; the rate's fraction is left to chance."""
    return [week * 7 - rng.randrange(7) for _ in range(int(rate + rng.random()))]


def _ticket(rng: Random, now: datetime, days_ago: int, question: dict[str, Any]) -> PastTicket:
    service = rng.choice([name for name in company.workloads() if name != "loyalty"])
    asker = rng.choice([who for who in team_of(service) if who.team != "platform"] or COLLEAGUES[:13])
    impact, urgency, half, most = rng.choice(URGENCIES[:-1] if question["cause"] == "other" else URGENCIES)
    opened = working_moment(now, days_ago, rng)
    answered = after_working(opened, around(rng, half, most))
    spent = rng.randint(*question["minutes"])
    return PastTicket(
        title=question["title"].format(service=service),
        body=question["body"].format(service=service),
        answer=question["answer"].format(service=service),
        category=question["category"],
        cause=question["cause"],
        minutes=spent,
        by=asker,
        assignee=rng.choice([who for who in COLLEAGUES if who.team == "platform"]),
        service=service,
        environment=rng.choice(["production", "production", "staging"]),
        impact=impact,
        urgency=urgency,
        opened=opened,
        answered=answered,
        resolved=after_working(answered, spent + around(rng, 50, 400)),
    )
