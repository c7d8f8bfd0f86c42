"""What uses interfaces and fields that some version of Kubernetes does without; found by a worker."""

from django.db import models


class ApiUse(models.Model):
    """`place` is `file:line` in the repository, or the namespace and cluster of what runs."""

    class Source(models.TextChoices):
        GIT = "git", "In git"
        LIVE = "live", "Runs"

    source = models.CharField(max_length=4, choices=Source.choices)
    team = models.CharField(max_length=63, blank=True)
    service = models.CharField(max_length=200, blank=True)
    environment = models.CharField(max_length=63, blank=True)
    place = models.TextField()
    object = models.TextField()
    what = models.TextField()
    deprecated = models.CharField(max_length=10, blank=True)
    removed = models.CharField(max_length=10, blank=True)
    instead = models.TextField(blank=True)
    as_of = models.DateTimeField()

    class Meta:
        ordering = ["team", "service", "place", "pk"]

    def __str__(self) -> str:
        return f"{self.what} of {self.object}"
