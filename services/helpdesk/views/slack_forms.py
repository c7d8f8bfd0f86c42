"""Forms sent in from Slack: checked by the very forms of the pages, refused field by field."""

from collections.abc import Mapping
from typing import Any

from django import forms

from services.helpdesk.forms import AskForm, ReplyForm, ResolveForm
from services.helpdesk.slack import modals

Checked = tuple[dict[str, Any], dict[str, str]]
MORE = "Choose this again: it asks for more, which is not in the form yet."


def checked(view: Mapping[str, Any]) -> Checked:
    """What was sent in, as it is kept; and what is wrong, under the names of the questions."""
    given = modals.answers(view)
    form = _form(str(view.get("callback_id")), given)
    if form is None:
        return {}, {}
    if form.is_valid():
        return {name: _plain(value) for name, value in form.cleaned_data.items()}, {}
    state = view.get("state")
    values = state.get("values") if isinstance(state, dict) else None
    there = list(values) if isinstance(values, dict) else []
    wrong: dict[str, str] = {}
    for name, said in form.errors.items():
        place, text = (name, " ".join(map(str, said))) if name in there else (_place(there), MORE)
        wrong.setdefault(place, text)
    return {}, wrong


def _form(callback: str, given: Mapping[str, str]) -> forms.BaseForm | None:
    if callback == modals.ASK:
        return AskForm(given, asking=True)
    if callback == modals.RESOLVE:
        return ResolveForm(given)
    return ReplyForm(given) if callback == modals.REPLY else None


def _place(there: list[str]) -> str:
    """Where to say what is wrong with a question that is not asked."""
    return modals.CATEGORY if modals.CATEGORY in there or not there else there[0]


def _plain(value: Any) -> Any:
    """As JSON keeps it; a category by its name."""
    return (
        value if value is None or isinstance(value, str | bool | int) else str(getattr(value, "slug", value))
    )
