"""The few questions a category asks, as data: written one to a line, kept in the first message.

Which secret? | text | required
How big? | choice: small, large
"""

import re
from dataclasses import asdict, dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from services.accounts.models import Team
from services.catalog import queries as catalog
from services.helpdesk import live

MOST = 6
KINDS = ("text", "long", "number", "yes", "choice", "service", "environment", "team")


@dataclass(frozen=True)
class Ask:
    name: str
    label: str
    kind: str = "text"
    required: bool = False
    options: tuple[str, ...] = ()

    @property
    def line(self) -> str:
        kind = f"choice: {', '.join(self.options)}" if self.options else self.kind
        return " | ".join([self.label, kind, *(["required"] if self.required else [])])

    @property
    def stored(self) -> dict[str, Any]:
        return {**asdict(self), "options": list(self.options)}


def stored(rows: list[dict[str, Any]]) -> list[Ask]:
    return [Ask(**{**row, "options": tuple(row.get("options", ()))}) for row in rows]


def read(text: str) -> list[Ask]:
    """Lines as questions. Refuses (ValueError) what is no kind, a choice of nothing, and more than six."""
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) > MOST:
        raise ValueError(f"{MOST} questions are enough; people who are held up answer few.")
    return [_ask(line, number) for number, line in enumerate(lines, start=1)]


def _ask(line: str, number: int) -> Ask:
    label, *rest = (part.strip() for part in line.split("|"))
    kind, _, listed = (rest[0] if rest else "text").partition(":")
    kind = kind.strip().lower()
    options = tuple(option.strip() for option in listed.split(",") if option.strip())
    if not label or kind not in KINDS:
        raise ValueError(f"“{line.strip()}”: write “Question | kind”, with one of {', '.join(KINDS)}.")
    if (kind == "choice") != bool(options):
        raise ValueError(f"“{label}”: a choice names what to choose from, “choice: small, large”.")
    name = re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:30] or "ask"
    return Ask(
        f"ask_{number}_{name}", label[:120], kind, "required" in (word.lower() for word in rest[1:]), options
    )


def fields(asks: list[Ask]) -> dict[str, forms.Field]:
    return {ask.name: _field(ask) for ask in asks}


def _field(ask: Ask) -> forms.Field:
    about: dict[str, Any] = {
        "label": ask.label,
        "required": ask.required,
        "error_messages": {"required": f"“{ask.label}” is needed to answer you."},
    }
    if ask.kind in ("choice", "environment", "team"):
        return forms.ChoiceField(choices=[("", "Choose …"), *choices(ask)], **about)
    if ask.kind == "number":
        return forms.DecimalField(max_digits=20, **about)
    if ask.kind == "yes":
        return forms.BooleanField(label=ask.label, required=False)
    if ask.kind == "service":
        widget = forms.TextInput(attrs={"list": "entities", "autocomplete": "off"})
        return forms.CharField(max_length=400, validators=[_is_service], widget=widget, **about)
    widget_of = forms.Textarea(attrs={"rows": 3}) if ask.kind == "long" else forms.TextInput()
    return forms.CharField(max_length=4000 if ask.kind == "long" else 300, widget=widget_of, **about)


def choices(ask: Ask) -> list[tuple[str, str]]:
    if ask.kind == "environment":
        return live.environments()
    if ask.kind == "team":
        return list(Team.objects.values_list("slug", "name"))
    return [(option, option) for option in ask.options]


def _is_service(value: str) -> None:
    if catalog.find(value) is None:
        raise ValidationError(f"“{value}” is not in the catalog.")


def told(asks: list[Ask], given: dict[str, Any]) -> str:
    """What was answered, as Markdown under the message; what was left empty is left out."""
    lines = []
    for ask in asks:
        value = given.get(ask.name)
        shown = (
            ("yes" if value else "") if ask.kind == "yes" else str(value if value is not None else "").strip()
        )
        if shown:
            lines.append(f"**{ask.label}** {shown}" if "\n" not in shown else f"**{ask.label}**\n\n{shown}")
    return "\n\n".join(lines)
