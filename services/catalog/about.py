"""What the page of one entity says, gathered in few queries."""

from dataclasses import dataclass
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Case, OuterRef, Q, QuerySet, Subquery, When

from portal.shell.frozen import Frozen
from services.accounts.models import Membership, User
from services.catalog import health
from services.catalog.descriptors.relations import INVERSE
from services.catalog.models import Entity, EntityQuerySet, Relation

LABELS = {
    "ownedBy": "Owned by",
    "ownerOf": "Owns",
    "partOf": "Part of",
    "hasPart": "Has part",
    "providesApi": "Provides",
    "apiProvidedBy": "Provided by",
    "consumesApi": "Consumes",
    "apiConsumedBy": "Consumed by",
    "dependsOn": "Depends on",
    "dependencyOf": "Needed by",
    "childOf": "Child of",
    "parentOf": "Parent of",
    "hasMember": "Has member",
    "memberOf": "Member of",
}
ICONS = {
    "api": "api",
    "resource": "database",
    "system": "stack-2",
    "domain": "sitemap",
    "group": "users-group",
    "user": "user",
    "location": "folder",
    "website": "browser",
    "library": "package",
    "cache": "bolt",
    "redis": "bolt",
    "queue": "send",
    "database": "database",
    "job": "clock",
    "worker": "settings",
    "documentation": "book-2",
}
SHOWN = 50
BELOW = {
    "group": ("Owns", "owner"),
    "user": ("Owns", "owner"),
    "system": ("Parts", "system"),
    "domain": ("Parts", "system"),
}
HOSTS = {"github.com/project-slug": "https://github.com", "gitlab.com/project-slug": "https://gitlab.com"}


@dataclass(frozen=True)
class Said:
    """One relation as the page of one entity tells it, from whichever side it was declared."""

    type: str
    ref: str
    entity: Entity | None
    row: Relation
    here: bool

    @property
    def label(self) -> str:
        return LABELS.get(self.type, self.type)


def icon_of(entity: Entity) -> str:
    return ICONS.get(entity.kind.lower()) or ICONS.get(entity.type.lower(), "box")


def relations_of(entity: Entity) -> list[Said]:
    """What the entity and others say about its relations, each once, sorted; one query."""
    rows = _relations(entity.pk, entity.ref)[: 20 * SHOWN]
    return told(list(rows), entity)


def related_to(entity: Entity) -> list[Said]:
    """The same without what the page of an entity lists by itself: what it owns and what it consists of."""
    return told(beside_it(pk=entity.pk, ref=entity.ref), entity)


LISTED = ("ownedBy", "ownerOf", "partOf", "hasPart")
LONG = ("spec", "metadata", "search", "facts", "problem", "description")


def _relations(pk: int, ref: str) -> "QuerySet[Relation]":
    rows = Relation.objects.filter(Q(source=pk) | Q(target_ref=ref)).standing()
    long = (f"{side}__{column}" for side in ("source", "target") for column in LONG)
    return rows.select_related("source", "target").defer(*long)


beside_it = Frozen(
    lambda pk, ref: _relations(pk, ref).exclude(type__in=LISTED).order_by()[: 20 * SHOWN], pk=0, ref=""
)


def told(rows: list[Relation], entity: Entity) -> list[Said]:
    """The relations among `rows` that are the entity's own, each once, sorted."""
    mine = [row for row in rows if row.source_id == entity.pk or row.target_ref == entity.ref]
    once = {
        (one.type, one.ref): one for one in sorted((_told(r, entity) for r in mine), key=lambda one: one.here)
    }
    return [once[key] for key in sorted(once, key=lambda key: (list(LABELS).index(key[0]), key[1]))]


def _told(row: Relation, entity: Entity) -> Said:
    if row.source_id == entity.pk:
        return Said(row.type, row.target_ref, row.target, row, True)
    return Said(INVERSE.get(row.type, row.type), row.source.ref, row.source, row, False)


def grouped(said: list[Said], types: tuple[str, ...]) -> list[tuple[str, list[Said]]]:
    """Relations of some types under their labels, for a short list."""
    found: dict[str, list[Said]] = {}
    for one in said:
        if one.type in types:
            found.setdefault(one.label, []).append(one)
    return list(found.items())


def parts(entity: Entity) -> EntityQuerySet:
    """What a system consists of, or what a domain's systems are."""
    within = Relation.objects.order_by().filter(target_ref=entity.ref, type="partOf").values("source_id")
    named = Entity.objects.order_by().filter(system_ref=entity.ref).values("pk")
    return Entity.objects.filter(pk__any_of=ArraySubquery(named.union(within)))  # OR would read them all


def below(entity: Entity) -> dict[str, Any] | None:
    """The list under an entity that has things: title, rows, whether there are more, where."""
    kind = entity.kind.lower()
    if kind not in BELOW:
        return None
    title, key = BELOW[kind]
    listed = listed_owned(ref=entity.ref) if key == "owner" else list(_listed(parts(entity)))
    running = [row.ref for row in listed if row.kind not in ("System", "Domain")]
    states = health.by_entity(running) if running else {}
    return {
        "title": title,
        "rows": [(row, health.worst(states.get(row.ref, {})), icon_of(row)) for row in listed[:SHOWN]],
        "more": len(listed) > SHOWN,
        "query": f"?kind=any&{key}={entity.ref}" if kind != "domain" else "",
    }


def _listed(rows: EntityQuerySet) -> EntityQuerySet:
    return rows.for_list().order_by(Case(When(kind="Component", then=0), default=1), "kind", "name")[
        : SHOWN + 1
    ]


listed_owned = Frozen(lambda ref: _listed(Entity.objects.filter(holder_ref=ref)), ref="")


@dataclass(frozen=True)
class Member:
    """Somebody in a group, from the catalog, from the accounts, or from both."""

    name: str
    account: User | None
    entity: Entity | None
    ref: str
    role: str = ""

    @property
    def has_left(self) -> bool:
        return self.account is not None and not self.account.is_active


def members(entity: Entity, said: list[Said]) -> list[Member]:
    """Who is in a group: what the catalog says and who has the account's membership; one query."""
    named = {one.ref: one.entity for one in said if one.type == "hasMember"}
    names = [ref.rpartition("/")[2] for ref in named if ref.startswith("user:default/")]
    in_team = Q(teams__slug=entity.name.lower()) if entity.namespace == "default" else Q(pk__in=[])
    role = Membership.objects.filter(user=OuterRef("pk"), team__slug=entity.name.lower()).values("role")[:1]
    rows = User.objects.filter(Q(username__in=names) | in_team).distinct().annotate(role_here=Subquery(role))
    accounts = {user.ref: user for user in rows}
    people = [
        Member(
            str(accounts.get(ref) or named.get(ref) or ref), accounts.get(ref), named.get(ref), ref,
            getattr(accounts.get(ref), "role_here", None) or "",
        )
        for ref in {**named, **accounts}
    ]  # fmt: skip
    return sorted(people, key=lambda member: (member.role != "lead", member.name.lower()))


def tags_and_links(entity: Entity) -> dict[str, Any]:
    """Tags, links and the repository, only addresses a browser may follow."""
    links = [
        {"url": link["url"], "title": link.get("title") or link["url"], "type": link.get("type", "")}
        for link in entity.metadata.get("links") or []
        if isinstance(link, dict) and str(link.get("url", "")).startswith(("https://", "http://", "mailto:"))
    ]
    return {"tags": entity.metadata.get("tags") or [], "links": links, "repository": repository(entity)}


def repository(entity: Entity) -> dict[str, str]:
    """Where the source code is, as far as annotations tell."""
    noted = entity.annotations
    for key, host in HOSTS.items():
        if slug := noted.get(key):
            return {"name": slug, "url": f"{host}/{slug}"}
    for key in ("backstage.io/source-location", "backstage.io/view-url"):
        address = noted.get(key, "").removeprefix("url:").rstrip("/")
        if address.startswith("https://"):
            return {"name": address.removeprefix("https://")[:60], "url": address}
    return {}
