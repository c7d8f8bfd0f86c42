"""Sources, what looking at them found, and doing what that says: for programs."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from portal.shell.api import ApiError, refusing
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    Schema,
    choice,
    flag,
    mapped,
    maybe,
    moment,
    named,
    number,
    page_of,
    text,
    thing,
    turning,
)
from services.catalog import actions, queries, rules
from services.catalog.actions import looking
from services.catalog.compatible import adding
from services.catalog.importing import planning
from services.catalog.models import ImportRun, Source
from services.catalog.refusals import Refused
from services.catalog.views.imports import run_for
from services.catalog.views.sources import SHOWN, VERDICTS, source_for

OPEN: Final[Schema] = {"type": "object"}
SOURCE: Final = named(
    "Source",
    thing(
        id=number(), kind=choice(Source.Kind.values), title=text(),
        name=text("What programs that put call it"),
        location=text(), branch=text(), path=text(),
        auto_apply=flag("Whether what is found is applied at once"),
        state=choice(["read", "paused", "removed"]), being_read=flag(), trouble=text("Why it cannot be read"),
        next_at=maybe(moment()), tells=text("Who is told of broken files"), entities=number(),
        orphans=number(),
        stale=number(), broken=number("Files that cannot be read"), url=text(),
    ),
)  # fmt: skip
RUN: Final = named(
    "Run",
    thing(
        id=number(), source=number(), state=choice(ImportRun.State.values),
        trigger=choice(["", *ImportRun.Trigger.values]), revision=text(), problem=text(),
        counts=mapped(number()),
        created_by=text(), created_at=moment(), applied_at=maybe(moment()), undone_at=maybe(moment()),
        url=text(),
    ),
)  # fmt: skip


@operation(
    "GET", "catalog/sources", scope="catalog:read", answer=page_of(SOURCE),
    query={"show": choice(key for key in SHOWN if key), **turning()},
)  # fmt: skip
def source_list(asked: Asked) -> dict[str, Any]:
    """The sources, the newest first; removed ones only with show=removed."""
    rows = queries.sources_shown(asked.query.get("show", "")).order_by("-pk")
    return asked.page(rows, lambda sources: map(_source, sources))


@operation(
    "POST", "catalog/sources", scope="catalog:write", answer=SOURCE, status=201, limit="import",
    body=thing(
        "location", location=text("owner/name on the git host", maxLength=300), branch=text(maxLength=200),
        path=text("Only what is below this folder", maxLength=500),
    ),
    example={"body": {"location": "shop/deploy"}},
)  # fmt: skip
def source_add(asked: Asked) -> dict[str, Any]:
    """Take in a repository, and have it looked at.

    What would come in is its first run, a plan to be applied. One that is known already is looked at again.
    """
    branch = asked.body.get("branch", "")
    target = "/".join(
        filter(None, [asked.body["location"].strip("/"), asked.body.get("path", "").strip("/")])
    )
    found = adding.source_at(Source.Kind.GIT, target + (f"?ref={branch}" if branch else ""), asked.user)
    return _source(source_for(adding.add(found, again=True, by=asked.user).pk))


@operation("GET", "catalog/sources/<int:source>", scope="catalog:read", answer=SOURCE, example={"source": 1})
def source_detail(asked: Asked, source: int) -> dict[str, Any]:
    """One source: whether it can be read, what it has, who is told."""
    return _source(source_for(source))


def _source(source: Any) -> dict[str, Any]:
    columns = (
        "kind",
        "title",
        "name",
        "location",
        "branch",
        "path",
        "auto_apply",
        "being_read",
        "trouble",
        "next_at",
    )
    return {
        "id": source.pk,
        **{column: getattr(source, column) for column in columns},
        "state": "removed" if source.removed_at else "paused" if source.paused_at else "read",
        "tells": str(source.tells or ""),
        "entities": source.entity_count,
        "orphans": source.orphan_count,
        "stale": source.stale_count,
        "broken": source.broken_count,
        "url": source.get_absolute_url(),
    }


@operation(
    "POST", "catalog/sources/<int:source>/look", scope="catalog:write", answer=SOURCE, status=202,
    limit="import",
    example={"source": 1},
)  # fmt: skip
def source_look(asked: Asked, source: int) -> dict[str, Any]:
    """Have a source looked at anew, by a worker.

    What that finds is a run of it: a plan, or applied already where the source applies by itself. Asked for
    twice, it is looked at once.
    """
    found = source_for(source)
    if not rules.can_look(asked.user, found):
        raise ApiError("Only the platform team has this source read; what programs put is never read.", 403)
    with refusing(Refused):
        looking.read_now(source=found, by=asked.user, anew=True)
    return _source(source_for(source))


@operation(
    "GET", "catalog/sources/<int:source>/runs", scope="catalog:read", query=turning(), answer=page_of(RUN),
    example={"source": 1},
)  # fmt: skip
def run_list(asked: Asked, source: int) -> dict[str, Any]:
    """What looking at a source came to, the latest first."""
    rows = source_for(source).runs.select_related("created_by").order_by("-pk")
    return asked.page(rows.defer("payload", "undo", "documents", "changes"), lambda runs: map(_run, runs))


@operation("GET", "catalog/runs/<int:run>", scope="catalog:read", answer=RUN, example={"run": 1})
def run_detail(asked: Asked, run: int) -> dict[str, Any]:
    """One look at a source: a plan, or what was applied."""
    return _run(run_for(run))


def _run(run: ImportRun) -> dict[str, Any]:
    columns = ("state", "trigger", "revision", "problem", "counts", "created_at", "applied_at", "undone_at")
    return {
        "id": run.pk,
        "source": run.source_id,
        **{column: getattr(run, column) for column in columns},
        "created_by": str(run.created_by or ""),
        "url": run.get_absolute_url(),
    }


@operation(
    "GET", "catalog/runs/<int:run>/documents", scope="catalog:read", answer=page_of(OPEN), example={"run": 1},
    query={"verdict": choice(VERDICTS), **turning(1000)},
)  # fmt: skip
def document_list(asked: Asked, run: int) -> dict[str, Any]:
    """The report: each document with its errors and warnings, by field, rule and suggestion."""
    verdict = asked.query.get("verdict")
    return _part(asked, run_for(run).documents, lambda row: verdict in (None, row["verdict"]))


@operation(
    "GET", "catalog/runs/<int:run>/changes", scope="catalog:read", answer=page_of(OPEN), example={"run": 1},
    query={"action": choice(planning.LABELS), **turning(1000)},
)  # fmt: skip
def change_list(asked: Asked, run: int) -> dict[str, Any]:
    """What a plan would change, or what was changed."""
    action = asked.query.get("action")
    return _part(asked, run_for(run).changes, lambda row: action in (None, row["action"]))


def _part(asked: Asked, rows: list[Any], wanted: Callable[[Any], bool]) -> dict[str, Any]:
    keys = [place for place, row in enumerate(rows) if wanted(row)]
    return asked.among(keys, lambda some: [rows[key] for key in some], _as_they_are)


def _as_they_are(rows: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    return rows


@operation(
    "POST",
    "catalog/runs/<int:run>/apply",
    scope="catalog:write",
    answer=RUN,
    limit="import",
    example={"run": 1},
)
def run_apply(asked: Asked, run: int) -> dict[str, Any]:
    """Do what a plan says. A plan that is applied stays as it is.

    For who looked, and who run the platform. Refused where the source moved since, or a newer one
    was applied.
    """
    found = _run_of(asked, run)
    if found.state != ImportRun.State.APPLIED:
        with refusing(Refused):
            found = actions.apply_import(run=found, by=asked.user)
    return _run(found)


@operation(
    "POST",
    "catalog/runs/<int:run>/undo",
    scope="catalog:write",
    answer=RUN,
    limit="import",
    example={"run": 1},
)
def run_undo(asked: Asked, run: int) -> dict[str, Any]:
    """Put back what stood in the catalog before a run. One that is undone stays so.

    For who looked, and who run the platform. Only the last applied run of a source can be undone.
    """
    found = _run_of(asked, run)
    if found.state != ImportRun.State.UNDONE:
        with refusing(Refused):
            found = actions.undo_import(run=found, by=asked.user)
    return _run(found)


def _run_of(asked: Asked, run: int) -> ImportRun:
    found = run_for(run)
    if not rules.can_apply(asked.user, found):
        raise ApiError(
            f"{found.created_by or 'Somebody else'} looked; they or the platform team decide.", 403
        )
    return found
