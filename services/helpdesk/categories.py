"""The categories a new installation starts with. They are rows: platform engineers rename, add and retire
them.
"""

from typing import Any

from django.conf import settings

from services.helpdesk import escalation
from services.helpdesk.hours import DAYS
from services.helpdesk.states import Priority, State

FIRST_CATEGORIES = [
    ("broken", "Something is broken", "It worked before, or it never started", "alert-triangle"),
    ("deploy", "Release or rollout", "A change does not arrive, or should go back", "rocket"),
    ("data", "Database, cache, storage", "A new one, more room, a restore", "database"),
    ("network", "Addresses and network", "Hostnames, certificates, who may call whom", "world"),
    ("access", "Access and secrets", "To look, to change, a credential", "key"),
    ("pipeline", "Builds and tests", "A pipeline is red, slow or missing something", "git-merge"),
    ("howto", "How do I …?", "You know what you want, not where", "book-2"),
    ("other", "Something else", "We sort it for you", "message-circle"),
]

PAUSES = [State.WAITING_REQUESTER.value, State.CONVERTED.value]
WARNED = ["15 before any: warn"]
# priority, calendar, minutes to the first answer, the next, the resolution; a working day has eight hours
FIRST_PROMISES: list[tuple[int, str, int, int, int, list[str]]] = [
    (Priority.URGENT, "always", 60, 60, 480, [*WARNED, "0 after first: tell leads"]),
    (Priority.HIGH, "always", 240, 240, 2880, [*WARNED, "60 after first: tell leads"]),
    (Priority.NORMAL, "office", 480, 480, 2400, ["60 before any: warn"]),
    (Priority.LOW, "office", 1440, 1440, 4800, ["60 before any: warn"]),
]


def plant(*, using: str, **kwargs: Any) -> None:
    """Once, into an empty table: what somebody deleted does not come back."""
    from services.helpdesk.models import Category

    if Category.objects.using(using).exists():
        return
    Category.objects.using(using).bulk_create(
        Category(slug=slug, title=title, hint=hint, icon=icon, position=position)
        for position, (slug, title, hint, icon) in enumerate(FIRST_CATEGORIES, start=1)
    )


def plant_promises(*, using: str, **kwargs: Any) -> None:
    """Two calendars and a promise for each priority, into an empty table."""
    from services.helpdesk.models import Calendar, Promise

    if Calendar.objects.using(using).exists():
        return
    always = Calendar.objects.using(using).create(title="Around the clock", timezone=settings.TIME_ZONE)
    office = Calendar.objects.using(using).create(
        title="Office hours",
        timezone=settings.TIME_ZONE,
        week={day: [["09:00", "17:00"]] for day in DAYS[:5]},
    )
    calendars = {"always": always, "office": office}
    Promise.objects.using(using).bulk_create(
        Promise(
            title=Priority(priority).label, priority=priority, position=position,
            calendar=calendars[calendar],
            first=first, next=following, resolution=resolution, pauses=PAUSES,
            steps=[escalation.read(line).stored for line in steps],
        )
        for position, (priority, calendar, first, following, resolution, steps) in enumerate(
            FIRST_PROMISES, start=1
        )
    )  # fmt: skip
