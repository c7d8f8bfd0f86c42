"""What people were told, and whether they want it by mail as well."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class NoticeQuerySet(models.QuerySet["Notice"]):
    def unread(self) -> "NoticeQuerySet":
        return self.filter(read_at__isnull=True)


class Notice(models.Model):
    """One thing one person was told. `person` and `key` are its natural key: nobody is told twice."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices")
    key = models.CharField(max_length=200, help_text="What happened, once for each time it happens.")
    icon = models.CharField(max_length=40)
    tone = models.CharField(max_length=10, default="info", help_text="ok, warn, bad, info or idle.")
    title = models.CharField(max_length=300)
    text = models.TextField(blank=True)
    url = models.CharField(max_length=300, help_text="Where it leads, within the portal.")
    waits = models.BooleanField(default=False, help_text="Something waits for this person.")
    at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["person", "key"], name="notices_notice_once")]
        indexes = [
            models.Index(fields=["person", "-at"], name="notices_notice_person"),
            models.Index(fields=["person"], name="notices_notice_unread", condition=Q(read_at__isnull=True)),
            models.Index(fields=["key"], name="notices_notice_key"),
        ]

    def __str__(self) -> str:
        return f"{self.title}, to {self.person}"


class Wish(models.Model):
    """What one person wants by mail; without a row, what waits for them."""

    class Mail(models.TextChoices):
        NOTHING = "nothing", "Nothing"
        WAITS = "waits", "What waits for me"
        ALL = "all", "Everything"

    person = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="wish")
    mail = models.CharField(max_length=10, choices=Mail.choices, default=Mail.WAITS)

    class Meta:
        verbose_name_plural = "wishes"

    def __str__(self) -> str:
        return f"{self.person}: {self.get_mail_display().lower()}"
