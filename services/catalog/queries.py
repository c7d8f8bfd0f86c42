"""Reading the catalog."""

from typing import Any

from django.contrib.postgres.search import SearchQuery
from django.db.models import (
    Case,
    CharField,
    Count,
    Exists,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Cast, Coalesce, JSONObject
from django.utils.dateparse import parse_datetime

from portal.shell.frozen import Frozen
from services.accounts.models import Team, User
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.finding import search as finding
from services.catalog.finding.words import words_of
from services.catalog.models import Alias, Broken, Claim, Entity, EntityQuerySet, Holding, ImportRun, Source
from services.effects.models import Effect

MOST = 100
READING = ("state", "created_at", "finished_at", "last_error", "result")


def services() -> EntityQuerySet:
    """Every component that runs somewhere."""
    return Entity.objects.services()


def find(ref: str) -> Entity | None:
    """The entity a reference names, however it is written; None when there is none or it cannot be read."""
    try:
        canonical = str(parse_ref(ref, default_kind="component"))
    except BadReference:
        return None
    if "\x00" in canonical:
        return None
    aliased = Alias.objects.filter(ref=canonical).values("entity")
    found = Entity.objects.filter(Q(ref=canonical) | Q(pk__in=aliased))
    return found.order_by(Case(When(ref=canonical, then=0), default=1)).first()


REPOSITORIES = {"github": "github.com/project-slug", "gitlab": "gitlab.com/project-slug"}


def of_repository(provider: str, name: str) -> list[Entity]:
    """The components whose source is `owner/name`, as their annotations say, by name."""
    slug, place = REPOSITORIES.get(provider, ""), "metadata__annotations__backstage.io/source-location"
    said = Q(**{f"{place}__icontains": f"/{name}"})
    if slug:
        said |= Q(**{f"metadata__annotations__{slug}__iexact": name})
    rows = Entity.objects.filter(said, kind="Component").order_by("name")[:MOST]
    return [row for row in rows if _is_of(row, slug, name.lower())]


def _is_of(row: Entity, slug: str, name: str) -> bool:
    if slug and str(row.annotations.get(slug, "")).lower() == name:
        return True
    path = str(row.annotations.get("backstage.io/source-location", "")).lower().removeprefix("url:")
    inside = path.partition("://")[2].partition("/")[2]
    return inside == name or inside.startswith((f"{name}/", f"{name}.git"))


def refs_of(user: Any) -> list[str]:
    """The references a person owns things under: their own and those of their teams.

    None for a token of a team: it acts for nobody.
    """
    if user.pk is None:
        return []
    return [user.ref, *(f"group:default/{slug}" for slug in user.roles)]


def owned_by(user: Any) -> EntityQuerySet:
    """Everything that belongs to the person or to one of their teams."""
    return Entity.objects.owned_by_refs(refs_of(user))


def team_of(entity: Entity) -> Team | None:
    """The team whose group this is."""
    return (
        Team.objects.filter(slug=entity.name.lower()).first()
        if entity.ref.startswith("group:default/")
        else None
    )


def account_of(entity: Entity) -> User | None:
    """The account of the person this is."""
    if not entity.ref.startswith("user:default/"):
        return None
    return User.objects.filter(username__iexact=entity.name).first()


def tagged(tag: str) -> Q:
    """What has this tag: its words lead there by the index, the list decides."""
    words = words_of(tag)
    if not words:
        return Q(pk__in=[])
    query = SearchQuery(" & ".join(f"'{word}':B" for word in words), config="simple", search_type="raw")
    return Q(search=query, metadata__tags__contains=[tag])


def short(ref: str, role: str) -> str:
    """A reference as one types it: without the kind and namespace that it would get anyway."""
    return ref.removeprefix("group:default/" if role == "owner" else "system:default/")


def search(q: str, limit: int = 10) -> list[Entity]:
    """The best matches for a few letters or words, slips forgiven: by name, title, tags, description."""
    return in_order(finding.find(Entity.objects.all(), q).keys[:limit])


of_keys = Frozen(lambda keys: Entity.objects.for_list().filter(pk__any_of=keys).order_by(), keys=[""])


def in_order(keys: list[int]) -> list[Entity]:
    """The entities of these keys in this order, with owner and system, without the long columns."""
    rows = {row.pk: row for row in of_keys(keys=keys)} if keys else {}
    return [rows[key] for key in keys if key in rows]


def sources() -> QuerySet[Source]:
    """Every source with the number of entities it brought and of its broken files, the latest first."""
    held = Entity.objects.filter(source=OuterRef("pk")).order_by().values("source")
    wrong = Broken.objects.filter(source=OuterRef("pk")).order_by().values("source")
    failed = Holding.objects.filter(source=OuterRef("pk"), state=Holding.State.FAILED)
    silent = failed.order_by().values("source")
    readings = Effect.objects.filter(
        object_type="catalog.source", object_id=Cast(OuterRef("pk"), CharField()), kind="catalog.read"
    )
    reading = readings.filter(state__in=[Effect.State.DUE, Effect.State.RUNNING])
    told = JSONObject(**{name: name for name in READING})
    return (
        Source.objects.select_related("tell_team", "tell_person", "removed_by")
        .annotate(
            entity_count=_count_of(held),
            orphan_count=_count_of(held.filter(state=Entity.State.ORPHAN)),
            stale_count=_count_of(held.filter(state=Entity.State.STALE)),
            broken_count=_count_of(wrong),
            failed_count=_count_of(silent),
            being_read=Exists(reading),
            last_reading=Subquery(readings.order_by("-created_at", "-pk").values(told=told)[:1]),
        )
        .order_by("-pk")
    )


def _last_reading(source: Any) -> dict[str, Any]:
    """How far the newest reading of one of `sources()` is, or what it came to; empty without one."""
    told = source.last_reading or {}
    times = ("created_at", "finished_at")
    return told | {name: parse_datetime(told[name]) for name in times if told.get(name)}


def _count_of(rows: QuerySet[Any]) -> Coalesce:
    return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)


def sources_shown(show: str) -> QuerySet[Source]:
    """The sources of one view of the list; removed ones only in their own."""
    rows = sources().filter(removed_at__isnull=show != "removed")
    if show == "broken":
        return rows.filter(Exists(Broken.objects.filter(source=OuterRef("pk"))))
    if show == "trouble":
        return rows.exclude(trouble="")
    return rows.filter(paused_at__isnull=False) if show == "paused" else rows


def about_source(source: Any) -> dict[str, Any]:
    """What the page of a source lists: what is wrong in it, what it lost, what it shares with others.

    `source` is one of `sources()`, with its numbers.
    """
    held = Entity.objects.filter(source=source).defer("spec", "metadata", "search")
    runs = source.runs.select_related("created_by").defer("payload", "undo", "documents", "changes")
    mine = held.filter(contested=True).values("ref")
    shared = Claim.objects.filter(Q(source=source) | Q(ref__in=mine)).select_related("source")
    claims = list(shared[:MOST])
    wrong = list(source.broken.all()[:MOST])
    kept = held.filter(Q(state=Entity.State.STALE) | Q(location__in=[row.file for row in wrong]))
    rows = list(kept[:MOST]) if wrong or source.stale_count else []
    gone = held.filter(state=Entity.State.ORPHAN).order_by("orphaned_at")
    return {
        "runs": list(runs[:10]),
        "reading": _last_reading(source),
        "broken": [(row, [entity for entity in rows if entity.location == row.file]) for row in wrong],
        "stale": [entity for entity in rows if entity.location not in {row.file for row in wrong}],
        "orphans": list(gone[:MOST]) if source.orphan_count else [],
        "claims": claims,
        "holders": holders([claim.ref for claim in claims]) if claims else {},
        "removed": list(source.removed.select_related("removed_by")[:MOST]),
    }


def broken_for(user: Any) -> list[Any]:
    """The sources with broken files that this person, or one of their teams, is to be told of."""
    mine = Q(tell_person=user.pk) | Q(tell_team__slug__in=user.roles)
    rows = Source.objects.filter(mine, removed_at=None).annotate(
        broken_count=Count("broken"), broken_since=Min("broken__since"), broken_first=Min("broken__file")
    )
    return list(rows.filter(broken_count__gt=0).order_by("broken_since")[:10])


def holders(refs: list[str]) -> dict[str, Entity]:
    """The entities that several sources have, with the source that counts."""
    rows = Entity.objects.filter(ref__in=refs).select_related("source")
    return {entity.ref: entity for entity in rows.defer("spec", "metadata", "search")}


def claims_on(entity: Entity) -> list[Claim]:
    """Who else has this entity; asks nothing where nobody does."""
    return list(Claim.objects.filter(ref=entity.ref).select_related("source")) if entity.contested else []


def latest_runs(source_pks: list[int]) -> dict[int, ImportRun]:
    """The last run of each source, without its long columns; one query."""
    rows = (
        ImportRun.objects.filter(source_id__in=source_pks).order_by("source_id", "-pk").distinct("source_id")
    )
    light = rows.select_related("created_by").defer("payload", "undo", "documents", "changes")
    return {run.source_id: run for run in light}


def is_outdated(run: ImportRun) -> bool:
    """Whether the source moved since this plan was made: somebody saw something else in it later."""
    if run.state != ImportRun.State.PLANNED:
        return False
    later = ImportRun.objects.filter(source_id=run.source_id, pk__gt=run.pk)
    return later.exclude(digest=run.digest).exclude(state=ImportRun.State.FAILED).exists()


def latest_applied(source_pk: int) -> int | None:
    """The key of the source's last applied run, the one that can be undone."""
    rows = ImportRun.objects.filter(source_id=source_pk, state=ImportRun.State.APPLIED)
    return rows.order_by("-pk").values_list("pk", flat=True).first()
