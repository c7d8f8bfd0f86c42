"""Where a cluster is not as git says, as it was last compared."""

from django.db import models
from django.db.models import Q


class DriftQuerySet(models.QuerySet["Drift"]):
    def differing(self) -> "DriftQuerySet":
        return self.filter(state=Drift.State.DIFFERS)


class Drift(models.Model):
    """One service in one environment. `fields` are what differs: values are shown, so secrets are masked."""

    class State(models.TextChoices):
        SAME = "same", "As git says"
        DIFFERS = "differs", "Differs"
        MOVING = "moving", "On its way"
        UNKNOWN = "unknown", "Not known"

    environment = models.ForeignKey("clusters.Environment", models.CASCADE, related_name="drifts")
    entity_ref = models.CharField(max_length=220)
    state = models.CharField(max_length=10, choices=State.choices, default=State.UNKNOWN)
    fields = models.JSONField(
        default=list, help_text="kind, name, path, git, live, manager, since; file where git has it."
    )
    count = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True)
    commit = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField(null=True, help_text="Since when it was seen to differ.")
    as_of = models.DateTimeField(null=True, help_text="When it was last compared; empty: not yet.")

    objects = DriftQuerySet.as_manager()

    class Meta:
        ordering = ["entity_ref", "environment"]
        constraints = [
            models.UniqueConstraint(fields=["environment", "entity_ref"], name="clusters_drift_once"),
            models.CheckConstraint(
                condition=~Q(state="differs") | Q(count__gt=0), name="clusters_drift_differs_in_something"
            ),
        ]
        indexes = [models.Index(fields=["entity_ref"], name="clusters_drift_entity")]

    def __str__(self) -> str:
        return f"{self.entity_ref} in {self.environment_id}"

    @property
    def name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    @property
    def tone(self) -> str:
        return {"same": "ok", "differs": "warn", "moving": "info"}.get(self.state, "idle")
