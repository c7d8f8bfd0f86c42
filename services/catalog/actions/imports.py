"""Everything that changes the catalog."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from services.audit.actions import record
from services.catalog import queries
from services.catalog.descriptors.apart import examine_apart
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.examine import DocumentReport, counts
from services.catalog.descriptors.kinds import check_kind, is_known, unknown_kind
from services.catalog.descriptors.refs import ref_of
from services.catalog.descriptors.relations import declared
from services.catalog.docs import storing
from services.catalog.importing import continuity, copying, differences, planning, writing
from services.catalog.models import Entity, ImportRun, Judgement, Source
from services.catalog.refusals import DescriptorRefused, Refused
from services.catalog.sources import breakage
from services.catalog.sources.fetching import Fetched
from services.catalog.sources.models import wait_after

__all__ = [
    "DescriptorRefused", "Refused", "apply_import", "find_or_create_source", "import_documents",
    "judge_dependency",
    "plan_import", "register", "take", "undo_import",
]  # fmt: skip
Person = Any
ASKED = (ImportRun.Trigger.PERSON, ImportRun.Trigger.PUT)
UNDOABLE = (*planning.WRITTEN, planning.STALE, planning.ORPHAN)


@dataclass(frozen=True)
class Look:
    """One look at a source: whose, why, at what, and since when."""

    by: Person = None
    trigger: str = ""
    revision: str = ""
    digest: str = ""
    began: datetime | None = None


@copying.uncollected()
@transaction.atomic
def plan_import(
    *, source: Source, files: Mapping[str, bytes], by: Person, revision: str = "", trigger: str = "",
    began: datetime | None = None,
) -> ImportRun:  # fmt: skip
    """Look at the files and write down what an import would change. Changes nothing else."""
    fetched = Fetched(files=dict(files))
    look = Look(by, trigger, revision, fetched.digest, began)
    return _plan(source, _examined(fetched), look)[0]


@copying.uncollected()
@transaction.atomic
def take(
    *, source: Source, fetched: Fetched, trigger: str, by: Person = None, began: datetime | None = None,
    asked: datetime | None = None,
) -> tuple[ImportRun, bool]:  # fmt: skip
    """The run of what was read, applied where the source applies by itself; and whether it is a new one.

    What was read and planned or applied before, with nothing else since, makes no second run; and what was
    undone stays undone until somebody asks. Who `asked` for a plan gets one made since then.
    """
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    look = Look(by, trigger, fetched.revision, fetched.digest, began)
    read = source.runs.exclude(state=ImportRun.State.FAILED)
    latest = read.filter(created_by=by, created_at__gte=asked).first() if asked else read.first()
    undone = latest is not None and latest.state == ImportRun.State.UNDONE and trigger in ASKED
    if latest is None or latest.digest != look.digest or undone:
        run, changes = _plan(source, _examined(fetched), look)
        return (_apply(source, run, changes, by), True) if source.auto_apply else (run, True)
    if source.auto_apply and latest.state == ImportRun.State.PLANNED:
        latest = _apply(source, latest, planning.compare(source, latest.payload, latest.documents), by)
    return latest, False


def _examined(fetched: Fetched) -> list[DocumentReport]:
    if fetched.reports is not None:
        return fetched.reports
    return examine_apart(fetched.files, fetched.apart, settings.CATALOG_KINDS)


def _plan(
    source: Source, reports: list[DocumentReport], look: Look
) -> tuple[ImportRun, list[planning.Change]]:
    documents = [report.as_dict() for report in reports]
    payload = planning.payload_of(reports)
    changes = differences.told(planning.compare(source, payload, documents), payload)
    run = ImportRun.objects.create(
        source=source,
        revision=look.revision,
        trigger=look.trigger,
        digest=look.digest,
        took=timezone.now() - look.began if look.began else None,
        documents=documents,
        payload=payload,
        changes=[change.as_dict() for change in changes],
        counts={**counts(reports), **_tally(changes), **_unowned(documents)},
        created_by=look.by,
    )
    breakage.note(source, documents)
    return run, changes


def _unowned(documents: list[dict[str, Any]]) -> dict[str, int]:
    """How many of what runs nobody is named for; nothing where files are read."""
    found = sum(any(warning["rule"] == "unowned" for warning in row["warnings"]) for row in documents)
    return {"unowned": found} if found else {}


def _tally(changes: list[planning.Change]) -> dict[str, int]:
    tally = dict.fromkeys(planning.LABELS, 0)
    for change in changes:
        tally[change.action] += 1
    return tally


@copying.uncollected()
@transaction.atomic
def apply_import(*, run: ImportRun, by: Person) -> ImportRun:
    """Do what a plan says, compared anew with what the catalog holds now.

    Refuses a plan that was applied before, or that a later applied one has overtaken. A broken file keeps the
    last good version of its entities and says so; what a folder or repository no longer has is orphaned.
    """
    source = Source.objects.select_for_update(of=("self",)).get(pk=run.source_id)
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state != ImportRun.State.PLANNED:
        raise Refused("This plan was already applied.")
    if source.removed_at:
        raise Refused("The source was removed. Bring it back first.")
    if source.runs.filter(pk__gt=run.pk, state=ImportRun.State.APPLIED).exists():
        raise Refused("A newer import of this source was applied since. Look again first.")
    if queries.is_outdated(run):
        raise Refused("The source moved since this plan was made. A newer plan is there: apply that one.")
    return _apply(source, run, planning.compare(source, run.payload, run.documents), by)


def _apply(source: Source, run: ImportRun, changes: list[planning.Change], by: Person) -> ImportRun:
    by_action: dict[str, list[planning.Change]] = {action: [] for action in planning.LABELS}
    for change in changes:
        by_action[change.action].append(change)
    run.undo = _before([change for action in UNDOABLE for change in by_action[action]])
    continuity.rename({change.was: change.ref for change in by_action[planning.RENAMED]})
    items = _items(run, *(by_action[action] for action in planning.WRITTEN))
    writing.write([writing.row_of(item, source) for item in items], items)
    _mark_missing(by_action[planning.STALE], Entity.State.STALE)
    _mark_missing(by_action[planning.ORPHAN], Entity.State.ORPHAN)
    writing.resolve_links()
    continuity.settle(_items(run, [change for change in by_action[planning.SAME] if change.moved]))
    continuity.claim(source, _items(run, by_action[planning.TAKEN]), (item["ref"] for item in run.payload))
    run.changes = [change.as_dict() for change in differences.kept(run.changes, changes)]
    run.counts = {**run.counts, **_tally(changes)}
    run.state, run.applied_at = ImportRun.State.APPLIED, timezone.now()
    run.save(update_fields=["changes", "undo", "counts", "state", "applied_at"])
    if source.is_watched and source.next_at is None:
        source.next_at = timezone.now() + wait_after(0, None)
        source.save(update_fields=["next_at"])
    record(by=by, action="catalog.imported", obj=run, summary=f"Imported {source}", details=run.counts)
    storing.ask(run, by)
    return run


def _items(run: ImportRun, *changes: list[planning.Change]) -> list[dict[str, Any]]:
    """What the run found about the entities of some changes."""
    refs = {change.ref for some in changes for change in some}
    return [item for item in run.payload if item["ref"] in refs]


def _before(changes: list[planning.Change]) -> list[dict[str, Any]]:
    """What stood there, by the reference each entity gets."""
    named = {change.was or change.ref: change for change in changes}
    entries = writing.snapshot(list(named))
    return [{**e, "ref": named[e["ref"]].ref, "was": named[e["ref"]].was} for e in entries]


def _mark_missing(changes: list[planning.Change], state: str) -> None:
    now = timezone.now()
    reasons: dict[str, list[str]] = {}
    for change in changes:
        place = f"{change.file}:{change.line}: " if state == Entity.State.STALE else ""
        reasons.setdefault(place + change.reason, []).append(change.ref)
    gone = now if state == Entity.State.ORPHAN else None
    for why, refs in reasons.items():
        rows = Entity.objects.filter(ref__any_of=refs)
        rows.update(state=state, problem=why, orphaned_at=gone, updated_at=now)


@transaction.atomic
def undo_import(*, run: ImportRun, by: Person) -> ImportRun:
    """Put back what stood in the catalog before a run. Refuses all but the last applied run of its source.

    Entities that another source has taken over since are left alone.
    """
    Source.objects.select_for_update(of=("self",)).get(pk=run.source_id)
    run = ImportRun.objects.select_for_update().get(pk=run.pk)
    if run.state != ImportRun.State.APPLIED:
        raise Refused("Only an applied import can be undone.")
    if run.source.runs.filter(pk__gt=run.pk, state=ImportRun.State.APPLIED).exists():
        raise Refused("A newer import of this source was applied; undo that one first.")
    ours = set(Entity.objects.filter(source=run.source).values_list("ref", flat=True))
    kept = [entry for entry in run.undo if entry["before"] and entry["ref"] in ours]
    old_names = {entry["ref"]: entry["was"] for entry in kept if entry.get("was")}
    new = [entry["ref"] for entry in run.undo if entry["before"] is None and entry["ref"] in ours]
    taken = Entity.objects.filter(ref__any_of=old_names.values()).exclude(ref__any_of=new).first()
    if taken:
        raise Refused(f"{taken.ref} is something else by now, so its old name cannot be given back.")
    Entity.objects.filter(ref__any_of=new).delete()
    continuity.rename(old_names, keep_alias=False)
    _restore([entry["before"] for entry in kept])
    run.state, run.undone_at = ImportRun.State.UNDONE, timezone.now()
    run.save(update_fields=["state", "undone_at"])
    record(by=by, action="catalog.import_undone", obj=run, summary=f"Undid an import of {run.source}")
    return run


def _restore(before: list[dict[str, Any]]) -> None:
    sources = Source.objects.in_bulk({entry["source"] for entry in before if entry["source"]})
    rows = [
        writing.row_of(
            entry["item"], sources.get(entry["source"]), state=entry["state"], problem=entry["problem"]
        )
        for entry in before
    ]
    writing.write(rows, [entry["item"] for entry in before])
    writing.resolve_links()


@transaction.atomic
def find_or_create_source(
    *, kind: str, title: str, by: Person, location: str = "", branch: str = "", path: str = ""
) -> Source:
    """The source with this address; a folder or repository is known once, every upload is its own."""
    if kind in (Source.Kind.FOLDER, Source.Kind.GIT, Source.Kind.CLUSTER):
        source, _ = Source.objects.get_or_create(
            kind=kind,
            location=location,
            branch=branch,
            path=path,
            removed_at=None,
            defaults={"title": title[:200], "created_by": by},
        )
        return source
    return Source.objects.create(kind=kind, title=title[:200], location=location, created_by=by)


@copying.uncollected()
@transaction.atomic
def import_documents(
    *, files: Mapping[str, bytes], title: str, by: Person, kind: str = Source.Kind.UPLOAD, location: str = "",
    branch: str = "", path: str = "", revision: str = "",
) -> ImportRun:  # fmt: skip
    """Plan and apply in one step; a second time with the same files changes nothing."""
    source = find_or_create_source(kind=kind, title=title, by=by, location=location, branch=branch, path=path)
    source = Source.objects.select_for_update(of=("self",)).get(pk=source.pk)
    fetched = Fetched(files=dict(files))
    look = Look(by, ImportRun.Trigger.COMMAND, revision, fetched.digest, timezone.now())
    run, changes = _plan(source, _examined(fetched), look)
    return _apply(source, run, changes, by)


@transaction.atomic
def register(
    descriptor: dict[str, Any], *, origin: str = Entity.Origin.REQUEST, by: Person, request: str = ""
) -> Entity:
    """Take one entity into the catalog, as a merged request does; `origin` is one, or a place in git.

    Refuses (DescriptorRefused) what an import would refuse. What a source already has stays with it.
    """
    found = check_envelope(descriptor)
    if not found:
        found = check_kind(descriptor) if is_known(descriptor) else [unknown_kind(descriptor)]
    if found:
        raise DescriptorRefused(found)
    item = _item_of(descriptor, origin)
    known = Entity.objects.filter(ref=item["ref"]).select_related("source").first()
    if known and known.source:
        item |= {"file": known.location, "line": known.line}
    writing.write([writing.row_of(item, known.source if known else None)], [item])
    writing.resolve_links()
    entity = Entity.objects.get(ref=item["ref"])
    if request:
        entity.onboarded_request = request
        entity.save(update_fields=["onboarded_request"])
    record(by=by, action="catalog.registered", obj=entity, summary=f"{entity.ref} is in the catalog")
    return entity


def _item_of(descriptor: dict[str, Any], origin: str) -> dict[str, Any]:
    is_choice = origin in Entity.Origin.values
    relations, _ = declared(descriptor)
    return {
        "ref": ref_of(descriptor),
        "file": "" if is_choice else origin,
        "line": 1,
        "origin": origin if is_choice else Entity.Origin.REQUEST,
        "descriptor": descriptor,
        "relations": [
            {"type": r.type, "target": r.target_ref, "field": r.field, "evidence": []} for r in relations
        ],
    }


@transaction.atomic
def judge_dependency(*, entity: Entity, target_ref: str, verdict: str, by: Person) -> None:
    """Say once whether a derived dependency is one; an empty verdict takes back what was said.

    Refuses what nobody derived: a declared relation is changed where it is declared.
    """
    said = Judgement.objects.filter(source_ref=entity.ref, target_ref=target_ref.replace("\x00", "?"))
    if verdict:
        derived = entity.relations.filter(
            target_ref=target_ref.replace("\x00", "?"), type="dependsOn", confidence__isnull=False
        )
        if not derived.exists():
            raise Refused("No manifest shows this dependency any more, so there is nothing to say about it.")
        Judgement.objects.update_or_create(
            source_ref=entity.ref, target_ref=target_ref, defaults={"verdict": verdict, "by": by}
        )
    elif not said.delete()[0]:
        raise Refused("Nothing was said about this dependency.")
    told = verdict or "reopened"
    record(
        by=by,
        action=f"catalog.dependency_{told}",
        obj=entity,
        summary=f"{entity.ref} needs {target_ref}: {told}",
    )
