"""The life of a ticket: states, what may follow what, and which few categories drive logic.

Labels may be worded per audience; logic looks only at the category. The table is data; `actions.change_state`
is the only code that applies it.
"""

from datetime import timedelta

from django.db import models


class State(models.TextChoices):
    NEW = "new", "New"
    TRIAGED = "triaged", "Triaged"
    IN_PROGRESS = "in_progress", "In progress"
    WAITING_REQUESTER = "waiting_requester", "Waits for the asker"
    WAITING_EXTERNAL = "waiting_external", "Waits for somebody else"
    RESOLVED = "resolved", "Resolved"
    DUPLICATE = "duplicate", "Duplicate"
    CONVERTED = "converted", "Became a request"
    CLOSED = "closed", "Closed"


class Phase(models.TextChoices):
    """What a state means for clocks, queues and colours."""

    UNSTARTED = "unstarted"
    ACTIVE = "active"
    WAITING_REQUESTER = "waiting_requester"
    WAITING_THIRD_PARTY = "waiting_third_party"
    DONE = "done"
    FINAL = "final"


PHASES: dict[str, Phase] = {
    State.NEW: Phase.UNSTARTED,
    State.TRIAGED: Phase.UNSTARTED,
    State.IN_PROGRESS: Phase.ACTIVE,
    State.WAITING_REQUESTER: Phase.WAITING_REQUESTER,
    State.WAITING_EXTERNAL: Phase.WAITING_THIRD_PARTY,
    State.CONVERTED: Phase.WAITING_THIRD_PARTY,
    State.RESOLVED: Phase.DONE,
    State.DUPLICATE: Phase.DONE,
    State.CLOSED: Phase.FINAL,
}

_LEAVING = {State.RESOLVED, State.DUPLICATE, State.CONVERTED}
_WORKING = {State.IN_PROGRESS, State.WAITING_REQUESTER, State.WAITING_EXTERNAL}

# What may follow what. Going back from `duplicate` is an undo: only to the state it came from, within a day.
TRANSITIONS: dict[str, frozenset[str]] = {
    State.NEW: frozenset({State.TRIAGED, State.IN_PROGRESS, State.WAITING_REQUESTER} | _LEAVING),
    State.TRIAGED: frozenset(_WORKING | _LEAVING),
    State.IN_PROGRESS: frozenset((_WORKING - {State.IN_PROGRESS}) | _LEAVING),
    State.WAITING_REQUESTER: frozenset((_WORKING - {State.WAITING_REQUESTER}) | _LEAVING),
    State.WAITING_EXTERNAL: frozenset((_WORKING - {State.WAITING_EXTERNAL}) | _LEAVING),
    State.RESOLVED: frozenset({State.IN_PROGRESS, State.CLOSED}),
    State.DUPLICATE: frozenset({State.NEW, State.TRIAGED, State.CLOSED} | _WORKING),
    State.CONVERTED: frozenset({State.IN_PROGRESS, State.RESOLVED}),
    State.CLOSED: frozenset(),
}

OPEN_STATES = tuple(s for s in State if PHASES[s] not in (Phase.DONE, Phase.FINAL))
QUEUE_STATES = (State.NEW, State.TRIAGED, State.IN_PROGRESS)
WAITING_STATES = (State.WAITING_REQUESTER, State.WAITING_EXTERNAL, State.CONVERTED)

REOPEN_WITHIN = timedelta(days=7)
CLOSE_AFTER = timedelta(days=7)
GIVE_UP_WAITING_AFTER = timedelta(days=7)
UNDO_DUPLICATE_WITHIN = timedelta(hours=24)
TAKE_BACK_WITHIN = timedelta(minutes=10)


class Impact(models.TextChoices):
    CUSTOMERS = "customers", "Customers notice it"
    TEAM = "team", "My team is held up"
    ME = "me", "It concerns me alone"


class Urgency(models.TextChoices):
    NOW = "now", "It is happening now"
    SOON = "soon", "It should be done this week"
    LATER = "later", "It can wait"


class Priority(models.IntegerChoices):
    URGENT = 0, "Urgent"
    HIGH = 1, "High"
    NORMAL = 2, "Normal"
    LOW = 3, "Low"


# People say how bad and how soon, in words; nobody is asked for a priority.
PRIORITY_MATRIX: dict[tuple[str, str], Priority] = {
    (Impact.CUSTOMERS, Urgency.NOW): Priority.URGENT,
    (Impact.CUSTOMERS, Urgency.SOON): Priority.HIGH,
    (Impact.CUSTOMERS, Urgency.LATER): Priority.NORMAL,
    (Impact.TEAM, Urgency.NOW): Priority.HIGH,
    (Impact.TEAM, Urgency.SOON): Priority.NORMAL,
    (Impact.TEAM, Urgency.LATER): Priority.LOW,
    (Impact.ME, Urgency.NOW): Priority.NORMAL,
    (Impact.ME, Urgency.SOON): Priority.LOW,
    (Impact.ME, Urgency.LATER): Priority.LOW,
}


class Cause(models.TextChoices):
    """Why a ticket had to be written at all: the answer that decides what is built next."""

    NO_SELF_SERVICE = "no_self_service", "No self-service"
    FORM_NOT_FOUND = "form_not_found", "Form not found"
    MISSING_DOCS = "missing_docs", "Missing docs"
    PLATFORM_FAULT = "platform_fault", "Platform fault"
    SERVICE_FAULT = "service_fault", "Service fault"
    UNCLEAR_RULES = "unclear_rules", "Unclear rules"
    OUTSIDE = "outside", "Outside our hands"
    OTHER = "other", "Something else"


CAUSE_HINTS: dict[str, str] = {
    Cause.NO_SELF_SERVICE: "Only we could do it",
    Cause.FORM_NOT_FOUND: "It existed, nobody saw it",
    Cause.MISSING_DOCS: "Nowhere written down",
    Cause.PLATFORM_FAULT: "We broke it",
    Cause.SERVICE_FAULT: "A bug in the service",
    Cause.UNCLEAR_RULES: "Nobody knew who decides",
    Cause.OUTSIDE: "A supplier or the weather",
    Cause.OTHER: "Say what in a note",
}


class Channel(models.TextChoices):
    WEB = "web", "in the portal"
    SLACK = "slack", "in Slack"
    MAIL = "mail", "by mail"
    SYSTEM = "system", "by itself"
