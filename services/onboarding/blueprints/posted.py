"""From a posted form to answers, and back to the text that stands in a field."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.onboarding.blueprints.answers import coerce
from services.onboarding.blueprints.model import Blueprint, Field

# A field posted with the very text it was prefilled with was not answered: its default may yet follow others.
PREFILLED_PREFIX = "was."


def answers_from(blueprint: Blueprint, posted: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Answers of a posted form: `name=…`, lists repeated, rows as `config.0.name=…`; untouched ones left out.

    A page puts `was.<field>` (with `as_text` of the prefilled value) beside each prefilled field.
    """
    answers = {}
    for field in blueprint.fields.values():
        value = _posted(field, posted)
        before = posted.get(PREFILLED_PREFIX + field.name)
        if value is None or (before and as_text(coerce(field, value)) == before[-1]):
            continue
        answers[field.name] = coerce(field, value)
    return answers


def as_text(value: Any) -> str:
    """One text for one value, to compare what was prefilled with what came back."""
    if isinstance(value, list):
        return "\n".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return "\t".join(f"{key}={as_text(item)}" for key, item in value.items())
    return "" if value is None or value is False else "on" if value is True else str(value)


def _posted(field: Field, posted: Mapping[str, Sequence[str]]) -> Any:
    if field.columns:
        return _rows(field, posted)
    values = posted.get(field.name)
    if field.type == "array":
        return [value for value in values or () if value] or None
    if field.type == "boolean":
        return values[-1] if values else ("" if PREFILLED_PREFIX + field.name in posted else None)
    return values[-1] if values else None


def _rows(field: Field, posted: Mapping[str, Sequence[str]]) -> list[dict[str, str]] | None:
    rows: dict[int, dict[str, str]] = {}
    pattern = re.compile(rf"{re.escape(field.name)}\.(\d{{1,4}})\.([a-z_]+)")
    columns = {column.name for column in field.columns}
    for key, values in posted.items():
        match = pattern.fullmatch(key)
        if match and match[2] in columns and values:
            rows.setdefault(int(match[1]), {})[match[2]] = values[-1]
    kept = [rows[number] for number in sorted(rows) if any(value.strip() for value in rows[number].values())]
    return kept or None
