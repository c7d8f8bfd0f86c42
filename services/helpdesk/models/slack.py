"""What is known of Slack: whose account is whose, which thread is which ticket's, what came in from there."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from services.helpdesk.models.tickets import Message, Ticket

ID, TS = 32, 32


class SlackLook(models.Model):
    """The connection as it was seen last; one row."""

    team = models.CharField(max_length=200, blank=True)
    team_id = models.CharField(max_length=ID, blank=True)
    bot = models.CharField(max_length=ID, blank=True, help_text="The user that the app is.")
    is_closed = models.BooleanField(default=False, help_text="The team's channel is private.")
    looked_at = models.DateTimeField(default=timezone.now)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)
    limited_at = models.DateTimeField(null=True, blank=True, help_text="When Slack last held events back.")

    def __str__(self) -> str:
        return self.error or self.team


class SlackPerson(models.Model):
    """An account in Slack, and whose it is here, if anybody's."""

    slack_id = models.CharField(max_length=ID, unique=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="slack"
    )
    name = models.CharField(max_length=150, blank=True)
    looked_at = models.DateTimeField(default=timezone.now)
    home_at = models.DateTimeField(
        null=True, blank=True, help_text="When they last looked at their home tab."
    )

    def __str__(self) -> str:
        return self.name or self.slack_id


class SlackThread(models.Model):
    """Where a ticket is talked about: the asker's thread, or the team's. `ts` names its first message."""

    class Side(models.TextChoices):
        ASKER = "asker", "The asker's"
        TEAM = "team", "The team's"

    ticket = models.ForeignKey(Ticket, on_delete=models.CASCADE, related_name="slack_threads")
    side = models.CharField(max_length=5, choices=Side.choices)
    channel = models.CharField(max_length=ID)
    ts = models.CharField(max_length=TS)
    active = models.BooleanField(default=True)
    swept_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["channel", "ts"], name="helpdesk_slack_thread_once"),
            models.UniqueConstraint(
                fields=["ticket", "side"], condition=Q(active=True), name="helpdesk_slack_side_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.channel}/{self.ts}"

    @property
    def is_direct(self) -> bool:
        """Between the app and one person."""
        return self.channel.startswith("D")


class SlackPost(models.Model):
    """One message in a thread: somebody's that was taken in, or `ours`."""

    thread = models.ForeignKey(SlackThread, on_delete=models.CASCADE, related_name="posts")
    ts = models.CharField(max_length=TS)
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, null=True, blank=True, related_name="slack_posts"
    )
    ours = models.BooleanField(default=False)
    text = models.TextField(blank=True, help_text="As it was when it was last looked at.")
    edited = models.CharField(max_length=TS, blank=True, help_text="When it was last edited.")
    deleted = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["thread", "ts"], name="helpdesk_slack_post_once")]

    def __str__(self) -> str:
        return f"{self.thread}/{self.ts}"

    @property
    def said_at(self) -> datetime:
        return moment(self.ts)


class Correction(models.Model):
    """What became of words where they were said: edited, or deleted. The message itself stays as it was."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="correction")
    body = models.TextField(blank=True)
    deleted = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return "deleted" if self.deleted else self.body[:60]


class SlackDelivery(models.Model):
    """One thing Slack told us, once; what came of it stands on the row of its effect."""

    class Kind(models.TextChoices):
        EVENT = "event", "Event"
        COMMAND = "command", "Command"
        ACTION = "action", "Action"

    key = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=7, choices=Kind.choices)
    what = models.CharField(max_length=60, blank=True)
    who = models.CharField(max_length=ID, blank=True)
    payload = models.JSONField()
    said = models.CharField(max_length=300, blank=True, help_text="What became of it.")
    ticket = models.ForeignKey(Ticket, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["-at"], name="helpdesk_slack_delivered")]

    def __str__(self) -> str:
        return f"{self.kind} {self.what}"


def moment(ts: Any) -> datetime:
    """The time that a message's name in its channel stands for; now when it is none."""
    try:
        return datetime.fromtimestamp(0, UTC) + timedelta(seconds=float(ts))
    except (TypeError, ValueError, OverflowError):
        return timezone.now()
