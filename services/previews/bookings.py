"""Who has a shared environment to themselves, from when to when (row 39)."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from services.clusters.models import Environment


class Booking(models.Model):
    """Two never overlap: whoever books holds the environment's row meanwhile."""

    environment = models.ForeignKey(Environment, models.CASCADE, related_name="bookings")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    purpose = models.CharField(max_length=200)
    booked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="bookings")
    created_at = models.DateTimeField(default=timezone.now)
    cancelled_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["begins_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=F("begins_at")), name="previews_booking_ends_later"
            )
        ]
        indexes = [models.Index(fields=["environment", "ends_at"], name="previews_booking_ends")]

    def __str__(self) -> str:
        return self.purpose
