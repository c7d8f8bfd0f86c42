"""The form of any kind a cluster knows: its schema as fields, and the manifest they fill (row 85).

What a form cannot ask (values of any shape, lists of lists) is left out and named, to be added by hand.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DEEPEST = 3
MOST_FIELDS = 60
SCALARS = ("string", "integer", "number", "boolean")
Tree = Mapping[str, Any]
Path = tuple[str, ...]


class NoForm(ValueError):
    """This definition cannot become a form, in words."""


@dataclass
class Kind:
    """`template` is the manifest's spec; `left_out` are the places that no field fills."""

    api_version: str
    name: str
    fields: list[dict[str, Any]] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.api_version}/{self.name}"

    @property
    def title(self) -> str:
        words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", self.name)
        return words[:1] + words[1:].lower()


def kind_of(definition: Tree) -> Kind:
    """A CustomResourceDefinition as a form of its stored version. Refuses (NoForm)."""
    if definition.get("kind") != "CustomResourceDefinition":
        raise NoForm("this is no CustomResourceDefinition")
    spec = definition["spec"]
    if spec.get("scope") != "Namespaced":
        raise NoForm(f"{spec['names']['kind']} belongs to no namespace: it is not for teams to make")
    served = [each for each in spec["versions"] if each.get("served")]
    version = next((each for each in served if each.get("storage")), None) or served[-1]
    schema = version.get("schema", {}).get("openAPIV3Schema", {}).get("properties", {}).get("spec", {})
    kind = Kind(f"{spec['group']}/{version['name']}", spec["names"]["kind"])
    kind.template = _object(kind, schema, (), required=True)
    if not kind.fields:
        raise NoForm(f"the schema of {kind.name} says nothing about its spec")
    return kind


def _object(kind: Kind, schema: Tree, at: Path, required: bool) -> dict[str, Any]:
    template: dict[str, Any] = {}
    for name, below in schema.get("properties", {}).items():
        needed = required and name in schema.get("required", ())
        made = _property(kind, below, (*at, name), needed)
        if made is not None:
            template[name] = made
    return template


def _property(kind: Kind, schema: Tree, at: Path, needed: bool) -> Any:
    """The value's template, its field being added; None for what no form can ask."""
    if schema.get("properties") and len(at) < DEEPEST:
        before = len(kind.fields)
        inner = _object(kind, schema, at, needed)
        made = kind.fields[before:]
        return (inner if needed else {"$if": _any(made), "$then": inner}) if made else None
    asked = _field(schema, at, needed) if len(kind.fields) < MOST_FIELDS else None
    if asked is None:
        kind.left_out.append(".".join(at))
        return None
    kind.fields.append(asked)
    value = f"${{{{ answers.{asked['name']} }}}}"
    if asked["type"] == "array" and "value" in pluck_names(asked):
        value = f"${{{{ answers.{asked['name']}.map(row, row.value) }}}}"
    return value if needed or asked["type"] == "boolean" else {"$if": _any([asked]), "$then": value}


def pluck_names(asked: Tree) -> list[str]:
    return [column["name"] for column in asked.get("columns", ())]


def _any(fields: Sequence[Tree]) -> str:
    """Whether one of them was answered."""
    tests = {"array": "answers.{}.size() > 0", "boolean": "answers.{}"}
    return " || ".join(tests.get(each["type"], "answers.{} != null").format(each["name"]) for each in fields)


def _field(schema: Tree, at: Path, needed: bool) -> dict[str, Any] | None:
    columns = list(_columns(schema)) if schema.get("type") == "array" else []
    known = schema.get("type") in SCALARS or schema.get("x-kubernetes-int-or-string") or columns
    if not known:
        return None
    made: dict[str, Any] = {"name": _name(at), "label": _label(at[-1]), "type": schema.get("type", "string")}
    if text := str(schema.get("description", "")).split("\n")[0][:300]:
        made["help"] = text.replace("${{", "$${{")
    made |= _limits(schema) | ({"columns": columns} if columns else {})
    if needed and made["type"] != "boolean":
        made |= {"required": True}
    else:
        made |= {"expert": True}
    if isinstance(schema.get("default"), str | int | float | bool):
        made["default"] = schema["default"]
    return made | {"example": _example(made, schema)}


def _columns(schema: Tree) -> Iterator[dict[str, Any]]:
    items = schema.get("items", {})
    if items.get("type") in SCALARS[:3]:
        yield {"name": "value", "label": "Value", "type": items["type"], "required": True, **_limits(items)}
        return
    properties = items.get("properties", {})
    if not all(each.get("type") in SCALARS[:3] for each in properties.values()) or len(properties) > 4:
        return
    for name, each in properties.items():
        if not name.isidentifier():
            return
        needed = name in items.get("required", ())
        yield {"name": name, "label": _label(name), "type": each["type"], "required": needed, **_limits(each)}


def _limits(schema: Tree) -> dict[str, Any]:
    """What a field can hold a value to; patterns only where they need no interpreter of their own."""
    names = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
    limits = {name: schema[name] for name in names if isinstance(schema.get(name), int)}
    if schema.get("enum") and all(isinstance(each, str) and each for each in schema["enum"]):
        limits["options"] = [{"value": each, "label": each} for each in schema["enum"]]
    return limits


def _example(made: Tree, schema: Tree) -> Any:
    if made["type"] == "array":
        return [{column["name"]: _example(column, {}) for column in made["columns"]}]
    if made.get("options"):
        return made["options"][0]["value"]
    if isinstance(schema.get("default"), str | int | float | bool):
        return schema["default"]
    least = made.get("minimum", 1)
    return {"integer": least, "number": least, "boolean": True}.get(
        made["type"], "example".ljust(made.get("minLength", 0), "e")
    )


def _name(at: Path) -> str:
    """`bootstrap_initdb_owner`; what a form has of its own is not taken."""
    name = re.sub(r"[^A-Za-z0-9_]", "_", "_".join(at))
    return f"spec_{name}" if name in ("name", "owner", "description", "environments") else name


def _label(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return words[:1].upper() + words[1:].lower()
