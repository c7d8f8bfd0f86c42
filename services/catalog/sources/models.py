"""What a source carries besides its address: who steers it, what is broken in it, and what reached it."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models

MANY_FILES = 500


class Steered(models.Model):
    """How a source is read, by whom it is watched, and what its last reading came to."""

    class Provider(models.TextChoices):
        GITHUB = "github", "GitHub"
        GITLAB = "gitlab", "GitLab"
        GITEA = "gitea", "Gitea"

    name = models.CharField(max_length=63, blank=True, db_default="", help_text="What programs call it.")
    provider = models.CharField(max_length=10, choices=Provider.choices, blank=True, db_default="")
    options = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    token_sealed = models.TextField(blank=True, db_default="")
    hook_provider = models.CharField(max_length=10, choices=Provider.choices, blank=True, db_default="")
    hook_sealed = models.TextField(blank=True, db_default="")
    hook_at = models.DateTimeField(null=True, help_text="When a webhook last reached it.")
    auto_apply = models.BooleanField(default=False, db_default=False, help_text="No person applies plans.")
    tell_team = models.ForeignKey(
        "accounts.Team", models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    tell_person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    paused_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    removed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", db_index=False
    )
    head = models.CharField(max_length=64, blank=True, db_default="", help_text="What was last read.")
    next_at = models.DateTimeField(null=True, help_text="When the next sweep looks at it.")
    trouble = models.TextField(blank=True, db_default="", help_text="Why it cannot be read now.")
    trouble_since = models.DateTimeField(null=True)
    failures = models.PositiveIntegerField(default=0, db_default=0)

    class Meta:
        abstract = True

    @property
    def is_steady(self) -> bool:
        """Whether sweeps look at it."""
        return not self.paused_at and not self.removed_at

    @property
    def tells(self) -> Any:
        """Who is told when a file breaks; None when nobody was chosen."""
        return self.tell_team or self.tell_person


def wait_after(failures: int, asked: float | None) -> timedelta:
    """Until the next sweep: as configured, sooner after a first failure, never before what was asked."""
    usual = timedelta(minutes=settings.CATALOG_SWEEP_MINUTES)
    wait = min(usual, timedelta(minutes=2 ** min(failures - 1, 10))) if failures else usual
    return max(wait, timedelta(seconds=asked or 0))


class Broken(models.Model):
    """A file of a source that cannot be read, since when, and what is wrong with it first of all."""

    source = models.ForeignKey("catalog.Source", models.CASCADE, related_name="broken")
    file = models.CharField(max_length=1000)
    document = models.PositiveIntegerField(default=0)
    line = models.PositiveIntegerField(default=1)
    field = models.TextField(blank=True)
    rule = models.CharField(max_length=63, blank=True)
    message = models.TextField(blank=True)
    suggestion = models.TextField(blank=True)
    since = models.DateTimeField()

    class Meta:
        verbose_name_plural = "broken"
        ordering = ["file"]
        constraints = [models.UniqueConstraint(fields=["source", "file"], name="catalog_broken_once")]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class Delivery(models.Model):
    """A webhook that was taken in; a second one with its id or its body does nothing."""

    source = models.ForeignKey("catalog.Source", models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    event = models.CharField(max_length=60, blank=True)
    said = models.CharField(max_length=200, blank=True, help_text="What became of it.")
    at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name_plural = "deliveries"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["source", "key"], name="catalog_delivery_once"),
            models.UniqueConstraint(fields=["source", "digest"], name="catalog_delivery_body_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"


class Holding(models.Model):
    """Files that a source holds by itself: one repository of an organisation, or what programs put."""

    class State(models.TextChoices):
        OK = "ok", "Read"
        EMPTY = "empty", "No descriptor"
        FAILED = "failed", "Not read"

    source = models.ForeignKey("catalog.Source", models.CASCADE, related_name="holdings")
    name = models.CharField(max_length=300, help_text="owner/name; empty for what programs put.")
    head = models.CharField(max_length=100, blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OK)
    problem = models.TextField(blank=True)
    files = models.JSONField(default=dict, help_text="Path -> content, in base64.")
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["source", "name"], name="catalog_holding_once")]

    def __str__(self) -> str:
        return self.name or "what was put"
