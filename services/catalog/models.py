"""Entities, how they relate, and where they came from."""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Collate, Left, Lower
from django.urls import reverse

from services.catalog.docs.models import DocFile, DocPage, DocTree
from services.catalog.finding.models import Revision, SavedView, StartView, Tally, Word
from services.catalog.importing.lookups import AnyOf
from services.catalog.ownership.models import (
    Confirmation,
    Evidence,
    Handover,
    Lifeless,
    Tenure,
    Unsettled,
    Weighed,
)
from services.catalog.sources.models import Broken, Delivery, Holding, Steered

__all__ = [
    "OWNABLE", "SERVICE_TYPES", "Alias", "Broken", "Claim", "Confirmation", "Delivery", "DocFile",
    "DocPage", "DocTree", "Entity", "EntityQuerySet", "Evidence", "Handover", "Holding", "ImportRun",
    "Judgement", "Lifeless", "Relation", "RelationQuerySet", "Removed", "Revision", "SavedView", "Source",
    "StartView", "Tally", "Tenure", "Unsettled", "Weighed", "Word",
]  # fmt: skip

models.Field.register_lookup(AnyOf)
SERVICE_TYPES = ("service", "website", "worker", "job", "cache", "queue", "database")
OWNABLE = ("Component", "API", "Resource", "System", "Domain")


class Source(Steered):
    """A place that descriptors are imported from, again and again."""

    class Kind(models.TextChoices):
        FOLDER = "folder", "Folder"
        GIT = "git", "Git repository"
        UPLOAD = "upload", "Upload"
        PASTE = "paste", "Pasted text"
        ORGANISATION = "org", "Organisation"
        PUT = "put", "HTTP PUT"
        CLUSTER = "cluster", "Cluster"

    kind = models.CharField(max_length=10, choices=Kind.choices)
    title = models.CharField(max_length=200)
    location = models.CharField(
        max_length=500, blank=True, help_text="A path, or owner/name on the git host."
    )
    branch = models.CharField(max_length=200, blank=True)
    path = models.CharField(max_length=500, blank=True, help_text="Only below this folder.")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["title", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "location", "branch", "path"],
                condition=models.Q(kind__in=["folder", "git"], removed_at__isnull=True),
                name="catalog_source_once",
            ),
            models.UniqueConstraint(
                fields=["name"],
                condition=~models.Q(name="") & models.Q(removed_at__isnull=True),
                name="catalog_source_name_once",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("catalog:source_detail", args=[self.pk])

    @property
    def is_whole(self) -> bool:
        """Whether each import sees everything, so that what is missing is gone."""
        return self.kind not in (self.Kind.UPLOAD, self.Kind.PASTE)

    @property
    def is_watched(self) -> bool:
        """Whether the portal can look at it by itself."""
        return self.is_hooked or self.kind == self.Kind.CLUSTER

    @property
    def is_hooked(self) -> bool:
        """Whether a git host may report what changed in it."""
        return self.kind in (self.Kind.FOLDER, self.Kind.GIT, self.Kind.ORGANISATION)

    @property
    def hook_path(self) -> str:
        """Where the git host sends its webhooks."""
        return f"/webhooks/{self.hook_provider}/{self.pk}/"


@lru_cache(10_000)
def address_of(kind: str, namespace: str, name: str) -> str:
    """Of the page of an entity; kept, for a list has many."""
    return reverse("catalog:entity_detail", args=[kind.lower(), namespace, name])


class EntityQuerySet(models.QuerySet["Entity"]):
    def for_list(self) -> "EntityQuerySet":
        """Rows with holder and system, without the long columns; of those two only what they are called."""
        heavy = ("spec", "metadata", "search", "problem", "facts")
        named = ("ref", "kind", "namespace", "name", "title", "type")
        short = [field.name for field in Entity._meta.concrete_fields if field.name not in heavy]
        others = [f"{other}__{column}" for other in ("holder", "system") for column in named]
        return self.select_related("holder", "system").only(*short, *others)

    def of_kind(self, kind: str) -> "EntityQuerySet":
        return self.filter(kind__iexact=kind)

    def services(self) -> "EntityQuerySet":
        """Components that run: everything but libraries, documentation and the like."""
        return self.filter(kind="Component", type__in=SERVICE_TYPES)

    def owned_by_refs(self, refs: list[str]) -> "EntityQuerySet":
        """What some owners answer for, by their own name or through a system or domain."""
        return self.filter(holder_ref__in=refs)

    def without_owner(self) -> "EntityQuerySet":
        """What should have an owner and has none that the catalog knows."""
        return self.filter(standing__in=["nobody", "unknown"])


def _words(text: Any, weight: str) -> SearchVector:
    """The words of a column as they are written, with spaces for what joins them: PostgreSQL would take `a.b`
    for the name of a host."""
    joins = '-_.:/@+#[]",'
    parts = models.Func(
        text,
        models.Value(joins),
        models.Value(" " * len(joins)),
        function="translate",
        output_field=models.TextField(),
    )
    return SearchVector(parts, weight=weight, config="simple")


def words_of_names() -> models.Expression:
    """The words of name and title alone; indexed, for the weights in `search` are read from the rows."""
    return _words("name", "A") + _words("title", "A")


class Entity(models.Model):
    """Anything in the catalog: `spec` and `metadata` as they came, the columns for what pages ask."""

    class State(models.TextChoices):
        ACTIVE = "active", "Active"
        STALE = "stale", "Last good version"
        ORPHAN = "orphan", "Orphaned"

    class Origin(models.TextChoices):
        DESCRIPTOR = "descriptor", "Descriptor"
        KUBERNETES = "kubernetes", "Kubernetes manifest"
        REQUEST = "request", "Request"
        CLUSTER = "cluster", "Seen in a cluster"

    ref = models.CharField(max_length=220, unique=True)
    api_version = models.CharField(max_length=320, default="backstage.io/v1alpha1")
    kind = models.CharField(max_length=63)
    namespace = models.CharField(max_length=63, default="default")
    name = models.CharField(max_length=63)
    title = models.CharField(max_length=300, blank=True)
    description = models.TextField(blank=True)
    type = models.CharField(max_length=100, blank=True)
    lifecycle = models.CharField(max_length=100, blank=True)
    owner_ref = models.CharField(max_length=220, blank=True, db_index=True)
    owner = models.ForeignKey("self", models.SET_NULL, null=True, related_name="owns")
    holder_ref = models.CharField(
        max_length=220,
        blank=True,
        default="",
        db_default="",
        help_text="Who answers for it, named or inherited.",
    )
    holder = models.ForeignObject(
        "self", models.DO_NOTHING, from_fields=["holder_ref"], to_fields=["ref"], null=True, related_name="+"
    )
    standing = models.CharField(
        max_length=10,
        blank=True,
        default="",
        db_default="",
        help_text="Owned, inherited, unknown, nobody.",
    )
    system_ref = models.CharField(max_length=220, blank=True, db_index=True)
    system = models.ForeignKey("self", models.SET_NULL, null=True, related_name="parts")
    spec = models.JSONField(default=dict)
    metadata = models.JSONField(default=dict)
    digest = models.CharField(max_length=40, blank=True)
    source = models.ForeignKey(Source, models.SET_NULL, null=True, related_name="entities")
    origin = models.CharField(max_length=12, choices=Origin.choices, default=Origin.DESCRIPTOR)
    location = models.CharField(max_length=1000, blank=True)
    line = models.PositiveIntegerField(default=1)
    document = models.PositiveIntegerField(default=0, db_default=0, help_text="Which one of its file.")
    state = models.CharField(max_length=10, choices=State.choices, default=State.ACTIVE)
    problem = models.TextField(blank=True)
    orphaned_at = models.DateTimeField(null=True)
    contested = models.BooleanField(default=False, db_default=False, help_text="Another source has it too.")
    onboarded_request = models.CharField(max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    facts = ArrayField(models.BigIntegerField(), null=True, help_text="What programs ask by.")
    search = models.GeneratedField(
        expression=_words("name", "A")
        + _words("title", "A")
        + _words(Left(KeyTextTransform("tags", "metadata"), 10_000), "B")
        + _words("description", "C"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "entities"
        ordering = ["name", "pk"]
        indexes = [
            models.Index(fields=["kind", "type", "name"], name="catalog_entity_kind_type"),
            models.Index(fields=["name", "id"], name="catalog_entity_name"),
            models.Index(OpClass(Lower("name"), name="text_pattern_ops"), name="catalog_entity_name_prefix"),
            models.Index(
                OpClass(Lower("title"), name="text_pattern_ops"), name="catalog_entity_title_prefix"
            ),
            GinIndex(fields=["search"], name="catalog_entity_words", fastupdate=False),
            GinIndex(words_of_names(), name="catalog_entity_named", fastupdate=False),
            models.Index(fields=["kind", "name", "id"], name="catalog_list_kind"),
            models.Index(fields=["holder_ref", "name", "id"], name="catalog_list_holder"),
            models.Index(fields=["system_ref", "name", "id"], name="catalog_list_system"),
            models.Index(fields=["lifecycle", "name", "id"], name="catalog_list_lifecycle"),
            models.Index(fields=["updated_at", "name", "id"], name="catalog_list_updated"),
            models.Index(
                fields=["name", "id"],
                name="catalog_list_nobodys",
                condition=models.Q(standing__in=["nobody", "unknown"]),
            ),
            models.Index(
                fields=["state", "name", "id"],
                name="catalog_list_state",
                condition=~models.Q(state="active"),
            ),
            GinIndex(fields=["facts"], name="catalog_entity_facts", fastupdate=False),
            models.Index(Collate(Lower("name"), "C"), "id", name="catalog_entity_low_name"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["active", "stale", "orphan"]), name="catalog_entity_state"
            ),
            models.CheckConstraint(
                condition=models.Q(ref=Lower("ref")), name="catalog_entity_ref_is_lower_case"
            ),
        ]

    def __str__(self) -> str:
        return self.title or self.name

    def get_absolute_url(self) -> str:
        return address_of(self.kind, self.namespace, self.name)

    @property
    def other_title(self) -> str:
        """The title where it says more than the name."""
        return "" if _plain(self.title) == _plain(self.name) else self.title

    @property
    def heading(self) -> str:
        """What the page is called: machine names for what runs, titles for teams, people and the like."""
        return self.name if self.kind in ("Component", "API", "Resource") else str(self)

    @property
    def is_service(self) -> bool:
        return self.kind == "Component" and self.type in SERVICE_TYPES

    @property
    def annotations(self) -> dict[str, str]:
        return self.metadata.get("annotations") or {}

    @property
    def descriptor(self) -> dict[str, Any]:
        """The entity as a descriptor, as it came."""
        return {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": self.metadata,
            "spec": self.spec,
        }


class Alias(models.Model):
    """A reference that an entity had before it was renamed; it still leads there."""

    ref = models.CharField(max_length=220, unique=True)
    entity = models.ForeignKey(Entity, models.CASCADE, related_name="aliases")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return f"{self.ref} is now {self.entity.ref}"


class Claim(models.Model):
    """What a source says about an entity that belongs to another one; kept, so that people can choose."""

    source = models.ForeignKey(Source, models.CASCADE, related_name="claims")
    ref = models.CharField(max_length=220, db_index=True)
    item = models.JSONField(help_text="The entity as this source has it.")
    seen_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["ref", "pk"]
        constraints = [models.UniqueConstraint(fields=["source", "ref"], name="catalog_claim_once")]

    def __str__(self) -> str:
        return f"{self.source} has {self.ref} too"

    @property
    def place(self) -> str:
        return f"{self.item['file']}:{self.item['line']}".removesuffix(":0")


class Removed(models.Model):
    """An entity that was taken out, with all it takes to bring it back."""

    ref = models.CharField(max_length=220)
    source = models.ForeignKey(Source, models.SET_NULL, null=True, related_name="removed")
    entry = models.JSONField()
    removed_at = models.DateTimeField(auto_now_add=True)
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")

    class Meta:
        verbose_name_plural = "removed"
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.ref}, removed"


def _plain(text: str) -> str:
    return text.lower().replace("-", " ").replace("_", " ")


class RelationQuerySet(models.QuerySet["Relation"]):
    def judged(self) -> "RelationQuerySet":
        """With what people said about each: `verdict` and `judged_by`, empty for most."""
        said = Judgement.objects.filter(
            source_ref=models.OuterRef("source__ref"), target_ref=models.OuterRef("target_ref")
        )
        return self.annotate(
            verdict=models.Subquery(said.values("verdict")[:1]),
            judged_by=models.Subquery(said.values("by__name")[:1]),
        )

    def standing(self) -> "RelationQuerySet":
        """Without the derived ones that somebody dismissed."""
        dismissed = Judgement.objects.filter(
            source_ref=models.OuterRef("source__ref"),
            target_ref=models.OuterRef("target_ref"),
            verdict=Judgement.Verdict.DISMISSED,
        )
        return self.exclude(models.Exists(dismissed), confidence__isnull=False)


class Relation(models.Model):
    """What one entity's descriptor says about another; the opposite direction is read, not stored."""

    source = models.ForeignKey(Entity, models.CASCADE, related_name="relations")
    type = models.CharField(max_length=20)
    target_ref = models.CharField(max_length=500, db_index=True)
    target = models.ForeignKey(Entity, models.SET_NULL, null=True, related_name="incoming")
    origin = models.CharField(max_length=12, choices=Entity.Origin.choices, default=Entity.Origin.DESCRIPTOR)
    field = models.CharField(max_length=30, blank=True)
    evidence = models.JSONField(default=list)
    confidence = models.FloatField(null=True, help_text="How sure it is; only for what was derived.")

    objects = RelationQuerySet.as_manager()

    class Meta:
        ordering = ["type", "target_ref"]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "type", "target_ref", "field"], name="catalog_relation_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["target_ref", "id"],
                condition=models.Q(target__isnull=True),
                name="catalog_relation_dangling",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.target_ref}"

    @property
    def is_derived(self) -> bool:
        return self.confidence is not None

    @property
    def percent(self) -> int:
        return round(100 * (self.confidence or 0))


class Judgement(models.Model):
    """What a person said about one derived dependency; kept by names, so that imports do not undo it."""

    class Verdict(models.TextChoices):
        CONFIRMED = "confirmed", "Confirmed"
        DISMISSED = "dismissed", "Dismissed"

    source_ref = models.CharField(max_length=220)
    target_ref = models.CharField(max_length=500)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["source_ref", "target_ref"], name="catalog_judgement_once"),
            models.CheckConstraint(
                condition=models.Q(verdict__in=["confirmed", "dismissed"]), name="catalog_judgement_verdict"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source_ref} -> {self.target_ref}: {self.verdict}"


class ImportRun(models.Model):
    """One look at a source: what was found, what it would change, and how to take it back."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        APPLIED = "applied", "Applied"
        UNDONE = "undone", "Undone"
        FAILED = "failed", "Could not be read"

    class Trigger(models.TextChoices):
        PERSON = "person", "asked for"
        SWEEP = "sweep", "sweep"
        WEBHOOK = "webhook", "webhook"
        PUT = "put", "HTTP PUT"
        COMMAND = "command", "command line"

    source = models.ForeignKey(Source, models.CASCADE, related_name="runs")
    state = models.CharField(max_length=10, choices=State.choices, default=State.PLANNED)
    revision = models.CharField(max_length=64, blank=True)
    trigger = models.CharField(max_length=10, choices=Trigger.choices, blank=True, db_default="")
    digest = models.CharField(max_length=64, blank=True, db_default="", help_text="Of what was read.")
    took = models.DurationField(null=True, help_text="Reading, comparing and, where it was, applying.")
    problem = models.TextField(blank=True, db_default="", help_text="Why it could not be read.")
    documents = models.JSONField(default=list, help_text="The report: one row for each document.")
    payload = models.JSONField(default=list, help_text="The entities that were found.")
    changes = models.JSONField(default=list, help_text="What would change, or did.")
    undo = models.JSONField(default=list, help_text="What was there before.")
    counts = models.JSONField(default=dict)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    applied_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["source", "-id"], name="catalog_run_latest")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(state__in=["planned", "failed"]) | models.Q(applied_at__isnull=False),
                name="catalog_run_applied_at",
            )
        ]

    def __str__(self) -> str:
        return f"import {self.pk} of {self.source}"

    def get_absolute_url(self) -> str:
        return reverse("catalog:import_detail", args=[self.pk])

    @property
    def writes(self) -> bool:
        """Whether it changes anything."""
        return any(self.counts.get(key) for key in ("new", "changed", "renamed", "kept", "orphaned"))
