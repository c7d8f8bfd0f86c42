"""What ties tickets to each other and to people: links, problems, "me too", replies on their way."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from services.helpdesk.models.tickets import Ticket

USER = settings.AUTH_USER_MODEL


class Link(models.Model):
    """`ticket` points at `other`: related to it, split from it, or one of the tickets of a problem."""

    class Kind(models.TextChoices):
        RELATED = "related", "Related"
        SPLIT = "split", "Split from"
        PROBLEM = "problem", "Caused by"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="links")
    other = models.ForeignKey(Ticket, models.PROTECT, related_name="linked_from")
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.RELATED)
    by = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["ticket", "other", "kind"], name="helpdesk_linked_once"),
            models.UniqueConstraint(
                fields=["ticket"], condition=Q(kind="problem"), name="helpdesk_one_problem_each"
            ),
            models.CheckConstraint(condition=~Q(ticket=F("other")), name="helpdesk_linked_to_another"),
        ]

    def __str__(self) -> str:
        return f"{self.ticket_id} {self.kind} {self.other_id}"


class Problem(models.Model):
    """A ticket that stands for one cause of many. `fact` is what they were seen to share."""

    ticket = models.OneToOneField(Ticket, models.PROTECT, related_name="problem")
    by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    fact = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return str(self.ticket)


class MeToo(models.Model):
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="me_toos")
    person = models.ForeignKey(USER, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["ticket", "person"], name="helpdesk_me_too_once")]

    def __str__(self) -> str:
        return f"{self.person} too"


class Pending(models.Model):
    """A reply that can still be called back, or one that was held because the ticket changed."""

    class State(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        HELD = "held"
        BACK = "back"

    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="pending")
    author = models.ForeignKey(USER, models.CASCADE, related_name="+")
    body = models.TextField()
    wait = models.BooleanField(default=False)
    seen = models.PositiveIntegerField(null=True, blank=True)
    nonce = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=300, blank=True)
    due_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["author", "nonce"], name="helpdesk_pending_once")]

    def __str__(self) -> str:
        return f"{self.author} on {self.ticket_id}"

    @property
    def left_ms(self) -> int:
        """How long it can still be called back, as pages that send it in time count."""
        return max(0, int((self.due_at - timezone.now()).total_seconds() * 1000))
