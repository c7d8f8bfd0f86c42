"""Mails that came in, as they came: nothing of them is lost, whatever could be read of them."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone

from services.helpdesk.models.tickets import Message, Ticket


class MailQuerySet(models.QuerySet["Mail"]):
    def for_rows(self) -> "MailQuerySet":
        """Without what came, which may be large."""
        return self.select_related("ticket").defer("raw")

    def visible_to(self, user: Any) -> "MailQuerySet":
        """Of tickets one sees; those that became none are for the people of the platform."""
        if user.is_platform:
            return self
        return self.filter(ticket__in=Ticket.objects.visible_to(user))


class InboxLook(models.Model):
    """When the inbox was looked into last, and since when that fails; one row."""

    looked_at = models.DateTimeField(default=timezone.now)
    failing_since = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return self.error or "fine"


class Mail(models.Model):
    """One mail, once: `key` is its Message-ID, or a digest of a mail without one."""

    class Action(models.TextChoices):
        NEW = "new", "New ticket"
        REPLY = "reply", "Reply"
        AUTO_REPLY = "auto-reply", "Automatic answer"
        BOUNCE = "bounce", "Not delivered"
        LOOP = "loop", "Our own"
        STRANGER = "stranger", "Of a stranger"
        UNREADABLE = "unreadable", "Could not be read"

    key = models.CharField(max_length=300, unique=True)
    raw = models.BinaryField()
    transport = models.CharField(max_length=10, help_text="How it came: imap, hook or file.")
    action = models.CharField(max_length=10, choices=Action.choices)
    reason = models.CharField(max_length=300)
    sender = models.CharField(max_length=320, blank=True)
    proved = models.BooleanField(
        default=False, db_default=False, help_text="Our own server proved the sender's domain."
    )
    subject = models.CharField(max_length=300, blank=True)
    quoted = models.TextField(blank=True, help_text="What it quotes of earlier mails, folded on the page.")
    files = models.JSONField(default=list, help_text="name, content_type and size of each attachment.")
    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, null=True, blank=True, related_name="mails")
    message = models.OneToOneField(
        Message, on_delete=models.PROTECT, null=True, blank=True, related_name="mail"
    )
    received_at = models.DateTimeField(default=timezone.now)

    objects = MailQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(action__in=["new", "reply", "unreadable"]) | Q(ticket__isnull=False),
                name="helpdesk_mail_is_answered",
            )
        ]
        indexes = [
            models.Index(fields=["-received_at"], name="helpdesk_mail_received"),
            models.Index(fields=["ticket", "received_at"], name="helpdesk_mail_ticket"),
        ]

    def __str__(self) -> str:
        return self.subject or self.key
