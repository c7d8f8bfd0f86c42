"""Exceptions from guardrails: leases with a reason, somebody who granted them, and an end."""

from datetime import date, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Team
from services.manifests.problems import Lease

if TYPE_CHECKING:
    from services.accounts.models import User

LONGEST = timedelta(days=90)
SOON = timedelta(days=7)


class ExemptionQuerySet(models.QuerySet["Exemption"]):
    def asked(self) -> "ExemptionQuerySet":
        return self.filter(state=Exemption.State.ASKED)

    def effective(self) -> "ExemptionQuerySet":
        """Granted, and not over: the last day counts."""
        return self.filter(state=Exemption.State.GRANTED, until__gte=timezone.localdate())

    def over(self) -> "ExemptionQuerySet":
        return self.filter(state=Exemption.State.GRANTED, until__lt=timezone.localdate())

    def ending(self) -> "ExemptionQuerySet":
        """In force for a few more days."""
        return self.effective().filter(until__lte=timezone.localdate() + SOON)

    def of(self, user: "User") -> "ExemptionQuerySet":
        """Those this person asked for, or their teams did."""
        return self.filter(Q(asked_by=user) | Q(team__in=user.teams.all()))


class Exemption(models.Model):
    """One guardrail is silent for one service in one environment, on one object or on all, until a day.

    Nobody grants what they asked for. It ends by itself: nothing has to run for that.
    """

    class State(models.TextChoices):
        ASKED = "asked", "Waits for a decision"
        GRANTED = "granted", "Granted"
        REFUSED = "refused", "Refused"
        ENDED = "ended", "Ended early"

    guardrail = models.CharField(max_length=63)
    title = models.CharField(max_length=200, help_text="What the guardrail says, in words.")
    entity_ref = models.CharField(max_length=200, db_index=True)
    environment = models.CharField(max_length=63)
    object = models.CharField(max_length=200, blank=True, help_text="Deployment/shop/wishlist; empty: all.")
    message = models.TextField(blank=True, help_text="What was found when it was asked for.")
    reason = models.TextField()
    until = models.DateField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    request = models.ForeignKey(
        "onboarding.Request", on_delete=models.SET_NULL, null=True, related_name="exemptions"
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    remark = models.TextField(blank=True, help_text="What was said with the decision.")

    objects = ExemptionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["asked", "granted", "refused", "ended"]),
                name="onboarding_exemption_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "refused"])
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by")),
                name="onboarding_exemption_decided_by_another",
            ),
            models.UniqueConstraint(
                fields=["guardrail", "entity_ref", "environment", "object"],
                condition=Q(state="asked"),
                name="onboarding_exemption_asked_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.guardrail} for {self.entity_name} in {self.environment}"

    def get_absolute_url(self) -> str:
        return reverse("onboarding:exemption_detail", args=[self.pk])

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    @property
    def is_effective(self) -> bool:
        return self.state == self.State.GRANTED and self.until >= timezone.localdate()

    @property
    def is_over(self) -> bool:
        return self.state == self.State.GRANTED and not self.is_effective

    @property
    def standing(self) -> tuple[str, str, str]:
        """Word, tone and icon."""
        if self.is_over:
            return "Over", "line", "clock"
        return {
            self.State.ASKED: ("Waits for a decision", "warn", "hourglass-low"),
            self.State.GRANTED: ("In force", "ok", "shield-check"),
            self.State.REFUSED: ("Refused", "bad", "circle-x"),
            self.State.ENDED: ("Ended early", "line", "clock"),
        }[self.State(self.state)]

    @property
    def lease(self) -> Lease:
        """As the engine knows it."""
        return Lease(
            rule=self.guardrail,
            environment=self.environment,
            object=self.object,
            until=self.until.isoformat(),
            reason=self.reason,
            asked_by=str(self.asked_by),
            granted_by=str(self.decided_by or ""),
            ref=str(self.pk),
        )


def last_day() -> date:
    """The longest one may ask for."""
    return timezone.localdate() + LONGEST
