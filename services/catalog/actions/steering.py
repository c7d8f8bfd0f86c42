"""What people do with a source besides importing: name it, watch it, pause it, take it away and back."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from services.accounts.models import Team, User
from services.audit.actions import record
from services.catalog.importing import continuity
from services.catalog.models import Broken, Claim, Entity, Source
from services.catalog.refusals import Refused
from services.catalog.sources import organisations

Person = Any
WITHOUT_SOURCE = "its source was removed"


def _held(source: Source) -> Source:
    return Source.objects.select_for_update(of=("self",)).get(pk=source.pk)


@transaction.atomic
def change_source(
    *, source: Source, title: str, auto_apply: bool, team: Team | None, person: User | None, by: Person
) -> Source:
    """What it is called, whether plans wait for a person, and who is told when a file breaks.

    Refuses a name of nothing, and two to tell: a team or a person.
    """
    source = _held(source)
    if not title.strip():
        raise Refused("A source needs a name.")
    if team and person:
        raise Refused("Tell a team or a person, not both.")
    source.title, source.auto_apply = title.strip()[:200], auto_apply
    source.tell_team, source.tell_person = team, person
    source.save(update_fields=["title", "auto_apply", "tell_team", "tell_person"])
    told = {"applies": auto_apply, "tells": str(source.tells or "")}
    record(by=by, action="catalog.source_changed", obj=source, summary=f"Changed {source}", details=told)
    return source


@transaction.atomic
def set_organisation(
    *, source: Source | None, provider: str, name: str, options: dict[str, Any], token: str, by: Person
) -> Source:
    """An organisation on a git host as a source, or other settings of it; without a token the old one stays.

    What it is read with decides what is read: it is read anew. Refuses one that is a source already.
    """
    others = Source.objects.filter(kind=Source.Kind.ORGANISATION, provider=provider, removed_at=None)
    same = others.filter(location__iexact=name, options__address=options["address"])
    if (same.exclude(pk=source.pk) if source else same).exists():
        raise Refused(f"{name} is a source already.")
    source = _held(source) if source else Source(kind=Source.Kind.ORGANISATION, title=name, created_by=by)
    if source.token_sealed and source.options.get("address") != options["address"] and not token:
        raise Refused("Another address needs its own token.")
    source.provider, source.location, source.head = provider, name, ""
    source.options = {**source.options, **options, "etag": ""}
    source.token_sealed = organisations.sealer.seal(token) if token else source.token_sealed
    source.next_at = timezone.now()
    source.save()
    record(by=by, action="catalog.organisation_set", obj=source, summary=f"{name} on {provider} is a source")
    return source


@transaction.atomic
def set_cluster(
    *, source: Source | None, cluster: str, namespaces: list[str], options: dict[str, Any], by: Person
) -> Source:
    """What runs in a cluster as a source, or other settings of it: it is read anew.

    Refuses one whose cluster and namespaces are a source already.
    """
    place = {"location": cluster, "path": " ".join(sorted(namespaces))}
    others = Source.objects.filter(kind=Source.Kind.CLUSTER, removed_at=None, **place)
    if (others.exclude(pk=source.pk) if source else others).exists():
        raise Refused(f"This part of {cluster} is a source already.")
    source = _held(source) if source else Source(kind=Source.Kind.CLUSTER, title=cluster, created_by=by)
    source.location, source.path, source.head = place["location"], place["path"], ""
    source.options = {**source.options, **options}
    source.next_at = timezone.now()
    source.save()
    told = f"What runs in {cluster} is a source"
    record(by=by, action="catalog.cluster_set", obj=source, summary=told, details=options)
    return source


@transaction.atomic
def pause_source(*, source: Source, by: Person) -> Source:
    """Sweeps and webhooks leave it alone until it is resumed. Refuses what nobody sweeps, or is paused."""
    source = _held(source)
    if not source.is_watched or source.removed_at:
        raise Refused("Nothing looks at this source by itself.")
    if source.paused_at:
        raise Refused("It is paused already.")
    source.paused_at = timezone.now()
    source.save(update_fields=["paused_at"])
    record(by=by, action="catalog.source_paused", obj=source, summary=f"Paused {source}")
    return source


@transaction.atomic
def resume_source(*, source: Source, by: Person) -> Source:
    """The next sweep looks at it again. Refuses what is not paused."""
    source = _held(source)
    if not source.paused_at:
        raise Refused("It is not paused.")
    source.paused_at, source.next_at = None, timezone.now()
    source.save(update_fields=["paused_at", "next_at"])
    record(by=by, action="catalog.source_resumed", obj=source, summary=f"Resumed {source}")
    return source


@transaction.atomic
def remove_source(*, source: Source, by: Person) -> Source:
    """Take it away: nothing reads it any more, what it brought is orphaned. Can be taken back."""
    source = _held(source)
    if source.removed_at:
        raise Refused("It was removed already.")
    now = timezone.now()
    source.removed_at, source.removed_by = now, by
    source.options["claims"] = list(source.claims.values("ref", "item"))
    source.save(update_fields=["removed_at", "removed_by", "options"])
    refs = list(source.claims.values_list("ref", flat=True))
    source.claims.all().delete()
    continuity.mark_contested(refs)
    held = Entity.objects.filter(source=source).exclude(state=Entity.State.ORPHAN)
    count = held.update(state=Entity.State.ORPHAN, problem=WITHOUT_SOURCE, orphaned_at=now, updated_at=now)
    told = {"entities": count}
    record(by=by, action="catalog.source_removed", obj=source, summary=f"Removed {source}", details=told)
    return source


@transaction.atomic
def restore_source(*, source: Source, by: Person) -> Source:
    """Bring it back with what it had; it is read anew. Refuses when its address is a source again."""
    source = _held(source)
    if not source.removed_at:
        raise Refused("It was not removed.")
    if _address_taken(source):
        raise Refused("There is another source of this address or name by now.")
    kept = source.options.pop("claims", [])
    source.removed_at, source.removed_by, source.head, source.next_at = None, None, "", timezone.now()
    source.save(update_fields=["removed_at", "removed_by", "head", "next_at", "options"])
    _reclaim(source, kept)
    _revive(source)
    record(by=by, action="catalog.source_restored", obj=source, summary=f"Brought back {source}")
    return source


def _address_taken(source: Source) -> bool:
    others = Source.objects.filter(removed_at=None).exclude(pk=source.pk)
    if source.name and others.filter(name=source.name).exists():
        return True
    same = {key: getattr(source, key) for key in ("kind", "location", "branch", "path")}
    return source.is_watched and others.filter(**same).exists()


def _reclaim(source: Source, kept: list[dict[str, Any]]) -> None:
    """What it said of entities of others; one that is its own by now is no claim."""
    mine = set(Entity.objects.filter(source=source).values_list("ref", flat=True))
    rows = [Claim(source=source, **row) for row in kept if row["ref"] not in mine]
    Claim.objects.bulk_create(rows, ignore_conflicts=True)
    continuity.mark_contested([row.ref for row in rows])


def _revive(source: Source) -> None:
    lost = Entity.objects.filter(source=source, state=Entity.State.ORPHAN, problem=WITHOUT_SOURCE)
    now = timezone.now()
    for broken in Broken.objects.filter(source=source):
        lost.filter(location=broken.file).update(
            state=Entity.State.STALE, problem=str(broken), orphaned_at=None, updated_at=now
        )
    lost.update(state=Entity.State.ACTIVE, problem="", orphaned_at=None, updated_at=now)
