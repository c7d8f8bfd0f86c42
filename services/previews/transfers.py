"""Sets of services brought to another environment for good: what was asked, and for a move its checklist."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Value
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Team
from services.onboarding.models import Request

# Row 90: both run side by side until the traffic is over; nothing is taken away before.
CHECKLIST = (
    ("alike", "Both sides are alike: the parity check below shows nothing that may not differ"),
    ("data", "Data is there: copied, or replicating with no lag"),
    ("secrets", "Secrets of the target are in place, and what reads them starts"),
    ("ttl", "The TTL of the DNS names is down to a minute, an hour before"),
    ("some", "A small part of the traffic (weighted DNS or HTTPRoute) went there for an hour without errors"),
    ("all", "All of the traffic goes there"),
    ("jobs", "Scheduled jobs run there, and are suspended here"),
    ("watched", "Alerts and dashboards show the target"),
    ("back", "The way back was tried, or is written down"),
    ("retired", "What is left here is retired"),
)


class Transfer(models.Model):
    root_ref = models.CharField(max_length=220)
    refs = models.JSONField(default=list)
    base = models.CharField(max_length=63)
    target = models.CharField(max_length=63)
    is_move = models.BooleanField(default=False)
    request = models.ForeignKey(Request, models.PROTECT, related_name="transfers")
    team = models.ForeignKey(Team, models.PROTECT, related_name="+")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    traffic: Any = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()),
        help_text="share, how and files as they were before and as they were put.",
    )  # fmt: skip
    traffic_next: Any = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    shift_request = models.ForeignKey(Request, models.PROTECT, null=True, related_name="+", db_index=False)
    ticks: Any = models.JSONField(default=dict, help_text="by and at of each point of the checklist.")

    class Meta:
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.root_ref.rpartition('/')[2]} to {self.target}"

    def get_absolute_url(self) -> str:
        return reverse("previews:transfer_detail", args=[self.pk])

    @property
    def root_name(self) -> str:
        return self.root_ref.rpartition("/")[2]

    @property
    def points(self) -> list[dict[str, Any]]:
        return [{"key": key, "text": text, "tick": self.ticks.get(key)} for key, text in CHECKLIST]

    @property
    def share(self) -> int:
        """How much of what comes in goes to the target, in a hundred."""
        return int(self.traffic.get("share") or 0)

    @property
    def done(self) -> int:
        return len([key for key, _ in CHECKLIST if self.ticks.get(key)])
