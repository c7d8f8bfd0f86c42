"""Which version of which blueprint made what runs, and the rounds that bring services to newer ones."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone


class BlueprintVersion(models.Model):
    """A blueprint as it was when a request was made with it, so that it can be made once more."""

    digest = models.CharField(max_length=80, unique=True)
    blueprint = models.SlugField(max_length=63)
    version = models.CharField(max_length=32, blank=True, help_text="As the blueprint says, `1.4`.")
    texts = models.JSONField(default=dict, help_text="Its files by path.")
    kept_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.blueprint} {self.version or self.digest[7:15]}"


class Made(models.Model):
    """What made an entity, as of the last request about it that was merged."""

    entity_ref = models.CharField(max_length=200, unique=True)
    blueprint = models.SlugField(max_length=63)
    digest = models.CharField(max_length=80)
    version = models.CharField(max_length=32, blank=True)
    request = models.ForeignKey("onboarding.Request", on_delete=models.CASCADE, related_name="made")

    class Meta:
        ordering = ["entity_ref"]
        indexes = [models.Index(fields=["blueprint", "digest"], name="onboarding_made_by")]

    def __str__(self) -> str:
        return f"{self.entity_ref} by {self.blueprint} {self.version}"

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]


class UpgradeRound(models.Model):
    """One person's upgrade of several services: each gets a request of its own."""

    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Upgrade round {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("onboarding:upgrade_round", args=[self.pk])


class UpgradeItem(models.Model):
    """One service of a round, and what came of it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        PROPOSED = "proposed", "Proposed"
        REFUSED = "refused", "Needs a person"
        FAILED = "failed", "Failed"

    round = models.ForeignKey(UpgradeRound, on_delete=models.CASCADE, related_name="items")
    entity_ref = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    message = models.TextField(blank=True)
    attempt = models.PositiveIntegerField(default=0, help_text="Grows with each try.")
    request = models.ForeignKey(
        "onboarding.Request", on_delete=models.SET_NULL, null=True, related_name="upgrade_items"
    )

    class Meta:
        ordering = ["entity_ref"]
        constraints = [
            models.UniqueConstraint(fields=["round", "entity_ref"], name="onboarding_upgrade_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["waiting", "proposed", "refused", "failed"]),
                name="onboarding_upgrade_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity_name} in {self.round}"

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    @property
    def token(self) -> str:
        """What its request is found by again: one item makes one, however often it is tried."""
        return f"upgrade-{self.pk}"
