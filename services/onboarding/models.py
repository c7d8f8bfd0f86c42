"""Requests and their life. States change through `actions` only, along `TRANSITIONS`."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone

from services.accounts.models import Team

from .api_uses import ApiUse as ApiUse
from .exemptions import Exemption as Exemption
from .parities import Parity as Parity
from .parts import RequestPart as RequestPart
from .versions import BlueprintVersion as BlueprintVersion
from .versions import Made as Made
from .versions import UpgradeItem as UpgradeItem
from .versions import UpgradeRound as UpgradeRound

if TYPE_CHECKING:
    from services.accounts.models import User


class State(models.TextChoices):
    DRAFT = "draft", "Draft"
    SUBMITTED = "submitted", "Submitted"
    AWAITING_APPROVAL = "awaiting_approval", "Awaiting approval"
    PROPOSING = "proposing", "Opening the pull request"
    IN_REVIEW = "in_review", "In review"
    MERGED = "merged", "Merged"
    ROLLING_OUT = "rolling_out", "Rolling out"
    LIVE = "live", "Live"
    REJECTED = "rejected", "Rejected"
    WITHDRAWN = "withdrawn", "Withdrawn"
    CLOSED = "closed", "Closed"
    NEEDS_ATTENTION = "needs_attention", "Needs attention"


# Kinds that change an image, and what goes with it, where a service is; each environment for itself.
BRINGING = ("image", "promotion")
# Kinds beside which another request for the same service may be open.
APART = (*BRINGING, "revert")

TERMINAL = frozenset({State.LIVE, State.REJECTED, State.WITHDRAWN, State.CLOSED})
ACTIVE = frozenset(set(State) - TERMINAL - {State.DRAFT})

# Where each state may go. A discarded draft is a withdrawn one that was never submitted, and may come back.
TRANSITIONS: dict[State, frozenset[State]] = {
    State.DRAFT: frozenset({State.SUBMITTED, State.WITHDRAWN}),
    State.SUBMITTED: frozenset({State.AWAITING_APPROVAL, State.PROPOSING}),
    State.AWAITING_APPROVAL: frozenset(
        {State.PROPOSING, State.SUBMITTED, State.REJECTED, State.WITHDRAWN, State.CLOSED}
    ),
    State.PROPOSING: frozenset(
        {State.IN_REVIEW, State.MERGED, State.CLOSED, State.NEEDS_ATTENTION, State.WITHDRAWN}
    ),
    State.IN_REVIEW: frozenset(
        {State.MERGED, State.SUBMITTED, State.REJECTED, State.WITHDRAWN, State.CLOSED, State.NEEDS_ATTENTION}
    ),
    State.MERGED: frozenset({State.ROLLING_OUT, State.NEEDS_ATTENTION, State.CLOSED}),
    State.ROLLING_OUT: frozenset({State.LIVE, State.NEEDS_ATTENTION, State.SUBMITTED, State.CLOSED}),
    State.NEEDS_ATTENTION: frozenset(
        {
            State.SUBMITTED, State.PROPOSING, State.IN_REVIEW, State.MERGED, State.ROLLING_OUT, State.LIVE,
            State.WITHDRAWN, State.CLOSED,
        }
    ),
    State.WITHDRAWN: frozenset({State.DRAFT}),
    State.LIVE: frozenset(),
    State.REJECTED: frozenset(),
    State.CLOSED: frozenset(),
}  # fmt: skip


class NextNumber(models.Func):
    """The next request number; gaps are possible, doubles are not."""

    template = "nextval('onboarding_request_number')"
    output_field = models.IntegerField()


class RequestQuerySet(models.QuerySet["Request"]):
    def visible_to(self, user: "User") -> "RequestQuerySet":
        """What was submitted is everybody's to see; what was not is its author's alone."""
        return self.filter(Q(submitted_at__isnull=False) | Q(created_by=user.pk))

    def listed(self) -> "RequestQuerySet":
        """Without discarded drafts."""
        return self.exclude(state=State.WITHDRAWN, submitted_at__isnull=True)

    def drafts(self) -> "RequestQuerySet":
        return self.filter(state=State.DRAFT)

    def open(self) -> "RequestQuerySet":
        return self.filter(state__in=ACTIVE)

    def bringing(self, entity_ref: str, environment: str) -> "RequestQuerySet":
        """What brings, or brought, an image to one environment of a service."""
        return self.filter(kind__in=BRINGING, entity_ref=entity_ref, environments=[environment])

    def about(self, *refs: str) -> "RequestQuerySet":
        """Those that make or change one of these entities, as what they are for or as a part of it."""
        parts = RequestPart.objects.filter(entity_ref__in=refs).values("request")
        return self.filter(Q(entity_ref__in=refs) | Q(pk__in=parts))


class Request(models.Model):
    """One person's filled-in blueprint: `answers` as accepted, `draft_answers` as being typed."""

    State = State

    class Kind(models.TextChoices):
        FORM = "form"
        RETIRE = "retire"
        RESTORE = "restore"
        IMAGE = "image"
        PROMOTION = "promotion"
        PREVIEW = "preview"
        COPY = "copy"
        END = "end"
        REVERT = "revert"

    kind = models.CharField(
        max_length=10, choices=Kind.choices, default=Kind.FORM, db_default=Kind.FORM.value,
        help_text="A form; a service that goes or comes back; an image brought; a set made or ended; undone.",
    )  # fmt: skip
    number = models.IntegerField(unique=True, db_default=NextNumber(), editable=False)
    title = models.CharField(max_length=200)
    blueprint = models.SlugField(max_length=63)
    digest = models.CharField(max_length=80, blank=True, help_text="The blueprint's version.")
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)
    token = models.CharField(max_length=64, blank=True, help_text="From the form; one request per token.")
    answers = models.JSONField(default=dict)
    draft_answers = models.JSONField(null=True, blank=True)
    origin = models.JSONField(
        default=dict, help_text="The answers in the repository that it changes; empty for what is new."
    )
    adopted = models.JSONField(
        default=dict,
        db_default={},
        help_text="Which files, made by no form, stand for those of this one.",
    )
    upgrade = models.JSONField(
        default=dict,
        db_default={},
        help_text="Which version made it, of what answers; empty for what is no upgrade.",
    )
    files = models.JSONField(default=dict, help_text="Rendered text by path.")
    removed = models.JSONField(default=list, help_text="Paths in the repository that go away.")
    findings = models.JSONField(default=list)
    cost = models.JSONField(default=dict)
    needs = models.JSONField(default=list, help_text="Approvals asked for: key, who, team, count, reason.")
    reverts = models.IntegerField(null=True, help_text="The number of the request it undoes.")
    entity = models.JSONField(default=dict, help_text="The descriptor the catalog gets.")
    entity_ref = models.CharField(max_length=200, blank=True, db_index=True)
    environments = models.JSONField(default=list)
    tree_hash = models.CharField(max_length=80, blank=True, help_text="What approvals are bound to.")
    reminded_at = models.DateTimeField(null=True, help_text="When those who can say yes were last reminded.")
    escalated_at = models.DateTimeField(null=True, help_text="Since when the platform team may say yes too.")
    reason = models.TextField(blank=True, help_text="Why it was rejected, withdrawn or closed.")
    problem = models.JSONField(default=dict, help_text="step, title, message, advice, evidence, fix.")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="requests"
    )
    contributors = models.ManyToManyField(
        settings.AUTH_USER_MODEL, related_name="contributed_requests", help_text="Who wrote any of it."
    )
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="requests")
    provider = models.CharField(max_length=20, default="local")
    repo = models.CharField(max_length=130, default="shop/deploy")
    base_sha = models.CharField(max_length=40, blank=True, help_text="What the files were rendered against.")
    pull_number = models.PositiveIntegerField(null=True)
    head_sha = models.CharField(max_length=40, blank=True)
    merge_sha = models.CharField(max_length=40, blank=True)
    merge_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    revision = models.PositiveIntegerField(default=1, help_text="Grows when a merged one is corrected.")
    generation = models.PositiveIntegerField(default=0, help_text="Grows with each submission.")
    attempt = models.PositiveIntegerField(default=0, help_text="Grows with each retry.")
    merged_paths = models.JSONField(default=list, help_text="What earlier revisions put into the repository.")
    version = models.PositiveIntegerField(default=0, help_text="Grows with every change.")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(auto_now=True)
    submitted_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = RequestQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values), name="onboarding_request_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="draft", submitted_at__isnull=True)
                | Q(state="withdrawn")
                | ~Q(state__in=["draft", "withdrawn"]) & Q(submitted_at__isnull=False),
                name="onboarding_request_submitted_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "withdrawn"])
                | ~Q(tree_hash="") & Q(team__isnull=False, generation__gte=1),
                name="onboarding_request_submitted_is_rendered",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["merged", "rolling_out", "live"]) | ~Q(merge_sha=""),
                name="onboarding_request_merged_has_commit",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["rejected", "closed"]) | ~Q(reason=""),
                name="onboarding_request_refusal_has_reason",
            ),
            models.UniqueConstraint(
                fields=["created_by", "token"], condition=~Q(token=""), name="onboarding_request_token_once"
            ),
            models.UniqueConstraint(
                fields=["entity_ref"],
                condition=~Q(entity_ref="") & Q(state__in=sorted(ACTIVE)) & ~Q(kind__in=APART),
                name="onboarding_request_entity_once",
            ),
            models.UniqueConstraint(
                fields=["entity_ref", "environments"],
                condition=Q(kind__in=BRINGING, merge_sha="", state__in=sorted(ACTIVE)),
                name="onboarding_request_brought_once",
            ),
            models.UniqueConstraint(
                fields=["reverts"],
                condition=Q(kind="revert", state__in=sorted(ACTIVE)),
                name="onboarding_request_reverted_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "updated_at"], name="onboarding_request_state")]

    def __str__(self) -> str:
        return self.ref

    def get_absolute_url(self) -> str:
        return reverse("onboarding:request_detail", args=[self.ref])

    @property
    def ref(self) -> str:
        return f"R-{self.number}"

    @property
    def branch(self) -> str:
        """`slipway/r-1001`; a correction of what was merged gets a branch of its own: `slipway/r-1001-2`."""
        return f"slipway/r-{self.number}" + (f"-{self.revision}" if self.revision > 1 else "")

    @property
    def entity_name(self) -> str:
        return self.entity_ref.rpartition("/")[2]

    @property
    def entity_refs(self) -> list[str]:
        """Its own, and those of its parts; of one that is not kept yet its own alone."""
        parts = [part.entity_ref for part in self.parts.all()] if self.pk else []
        return [ref for ref in (self.entity_ref, *parts) if ref]

    @property
    def is_change(self) -> bool:
        return bool(self.origin)

    @property
    def is_upgrade(self) -> bool:
        return bool(self.upgrade)

    @property
    def is_form(self) -> bool:
        return self.kind == self.Kind.FORM

    @property
    def is_bringing(self) -> bool:
        return self.kind in BRINGING

    @property
    def is_of_set(self) -> bool:
        """Whether it is about several services in one place, rather than one in several."""
        return self.kind in (self.Kind.PREVIEW, self.Kind.COPY, self.Kind.END)

    def get_state_display(self) -> str:  # type: ignore[no-redef]  # Django then leaves its own out
        """What people read; what was taken away is not live at the end."""
        gone = {self.Kind.RETIRE: "Retired", self.Kind.END: "Ended"}.get(self.Kind(self.kind))
        return gone if gone and self.state == State.LIVE else str(State(self.state).label)

    @property
    def is_open(self) -> bool:
        return self.state in ACTIVE

    @property
    def is_discarded(self) -> bool:
        return self.state == State.WITHDRAWN and self.submitted_at is None


class Hop(models.Model):
    """One leg of a request's way, with its clock. A leg gone twice has two rows."""

    class Name(models.TextChoices):
        FORM = "form", "Form"
        APPROVAL = "approval", "Approval"
        PULL_REQUEST = "pull_request", "Pull request"
        MERGED = "merged", "Merged"
        APPLIED = "applied", "Applied"
        HEALTHY = "healthy", "Healthy"

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="hops")
    name = models.CharField(max_length=12, choices=Name.choices)
    started_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    waits_for = models.CharField(max_length=200, blank=True, help_text="Person, group or machine, as shown.")

    class Meta:
        ordering = ["started_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request"], condition=Q(finished_at__isnull=True), name="onboarding_hop_one_open"
            ),
            models.CheckConstraint(
                condition=Q(finished_at__isnull=True) | Q(finished_at__gte=F("started_at")),
                name="onboarding_hop_ends_after_start",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.request} {self.get_name_display()}"

    @property
    def is_human(self) -> bool:
        return self.name in (Hop.Name.FORM, Hop.Name.APPROVAL, Hop.Name.MERGED)

    def lasted(self, now: datetime | None = None) -> timedelta:
        return (self.finished_at or now or timezone.now()) - self.started_at


class Approval(models.Model):
    """One person's yes to exactly the content with this hash; `review` is the key of a reviewer's yes."""

    REVIEW = "review"

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="approvals")
    key = models.CharField(max_length=63)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    tree_hash = models.CharField(max_length=80)
    note = models.TextField(blank=True)
    stands_in_for = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Names of colleagues away."
    )
    created_at = models.DateTimeField(default=timezone.now)
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["request", "key", "tree_hash", "by"],
                condition=Q(voided_at__isnull=True),
                name="onboarding_approval_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.by} approved {self.request} ({self.key})"


class Rollout(models.Model):
    """One environment a request is brought to, in order of `position`."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        APPLYING = "applying", "Applying"
        PROGRESSING = "progressing", "Progressing"
        HEALTHY = "healthy", "Healthy"
        FAILING = "failing", "Failing"

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="rollouts")
    environment = models.CharField(max_length=63)
    position = models.PositiveIntegerField(default=0)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    message = models.TextField(blank=True)
    finding: Any = models.JSONField(null=True, blank=True)
    applied = models.JSONField(default=list, help_text="kind, name and generation of each object applied.")
    removed = models.JSONField(
        default=list, db_default=[], help_text="The same of those taken away, and what became of them."
    )
    parts = models.JSONField(
        default=list,
        db_default=[],
        help_text="entity, state and message of each part, where there are several.",
    )
    delivery = models.JSONField(
        default=dict,
        db_default={},
        help_text="Where another tool applies: by, asked_at, commit; revision once it is there.",
    )
    ready = models.PositiveIntegerField(default=0)
    desired = models.PositiveIntegerField(default=0)
    as_of = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    healthy_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "environment"]
        constraints = [
            models.UniqueConstraint(fields=["request", "environment"], name="onboarding_rollout_once")
        ]

    def __str__(self) -> str:
        return f"{self.request} in {self.environment}"

    @property
    def is_on_its_way(self) -> bool:
        """Asked of Argo CD or Flux, and not there yet."""
        return bool(self.delivery) and self.applied_at is None
