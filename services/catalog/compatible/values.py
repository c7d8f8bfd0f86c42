"""The value of a key, read from the rows: for orders, parts of texts and facets, which no index answers."""

from typing import Final

from django.db.models import F, Func, TextField, Value
from django.db.models.functions import Collate, Lower

COLUMNS: Final = {
    "kind": "kind",
    "apiversion": "api_version",
    "metadata.name": "name",
    "metadata.namespace": "namespace",
}
MAPS: Final = ("annotations", "labels")  # their keys have dots
Inside = tuple[str, list[str]]


def text_of(key: str) -> Collate:
    """A value in lower case, ordered by bytes, which is what an index has."""
    column = COLUMNS.get(key.lower())
    return Collate(Lower(column or json_text(key)), "C")


def inside(key: str) -> Inside | None:
    """The column and the path that a dotted key means; None for what is in neither column."""
    column, _, rest = key.partition(".")
    if column not in ("metadata", "spec") or not rest:
        return None
    first, _, inner = rest.partition(".")
    return column, [first, inner] if first in MAPS and inner else rest.split(".")


def json_text(key: str) -> Func:
    """A value inside of metadata or spec as text."""
    found = inside(key)
    if found is None:
        return Func(template="NULL::text", output_field=TextField())
    column, path = found
    template = "(%(expressions)s::text[])"
    return Func(F(column), Value(path), template=template, arg_joiner=" #>> ", output_field=TextField())
