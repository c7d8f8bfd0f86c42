"""The outbox: everything that is to be done to the outside world, and what became of it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone


class EffectQuerySet(models.QuerySet["Effect"]):
    def claimable(self) -> "EffectQuerySet":
        """Due rows, and running ones whose lease ran out (their worker is gone or hangs).

        By the database's clock, here and wherever such a time is written: the processes' own may disagree.
        """
        waiting = Q(state__in=[Effect.State.DUE, Effect.State.UNKNOWN], due_at__lte=Now())
        abandoned = Q(state=Effect.State.RUNNING, lease_until__lt=Now())
        return self.filter(waiting | abandoned)

    def untold(self) -> "EffectQuerySet":
        """Put before a person when nothing else could follow from it: that is to be made up for."""
        return self.filter(state=Effect.State.NEEDS_ATTENTION, tell_at__lte=Now())


class Effect(models.Model):
    """One thing to do outside, once. `kind` and `key` are its natural key."""

    class State(models.TextChoices):
        DUE = "due", "Due"
        RUNNING = "running", "Running"
        UNKNOWN = "unknown", "Outcome unknown"
        DONE = "done", "Done"
        NEEDS_ATTENTION = "needs_attention", "Needs attention"
        CANCELLED = "cancelled", "Cancelled"

    kind = models.CharField(max_length=100, help_text="Name of the handler.")
    key = models.CharField(max_length=200, help_text="Natural key: the same thing is never queued twice.")
    payload = models.JSONField(default=dict)
    object_type = models.CharField(max_length=100, blank=True)
    object_id = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DUE)
    attempts = models.PositiveIntegerField(default=0)
    deaths = models.PositiveIntegerField(default=0, db_default=0, help_text="Workers lost in it in a row.")
    due_at = models.DateTimeField(db_default=Now())
    tell_at = models.DateTimeField(null=True, blank=True, help_text="When to run `on_attention` (again).")
    lease_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveIntegerField(default=0, help_text="Grows with each claim; only its holder writes.")
    result = models.JSONField(default=dict)
    last_error = models.TextField(blank=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_by = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = EffectQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "key"], name="effects_effect_once"),
            models.CheckConstraint(
                condition=Q(state="running", lease_until__isnull=False) | ~Q(state="running"),
                name="effects_effect_running_has_lease",
            ),
        ]
        indexes = [
            models.Index(
                fields=["due_at"],
                name="effects_effect_due",
                condition=Q(state__in=["due", "unknown", "running"]),
            ),
            models.Index(fields=["object_type", "object_id"], name="effects_effect_object"),
            models.Index(
                fields=["tell_at"], name="effects_effect_untold", condition=Q(tell_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key} ({self.state})"

    @property
    def tone(self) -> str:
        """The tone of its pill."""
        tones = {"done": "ok", "needs_attention": "bad", "unknown": "warn", "running": "accent"}
        return tones.get(self.state, "")

    @property
    def can_be_retried(self) -> bool:
        return self.state in (Effect.State.NEEDS_ATTENTION, Effect.State.UNKNOWN)


class Pulse(models.Model):
    """When something that must happen again and again last did: beat's round, a worker's sweep."""

    name = models.CharField(max_length=60, primary_key=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=200, blank=True, help_text="Machine and process, or nothing.")

    def __str__(self) -> str:
        return f"{self.name} at {self.at:%F %T}"


class Silence(models.Model):
    """Nobody asks `about` (a host, one pull request) before `until`."""

    about = models.CharField(max_length=200, unique=True)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.about} until {self.until:%H:%M:%S}"
