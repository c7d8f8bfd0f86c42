"""What happened, who did it, in words that outlive the rows it speaks of: no foreign keys."""

from django.db import models
from django.utils import timezone


class Event(models.Model):
    """One thing that happened. Rows are written once; the database refuses to change or delete them."""

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


def subject_of(obj: models.Model) -> tuple[str, str]:
    """How events and effects name a row: ("onboarding.request", "12")."""
    return obj._meta.label_lower, str(obj.pk)
