"""Whether an answer fits its field; each refusal names the rule and offers the nearest value that passes."""

import difflib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from services.manifests import dates, networks
from services.manifests.expressions import ExpressionError, evaluate
from services.manifests.functions import slug
from services.onboarding.blueprints.model import Choice, Field, FieldError

_IMAGE = re.compile(
    r"[a-z0-9]([a-z0-9.-]{0,200}[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._-]{1,2}[a-z0-9]+)*){1,10}"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?"
)


def _is_image(value: str) -> bool:
    return len(value) < 512 and _IMAGE.fullmatch(value) is not None


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
# name: (test, what to say, how to mend)
FORMATS: dict[str, tuple[Callable[[str], bool], str, Callable[[str], str]]] = {
    "dns-label": (
        lambda value: re.fullmatch(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?", value) is not None,
        "use lower-case letters, digits and hyphens, starting with a letter",
        lambda value: slug(value).lstrip("0123456789-")[:63].rstrip("-"),
    ),
    "object-name": (
        lambda value: re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", value) is not None,
        "use lower-case letters, digits, dots and hyphens",
        slug,
    ),
    "env-name": (
        lambda value: re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", value) is not None,
        "use letters, digits and _, not starting with a digit",
        lambda value: re.sub(r"[^A-Za-z0-9_]+", "_", value).strip("_").upper().lstrip("0123456789"),
    ),
    "url-path": (
        lambda value: re.fullmatch(r"/[!-~]{0,1023}", value) is not None,
        "start with / and leave out spaces",
        lambda value: "/" + re.sub(r"[^!-~]", "", value).lstrip("/"),
    ),
    "image": (
        _is_image,
        "write registry/name:tag",
        lambda value: value.strip().removeprefix("https://").removeprefix("docker://").lower(),
    ),
    "secret-key": (
        lambda value: re.fullmatch(r"[A-Za-z0-9._-]{1,253}", value) is not None,
        "use letters, digits, dots, _ and -",
        lambda value: re.sub(r"[^A-Za-z0-9._-]+", "-", value).strip("-"),
    ),
    "host": (
        lambda value: len(value) < 254 and re.fullmatch(rf"{_LABEL}(\.{_LABEL})+", value) is not None,
        "use a full name such as shop.example.com",
        lambda value: re.sub(r"^[a-z]+://|/.*$", "", value.strip().lower().rstrip(".")),
    ),
    "date": (dates.is_date, "use year-month-day, such as 2026-11-20", str.strip),
    "cidr": (networks.is_network, "use an address range such as 10.20.0.0/16", networks.mended),
}
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}
MAX_TEXT = 10_000
MOST = 200  # items of a list


def is_empty(value: Any) -> bool:
    return value is None or value in ("", [])


def is_blank(row: Any) -> bool:
    """A row that was added and not filled in."""
    return isinstance(row, dict) and all(is_empty(value) for value in row.values())


def check_value(field: Field, value: Any, options: Sequence[Choice]) -> Iterator[FieldError]:
    """The mistakes in one answer that is there, by the field's own limits."""
    kinds = _TYPES[field.type]
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        yield FieldError("type", f"must be {_type_name(field)}", field=field.name)
    elif isinstance(value, str):
        yield from _check_text(field, value, options)
    elif isinstance(value, list):
        yield from _check_list(field, value, options)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _check_number(field, value)


def _type_name(field: Field) -> str:
    names = {"integer": "a whole number", "number": "a number", "boolean": "yes or no", "array": "a list"}
    return names.get(field.type, "text")


def _check_text(field: Field, value: str, options: Sequence[Choice]) -> Iterator[FieldError]:
    limits = field.limits
    longest = limits.get("maxLength", MAX_TEXT)
    if len(value) > longest:
        yield FieldError("maxLength", f"at most {longest} characters", value[:longest].rstrip(), field.name)
    if len(value) < limits.get("minLength", 0):
        yield FieldError("minLength", f"at least {limits['minLength']} characters", None, field.name)
    if any(not character.isprintable() and character not in "\n\t" for character in value):
        cleaned = "".join(each for each in value if each.isprintable() or each in "\n\t")
        yield FieldError("characters", "has characters that cannot be printed", cleaned, field.name)
    if "format" in limits:
        yield from _check_format(field, value)
    if "pattern" in limits and not _matches(value, limits["pattern"]):
        yield FieldError(
            "pattern", f"must look like {field.placeholder or limits['pattern']}", None, field.name
        )
    if options or field.source:
        yield from _check_choice(field, value, options)


def _matches(value: str, pattern: str) -> bool:
    """By CEL's linear-time regular expressions: what people type must not be able to stall a worker."""
    try:
        return bool(evaluate("value.matches(pattern)", {"value": value, "pattern": f"^(?:{pattern})$"}))
    except ExpressionError:
        return False


def _check_format(field: Field, value: str) -> Iterator[FieldError]:
    fits, message, mend = FORMATS[field.limits["format"]]
    if not fits(value):
        mended = mend(value)
        suggestion = mended if mended and fits(mended) else None
        yield FieldError("format", message, suggestion, field.name)


def _check_choice(field: Field, value: str, options: Sequence[Choice]) -> Iterator[FieldError]:
    values = [option.value for option in options if not option.missing]
    missing = next((option.missing for option in options if option.value == value), "")
    if missing:
        yield FieldError("unavailable", missing, values[0] if values else None, field.name)
    elif value not in values:
        near = difflib.get_close_matches(value, values, 1, 0.4)
        message = f"{value!r} is not one of the choices" if values else "there is nothing to choose from"
        yield FieldError("options", message, near[0] if near else None, field.name)


def _check_number(field: Field, value: float) -> Iterator[FieldError]:
    if not math.isfinite(value):
        yield FieldError("type", f"must be {_type_name(field)}", field=field.name)
        return
    low, high, step = (field.limits.get(key) for key in ("minimum", "maximum", "multipleOf"))
    unit = f" {field.unit}" if field.unit else ""
    if low is not None and value < low:
        yield FieldError("minimum", f"at least {low}{unit}", low, field.name)
    elif high is not None and value > high:
        yield FieldError("maximum", f"at most {high}{unit}", high, field.name)
    elif step and value % step:
        yield FieldError(
            "multipleOf", f"in steps of {step}{unit}", round(value / step) * step or step, field.name
        )


def _check_list(field: Field, value: list[Any], options: Sequence[Choice]) -> Iterator[FieldError]:
    if len(value) > field.limits.get("maxItems", MOST):
        yield FieldError("maxItems", f"at most {field.limits.get('maxItems', 200)}", None, field.name)
        return
    if len(value) < field.limits.get("minItems", 0):
        yield FieldError("minItems", f"at least {field.limits['minItems']}", None, field.name)
    for number, item in enumerate(value):
        if not is_blank(item):
            yield from _check_row(field, item, number) if field.columns else _check_item(field, item, options)
    yield from _check_unique(field, value)


def _check_item(field: Field, item: Any, options: Sequence[Choice]) -> Iterator[FieldError]:
    if not isinstance(item, str):
        yield FieldError("type", "must be text", field=field.name)
    else:
        yield from _check_choice(field, item, options)


def _check_row(field: Field, row: Any, number: int) -> Iterator[FieldError]:
    if not isinstance(row, dict):
        yield FieldError("type", "must be a row", field=f"{field.name}.{number}")
        return
    for column in field.columns:
        value, place = row.get(column.name), f"{field.name}.{number}.{column.name}"
        if is_empty(value):
            if column.required:
                yield FieldError("required", f"{column.label} is needed", field=place)
            continue
        for error in check_value(column, value, column.options):
            yield FieldError(error.rule, f"{column.label}: {error.message}", error.suggestion, place)


def _check_unique(field: Field, value: list[Any]) -> Iterator[FieldError]:
    key = field.limits.get("uniqueBy")
    seen: set[str] = set()
    for number, item in enumerate(value):
        if is_blank(item):
            continue
        text = str(item.get(key) if key and isinstance(item, dict) else item)
        if text in seen and (key or not field.columns):
            yield FieldError("uniqueBy", f"{text} is there twice", field=f"{field.name}.{number}")
        seen.add(text)
