"""Widgets of plain Django forms dressed as the rest of the portal."""

from typing import Any, TypeVar

from django import forms

F = TypeVar("F", bound=forms.BaseForm)
CLASSES: list[tuple[Any, str]] = [
    (forms.CheckboxInput, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
]


def styled(form: F) -> F:
    for field in form.fields.values():
        wanted = next(name for kind, name in CLASSES if isinstance(field.widget, kind))
        field.widget.attrs.setdefault("class", wanted)
        if isinstance(field, forms.DateField):
            field.widget.input_type = "date"
            field.widget.format = "%Y-%m-%d"  # the one browsers read
    return form
