"""Forms whose refusals name the field, the rule and the nearest value that would do.

Django's own sentences are replaced here, in one place; what a field or a form says itself is kept.
"""

import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from django import forms
from django.core import validators
from django.core.exceptions import ValidationError
from django.utils.text import slugify

from portal.shell.judging import nearest

if TYPE_CHECKING:
    _Base = forms.BaseForm
else:
    _Base = object

NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
LISTED = 8
COMPARED = 500


class Plain(_Base):
    """Before a form's class: Django's refusals in plain words."""

    def add_error(self, field: str | None, error: Any) -> None:
        if field in self.fields and isinstance(error, ValidationError) and hasattr(error, "error_list"):
            error = [self._plainly(str(field), one) for one in error.error_list]
        super().add_error(field, error)

    def _plainly(self, name: str, error: ValidationError) -> ValidationError:
        words = WORDS.get(error.code or "")
        if words is None or str(error.message) not in of_django():
            return error
        told = words(self[name], {"value": self[name].value(), **(error.params or {})})
        return ValidationError(told, code=error.code) if told else error


class Form(Plain, forms.Form):
    """What every form of the portal is."""


class NameField(forms.CharField):
    """A name as Kubernetes and addresses take them: lower-case letters, digits and dashes."""

    def validate(self, value: str) -> None:
        super().validate(value)
        if value and not NAME.fullmatch(value):
            near = slugify(value.replace("_", "-").replace(".", "-")).strip("-")[: self.max_length]
            such = f", such as {near}" if near else ""
            raise ValidationError(f"Lower-case letters, digits and dashes{such}.", code="name")


def _required(field: forms.BoundField, said: dict[str, Any]) -> str:
    return f"{field.label} is needed."


def _no_choice(field: forms.BoundField, said: dict[str, Any]) -> str:
    value, known = said["value"], _known(field.field)
    near = nearest(value, known)
    few = f" There is {', '.join(known)}." if 0 < len(known) <= LISTED else ""
    return f"There is no “{str(value)[:100]}” here.{f' Did you mean {near}?' if near else few}"


def _known(field: Any) -> list[str]:
    """What can be chosen, as it is sent: the values of choices, the keys of rows."""
    if isinstance(field, forms.ModelChoiceField):
        rows: Iterable[Any] = field.queryset.order_by("pk")[:COMPARED] if field.queryset is not None else ()
        return [str(field.prepare_value(row)) for row in rows] if field.to_field_name else []
    return [str(value) for value, _ in getattr(field, "choices", ()) if value]


def _invalid(field: forms.BoundField, said: dict[str, Any]) -> str:
    for kind, rule in RULES:
        if isinstance(field.field, kind):
            return rule
    return ""


def _longest(field: forms.BoundField, said: dict[str, Any]) -> str:
    return f"At most {said['limit_value']} characters; these are {said['show_value']}."


RULES: tuple[tuple[type[forms.Field], str], ...] = (
    (forms.DateTimeField, "A day and a time, such as 2026-11-20 14:30."),
    (forms.DateField, "A day such as 2026-11-20: year, month, day."),
    (forms.TimeField, "A time such as 14:30."),
    (forms.IntegerField, "A whole number."),
    (forms.SlugField, "Letters, digits, dashes and underscores."),
    (forms.EmailField, "An address such as sam@example.org."),
)
WORDS: dict[str, Callable[[forms.BoundField, dict[str, Any]], str]] = {
    "required": _required,
    "invalid": _invalid,
    "invalid_choice": _no_choice,
    "max_length": _longest,
    "min_value": lambda field, said: f"At least {said['limit_value']}.",
    "max_value": lambda field, said: f"At most {said['limit_value']}.",
    "null_characters_not_allowed": lambda field, said: "This holds a NUL character; please take it out.",
}


@cache
def of_django() -> frozenset[str]:
    """Every sentence that Django's fields and validators say by themselves."""
    fields = [kind for kind in vars(forms.fields).values() if _is_a(kind, forms.Field)]
    fields += [forms.ModelChoiceField, forms.ModelMultipleChoiceField]
    said = [text for kind in fields for text in kind.default_error_messages.values()]
    said += [kind.message for kind in vars(validators).values() if hasattr(kind, "message")]
    return frozenset(str(text) for text in said)


def _is_a(kind: Any, of: type) -> bool:
    return isinstance(kind, type) and issubclass(kind, of)
