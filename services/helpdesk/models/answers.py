"""Known answers: written once, found where the question comes up; and what became of those who read them."""

from typing import Any

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector
from django.db import models
from django.urls import reverse
from django.utils import timezone

from services.helpdesk.models.tickets import Category, Ticket

USER = settings.AUTH_USER_MODEL
WRITTEN = SearchVector("title", weight="A", config="english") + SearchVector(
    models.functions.Left("body", 100_000), weight="B", config="english"
)


class Answer(models.Model):
    """An answer to a question that comes again. `condition` is CEL over what is known of the service asked
    about; empty fits always. What it is attached to narrows where it is offered.
    """

    title = models.CharField(max_length=160)
    body = models.TextField()
    entity_ref = models.CharField(max_length=400, blank=True)
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True, related_name="answers")
    finding = models.CharField(max_length=100, blank=True)
    condition = models.CharField(max_length=1000, blank=True)
    owner = models.ForeignKey(USER, models.PROTECT, related_name="+")
    review_on = models.DateField(null=True, blank=True)
    published = models.BooleanField(default=True)
    source = models.ForeignKey(Ticket, models.SET_NULL, null=True, blank=True, related_name="answers")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["title", "pk"]
        indexes = [GinIndex(WRITTEN, name="helpdesk_written")]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("helpdesk:answer_detail", args=[self.pk])

    @property
    def is_due(self) -> bool:
        """Somebody should look whether it is still true."""
        return self.review_on is not None and self.review_on <= timezone.localdate()


class AnswerVote(models.Model):
    answer = models.ForeignKey(Answer, models.CASCADE, related_name="votes")
    person = models.ForeignKey(USER, models.CASCADE, related_name="+")
    helped = models.BooleanField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["answer", "person"], name="helpdesk_voted_once")]

    def __str__(self) -> str:
        return f"{self.person} {'yes' if self.helped else 'no'}"


class Deflection(models.Model):
    """Somebody read an answer while asking and said it solved it. It counts when a day passed without a
    ticket of the same person about the same service.
    """

    person = models.ForeignKey(USER, models.CASCADE, related_name="+")
    answer = models.ForeignKey(Answer, models.CASCADE, related_name="deflections")
    entity_ref = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        indexes = [models.Index(fields=["at"], name="helpdesk_deflected")]

    def __str__(self) -> str:
        return f"{self.person} by {self.answer_id}"


def answers_seen_by(user: Any) -> "models.QuerySet[Answer]":
    """Published ones; drafts are for those who write them."""
    rows = Answer.objects.select_related("owner", "category")
    return rows if user.is_platform else rows.filter(published=True)
