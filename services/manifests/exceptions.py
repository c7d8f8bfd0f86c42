"""Exceptions from guardrails in a file, as the portal gives them out: for checks where there is no portal.

    apiVersion: slipway.dev/v1
    kind: Exceptions
    exceptions:
    - rule: one-replica-prod
      entity: component:default/licences
      environment: production
      object: Deployment/shop/licences
      until: "2026-12-21"
      reason: The licence allows one.
      granted_by: Priya Raman

One without `object` holds for every object that says (`slipway.dev/entity`) that it belongs to `entity`.
"""

import datetime
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from services.manifests.problems import Finding, Lease
from services.manifests.reader import Document, ManifestError, load_all

HEAD: Final = {"apiVersion": "slipway.dev/v1", "kind": "Exceptions"}
BELONGS: Final = "slipway.dev/entity"
WRITTEN: Final = ("rule", "environment", "object", "until", "reason", "asked_by", "granted_by", "ref")
NEEDED: Final = ("rule", "environment", "until", "reason", "granted_by")


class Unreadable(ValueError):
    """The file is not one of exceptions, or leaves out what makes one."""


@dataclass(frozen=True)
class Granted:
    lease: Lease
    entity: str = ""


def written(granted: Iterable[Granted]) -> dict[str, Any]:
    """The document of these, without what is empty."""
    rows = [{"entity": each.entity, **asdict(each.lease)} for each in granted]
    return {**HEAD, "exceptions": [{key: value for key, value in row.items() if value} for row in rows]}


def read(text: str | bytes, file: str = "") -> list[Granted]:
    """Raises Unreadable. Who granted one, why and until when must be said of each."""
    try:
        documents = load_all(text, file)
    except ManifestError as error:
        raise Unreadable(str(error)) from error
    data = documents[0].data if len(documents) == 1 else None
    if not isinstance(data, Mapping) or any(data.get(key) != value for key, value in HEAD.items()):
        raise Unreadable(f"{file or 'It'} is no {HEAD['kind']} of {HEAD['apiVersion']}")
    rows = data.get("exceptions")
    return [
        _row(row, f"{file}: exception {at}")
        for at, row in enumerate(rows if isinstance(rows, list) else [], 1)
    ]


def _row(row: Any, place: str) -> Granted:
    if not isinstance(row, Mapping):
        raise Unreadable(f"{place} is no mapping")
    if missing := [key for key in NEEDED if not row.get(key)]:
        raise Unreadable(f"{place} does not say {', '.join(missing)}")
    entity, object = str(row.get("entity") or ""), str(row.get("object") or "")
    if not entity and not object:
        raise Unreadable(f"{place} does not say whose it is: entity, object, or both")
    said = {key: str(row.get(key) or "") for key in WRITTEN}
    try:
        datetime.date.fromisoformat(said["until"])
    except ValueError as error:
        raise Unreadable(f"{place}: until is a day like 2026-12-21, not {said['until'][:40]!r}") from error
    return Granted(Lease(**said), entity.lower())


def applied(
    findings: Iterable[Finding], documents: Sequence[Document], granted: Sequence[Granted], environment: str,
    today: str,
) -> Iterator[Finding]:  # fmt: skip
    """The findings; what an exception covers is for information, what one covered says when that ended."""
    owners = {(each.file, each.index): _owner(each.data) for each in documents}
    for finding in findings:
        mine = [
            each.lease
            for each in granted
            if _concerns(each, finding, owners.get((finding.file, finding.document), ""))
        ]
        lease = next((each for each in mine if each.covers(finding, environment, today)), None)
        over = [each for each in mine if each.covers(finding, environment, each.until)]
        if finding.severity == "info" or not (lease or over):
            yield finding
        elif lease:
            yield replace(finding, severity="info", excepted=lease)
        else:
            last = max(each.until for each in over)
            yield replace(finding, message=f"{finding.message} (its exception ended on {last})")


def _owner(data: Any) -> str:
    about = data.get("metadata") if isinstance(data, Mapping) else None
    notes = about.get("annotations") if isinstance(about, Mapping) else None
    return str(notes.get(BELONGS) or "").lower() if isinstance(notes, Mapping) else ""


def _concerns(granted: Granted, finding: Finding, owner: str) -> bool:
    """Its object by name; without one, whatever belongs to its entity."""
    if granted.lease.object:
        return granted.lease.object == finding.object and granted.entity in ("", owner or granted.entity)
    return granted.entity == owner
