"""Descriptors that programs put: all of a source at once, or one file of it; all of it or nothing."""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from services.audit.actions import record
from services.catalog import actions, rules
from services.catalog.descriptors.examine import is_candidate
from services.catalog.importing import planning
from services.catalog.models import Holding, ImportRun, Source
from services.catalog.refusals import Refused
from services.catalog.sources.breakage import WRONG
from services.catalog.sources.fetching import MAX_FILES, MAX_TOTAL, Fetched

Person = Any
Files = dict[str, bytes]
WHOLE = "descriptors.yaml"
LONGEST = 300


class Unwanted(Refused):
    """Nothing of it is written; `run` is the report that says why, where there is one."""

    def __init__(self, status: int, message: str, run: ImportRun | None = None) -> None:
        super().__init__(message)
        self.status, self.run = status, run


@dataclass(frozen=True)
class Put:
    """What became of it: a run, whether the source is new, and whether anything is."""

    run: ImportRun
    is_new: bool
    is_changed: bool


def holding_of(name: str) -> Holding | None:
    """What was put into the source called `name`; None when nothing was."""
    rows = Holding.objects.filter(source__name=name, source__removed_at=None, name="")
    return rows.filter(source__kind=Source.Kind.PUT).select_related("source").first()


def read(name: str, path: str) -> bytes:
    """One file as it was put. Raises Http404 for what is not there."""
    holding = holding_of(name)
    if holding is None or path not in holding.files:
        raise Http404("There is no such file.")
    return base64.b64decode(holding.files[path])


def documents_of(content: bytes) -> bytes:
    """A body as a file: a JSON array becomes a document for each of its members."""
    try:
        members = json.loads(content)
    except (ValueError, RecursionError):
        return content
    if not isinstance(members, list):
        return content
    return "\n---\n".join(json.dumps(member) for member in members).encode()


def whole(content: bytes) -> Callable[[Files], Files]:
    """Replaces all files of the source by one."""
    return lambda _: {WHOLE: documents_of(content)}


def one(path: str, content: bytes) -> Callable[[Files], Files]:
    """Replaces one file. Refuses a path that leads elsewhere, or that no reader would look at."""
    name = _path(path)
    return lambda files: {**files, name: documents_of(content)}


def without(path: str) -> Callable[[Files], Files]:
    """Takes one file away. Refuses one that is not there."""

    def change(files: Files) -> Files:
        if path not in files:
            raise Unwanted(404, f"There is no file {path[:LONGEST]} in this source.")
        return {name: content for name, content in files.items() if name != path}

    return change


def _path(path: str) -> str:
    clean = PurePosixPath(path)
    if len(path) > LONGEST or ".." in clean.parts or str(clean) != path or not is_candidate(path):
        raise Unwanted(400, "Name a file by its path in the source, ending in .yaml, .yml or .json.")
    return path


@transaction.atomic
def put(*, name: str, change: Callable[[Files], Files], by: Person, creates: bool = True) -> Put:
    """Change the files of the source called `name` and import them; the first time makes the source.

    Refuses (Unwanted, and nothing is written): a name that is none or is taken, somebody else's source, one
    that is paused, a document that does not fit, and an entity that comes from another source.
    """
    began = timezone.now()
    source, is_new = _source(name, by, creates)
    holding = Holding.objects.filter(source=source, name="").first() or Holding(source=source, name="")
    files = change({path: base64.b64decode(text) for path, text in holding.files.items()})
    if len(files) > MAX_FILES or sum(map(len, files.values())) > MAX_TOTAL:
        raise Unwanted(413, f"A source holds at most {MAX_TOTAL // 1024 // 1024} MB.")
    who = by if getattr(by, "pk", None) else None
    fetched = Fetched(files=files)
    run, is_changed = actions.take(source=source, fetched=fetched, trigger="put", by=who, began=began)
    if is_changed:
        _check(run)
        holding.files = {path: base64.b64encode(text).decode() for path, text in files.items()}
        holding.head, holding.read_at = fetched.digest, timezone.now()
        holding.save()
        told = {"counts": run.counts}
        record(by=by, action="catalog.put", obj=source, summary=f"Put into {source}", details=told)
    return Put(run, is_new, is_changed)


def _source(name: str, by: Person, creates: bool) -> tuple[Source, bool]:
    """The source, locked; made when there is none."""
    if name.isdigit():
        raise Unwanted(400, "A source is called by letters: give it a name that is no number.")
    named = Source.objects.select_for_update(of=("self",)).filter(name=name, removed_at=None)
    source, is_new = named.first(), False
    if source is None and not creates:
        raise Unwanted(404, f"There is no source {name}.")
    if source is None:
        owner = {"owner": rules.putter(by)}
        made = {"kind": Source.Kind.PUT, "title": name, "auto_apply": True, "options": owner}
        made["created_by"] = by if getattr(by, "pk", None) else None
        source, is_new = Source.objects.get_or_create(name=name, removed_at=None, defaults=made)
    if not rules.can_put(by, source):
        raise Unwanted(403, f"{name} belongs to somebody else. Its owners and the platform team change it.")
    if source.kind != Source.Kind.PUT or source.paused_at:
        why = "is paused" if source.paused_at else "is read where it is; nothing is put there"
        raise Unwanted(409, f"{name} {why}.")
    return source, is_new


def _check(run: ImportRun) -> None:
    wrong = [row for row in run.documents if row["verdict"] in WRONG]
    if wrong:
        raise Unwanted(422, f"{len(wrong)} of {len(run.documents)} documents do not fit.", run)
    if not run.payload and run.documents:
        raise Unwanted(422, "No descriptor is in there.", run)
    taken = [row["ref"] for row in run.changes if row["action"] == planning.TAKEN]
    if taken:
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise Unwanted(409, f"Another source has {', '.join(taken[:3])}{more}.", run)
