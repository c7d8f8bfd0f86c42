"""Which files of a source are broken, and since when. Called inside an action's transaction."""

from typing import Any

from django.utils import timezone

from services.catalog.models import Broken, Source
from services.catalog.sources.models import MANY_FILES

WRONG = ("refused", "unparsable")
TOLD = ["document", "line", "field", "rule", "message", "suggestion"]


def note(source: Source, documents: list[dict[str, Any]]) -> None:
    """Remember the broken files of the newest look; one that was broken before stays so since then.

    A source that is not looked at whole forgets only what was in this look.
    """
    wrong: dict[str, dict[str, Any]] = {}
    for row in documents:
        if row["verdict"] in WRONG and len(wrong) < MANY_FILES:
            wrong.setdefault(row["file"][:1000], row)
    past = Broken.objects.filter(source=source)
    if not source.is_whole:
        past = past.filter(file__in={row["file"][:1000] for row in documents})
    past.exclude(file__in=wrong).delete()
    now = timezone.now()
    rows = [Broken(source=source, file=file, since=now, **_told(row)) for file, row in wrong.items()]
    Broken.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["source", "file"], update_fields=TOLD, batch_size=200
    )


def _told(row: dict[str, Any]) -> dict[str, Any]:
    error = row["errors"][0] if row["errors"] else {"message": row["verdict"]}
    said = {name: str(error.get(name, "")) for name in ("field", "message", "suggestion")}
    rule, line = str(error.get("rule", ""))[:63], error.get("line") or row["line"]
    return {**said, "rule": rule, "document": row["document"], "line": line}
