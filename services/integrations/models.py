"""The built-in git host's pull requests; the content itself is in bare repositories on disk."""

from django.db import models
from django.db.models import Q


class Repository(models.Model):
    """A repository the portal may read and propose to; its row is the lock for every change to it."""

    slug = models.CharField(max_length=130, unique=True)
    default_branch = models.CharField(max_length=200, default="main")
    last_number = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["slug"]
        verbose_name_plural = "repositories"

    def __str__(self) -> str:
        return self.slug


class PullRequest(models.Model):
    class State(models.TextChoices):
        OPEN = "open"
        MERGED = "merged"
        CLOSED = "closed"

    repository = models.ForeignKey(Repository, on_delete=models.PROTECT, related_name="pull_requests")
    number = models.PositiveIntegerField()
    branch = models.CharField(max_length=200)
    base = models.CharField(max_length=200)
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    state = models.CharField(max_length=6, choices=State.choices, default=State.OPEN)
    author_username = models.CharField(max_length=150)
    author_name = models.CharField(max_length=150)
    head_sha = models.CharField(max_length=40)
    base_sha = models.CharField(max_length=40)
    merge_sha = models.CharField(max_length=40, blank=True)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    merged_at = models.DateTimeField(null=True)
    merged_by = models.CharField(max_length=150, blank=True)
    closed_at = models.DateTimeField(null=True)
    closed_by = models.CharField(max_length=150, blank=True)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["repository", "number"], name="integrations_pull_number"),
            models.UniqueConstraint(fields=["repository", "branch"], name="integrations_pull_branch_once"),
            models.CheckConstraint(
                condition=Q(state="merged", merged_at__isnull=False) & ~Q(merge_sha="")
                | ~Q(state="merged") & Q(merged_at__isnull=True, merge_sha=""),
                name="integrations_pull_merged_has_commit",
            ),
            models.CheckConstraint(
                condition=Q(state="closed", closed_at__isnull=False)
                | ~Q(state="closed") & Q(closed_at__isnull=True),
                name="integrations_pull_closed_has_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.repository.slug} #{self.number}"


class PullComment(models.Model):
    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="comments")
    key = models.CharField(max_length=200)
    author_username = models.CharField(max_length=150)
    author_name = models.CharField(max_length=150)
    body = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["pull_request", "key"], name="integrations_comment_once")
        ]

    def __str__(self) -> str:
        return self.body[:60]


class PullApproval(models.Model):
    """An approval of one commit, never of a branch."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="approvals")
    by_username = models.CharField(max_length=150)
    by_name = models.CharField(max_length=150)
    head_sha = models.CharField(max_length=40)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["pull_request", "by_username", "head_sha"], name="integrations_approval_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.by_name} approved {self.head_sha[:8]}"
