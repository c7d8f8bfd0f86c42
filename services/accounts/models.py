"""People, teams and the roles people have in teams."""

from datetime import datetime
from functools import cached_property

from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from portal.shell.frozen import Frozen

SCOPES = {
    "catalog:read": "Read the catalog",
    "catalog:write": "Change the catalog: put descriptors, read sources again, apply what they bring",
    "ownership:write": "Confirm what teams own, confirm or dismiss derived dependencies",
    "images:write": "Bring new images to the services of its team",
    "previews:write": "Bring up previews of the services of its team, and end them",
    "requests:read": "Read requests and where they stand",
    "requests:write": "Approve, reject and withdraw requests",
    "tickets:read": "Read tickets",
    "tickets:write": "Open tickets and reply to them",
}


class Team(models.Model):
    """A group of people who own things. Its slug is the name of the Group entity in the catalog."""

    slug = models.SlugField(max_length=63, unique=True)
    name = models.CharField(max_length=100)
    runs_platform = models.BooleanField(
        default=False, help_text="Members triage tickets and review requests."
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def ref(self) -> str:
        return f"group:default/{self.slug}"


class User(AbstractUser):
    """A person. The username is the name of the User entity in the catalog."""

    first_name = None  # type: ignore[assignment]  # one name field: people's names do not split in two
    last_name = None  # type: ignore[assignment]
    name = models.CharField(max_length=150)
    job_title = models.CharField(max_length=100, blank=True)
    timezone = models.CharField(max_length=64, blank=True)
    theme = models.CharField(
        max_length=6, default="system", choices=[("system", "System"), ("light", "Light"), ("dark", "Dark")]
    )
    teams = models.ManyToManyField(Team, through="Membership", related_name="members")
    program_of = models.OneToOneField(
        Team, models.PROTECT, null=True, blank=True, related_name="program",
        help_text="Stands for what a team's tokens do; nobody can sign in as it.",
    )  # fmt: skip

    REQUIRED_FIELDS = ["email", "name"]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("username"), name="accounts_user_username_ci")]

    def __str__(self) -> str:
        return self.name or self.username

    @property
    def ref(self) -> str:
        return f"user:default/{self.username.lower()}"

    def get_full_name(self) -> str:
        return str(self)

    def get_short_name(self) -> str:
        return str(self).split(" ")[0]

    @property
    def initials(self) -> str:
        words = str(self).split()
        return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()

    @cached_property
    def roles(self) -> "dict[str, Membership]":
        """Memberships by team slug, read once per person and request."""
        return {m.team.slug: m for m in memberships_of(person=self.pk)} if self.pk else {}

    @cached_property
    def stands_in_for(self) -> frozenset[int]:
        """Keys of the people for whom this one decides just now, read once per person and request."""
        return frozenset(Delegation.objects.running().filter(to=self).values_list("of", flat=True))

    @property
    def is_platform(self) -> bool:
        return any(m.team.runs_platform for m in self.roles.values())

    def in_team(self, team: Team) -> bool:
        return team.slug in self.roles

    def leads(self, team: Team) -> bool:
        role = self.roles.get(team.slug)
        return role is not None and role.role == Membership.Role.LEAD


class Membership(models.Model):
    class Role(models.TextChoices):
        MEMBER = "member"
        LEAD = "lead"

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "team"], name="accounts_membership_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.team}"


memberships_of = Frozen(
    lambda person: Membership.objects.filter(user=person).select_related("team", "user").order_by(), person=0
)


class DelegationQuerySet(models.QuerySet["Delegation"]):
    def live(self) -> "DelegationQuerySet":
        """Running, or still to come."""
        return self.filter(ended_at=None, until__gt=timezone.now())

    def running(self) -> "DelegationQuerySet":
        return self.live().filter(since__lte=timezone.now())


class Delegation(models.Model):
    """Somebody decides in a colleague's place while the colleague is away; in their own name, and only what
    the colleague could decide without standing in for others."""

    of = models.ForeignKey(User, models.CASCADE, related_name="delegations")
    to = models.ForeignKey(User, models.CASCADE, related_name="delegated")
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    objects = DelegationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(of=models.F("to")), name="accounts_delegation_to_other"
            ),
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("since")), name="accounts_delegation_lasts"
            ),
            models.UniqueConstraint(
                fields=["of"], condition=models.Q(ended_at=None), name="accounts_delegation_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.to} for {self.of}"


class SignInFailure(models.Model):
    """One wrong password. Too many in a short time make the next try wait; old rows mean nothing."""

    username = models.CharField(max_length=150)
    address = models.GenericIPAddressField(null=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["username", "at"], name="accounts_failure_username"),
            models.Index(fields=["address", "at"], name="accounts_failure_address"),
        ]

    def __str__(self) -> str:
        return f"{self.username} at {self.at:%H:%M:%S}"


class ApiToken(models.Model):
    """Lets a program in, as a person or for a team. Of its secret only a digest is kept."""

    name = models.CharField(max_length=100)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="api_tokens")
    team = models.ForeignKey(Team, models.CASCADE, null=True, related_name="api_tokens")
    scopes = ArrayField(models.CharField(max_length=30, choices=SCOPES.items()))
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4, help_text="How the secret ends, to know it by.")
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False, team__isnull=True)
                | models.Q(user__isnull=True, team__isnull=False),
                name="accounts_token_has_one_owner",
            ),
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(SCOPES)), name="accounts_token_scopes"
            ),
            models.UniqueConstraint(
                fields=["user", "team", "name"],
                condition=models.Q(revoked_at__isnull=True),
                nulls_distinct=False,
                name="accounts_token_name_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def owner(self) -> User | Team:
        found = self.user or self.team
        assert found is not None  # a constraint says so
        return found

    @property
    def is_live(self) -> bool:
        return self.state_at(timezone.now()) == "live"

    def state_at(self, now: datetime) -> str:
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at <= now else "live"
