"""Widgets of plain Django forms dressed as the rest of the portal."""

from typing import Any, TypeVar

from django import forms
from django.core.validators import BaseValidator

F = TypeVar("F", bound=forms.BaseForm)
CLASSES: list[tuple[Any, str]] = [
    (forms.CheckboxInput, "form-check-input"),
    (forms.CheckboxSelectMultiple, "form-check-input"),
    (forms.Select, "form-select"),
    (forms.Widget, "form-control"),
]


# What Django says of a field in words of its own, in ours.
PLAIN = {
    "required": "This is needed.",
    "invalid": "This cannot be read.",
    "invalid_choice": "Choose one of the list.",
    "invalid_list": "Choose from the list.",
    "invalid_pk_value": "Choose one of the list.",
}
BOUNDS = {
    "max_length": "At most %(limit_value)d characters.",
    "min_value": "At least %(limit_value)s.",
    "max_value": "At most %(limit_value)s.",
}


def styled(form: F) -> F:
    for field in form.fields.values():
        for code, text in PLAIN.items():
            if not isinstance(field.error_messages.get(code), str):  # Django's own are translated late
                field.error_messages[code] = text
        for validator in field.validators:
            if isinstance(validator, BaseValidator):
                validator.message = BOUNDS.get(validator.code or "", "This cannot be read.")
        wanted = next(name for kind, name in CLASSES if isinstance(field.widget, kind))
        field.widget.attrs.setdefault("class", wanted)
        if isinstance(field, forms.DateField):
            field.widget.input_type = "date"
            field.widget.format = "%Y-%m-%d"  # the one browsers read
    return form
