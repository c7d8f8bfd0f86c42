"""Writing what the streams told into the picture: rows, their health, their events."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db.models.fields.json import KT
from django.utils import timezone

from services.clusters import diagnosing, picture, redaction, usage
from services.clusters.models import Cluster, Environment, Health, KubeEvent, KubeObject
from services.clusters.watching.belonging import ENTITY, Map, owner_uid, owners_refs
from services.clusters.watching.kinds import EVENT, METRICS, OWNERS, Kind
from services.integrations.kube.objects import WatchEvent

Json = dict[str, Any]
Changed = set[tuple[str, Environment]]
Place = tuple[str, str]  # namespace and name
MALFORMED = (TypeError, AttributeError, KeyError, ValueError, IndexError)
IDENTITY = ["cluster", "api_version", "kind", "namespace", "name"]
WRITTEN = ["environment", "uid", "owner_uid", "entity_ref", "data", "born_at", "changed_at", "seen_at"]
MESSAGE = 2000
NAME_LIMIT = 253


class Ingest:
    """One cluster's news, written. `malformed` collects what could not be read, by kind.

    What is told of is written at once; its health, and that of what made it, by `settle`, once for all of it.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.map = Map.of(cluster)
        self.malformed: dict[str, list[str]] = {}
        self._listed: dict[tuple[Kind, str], set[Place]] = {}
        self._dirty: set[str] = set()
        self._changed: Changed = set()
        self._samples: dict[Place, usage.Sample] = {}

    def refresh(self) -> None:
        self.map = Map.of(self.cluster)

    # objects

    def take_page(
        self, kind: Kind, items: Sequence[Json], *, first: bool, last: bool, namespace: str = ""
    ) -> None:
        """A page of all there is of a kind, in a namespace or everywhere; after the last, what was in none
        of them is gone."""
        if kind == EVENT:
            self._take_events(items)
            return
        if kind == METRICS:
            self._take_metrics(items, first=first, last=last)
            return
        here = [item for item in items if self._is_ours(kind, item)]
        if first:
            self._listed[kind, namespace] = set()
        listed = self._listed.setdefault((kind, namespace), set())
        listed |= {_place(item) for item in here}
        self._put(self._fresh(kind, here))
        if last:
            self._drop_missing(kind, namespace, self._listed.pop((kind, namespace)))

    def _take_metrics(self, items: Sequence[Json], *, first: bool, last: bool) -> None:
        """What pods use; it is of no use but as a whole."""
        self._samples = ({} if first else self._samples) | usage.samples_of(items)
        if last:
            usage.record(self.cluster, self._samples)
            self._samples = {}

    def take_all(self, listed: Mapping[Kind, Sequence[Json]]) -> Changed:
        """All there is of these kinds, at once."""
        for kind, items in listed.items():
            self.take_page(kind, items, first=True, last=True)
        return self.settle()

    def _drop_missing(self, kind: Kind, namespace: str, listed: set[Place]) -> None:
        known = self._rows(kind) if not namespace else self._rows(kind).filter(namespace=namespace)
        gone = [
            pk for pk, *place in known.values_list("pk", "namespace", "name") if tuple(place) not in listed
        ]
        self._drop(gone)

    def _rows(self, kind: Kind) -> Any:
        return KubeObject.objects.filter(cluster=self.cluster, api_version=kind.api_version, kind=kind.kind)

    def _is_ours(self, kind: Kind, item: Json) -> bool:
        return kind.is_wide or item["metadata"].get("namespace") in self.map.environments

    def _fresh(self, kind: Kind, items: Sequence[Json]) -> list[Json]:
        """Those that the picture does not have as they are, or not as the right entity's."""
        names = [item["metadata"]["name"] for item in items]
        rows = self._rows(kind).filter(name__in=names).annotate(version=KT("data__metadata__resourceVersion"))
        fields = ("namespace", "name", "version", "health", "entity_ref", "owner_uid")
        before = {(row[0], row[1]): row[2:] for row in rows.values_list(*fields)}
        owners = owners_refs(row[3] for row in before.values())
        return [item for item in items if not self._same(kind, item, before.get(_place(item)), owners)]

    def _same(self, kind: Kind, item: Json, row: Any, owners: Mapping[str, str]) -> bool:
        """Whether the row already says what the item says, and whose it is."""
        if row is None:
            return False
        version, health, ref, owner = row
        metadata = item["metadata"]
        if version != metadata.get("resourceVersion"):
            return False
        if health == Health.UNKNOWN and kind.kind in diagnosing.JUDGED:
            return False
        return kind.is_wide or bool(ref == self.map.entity_ref(metadata, owners.get(owner, "")))

    def take_events(self, kind: Kind, events: Iterable[WatchEvent]) -> None:
        """What a watch told of a kind, in its order: of each object only the last counts."""
        latest = {_place(event.object): event for event in events}
        if kind == EVENT:
            self._take_events([each.object for each in latest.values() if each.type != "DELETED"])
            return
        ours = [each for each in latest.values() if self._is_ours(kind, each.object)]
        self._put([each.object for each in ours if each.type != "DELETED"])
        gone = {_place(each.object) for each in ours if each.type == "DELETED"}
        if gone:
            rows = self._rows(kind).filter(name__in=[name for _, name in gone])
            found = rows.values_list("pk", "namespace", "name")
            self._drop([pk for pk, *place in found if tuple(place) in gone])

    def _drop(self, gone: Sequence[int]) -> None:
        """Gone from the picture; what they belonged to has changed."""
        if not gone:
            return
        rows = KubeObject.objects.filter(pk__in=gone)
        for row in rows.defer("data").select_related("environment"):
            self._changed |= _changed([row])
            self._dirty |= {row.owner_uid} - {""}
        rows.delete()

    def _put(self, items: Sequence[Json]) -> None:
        if not items:
            return
        owners = owners_refs(self._owner(item) for item in items)
        read = [row for row in (self._row(item, owners) for item in items) if row is not None]
        rows = list({(row.namespace, row.name): row for row in read}.values())
        if not rows:
            return
        KubeObject.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=IDENTITY, update_fields=WRITTEN
        )
        self._claim(rows)
        self._dirty |= {row.uid for row in rows if row.uid}

    def _claim(self, rows: Sequence[KubeObject]) -> None:
        """What came before its owner gets the entity now: events, and children that do not name one."""
        while known := {row.uid: row.entity_ref for row in rows if row.uid and row.entity_ref}:
            events = KubeEvent.objects.filter(cluster=self.cluster, entity_ref="", involved_uid__in=known)
            orphans = list(events.only("pk", "involved_uid"))
            for event in orphans:
                event.entity_ref = known[event.involved_uid]
            if orphans:
                KubeEvent.objects.bulk_update(orphans, ["entity_ref"])
            rows = self._adopt({row.uid: row.entity_ref for row in rows if row.kind in OWNERS})

    def _adopt(self, owners: dict[str, str]) -> list[KubeObject]:
        wanted = [uid for uid, ref in owners.items() if ref]
        if not wanted:
            return []
        children = KubeObject.objects.filter(owner_uid__in=wanted).exclude(
            data__metadata__annotations__has_key=ENTITY
        )
        found = children.only("pk", "uid", "kind", "owner_uid", "entity_ref")
        strays = [child for child in found if child.entity_ref != owners[child.owner_uid]]
        for stray in strays:
            stray.entity_ref = owners[stray.owner_uid]
        if strays:
            KubeObject.objects.bulk_update(strays, ["entity_ref"])
        return strays

    def _owner(self, item: Json) -> str:
        try:
            return owner_uid(item["metadata"])
        except MALFORMED:
            return ""

    def _row(self, item: Json, owners: dict[str, str]) -> KubeObject | None:
        """The row of an object; None, and a note, for what cannot be read."""
        try:
            return self._read(item, owners)
        except MALFORMED as error:
            self._note(item, error)
            return None

    def _note(self, item: Json, error: Exception) -> None:
        kind, name = str(item.get("kind")), str(item["metadata"].get("name"))
        self.malformed.setdefault(kind, []).append(
            _text(f"{kind}/{name}: {type(error).__name__}: {error}", 300)
        )

    def _read(self, item: Json, owners: dict[str, str]) -> KubeObject:
        for part in ("spec", "status"):
            if not isinstance(item.get(part) or {}, dict):
                raise TypeError(f"{part} is {type(item[part]).__name__}")
        metadata = item["metadata"]
        if len(metadata["name"]) > NAME_LIMIT or "\0" in metadata["name"]:
            raise ValueError("this is not a name")
        owner, place = owner_uid(metadata), metadata.get("namespace", "")
        return KubeObject(
            cluster=self.cluster,
            environment=self.map.environments[place] if place else None,
            api_version=item["apiVersion"],
            kind=item["kind"],
            namespace=place,
            name=metadata["name"],
            uid=str(metadata.get("uid") or "")[:64],
            owner_uid=owner,
            entity_ref=self.map.entity_ref(metadata, owners.get(owner, "")) if place else "",
            data=redaction.pruned(item),
            born_at=picture.time(metadata.get("creationTimestamp")),
            changed_at=picture.changed_at(item),
            seen_at=timezone.now(),
        )

    # health

    def settle(self) -> Changed:
        """Health of all that was told of since, and of what made it, up to the top. Returns what changed."""
        dirty, self._dirty = self._dirty, set()
        changed, self._changed = self._changed, set()
        wanted = sorted(dirty)
        for start in range(0, len(wanted), JUDGED_AT_ONCE):
            changed |= self._judge(wanted[start : start + JUDGED_AT_ONCE])
        return changed

    def _judge(self, uids: Sequence[str]) -> Changed:
        rows = self._upwards(set(uids))
        below = self._below([row.uid for row in rows if row.kind in OWNERS])
        moved = [row for row in rows if self._assess(row, below.get(row.uid, []))]
        if moved:
            KubeObject.objects.bulk_update(moved, ["health", "health_message"])
        return _changed(rows)

    def _assess(self, row: KubeObject, related: Sequence[KubeObject]) -> bool:
        """Whether the row's health is another than it was."""
        before = (row.health, row.health_message)
        try:
            health, message = diagnosing.assess(row.data, [child.data for child in related])
        except MALFORMED as error:
            self._note(row.data, error)
            return False
        row.health, row.health_message = health, message[:MESSAGE]
        return before != (row.health, row.health_message)

    def _upwards(self, uids: set[str]) -> list[KubeObject]:
        """The rows of `uids` and of all their owners, each once, the lowest first."""
        found: list[KubeObject] = []
        seen: set[str] = set()
        while uids - seen:
            rows = list(KubeObject.objects.filter(uid__in=uids - seen).select_related("environment"))
            seen |= uids
            found = [*found, *rows]
            uids = {row.owner_uid for row in rows if row.owner_uid}
        return found

    def _below(self, uids: Sequence[str]) -> dict[str, list[KubeObject]]:
        """Children and grandchildren of each."""
        children = list(KubeObject.objects.filter(owner_uid__in=uids)) if uids else []
        between = {child.uid: child.owner_uid for child in children if child.kind in ("ReplicaSet", "Job")}
        found: dict[str, list[KubeObject]] = defaultdict(list)
        for child in children:
            found[child.owner_uid].append(child)
        for grandchild in KubeObject.objects.filter(owner_uid__in=between) if between else []:
            found[between[grandchild.owner_uid]].append(grandchild)
        return found

    # events

    def _take_events(self, items: Sequence[Json]) -> None:
        owners = owners_refs(self._involved(item) for item in items)
        read = [row for row in (self._event_row(item, owners) for item in items) if row is not None]
        rows = list({row.uid: row for row in read}.values())
        if rows:
            written = ["entity_ref", "reason", "message", "count", "first_at", "last_at", "is_warning"]
            KubeEvent.objects.bulk_create(
                rows, update_conflicts=True, unique_fields=["cluster", "uid"], update_fields=written
            )

    def _involved(self, item: Json) -> str:
        about = item.get("involvedObject")
        return str(about.get("uid") or "") if isinstance(about, dict) else ""

    def _event_row(self, item: Json, owners: dict[str, str]) -> KubeEvent | None:
        try:
            return self._read_event(item, owners)
        except MALFORMED as error:
            self._note(item, error)
            return None

    def _read_event(self, item: Json, owners: dict[str, str]) -> KubeEvent | None:
        about = item.get("involvedObject") or {}
        place = self.map.environments.get(about.get("namespace") or item["metadata"].get("namespace"))
        if place is None:
            return None
        uid = self._involved(item)[:64]
        first, last = _times(item)
        return KubeEvent(
            cluster=self.cluster,
            environment=place,
            uid=_text(item["metadata"].get("uid") or item["metadata"]["name"], 64),
            entity_ref=owners.get(uid, ""),
            involved_kind=_text(about.get("kind"), 63),
            involved_name=_text(about.get("name"), NAME_LIMIT),
            involved_uid=uid,
            reason=_text(item.get("reason"), 128),
            message=redaction.redact_text(str(item.get("message") or ""))[:MESSAGE],
            is_warning=item.get("type") == "Warning",
            count=_count(item),
            first_at=first,
            last_at=last,
        )


JUDGED_AT_ONCE = 200


def _place(item: Mapping[str, Any]) -> Place:
    return str(item["metadata"].get("namespace") or ""), str(item["metadata"]["name"])


def _changed(rows: Iterable[KubeObject]) -> Changed:
    """What people know by a name of their own, and where."""
    return {
        (row.entity_ref, row.environment)
        for row in rows
        if row.entity_ref and not row.owner_uid and row.environment
    }


def _text(value: Any, limit: int) -> str:
    return str(value or "").replace("\0", "")[:limit]


def _count(item: Json) -> int:
    said = item.get("count") or (item.get("series") or {}).get("count") or 1
    return min(max(1, int(said)), 2**31 - 1)


def _times(item: Json) -> tuple[datetime, datetime]:
    """First and last, whichever fields this version of the API fills."""
    series = (item.get("series") or {}).get("lastObservedTime")
    given = [
        item.get("lastTimestamp"),
        series,
        item.get("eventTime"),
        item["metadata"].get("creationTimestamp"),
    ]
    last = next((time for time in map(picture.time, given) if time), timezone.now())
    return picture.time(item.get("firstTimestamp")) or last, last
