"""What the pages post. Answers are read by the blueprint engine; the evaluation judges them, not a form."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.dateparse import parse_datetime

from portal.shell import pasted
from portal.shell.forms import Form
from services.onboarding.blueprints import Blueprint
from services.onboarding.blueprints.answers import coerce, storable
from services.onboarding.blueprints.model import Field
from services.onboarding.blueprints.newer import TAKE
from services.onboarding.blueprints.parts import PLAN, WIRE, fields_of, parts_of, with_part, without_part
from services.onboarding.blueprints.wiring import wire_field
from services.onboarding.errors import TooLong

LONGEST = 20_000
MOST_VALUES = 300
# Beside a field stands what the page filled in itself: posted unchanged, its default may still follow others.
FILLED_IN = "was."
# What is being typed to find one more entity: counts once it is a whole reference.
PICKED = "pick."


def read_answers(
    blueprint: Blueprint, data: QueryDict, known: Mapping[str, Blueprint] | None = None
) -> dict[str, Any]:
    """Answers the person gave, and what the pressed button does: a fix fills in, a cross takes a row away.

    `known` are the blueprints that may come along as further parts.
    """
    known = known or {}
    parts = parts_of(blueprint, {PLAN: data.getlist("_part")}, known)
    removed = data.get("_remove", "")
    posted = {
        key: [value.replace("\r\n", "\n")[:LONGEST] for value in values]
        for key, values in data.lists()
        if not (removed and key.startswith(removed + "."))
    }
    dropped, _, value = data.get("_drop", "").partition(" ")
    posted[dropped] = [each for each in posted.get(dropped, []) if each != value]
    unfinished = [key for key, values in posted.items() if key.startswith(PICKED) and ":" not in values[-1]]
    for key in unfinished:
        del posted[key]
    fields = {**fields_of(parts), **{name: wire_field(name) for name in wires_in(data)}}
    answers = {
        field.name: value for field in fields.values() if (value := _answer(field, posted)) is not None
    }
    answers |= {name: value for name, value in _changes(data).items() if name in fields}
    if parts[1:]:
        answers[PLAN] = [f"{part.key}:{part.blueprint.name}" for part in parts[1:]]
    if taken := data.getlist("_take")[:MOST_VALUES]:
        answers[TAKE] = taken
    return _with_pressed(answers, data, known)


def wires_in(data: QueryDict) -> set[str]:
    """The answers about connections that were posted, or that the page had."""
    names = {key.removeprefix(FILLED_IN) for key in data}
    return {name for name in names if WIRE.fullmatch(name)}


def _with_pressed(answers: dict[str, Any], data: QueryDict, known: Mapping[str, Blueprint]) -> dict[str, Any]:
    """A part more or less, if such a button was pressed."""
    if (added := data.get("_add_part", "")) in known:
        answers = with_part(answers, known[added])
    dropped = data.get("_drop_part", "")
    return without_part(answers, dropped) if dropped else answers


def _answer(field: Field, posted: Mapping[str, Sequence[str]]) -> Any:
    """None for what was not asked, left empty, or still is what the page filled in."""
    value, before = _value(field, posted), posted.get(FILLED_IN + field.name)
    if value is None:
        return None
    value = coerce(field, value)
    return None if before and as_text(value) == before[-1] else value


def as_text(value: Any) -> str:
    """One text for one value, to compare what was filled in with what came back."""
    if isinstance(value, list):
        return "\n".join(as_text(item) for item in value)
    if isinstance(value, dict):
        return "\t".join(f"{key}={as_text(item)}" for key, item in value.items())
    if value is None or value is False:
        return ""
    return "on" if value is True else str(value)


def _value(field: Field, posted: Mapping[str, Sequence[str]]) -> Any:
    if field.columns:
        return _rows(field, posted)
    values = posted.get(field.name)
    if field.type == "array":
        picked = posted.get(PICKED + field.name, [])
        return (
            list(dict.fromkeys(value for value in [*(values or ()), *picked] if value))[:MOST_VALUES] or None
        )
    if field.type == "boolean":
        return values[-1] if values else ("" if FILLED_IN + field.name in posted else None)
    return values[-1] if values else None


def _rows(field: Field, posted: Mapping[str, Sequence[str]]) -> list[dict[str, str]] | None:
    """`config.0.name=…` as a list of rows; empty rows are left out."""
    rows: dict[int, dict[str, str]] = {}
    pattern = re.compile(rf"{re.escape(field.name)}\.(\d{{1,4}})\.(\w+)")
    columns = {column.name for column in field.columns}
    for key, values in posted.items():
        match = pattern.fullmatch(key)
        if match and match[2] in columns and values:
            rows.setdefault(int(match[1]), {})[match[2]] = values[-1]
    kept = [rows[number] for number in sorted(rows) if any(text.strip() for text in rows[number].values())]
    return kept[:MOST_VALUES] or None


def _changes(data: QueryDict) -> dict[str, Any]:
    text = data.get("_fix") or "{}"
    try:
        changes = json.loads(text) if len(text) <= LONGEST else {}
    except (ValueError, RecursionError):  # not from our page
        return {}
    return storable(changes) if isinstance(changes, dict) else {}


def words(data: QueryDict, name: str, *, longest: int = LONGEST) -> str:
    """What somebody says in their own words, without what looks like a secret: it goes to the git host.

    Refuses (TooLong) more than `longest` characters.
    """
    text = data.get(name, "").strip()
    if len(text) > longest:
        raise TooLong(
            f"The {name} has {len(text):,} characters; {longest:,} are the most. Nothing was changed."
        )
    return pasted.words(text)


def token_of(data: QueryDict) -> str:
    """The form's token: one request per token, however often it is sent."""
    token = data.get("_token", "")
    return token if re.fullmatch(r"[0-9a-f]{32}", token) else ""


def opened_at(data: QueryDict) -> datetime | None:
    try:
        at = parse_datetime(data.get("_opened_at", ""))
    except ValueError:  # looks like a date and is none
        return None
    return at if at is not None and at.tzinfo is not None else None


def generation_of(data: QueryDict) -> int | None:
    text = data.get("_generation", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


def seen_fields(data: QueryDict) -> set[str]:
    """Fields the person has left already: their mistakes may be shown."""
    return {name for name in data.get("_seen", "").split(",")[:200] if name}


class RetireForm(Form):
    """Why a service goes, and its name, typed once more by whoever means it."""

    reason = forms.CharField(
        label="Why",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Those who have to approve it read this, and whoever misses it later.",
    )
    name = forms.CharField(
        label="Name",
        max_length=200,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, wanted: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wanted = wanted
        self.fields["name"].help_text = f"Type {wanted}, so that nothing goes by mistake."

    def clean_reason(self) -> str:
        return pasted.masked(self.cleaned_data["reason"])

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if name != self.wanted:
            raise forms.ValidationError(f"That is not its name: {self.wanted}.")
        return name


class ExemptionForm(Form):
    """Why a guardrail should be silent, and until when."""

    reason = forms.CharField(
        label="Why does it have to be so?",
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 4}),
        error_messages={"required": "Say why: whoever decides reads only that."},
    )
    until = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        error_messages={"required": "An exception has an end.", "invalid": "Write it like 2026-12-31."},
    )

    def clean_reason(self) -> str:
        return pasted.masked(str(self.cleaned_data["reason"]))


class DecisionForm(Form):
    """The word of whoever decides; an earlier day where they grant less than was asked for."""

    remark = forms.CharField(max_length=2000, required=False)
    until = forms.DateField(required=False)
