"""JSON schemas written short: of what programs send, and of what they are answered."""

from typing import Any, Final

Schema = dict[str, Any]
NAMED: Final[dict[str, Schema]] = {}
WHERE: Final = "#/components/schemas/"


def named(name: str, schema: Schema) -> Schema:
    """A schema with a place of its own in the description; what refers to it."""
    assert NAMED.setdefault(name, schema) == schema, name
    return {"$ref": WHERE + name}


def followed(schema: Schema) -> Schema:
    ref = schema.get("$ref", "")
    return NAMED[ref.removeprefix(WHERE)] if ref else schema


def text(said: str = "", **bounds: Any) -> Schema:
    return _said({"type": "string", **bounds}, said)


def choice(values: Any, said: str = "", **bounds: Any) -> Schema:
    return _said({"type": "string", "enum": [str(value) for value in values], **bounds}, said)


def number(said: str = "", **bounds: Any) -> Schema:
    return _said({"type": "integer", **bounds}, said)


def flag(said: str = "", **bounds: Any) -> Schema:
    return _said({"type": "boolean", **bounds}, said)


def moment(said: str = "") -> Schema:
    return text(said, format="date-time")


def listed(items: Schema, said: str = "", **bounds: Any) -> Schema:
    return _said({"type": "array", "items": items, **bounds}, said)


def mapped(values: Schema, said: str = "") -> Schema:
    """An object whose keys are data."""
    return _said({"type": "object", "additionalProperties": values}, said)


def maybe(schema: Schema) -> Schema:
    """The same, or null."""
    if "type" in schema and "enum" not in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [schema, {"type": "null"}]}


def thing(*needed: str, **properties: Schema) -> Schema:
    """An object with these fields and no other. Without `needed` all of them are there always."""
    required = list(needed or properties)
    return {
        "type": "object",
        "additionalProperties": False,
        "required": required,
        "properties": properties,
    }


def any_of(**properties: Schema) -> Schema:
    """An object with some of these fields and no other."""
    return {**thing("", **properties), "required": []}


def page_of(item: Schema) -> Schema:
    ways = {"next": "The address of the page after", "previous": "and before"}
    return thing(items=listed(item), **{way: maybe(text(said)) for way, said in ways.items()})


def turning(most: int = 200) -> dict[str, Schema]:
    """What every list takes."""
    cursor = "A cursor, as `next` and `previous` of an answer carry it"
    return {
        "limit": number("How many at once", minimum=1, maximum=most, default=50),
        "after": text(cursor, maxLength=4000),
        "before": text(cursor, maxLength=4000),
    }


def sparse(item: Schema) -> dict[str, Schema]:
    """The query that leaves all but some fields of each thing out."""
    names = {"enum": list(followed(item)["properties"])}
    return {"fields": listed({"type": "string", **names}, "Only these fields, with commas", maxItems=50)}


def _said(schema: Schema, said: str) -> Schema:
    return {**schema, "description": said} if said else schema
