"""What happened, who did it, in words that outlive the rows it speaks of: no foreign keys."""

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One thing that happened. Rows are written once; the database refuses to change or delete them."""

    privileges = "SELECT, INSERT"  # of the application's role

    at = models.DateTimeField(default=timezone.now, db_index=True)
    actor = models.CharField(max_length=150, help_text="Username, or 'system'.")
    actor_name = models.CharField(max_length=150)
    action = models.CharField(max_length=100, help_text="What happened, as object.verb: request.submitted.")
    object_type = models.CharField(max_length=100)
    object_id = models.CharField(max_length=100)
    summary = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True, help_text="The HTTP request or job behind it.")

    class Meta:
        ordering = ["at", "id"]
        indexes = [models.Index(fields=["object_type", "object_id", "at"], name="audit_event_object")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action} {self.object_type}/{self.object_id}"


class Link(models.Model):
    """An event's place in the chain. The database writes it at commit; nobody else may.

    `hash` is over `previous` (the hash of the link before), the position and the event's columns, so no
    event can be changed, removed or put in between without every later hash saying so.
    """

    privileges = "SELECT"

    position = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(
        unique=True, help_text="No foreign key: a link outlives a removed event."
    )
    previous = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        ordering = ["position"]

    def __str__(self) -> str:
        return f"{self.position}:{bytes(self.hash).hex()}"


class Check(models.Model):
    """What looking through the whole chain found. Its head must be found by every later look."""

    privileges = "SELECT, INSERT"

    at = models.DateTimeField(default=timezone.now, db_index=True)
    events = models.BigIntegerField()
    position = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)
    is_finished = models.BooleanField(
        default=True,
        db_default=True,
        help_text="False says that a look was begun, and nothing of what it saw.",
    )
    broken = models.JSONField(default=list, help_text="Ids of events that are not what they were.")

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.events} events, {len(self.broken)} broken"

    @property
    def head(self) -> str:
        """As `verify_audit --expect` takes it."""
        return f"{self.position}:{bytes(self.hash).hex()}"


def subject_of(obj: models.Model) -> tuple[str, str]:
    """How events and effects name a row: ("onboarding.request", "12")."""
    return obj._meta.label_lower, str(obj.pk)
