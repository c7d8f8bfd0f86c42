"""What is kept about owners beside the claim of the descriptor."""

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from services.catalog.ownership.states import OPEN, State

ENTITY = "catalog.Entity"


class Lifeless(models.Model):
    """A group or person of the catalog that cannot answer for anything; seen anew when people change."""

    ref = models.CharField(max_length=220, unique=True)
    why = models.CharField(max_length=120)
    since = models.DateTimeField(default=timezone.now, help_text="When it was noticed.")

    class Meta:
        verbose_name_plural = "lifeless"

    def __str__(self) -> str:
        return f"{self.ref}: {self.why}"


class Unsettled(models.Model):
    """An entity whose owner may be another than is kept, or, when empty, that who can answer may be.

    Written by triggers with whatever changes; `settling` takes them.
    """

    ref = models.CharField(max_length=220, blank=True)

    class Meta:
        verbose_name_plural = "unsettled"

    def __str__(self) -> str:
        return self.ref or "everybody"


class Tenure(models.Model):
    """Who an entity was found to belong to, named or inherited, and when they must say so again.

    Written from `resolution.resolve` with what changes, for reports; `Entity.standing` and its holder follow.
    """

    entity = models.OneToOneField(ENTITY, models.CASCADE, primary_key=True, related_name="tenure")
    name = models.CharField(max_length=63)
    standing = models.CharField(max_length=10)
    owner_ref = models.CharField(max_length=220, blank=True)
    via = models.CharField(max_length=220, blank=True)
    due_at = models.DateTimeField(
        null=True, help_text="When to confirm it; never for what nobody answers for."
    )

    class Meta:
        indexes = [
            models.Index(fields=["standing", "name", "entity"], name="catalog_tenure_standing"),
            models.Index(fields=["owner_ref", "due_at"], name="catalog_tenure_owner"),
            models.Index(fields=["due_at", "entity"], name="catalog_tenure_due"),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.standing} {self.owner_ref}"


class Confirmation(models.Model):
    """Somebody said that an entity is theirs. Counts for the owner it was said for, until a day."""

    entity = models.ForeignKey(ENTITY, models.CASCADE, related_name="confirmations")
    owner_ref = models.CharField(max_length=220)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    due_before = models.DateTimeField(null=True, help_text="When it was due, so that it can be taken back.")
    batch = models.UUIDField(db_index=True, help_text="What was confirmed with one click.")

    class Meta:
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["entity", "owner_ref", "until"], name="catalog_confirmation_valid")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("at")), name="catalog_confirmation_lasts"
            )
        ]

    def __str__(self) -> str:
        return f"{self.entity_id} is {self.owner_ref}'s"


class Handover(models.Model):
    """One team says that an entity is another's; the other one accepts or declines."""

    State = State
    entity = models.ForeignKey(ENTITY, models.CASCADE, related_name="handovers")
    from_ref = models.CharField(max_length=220, blank=True)
    to_ref = models.CharField(max_length=220)
    reason = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    state = models.CharField(max_length=10, choices=State.choices, default=State.ASKED)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["to_ref", "state"], name="catalog_handover_asked_of")]
        constraints = [
            models.UniqueConstraint(
                fields=["entity"],
                condition=models.Q(state__in=[str(state) for state in OPEN]),
                name="catalog_handover_one_open",
            ),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="catalog_handover_state"),
            models.CheckConstraint(
                condition=~models.Q(from_ref=models.F("to_ref")), name="catalog_handover_goes_elsewhere"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.entity} from {self.from_ref or 'nobody'} to {self.to_ref}"

    def get_absolute_url(self) -> str:
        return reverse("catalog:handover_detail", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class Evidence(models.Model):
    """What one person did for an entity lately, of one kind; gathered, never asked for by a page."""

    entity = models.ForeignKey(ENTITY, models.CASCADE, related_name="evidence")
    kind = models.CharField(max_length=20)
    person = models.CharField(max_length=150, help_text="A username, or the name that a commit gives.")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    count = models.PositiveIntegerField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "evidence"
        ordering = ["-count", "-last_at"]
        constraints = [
            models.UniqueConstraint(fields=["entity", "kind", "person"], name="catalog_evidence_once")
        ]

    def __str__(self) -> str:
        return f"{self.person}: {self.count} {self.kind}"


class Weighed(models.Model):
    """When the evidence about an entity was gathered, and which team it speaks for."""

    entity = models.OneToOneField(ENTITY, models.CASCADE, related_name="weighed")
    at = models.DateTimeField(db_index=True)
    leader_ref = models.CharField(max_length=220, blank=True, help_text="Who does most of the work.")
    leader_count = models.PositiveIntegerField(default=0)
    owner_ref = models.CharField(max_length=220, blank=True, help_text="Who owned it then.")
    owner_count = models.PositiveIntegerField(default=0)
    speaks_against = models.BooleanField(default=False)
    people = models.JSONField(null=True, help_text="Who did most: name, username, did by kind, last_at.")

    class Meta:
        verbose_name_plural = "weighed"
        indexes = [
            models.Index(
                fields=["entity"], condition=models.Q(speaks_against=True), name="catalog_weighed_against"
            )
        ]

    def __str__(self) -> str:
        return f"{self.entity_id}: {self.leader_ref} {self.leader_count}, {self.owner_ref} {self.owner_count}"

    @property
    def leader_name(self) -> str:
        return str(self.leader_ref).rpartition("/")[2]
