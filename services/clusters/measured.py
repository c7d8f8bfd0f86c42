"""What services use of what they ask for: the last look, and one row a day that is kept."""

from typing import Any

from django.db import models


class Usage(models.Model):
    """What the pods of a service used when they were last measured, in one environment.

    `pods`: by pod and container, cores and bytes: `{"web-1": {"app": [0.12, 83886080]}}`.
    """

    environment = models.ForeignKey("clusters.Environment", models.CASCADE, related_name="usages")
    entity_ref = models.CharField(max_length=220)
    pods = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta:
        ordering = ["environment", "entity_ref"]
        constraints = [
            models.UniqueConstraint(fields=["entity_ref", "environment"], name="clusters_usage_once"),
        ]

    def __str__(self) -> str:
        return f"{self.entity_ref} in {self.environment_id}"


class UsageDay(models.Model):
    """One day of a service in one environment: means and peaks over its samples; cores and bytes.

    Kept when the service is gone: what it cost, it cost.
    """

    environment = models.ForeignKey("clusters.Environment", models.CASCADE, related_name="usage_days")
    entity_ref = models.CharField(max_length=220)
    day = models.DateField()
    samples = models.PositiveIntegerField(default=0)
    pods = models.FloatField(default=0)
    cpu_asked = models.FloatField(default=0)
    cpu_used = models.FloatField(default=0)
    cpu_peak = models.FloatField(default=0)
    memory_asked = models.FloatField(default=0)
    memory_used = models.FloatField(default=0)
    memory_peak = models.FloatField(default=0)
    spot_share = models.FloatField(default=0)
    cost = models.FloatField(default=0, help_text="Of the whole day, in the currency of its prices.")
    is_measured = models.BooleanField(default=False, help_text="False: only what is asked for is known.")
    # By container: peak of cores, peak of bytes, requests as they were: what a right size is made from.
    containers: Any = models.JSONField(default=dict)

    class Meta:
        ordering = ["-day", "entity_ref"]
        constraints = [
            models.UniqueConstraint(
                fields=["environment", "entity_ref", "day"], name="clusters_usage_day_once"
            ),
        ]
        indexes = [models.Index(fields=["entity_ref", "-day"], name="clusters_usage_day_entity")]

    def __str__(self) -> str:
        return f"{self.entity_ref} in {self.environment_id} on {self.day}"
