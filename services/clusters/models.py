"""Clusters, the environments in them, and the watched picture of what runs there."""

from datetime import timedelta
from typing import Any

from django.conf import settings as django_settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone

from services.clusters.drifts import Drift as Drift
from services.clusters.measured import Usage as Usage
from services.clusters.measured import UsageDay as UsageDay

STALE_AFTER = timedelta(seconds=90)
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job")
NAME = RegexValidator(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", "Lower-case letters, digits and dashes.")


class Health(models.TextChoices):
    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    SUSPENDED = "Suspended"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


class ClusterQuerySet(models.QuerySet["Cluster"]):
    def in_trouble(self) -> "ClusterQuerySet":
        """Those we cannot reach, and those whose picture has grown old."""
        lost = Q(state__in=[Cluster.State.UNREACHABLE, Cluster.State.REFUSED])
        old = Q(heard_at__isnull=True) | Q(heard_at__lt=timezone.now() - STALE_AFTER)
        return self.filter(lost | old)


class Cluster(models.Model):
    """A registered Kubernetes API. The token is write-only: sealed, shown nowhere."""

    class State(models.TextChoices):
        NEW = "new", "Not yet reached"
        CONNECTED = "connected", "Connected"
        UNREACHABLE = "unreachable", "Unreachable"
        REFUSED = "refused", "Refuses our token"

    name = models.SlugField(max_length=63, unique=True, validators=[NAME])
    title = models.CharField(max_length=100)
    server = models.URLField(max_length=300)
    ca = models.TextField(blank=True)
    token_sealed = models.TextField(blank=True)
    is_simulated = models.BooleanField(default=False)
    version = models.CharField(max_length=60, blank=True)
    # Row 82: what it serves (`postgresql.cnpg.io/v1/Cluster`) decides what forms offer; empty: nobody looked.
    serves = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    # By environment: what the token lacks and has beyond need, as the cluster itself says; empty: not asked.
    rights = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    # What is so of the whole cluster: `services.clusters.described` says which keys there are.
    settings = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    # How many nodes it has, and how many of them do not answer: `{"all": 12, "lost": 3}`; empty: not seen.
    nodes = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.NEW)
    problem = models.TextField(blank=True)
    checked_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True, help_text="The whole picture is at least this fresh.")
    created_by = models.ForeignKey(
        django_settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClusterQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def is_stale(self) -> bool:
        """Whether what we show of it may no longer be so."""
        return self.heard_at is None or timezone.now() - self.heard_at > STALE_AFTER

    @property
    def tone(self) -> str:
        known = {self.State.CONNECTED: "ok", self.State.NEW: "idle"}
        return known.get(self.State(self.state), "bad")


class EnvironmentQuerySet(models.QuerySet["Environment"]):
    def standing(self) -> "EnvironmentQuerySet":
        """Those that stay: what forms offer and lists show; without previews."""
        return self.filter(is_preview=False)


class Environment(models.Model):
    """A named place services run in: a namespace of a cluster, with the settings guardrails read."""

    name = models.SlugField(max_length=63, unique=True, validators=[NAME])
    title = models.CharField(max_length=100, blank=True)
    cluster = models.ForeignKey(Cluster, models.PROTECT, related_name="environments")
    namespace = models.CharField(max_length=63, validators=[NAME])
    is_production = models.BooleanField(default=False)
    is_preview = models.BooleanField(default=False, db_default=False, help_text="On loan, for some services.")
    position = models.PositiveSmallIntegerField(default=0)
    settings = models.JSONField(default=dict, blank=True)

    objects = EnvironmentQuerySet.as_manager()

    class Meta:
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "namespace"], name="clusters_environment_namespace"),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    @property
    def delivered_by(self) -> str:
        """`argocd`, `flux`, or empty where the portal applies itself."""
        said = self.settings.get("delivery")
        return str(said.get("by") or "") if isinstance(said, dict) and not self.is_preview else ""


class Lease(models.Model):
    """Who watches a cluster (`cluster:7`), and who watches at all (`watcher:host:12:ab`), and until when."""

    name = models.CharField(max_length=200, primary_key=True)
    holder = models.CharField(max_length=120)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} by {self.holder}"


class Incident(models.Model):
    """Something that is wrong with a cluster and touches many at once: told once, and over by itself."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="incidents")
    kind = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    details = models.JSONField(default=dict)
    started_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "kind"], condition=Q(ended_at=None), name="clusters_incident_open_once"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Watch(models.Model):
    """How far one kind of one cluster has been read, and what is wrong with it."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="watches")
    api_version = models.CharField(max_length=100)
    kind = models.CharField(max_length=63)
    listed_at = models.DateTimeField(null=True)
    heard_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    malformed = models.JSONField(default=list)

    class Meta:
        ordering = ["kind"]
        constraints = [
            models.UniqueConstraint(fields=["cluster", "api_version", "kind"], name="clusters_watch_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.cluster_id}"


class KubeObjectQuerySet(models.QuerySet["KubeObject"]):
    def workloads(self) -> "KubeObjectQuerySet":
        """What people deployed: workloads nothing else made."""
        return self.filter(kind__in=WORKLOADS, owner_uid="")


class KubeObject(models.Model):
    """One object as last seen, pruned and redacted. It belongs to at most one entity."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="objects_seen")
    environment = models.ForeignKey(
        Environment,
        models.CASCADE,
        null=True,
        related_name="objects_seen",
        help_text="None: of no namespace.",
    )
    api_version = models.CharField(max_length=100)
    kind = models.CharField(max_length=63)
    namespace = models.CharField(max_length=63)
    name = models.CharField(max_length=253)
    uid = models.CharField(max_length=64)
    owner_uid = models.CharField(max_length=64, blank=True, db_index=True)
    entity_ref = models.CharField(max_length=220, blank=True)
    data = models.JSONField(default=dict)
    health = models.CharField(max_length=12, choices=Health.choices, default=Health.UNKNOWN)
    health_message = models.TextField(blank=True)
    born_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(default=timezone.now)

    objects = KubeObjectQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(
                fields=["cluster", "api_version", "kind", "namespace", "name"], name="clusters_object_once"
            ),
        ]
        indexes = [
            models.Index(fields=["entity_ref", "kind"], name="clusters_object_entity"),
            models.Index(fields=["uid"], name="clusters_object_uid"),
        ]

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"

    @property
    def place(self) -> Environment:
        """The environment of what has a namespace."""
        assert self.environment is not None, f"{self} is of no environment"
        return self.environment

    @property
    def spec(self) -> dict[str, Any]:
        return self.data.get("spec") or {}

    @property
    def status(self) -> dict[str, Any]:
        return self.data.get("status") or {}

    @property
    def generation(self) -> int:
        return int((self.data.get("metadata") or {}).get("generation") or 0)

    @property
    def containers(self) -> set[str]:
        """Of a pod: the names of everything that runs in it, ran first, or was put in later."""
        parts = ("containers", "initContainers", "ephemeralContainers")
        return {str(each.get("name")) for part in parts for each in self.spec.get(part) or []}


class KubeEvent(models.Model):
    """An event, kept thirty days: the cluster itself forgets it after an hour."""

    cluster = models.ForeignKey(Cluster, models.CASCADE, related_name="events_seen")
    environment = models.ForeignKey(Environment, models.CASCADE, related_name="events_seen")
    uid = models.CharField(max_length=64)
    entity_ref = models.CharField(max_length=220, blank=True)
    involved_kind = models.CharField(max_length=63)
    involved_name = models.CharField(max_length=253)
    involved_uid = models.CharField(max_length=64, blank=True)
    reason = models.CharField(max_length=128)
    message = models.TextField(blank=True)
    is_warning = models.BooleanField(default=False)
    count = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-last_at", "-pk"]
        constraints = [models.UniqueConstraint(fields=["cluster", "uid"], name="clusters_event_once")]
        indexes = [models.Index(fields=["entity_ref", "-last_at"], name="clusters_event_entity")]

    def __str__(self) -> str:
        return f"{self.reason} of {self.involved_kind}/{self.involved_name}"

    def as_object(self) -> dict[str, Any]:
        """The event as a cluster would have given it, for diagnosis."""
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": self.uid, "namespace": self.environment.namespace},
            "involvedObject": {
                "kind": self.involved_kind,
                "name": self.involved_name,
                "uid": self.involved_uid,
                "namespace": self.environment.namespace,
            },
            "reason": self.reason,
            "message": self.message,
            "type": "Warning" if self.is_warning else "Normal",
            "count": self.count,
            "firstTimestamp": self.first_at.isoformat(),
            "lastTimestamp": self.last_at.isoformat(),
        }
