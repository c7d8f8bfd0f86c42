"""Services on loan: a set of them in a place of its own, until a day, asleep at night."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Team
from services.catalog.models import Entity
from services.clusters.models import NAME, Environment
from services.onboarding.models import TERMINAL, Request, State

from .bookings import Booking as Booking
from .transfers import Transfer as Transfer

PREFIX = "preview-"


class PreviewQuerySet(models.QuerySet["Preview"]):
    def standing(self) -> "PreviewQuerySet":
        """Those that are there, or come up, or go."""
        return self.filter(ended_at__isnull=True)

    def for_page(self) -> "PreviewQuerySet":
        return self.select_related(
            "request", "ending", "update_request", "team", "created_by", "environment__cluster"
        )


class Preview(models.Model):
    """Its way there and back are requests like any other; what those say is not kept here again."""

    name = models.SlugField(max_length=40, validators=[NAME])
    root_ref = models.CharField(max_length=220, help_text="The service it was asked from.")
    refs = models.JSONField(default=list, help_text="Everything that is in it.")
    routed = models.JSONField(default=list, help_text="name, address and needed_by of what stays shared.")
    left_out = models.JSONField(default=list, help_text="What it needs and uses where it is, by choice.")
    base = models.CharField(max_length=63, help_text="The environment it is a copy of.")
    environment = models.ForeignKey(Environment, models.SET_NULL, null=True, related_name="+")
    team = models.ForeignKey(Team, models.PROTECT, related_name="previews")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="previews")
    request = models.ForeignKey(Request, models.PROTECT, related_name="previews")
    ending = models.ForeignKey(Request, models.PROTECT, null=True, related_name="+")
    url = models.URLField(max_length=300, blank=True)
    hosts = models.JSONField(default=dict, help_text="What each host of the original is called in it.")
    images = models.JSONField(default=dict, help_text="Images other than the original's, by service.")
    wanted_images = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    shown = models.PositiveIntegerField(default=0, db_default=0, help_text="Grows with each wanted change.")
    update_request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="+", db_index=False)
    problem = models.CharField(max_length=300, blank=True, db_default="", help_text="Why it does not follow.")
    of_request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="+")
    pull = models.CharField(
        max_length=300, blank=True, help_text="owner/name#12, of a pull request elsewhere."
    )
    until = models.DateTimeField()
    sleeps = models.BooleanField(default=True, help_text="At night and on weekends.")
    held_asleep = models.BooleanField(default=False, help_text="What somebody wanted against the clock.")
    held_until = models.DateTimeField(null=True, help_text="And until when.")
    wanted_asleep = models.BooleanField(default=False, help_text="What was last asked of the cluster.")
    is_asleep = models.BooleanField(default=False, help_text="What the cluster last did.")
    turns = models.PositiveIntegerField(default=0, help_text="Grows with each falling asleep and waking.")
    reminded_for = models.DateTimeField(null=True, help_text="The end people were last reminded of.")
    created_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, help_text="Why it ended.")

    objects = PreviewQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(ended_at__isnull=True), name="previews_preview_name_once"
            ),
        ]
        indexes = [models.Index(fields=["ended_at", "until"], name="previews_preview_until")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("previews:preview_detail", args=[self.pk])

    @property
    def place(self) -> str:
        """The name of its environment, and of its namespace."""
        return f"{PREFIX}{self.name}"

    @property
    def ref(self) -> str:
        return ref_of(self.name)

    @property
    def root_name(self) -> str:
        return self.root_ref.rpartition("/")[2]

    @property
    def is_up(self) -> bool:
        """It came up once, and is not going."""
        return self.request.state == State.LIVE and self.ending_id is None and self.ended_at is None

    @property
    def is_going(self) -> bool:
        return self.ended_at is None and self.ending is not None and self.ending.state not in TERMINAL

    @property
    def is_over(self) -> bool:
        return self.ended_at is not None

    @property
    def is_changing(self) -> bool:
        """Other images than it shows are wanted, or on their way."""
        return self.ended_at is None and bool(self.shown) and self.wanted_images != self.images

    def left(self, now: datetime | None = None) -> timedelta:
        return self.until - (now or timezone.now())


def ref_of(name: str) -> str:
    return f"preview:default/{name}"


def entities_of(refs: list[str]) -> dict[str, Entity]:
    return {row.ref: row for row in Entity.objects.filter(ref__in=refs).select_related("holder")}
