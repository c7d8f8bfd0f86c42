"""What an import would change, before it does."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from services.catalog.descriptors.examine import DocumentReport
from services.catalog.models import Entity, Source

NEW, CHANGED, SAME, TAKEN, SKIPPED = "new", "changed", "unchanged", "conflict", "skipped"
STALE, ORPHAN, RENAMED = "kept", "orphaned", "renamed"
WRITTEN = (NEW, CHANGED, RENAMED)
IDENTITY = "slipway.dev/id"
LABELS = {
    NEW: "New",
    CHANGED: "Changed",
    RENAMED: "Renamed",
    SAME: "Unchanged",
    TAKEN: "Comes from elsewhere",
    SKIPPED: "Described elsewhere",
    STALE: "Last good version kept",
    ORPHAN: "No longer in the source",
}


@dataclass(frozen=True)
class Change:
    """What happens to one entity, and why."""

    ref: str
    action: str
    file: str
    line: int
    reason: str = ""
    was: str = ""
    moved: bool = False
    fields: tuple[dict[str, Any], ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {key: value for key, value in vars(self).items() if key != "moved"}


def payload_of(reports: Iterable[DocumentReport]) -> list[dict[str, Any]]:
    """The entities of a report in the form an import run keeps."""
    found = [
        {
            "ref": report.ref,
            "file": report.file,
            "line": report.line,
            "document": report.document,
            "origin": report.origin,
            "descriptor": report.descriptor,
            "relations": [
                {
                    "type": r.type,
                    "target": r.target_ref,
                    "field": r.field,
                    **_seen(report, r.target_ref),
                }
                for r in report.relations
            ],
        }
        for report in reports
        if report.descriptor is not None
    ]
    return [{**item, "digest": digest_of(item)} for item in found]


def _seen(report: DocumentReport, target: str) -> dict[str, Any]:
    """Where a derived relation can be seen, and how sure it is; nothing of the kind for a declared one."""
    edge = report.needs.get(target)
    if edge is None:
        return {"evidence": [], "confidence": None}
    return {"evidence": [asdict(proof) for proof in edge.evidence], "confidence": round(edge.confidence, 2)}


def digest_of(item: dict[str, Any]) -> str:
    """Tells whether an entity changed; place and line do not count."""
    if "digest" in item:
        return str(item["digest"])
    told = json.dumps([item["descriptor"], item["relations"], item["origin"]], sort_keys=True)
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest()


def compare(source: Source, payload: list[dict[str, Any]], documents: list[dict[str, Any]]) -> list[Change]:
    """Every change an import of `payload` into `source` would make, in the order of the files."""
    known = _known([item["ref"] for item in payload])
    changes = [_compare_one(source, item, known.get(item["ref"])) for item in payload]
    missing = _missing(source, {item["ref"] for item in payload}, documents)
    gone = [change.ref for change in missing if change.action == ORPHAN]
    fresh = {change.ref for change in changes if change.action == NEW}
    renamed = _renamed(gone, [item for item in payload if item["ref"] in fresh]) if gone and fresh else {}
    was = set(renamed.values())
    return [
        replace(c, action=RENAMED, was=renamed[c.ref], reason=f"was {renamed[c.ref]}")
        if c.ref in renamed
        else c
        for c in changes
    ] + [change for change in missing if change.ref not in was]


def _renamed(gone: list[str], fresh: list[dict[str, Any]]) -> dict[str, str]:
    """New reference -> old one, where an entity goes on under another name.

    It does when it says so (the same uid, or annotation `slipway.dev/id`), or when it is the same document of
    the same file and of the same kind.
    """
    by_identity = {
        identity: item["ref"] for item in reversed(fresh) if (identity := _identity(item["descriptor"]))
    }
    by_place = {(i["file"], i["document"], i["descriptor"]["kind"]): i["ref"] for i in reversed(fresh)}
    found: dict[str, str] = {}
    rows = Entity.objects.filter(ref__any_of=gone).only("ref", "kind", "location", "document", "metadata")
    for entity in sorted(rows, key=lambda entity: entity.ref):
        identity = _identity(entity.descriptor)
        place = entity.location, entity.document, entity.kind
        ref = by_identity.get(identity) if identity else None
        ref = ref or by_place.get(place)
        if ref and ref not in found:
            found[ref] = entity.ref
    return found


def _identity(descriptor: dict[str, Any]) -> str:
    """What an entity calls itself whatever its name; empty for most."""
    metadata = descriptor["metadata"]
    return str((metadata.get("annotations") or {}).get(IDENTITY) or metadata.get("uid") or "")


def _known(refs: list[str]) -> dict[str, Entity]:
    columns = ("ref", "digest", "state", "origin", "source__title", "location", "line", "document")
    rows = Entity.objects.filter(ref__any_of=refs).select_related("source").only(*columns)
    return {entity.ref: entity for entity in rows}


def _compare_one(source: Source, item: dict[str, Any], known: Entity | None) -> Change:
    action, reason = _fate(source, item, known)
    moved = known is not None and (known.location, known.line, known.document) != _place(item)
    return Change(item["ref"], action, item["file"], item["line"], reason, moved=moved)


def _place(item: dict[str, Any]) -> tuple[str, int, int]:
    return item["file"][:1000], item["line"], item["document"]


def _fate(source: Source, item: dict[str, Any], known: Entity | None) -> tuple[str, str]:
    if known is None:
        return NEW, ""
    elsewhere = known.source_id not in (None, source.pk) and known.state != Entity.State.ORPHAN
    mine, other = _rank(item["origin"]), _rank(known.origin)
    if mine < other and known.source_id != source.pk:
        runs = "runs, and is" if item["origin"] == Entity.Origin.CLUSTER else "already"
        return SKIPPED, f"{runs} described in {known.location or 'a request'}"
    if elsewhere and mine <= other:
        return TAKEN, f"comes from {known.source}, {known.location}; remove it there first"
    if (
        known.source_id == source.pk
        and known.state == Entity.State.ACTIVE
        and known.digest == digest_of(item)
    ):
        return SAME, ""
    return CHANGED, "taken over" if known.source_id != source.pk else ""


def _rank(origin: str) -> int:
    """What somebody wrote about an entity counts more than its manifest, and that more than its traces."""
    return {Entity.Origin.CLUSTER: 0, Entity.Origin.KUBERNETES: 1}.get(Entity.Origin(origin), 2)


def _missing(source: Source, seen: set[str], documents: list[dict[str, Any]]) -> list[Change]:
    """Entities of the source that this run did not see: kept when their file is broken, else orphaned."""
    if source.pk is None:
        return []
    broken = {row["file"]: row for row in reversed(documents) if row["verdict"] in ("refused", "unparsable")}
    rows = Entity.objects.filter(source=source).exclude(state=Entity.State.ORPHAN).exclude(ref__any_of=seen)
    changes = []
    for entity in rows.only("ref", "location", "line", "state"):
        if row := broken.get(entity.location):
            why = row["errors"][0]["message"] if row["errors"] else row["verdict"]
            changes.append(Change(entity.ref, STALE, entity.location, row["line"], why))
        elif source.is_whole:
            changes.append(Change(entity.ref, ORPHAN, entity.location, entity.line, _gone(source)))
    return changes


def _gone(source: Source) -> str:
    return (
        "nothing of it runs any more" if source.kind == source.Kind.CLUSTER else "the file no longer has it"
    )
