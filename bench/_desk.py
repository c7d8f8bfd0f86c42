"""A help desk of any size: N tickets, three things said in each and ten events. The same each time.

Written by COPY, for opening each through its action would take an hour; what the actions leave behind is what
stands here. A share of the tickets is open, all of the last month, whatever their number: a desk that keeps
up has fewer. The first ticket of each growth is a long one, with a hundred things said.
"""

import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from bench._company import SYLLABLES, Company

YEARS, MONTH = timedelta(days=730), timedelta(days=30)
OPEN_SHARE = 0.05
PEOPLE, ENGINEERS = 400, 8
STEP = timedelta(minutes=37)
ASKED = [
    "{what} answers with {why} since the last rollout", "How do I get a new secret into {what}?",
    "{what} restarts every few minutes", "Please give {what} more memory in production",
    "Certificate of {what} expires next week", "Who may approve a change of {what}?",
    "Image of {what} cannot be pulled", "Rollout of {what} stands still", "{what} cannot reach its database",
    "New bucket for {what}", "{what} is slow when many people {why}", "Access to the logs of {what}",
]  # fmt: skip
WORDS = """
the a of in since and to we it is pod deployment error timeout memory quota node rollout image secret
certificate ingress database query retry latency staging production yesterday morning
customers notice please help look dashboard metric alert pipeline build branch merge manifest volume claim
token login
""".split()  # noqa: SIM905  # legible
MOVES = ["triaged", "in_progress", "waiting_requester", "in_progress"]
CAUSES = ["no_self_service", "form_not_found", "missing_docs", "platform_fault", "service_fault", "outside"]
OPEN = ["new", "new", "triaged", "in_progress", "in_progress", "waiting_requester", "waiting_external"]
TICKET = """
id number title category_id impact urgency priority state state_since private channel submission asker_id
team_id queue_id assignee_id entity_ref environment snapshot snapshot_at cause minutes converted_to created_at
updated_at first_response_at resolved_at closed_at due_at due_for look_at clocked version
""".split()  # noqa: SIM905  # legible
MESSAGE = [
    "id",
    "ticket_id",
    "author_id",
    "internal",
    "channel",
    "external_id",
    "body",
    "created_at",
    "version",
]
EVENT = ["ticket_id", "kind", "by_id", "at", "version", "from_state", "to_state", "message_id", "data"]
AT_ONCE = 5_000
LONG = 50  # rounds of two things said


class Desk:
    """Grows: `more(n)` writes the next n tickets about the services of a company."""

    def __init__(self, company: Company, seed: int = 11, share: float = OPEN_SHARE) -> None:
        self.company, self.chance, self.share = company, random.Random(seed), share
        self.count = self.said = self.happened = self.long = 0
        self.people, self.engineers = _people()
        self.categories, self.teams = _rows("Category"), _teams()
        self.now = _now()
        self.rare: str = ""

    def more(self, tickets: int) -> None:
        for start in range(0, tickets, AT_ONCE):
            self._write(min(AT_ONCE, tickets - start), has_long=not start)

    def _write(self, tickets: int, *, has_long: bool) -> None:
        numbers = range(self.count + 1, self.count + tickets + 1)
        made = [self._ticket(number, is_long=has_long and number == numbers[0]) for number in numbers]
        self.count, self.long = numbers[-1], 1000 + numbers[0] if has_long else self.long
        self.happened += sum(len(events) for _, _, events in made)
        _copy("helpdesk_ticket", TICKET, (ticket for ticket, _, _ in made))
        _copy("helpdesk_message", MESSAGE, (row for _, said, _ in made for row in said))
        _copy("helpdesk_ticketevent", EVENT, (row for _, _, events in made for row in events))
        _reword(numbers[0])

    def _ticket(self, number: int, *, is_long: bool) -> tuple[Any, list[Any], list[Any]]:
        pick, is_open = self.chance.choice, is_long or self.chance.random() < self.share
        state, within = (pick(OPEN), MONTH) if is_open else ("closed", YEARS)
        opened = self.now - within * self.chance.random() - STEP * 10
        service, asker, engineer = pick(self.company.components), pick(self.people), pick(self.engineers)
        said, events = self._told(number, opened, state, asker, engineer, LONG if is_long else 1)
        done, answered = state == "closed", opened + 4 * STEP if state not in ("new", "triaged") else None
        last = events[-1][3]
        due = opened + timedelta(hours=self.chance.uniform(1, 200)) if not done else None
        row = (
            number, number + 1000, self._title(service), pick(self.categories), "team", "soon",
            pick([0, 1, 2, 2, 2, 3]), state, last, self.chance.random() < 0.05, pick(["web", "web", "slack"]),
            "", asker, pick(self.teams), self.teams[0], engineer if number % 3 or done else None,
            f"component:default/{service}", pick(["staging", "production"]), _snapshot(service, opened),
            opened, pick(CAUSES) if done else "", pick([5, 15, 60]) if done else None, "", opened, last,
            answered,
            last if done else None, last if done else None, due, "resolution" if due else "", due,
            events[-1][4], events[-1][4],
        )  # fmt: skip
        return row, said, events

    def _title(self, service: str) -> str:
        self.rare = self._made_up()
        return f"{self.chance.choice(ASKED).format(what=service, why=self.chance.choice(WORDS))} {self.rare}"

    def _made_up(self) -> str:
        return "".join(self.chance.choice(SYLLABLES) for _ in range(4))

    def _told(
        self, ticket: int, opened: datetime, state: str, asker: int, engineer: int, rounds: int
    ) -> tuple[list[Any], list[Any]]:
        """What was said and what happened: ten events, and for each further round seven."""
        said = [self._says(ticket, asker, opened, 1)]
        events: list[Any] = [(ticket, "opened", asker, opened, 1, "", "new", said[0][0], "{}")]

        def event(kind: str, by: int, to: str = "", message: Any = None, data: str = "{}") -> None:
            version = len(events) + 1
            events.append(
                (ticket, kind, by, opened + STEP * version, version, "new" if to else "", to, message, data)
            )

        to = {"from": "", "to": f"e{engineer}", "name": "Somebody"}
        for _ in range(rounds):
            event("assigned", engineer, data=json.dumps(to))
            for move in MOVES[:2]:
                event("state", engineer, move)
            for who, move in ((engineer, MOVES[2]), (asker, MOVES[3])):
                said.append(self._says(ticket, who, opened + STEP * len(events), len(events) + 1))
                side = json.dumps({"side": "desk" if who == engineer else "asker"})
                event("message", who, message=said[-1][0], data=side)
                event("state", who, move)
        event("state", engineer, "resolved" if state == "closed" else "waiting_external")
        event("state", engineer, state)
        return said, events

    def _says(self, ticket: int, who: int, at: datetime, version: int) -> Any:
        self.said += 1
        body = " ".join(self.chance.choices(WORDS, k=35))
        return self.said, ticket, who, version % 9 == 8, "web", "", f"{body} {self._made_up()}", at, version


def _snapshot(service: str, at: datetime) -> str:
    row = {
        "environment": "production", "health": "Degraded", "message": "", "ready": 1, "desired": 3,
        "version": "1.4.2", "image": f"registry.example.com/{service}:1.4.2", "restarts": 4, "limit": "256Mi",
        "last_exit": "OOMKilled", "waiting": "CrashLoopBackOff", "findings": 1, "as_of": at.isoformat(),
    }  # fmt: skip
    values = [{"name": f"{service}-{n}", "node": f"node-{n}", "restarts": n} for n in range(20)]
    return json.dumps(
        {"as_of": at.isoformat(), "environments": [row], "findings": [], "values": {"pods": values}}
    )


def _people() -> tuple[list[int], list[int]]:
    """Keys of those who ask and of those who answer, made now."""
    from services.accounts.models import Membership, Team, User

    names = [f"person-{n}" for n in range(PEOPLE)] + [f"engineer-{n}" for n in range(ENGINEERS)]
    users = User.objects.bulk_create(
        User(username=name, name=name.replace("-", " ").title(), email=f"{name}@example.com")
        for name in names
    )
    platform = Team.objects.get(runs_platform=True)
    Membership.objects.bulk_create(Membership(user=user, team=platform) for user in users[PEOPLE:])
    return [user.pk for user in users[:PEOPLE]], [user.pk for user in users[PEOPLE:]]


def _rows(model: str) -> list[int]:
    from services.helpdesk import models

    return list(getattr(models, model).objects.values_list("pk", flat=True))


def _teams() -> list[int]:
    from services.accounts.models import Team

    made = Team.objects.bulk_create(Team(slug=f"crew-{n}", name=f"Crew {n}") for n in range(20))
    return [Team.objects.get(runs_platform=True).pk, *(team.pk for team in made)]


def _now() -> datetime:
    from django.utils import timezone

    return timezone.now()


def _reword(since: int) -> None:
    """What triggers do when a ticket is written as usual."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT count(helpdesk_reword(id)) FROM helpdesk_ticket WHERE id >= %s", [since])


def _copy(table: str, columns: list[str], rows: Iterator[Any]) -> None:
    """Rows as they are: the keys they name are known to exist."""
    from django.db import connection, transaction

    from portal.shell import roles

    with roles.as_owner(), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        if columns[0] == "id":
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM {table}")
        if table == "helpdesk_ticket":
            cursor.execute("SELECT setval('helpdesk_ticket_number', max(number)) FROM helpdesk_ticket")
