"""The built-in git host's pull requests, with its content in bare repositories on disk; other hosts."""

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value


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


class GitServer(models.Model):
    """A git host of others, and the one repository there that is read and written.

    Its credential is write-only: sealed, or in the surroundings of the processes and only named here.
    """

    class Kind(models.TextChoices):
        GITHUB = "github", "GitHub"
        GITLAB = "gitlab", "GitLab"
        GITEA = "gitea", "Gitea or Forgejo"

    class SignIn(models.TextChoices):
        TOKEN = "token", "A token, sealed here"
        ENVIRONMENT = "environment", "A token in an environment variable"
        APP = "app", "A GitHub App, its key sealed here"

    name = models.SlugField(
        max_length=20,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "Lower-case letters, digits, dashes.")
        ],
    )
    kind = models.CharField(max_length=10, choices=Kind.choices)
    address = models.CharField(max_length=300, help_text="Of its API.")
    repository = models.CharField(max_length=130)
    sign_in = models.CharField(max_length=12, choices=SignIn.choices)
    secret_sealed = models.TextField(blank=True)
    variable = models.CharField(max_length=100, blank=True, help_text="The environment variable's name.")
    app = models.CharField(max_length=40, blank=True, help_text="The app's client or application id.")
    installation = models.CharField(max_length=20, blank=True)
    takes_requests = models.BooleanField(default=False, help_text="New requests are proposed there.")
    hook_sealed = models.TextField(blank=True)
    hook_at = models.DateTimeField(null=True, help_text="When a webhook last came from it.")
    quiet_until = models.DateTimeField(null=True, help_text="It wants to be left alone until then.")
    account = models.CharField(max_length=150, blank=True)
    scopes = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    missing = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    broader = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    problem = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["takes_requests"],
                condition=Q(takes_requests=True),
                name="integrations_server_one_takes_requests",
            ),
            models.CheckConstraint(condition=~Q(name="local"), name="integrations_server_not_local"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def hook_path(self) -> str:
        """Where the git host sends its webhooks."""
        return f"/webhooks/requests/{self.name}/"

    @property
    def state(self) -> tuple[str, str]:
        """In a word, and its tone."""
        if not self.checked_at:
            return "Not yet asked", "line"
        if self.problem or self.missing:
            return ("Does not work", "bad") if self.problem else ("May do too little", "bad")
        return ("May do more than needed", "warn") if self.broader else ("Works", "ok")


class HostDelivery(models.Model):
    """A webhook that was taken in; a second one with its id or its body does nothing."""

    server = models.ForeignKey(GitServer, models.CASCADE, related_name="deliveries")
    key = models.CharField(max_length=100)
    digest = models.CharField(max_length=64)
    event = models.CharField(max_length=60, blank=True)
    said = models.CharField(max_length=200, blank=True, help_text="What became of it.")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "host deliveries"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(fields=["server", "key"], name="integrations_delivery_once"),
            models.UniqueConstraint(fields=["server", "digest"], name="integrations_delivery_body_once"),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.key}"
