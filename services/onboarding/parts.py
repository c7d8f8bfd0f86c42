"""What else a request makes beside its main thing: a database, a cache and an address with a service."""

from django.db import models
from django.db.models import Q


class RequestPart(models.Model):
    """One further filled-in blueprint of a request; its answers stand among the request's, behind `key`.

    The row is written when the request is submitted, as the main part's entity is.
    """

    request = models.ForeignKey("onboarding.Request", on_delete=models.CASCADE, related_name="parts")
    key = models.CharField(max_length=16, help_text="What stands before the names of its answers.")
    position = models.PositiveIntegerField(default=0)
    blueprint = models.SlugField(max_length=63)
    digest = models.CharField(max_length=80, help_text="The blueprint's version.")
    title = models.CharField(max_length=200, help_text="The blueprint's, as people read it.")
    icon = models.CharField(max_length=63)
    entity = models.JSONField(default=dict, help_text="The descriptor the catalog gets.")
    entity_ref = models.CharField(max_length=200, db_index=True)
    is_open = models.BooleanField(default=False, help_text="Whether its request is under way.")

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["request", "key"], name="onboarding_part_key_once"),
            models.UniqueConstraint(
                fields=["entity_ref"], condition=Q(is_open=True), name="onboarding_part_entity_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_name} of {self.request}"

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]
