"""How alike two environments of a service are, as git has them; compared by a worker."""

from django.db import models


class Parity(models.Model):
    """`source` is the earlier environment. Values are shown, so secrets are masked."""

    entity_ref = models.CharField(max_length=220)
    source = models.CharField(max_length=63)
    target = models.CharField(max_length=63)
    images = models.JSONField(default=list, help_text="repository, source and target of those that differ.")
    fields = models.JSONField(
        default=list, help_text="object, path, source, target, and why they may differ."
    )
    alone = models.JSONField(default=list, help_text="object and the only environment that has it.")
    unexpected = models.PositiveIntegerField(default=0, help_text="Differences that no rule allows.")
    problem = models.TextField(blank=True)
    as_of = models.DateTimeField(null=True)

    class Meta:
        ordering = ["entity_ref", "source"]
        constraints = [
            models.UniqueConstraint(fields=["entity_ref", "source", "target"], name="onboarding_parity_once")
        ]

    def __str__(self) -> str:
        return f"{self.entity_ref}: {self.source} and {self.target}"

    @property
    def name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    @property
    def says(self) -> tuple[str, str]:
        """In a word or two, with its tone."""
        if self.problem or self.as_of is None:
            return "Not known", "idle"
        if self.unexpected:
            return f"{self.unexpected} unexpected", "warn"
        return ("Another version", "info") if self.images else ("Alike", "ok")
