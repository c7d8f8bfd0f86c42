"""Tickets: a question or a problem, always about a person, nearly always about an entity."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.urls import reverse
from django.utils import timezone

from services.helpdesk.states import (
    OPEN_STATES,
    PHASES,
    QUEUE_STATES,
    REOPEN_WITHIN,
    UNDO_DUPLICATE_WITHIN,
    WAITING_STATES,
    Cause,
    Channel,
    Impact,
    Phase,
    Priority,
    State,
    Urgency,
)

USER = settings.AUTH_USER_MODEL


class NextNumber(models.Func):
    """Tickets are counted by a sequence of their own, from 1001."""

    template = "nextval('helpdesk_ticket_number')"
    arity = 0


class Spaced(models.Func):
    """The words of a reference: "component:default/pay-desk" is looked for as "pay" and as "desk"."""

    template = "translate(%(expressions)s, ':/-._', '     ')"
    output_field = models.TextField()


IS_OPEN = Q(state__in=OPEN_STATES)
REOPENED = Q(kind="state", from_state=State.RESOLVED, to_state=State.IN_PROGRESS)


class Category(models.Model):
    """What a ticket is about, as data that platform engineers edit. At most eight are active."""

    slug = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=60)
    hint = models.CharField(max_length=140, blank=True)
    icon = models.CharField(max_length=40, default="help")
    position = models.PositiveSmallIntegerField(default=50)
    active = models.BooleanField(default=True)
    fields = models.JSONField(
        default=list, blank=True, help_text="Further questions this category asks; none yet."
    )

    class Meta:
        ordering = ["position", "title"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.title


class TicketQuerySet(models.QuerySet["Ticket"]):
    def visible_to(self, user: Any) -> "TicketQuerySet":
        """Tickets are visible to colleagues; private ones to the asker, watchers, assignee and the
        platform.
        """
        if not user.is_authenticated:
            return self.none()
        if user.is_platform:
            return self
        if user.pk is None:  # a token of a team is nobody they concern
            return self.filter(private=False)
        watching = Ticket.watchers.through.objects.filter(ticket_id=OuterRef("pk"), user_id=user.pk)
        return self.filter(Q(private=False) | Q(asker=user) | Q(assignee=user) | Exists(watching))

    def hidden_from(self, user: Any) -> "TicketQuerySet":
        """The private ones that are none of this person's business."""
        return self.filter(private=True).exclude(
            pk__in=self.filter(private=True).visible_to(user).values("pk")
        )

    def open(self) -> "TicketQuerySet":
        return self.filter(state__in=OPEN_STATES)

    def needs_triage(self) -> "TicketQuerySet":
        return self.filter(state__in=QUEUE_STATES, assignee=None)

    def waiting(self) -> "TicketQuerySet":
        return self.filter(state__in=WAITING_STATES)

    def waits_for(self, user: Any) -> "TicketQuerySet":
        """Those whose next word is this asker's."""
        return self.filter(asker=user, state=State.WAITING_REQUESTER)

    def about(self, entity_ref: str) -> "TicketQuerySet":
        """Of a service those about it; of a team or person also those they asked."""
        about, name = Q(entity_ref=entity_ref.lower()), entity_ref.rpartition("/")[2]
        if entity_ref.startswith("group:default/"):
            return self.filter(about | Q(team__slug=name))
        if entity_ref.startswith("user:default/"):
            return self.filter(about | Q(asker__username__iexact=name))
        return self.filter(about)

    def for_rows(self) -> "TicketQuerySet":
        """What a list row draws, in one query and without the snapshot."""
        return self.select_related("asker", "assignee", "team", "category").defer("snapshot", "search")


class Ticket(models.Model):
    number = models.IntegerField(unique=True, db_default=NextNumber(), editable=False)
    title = models.CharField(max_length=200)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="tickets")
    impact = models.CharField(max_length=12, choices=Impact.choices, default=Impact.ME)
    urgency = models.CharField(max_length=12, choices=Urgency.choices, default=Urgency.LATER)
    priority = models.SmallIntegerField(choices=Priority.choices, default=Priority.NORMAL)
    state = models.CharField(max_length=20, choices=State.choices, default=State.NEW)
    state_since = models.DateTimeField(default=timezone.now)
    private = models.BooleanField(default=False)
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.WEB)
    submission = models.CharField(max_length=64, blank=True, help_text="Makes one opening of two clicks.")

    asker = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="asked_tickets")
    team = models.ForeignKey(
        "accounts.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="tickets"
    )
    queue = models.ForeignKey(
        "accounts.Team", on_delete=models.PROTECT, null=True, blank=True, related_name="queued_tickets"
    )
    assignee = models.ForeignKey(
        USER, on_delete=models.PROTECT, null=True, blank=True, related_name="assigned_tickets"
    )
    watchers: "models.ManyToManyField[Any, Any]" = models.ManyToManyField(
        USER, blank=True, related_name="watched_tickets"
    )

    entity_ref = models.CharField(max_length=400, blank=True)
    environment = models.CharField(max_length=63, blank=True)
    snapshot = models.JSONField(null=True, blank=True)
    snapshot_at = models.DateTimeField(null=True, blank=True)

    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)
    duplicate_of = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="duplicates"
    )
    follows = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="follow_ups"
    )
    converted_to = models.CharField(max_length=20, blank=True)

    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    first_response_at = models.DateTimeField(null=True, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True, help_text="When the next promise is broken.")
    due_for = models.CharField(max_length=12, blank=True, db_default="")
    look_at = models.DateTimeField(null=True, blank=True, help_text="When the next escalation is due.")
    clocked = models.PositiveIntegerField(
        default=0, db_default=0, help_text="The version the clocks were read at."
    )
    version = models.PositiveIntegerField(default=1)
    search = models.GeneratedField(
        expression=SearchVector("title", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = TicketQuerySet.as_manager()

    class Meta:
        ordering = ["priority", "created_at", "pk"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=State.values), name="helpdesk_ticket_state_known"),
            models.CheckConstraint(
                condition=~Q(state=State.DUPLICATE) | Q(duplicate_of__isnull=False),
                name="helpdesk_duplicate_names_original",
            ),
            models.CheckConstraint(
                condition=Q(duplicate_of__isnull=True) | ~Q(duplicate_of=F("pk")),
                name="helpdesk_duplicate_of_another",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=[State.RESOLVED, State.CLOSED]) | Q(resolved_at__isnull=False),
                name="helpdesk_resolved_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.CLOSED) | Q(closed_at__isnull=False),
                name="helpdesk_closed_has_time",
            ),
            models.UniqueConstraint(
                fields=["asker", "submission"], condition=~Q(submission=""), name="helpdesk_opened_once"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "priority", "created_at"], name="helpdesk_queue"),
            models.Index(fields=["assignee", "state"], name="helpdesk_mine"),
            models.Index(fields=["asker", "-created_at"], name="helpdesk_asked"),
            models.Index(fields=["entity_ref", "-created_at"], name="helpdesk_about"),
            models.Index(fields=["-created_at"], name="helpdesk_opened_at"),
            models.Index(fields=["resolved_at", "cause"], name="helpdesk_resolved_cause"),
            models.Index(fields=["due_at"], name="helpdesk_due", condition=Q(due_at__isnull=False)),
            models.Index(fields=["look_at"], name="helpdesk_look", condition=Q(look_at__isnull=False)),
            models.Index(fields=["priority", "created_at", "id"], name="helpdesk_ranked"),
            models.Index(fields=["priority", "-created_at", "id"], name="helpdesk_ranked_newest"),
            models.Index(fields=["state", "-created_at", "id"], name="helpdesk_by_state"),
            models.Index(fields=["title", "id"], name="helpdesk_by_title"),
            models.Index(fields=["-updated_at", "-id"], name="helpdesk_changed"),
            models.Index(fields=["priority", "created_at", "id"], name="helpdesk_open", condition=IS_OPEN),
            models.Index(fields=["created_at", "id"], name="helpdesk_open_age", condition=IS_OPEN),
            models.Index(fields=["state", "assignee"], name="helpdesk_open_tally", condition=IS_OPEN),
            models.Index(
                fields=["first_response_at"],
                name="helpdesk_answered_at",
                condition=Q(first_response_at__isnull=False),
            ),
            models.Index(fields=["-created_at"], name="helpdesk_private", condition=Q(private=True)),
            GinIndex(fields=["search"], name="helpdesk_words"),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.title}"

    def get_absolute_url(self) -> str:
        return reverse("helpdesk:ticket_detail", args=[self.key])

    @property
    def key(self) -> str:
        return f"T-{self.number}"

    @property
    def phase(self) -> Phase:
        return PHASES[self.state]

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    def may_reopen(self, at: datetime) -> bool:
        """Within seven days of its resolution; later the same words open a follow-up."""
        return (
            self.state == State.RESOLVED
            and self.resolved_at is not None
            and at - self.resolved_at <= REOPEN_WITHIN
        )

    def may_undo_duplicate(self, at: datetime) -> bool:
        return self.state == State.DUPLICATE and at - self.state_since <= UNDO_DUPLICATE_WITHIN

    @property
    def first_response_after(self) -> timedelta | None:
        return self.first_response_at - self.created_at if self.first_response_at else None

    @property
    def resolved_after(self) -> timedelta | None:
        return self.resolved_at - self.created_at if self.resolved_at else None


class MessageQuerySet(models.QuerySet["Message"]):
    def visible_to(self, user: Any) -> "MessageQuerySet":
        """Internal notes are for those who run the platform, whoever asks."""
        return self if user.is_platform else self.filter(internal=False)


class Message(models.Model):
    """One thing somebody said. Never edited: what was sent, was read."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="messages")
    author = models.ForeignKey(USER, on_delete=models.PROTECT, related_name="ticket_messages")
    internal = models.BooleanField(default=False)
    channel = models.CharField(max_length=8, choices=Channel.choices, default=Channel.WEB)
    external_id = models.CharField(
        max_length=255, blank=True, help_text="The channel's own id: what came in once is one message."
    )
    body = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField(help_text="The ticket's version after this message.")

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "pk"]
        get_latest_by = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel", "external_id"],
                condition=~Q(external_id=""),
                name="helpdesk_message_once",
            ),
            models.CheckConstraint(condition=~Q(body=""), name="helpdesk_message_says_something"),
        ]
        indexes = [
            models.Index(fields=["ticket", "created_at"], name="helpdesk_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.author} on {self.ticket_id}"


class TicketEvent(models.Model):
    """One change of a ticket, immutable (a trigger refuses update and delete). Clocks are computed from
    these.
    """

    privileges = "SELECT, INSERT"  # of the application's role

    class Kind(models.TextChoices):
        OPENED = "opened"
        STATE = "state"
        MESSAGE = "message"
        NOTE = "note"
        ASSIGNED = "assigned"
        PRIORITY = "priority"
        CATEGORY = "category"
        PRIVACY = "privacy"
        WATCHER = "watcher"
        FOLLOW_UP = "follow_up"
        ESCALATED = "escalated"
        MERGED = "merged"
        LINK = "link"
        PROBLEM = "problem"
        NUDGE = "nudge"
        ME_TOO = "me_too"

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    by = models.ForeignKey(USER, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    version = models.PositiveIntegerField()
    from_state = models.CharField(max_length=20, blank=True)
    to_state = models.CharField(max_length=20, blank=True)
    message = models.ForeignKey(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="events"
    )
    data = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["version", "pk"]
        indexes = [
            models.Index(fields=["ticket", "version"], name="helpdesk_history"),
            models.Index(fields=["kind", "at"], name="helpdesk_event_at"),
            models.Index(fields=["ticket"], name="helpdesk_reopened", condition=REOPENED),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"

    @property
    def is_internal(self) -> bool:
        return self.kind == self.Kind.NOTE
