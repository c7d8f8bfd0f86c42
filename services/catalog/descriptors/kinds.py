"""What each kind of entity must and may say in `spec`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from services.catalog.descriptors.envelope import not_text
from services.catalog.descriptors.problems import Found, first_of, nearest, shown

API_VERSIONS = ("backstage.io/v1alpha1", "backstage.io/v1beta1")
TEXT, LIST, MAPPING = "text", "list", "mapping"


@dataclass(frozen=True)
class Field:
    name: str
    type: str = TEXT
    required: bool = False


def _fields(required: str, optional: str = "", lists: str = "") -> tuple[Field, ...]:
    return (
        *(Field(name, required=True) for name in required.split()),
        *(Field(name) for name in optional.split()),
        *(Field(name, LIST) for name in lists.split()),
    )


PROFILE = _fields("", "displayName email picture")
KINDS: dict[str, tuple[Field, ...]] = {
    "Component": _fields(
        "type lifecycle owner", "system subcomponentOf", "providesApis consumesApis dependsOn"
    ),
    "API": _fields("type lifecycle owner", "system"),
    "Resource": _fields("type owner", "system", "dependsOn"),
    "System": _fields("owner", "domain type"),
    "Domain": _fields("owner", "subdomainOf type"),
    "Group": (
        *_fields("type", "parent", "members"),
        Field("children", LIST, True),
        Field("profile", MAPPING),
    ),
    "User": (Field("memberOf", LIST, True), Field("profile", MAPPING)),
    "Location": _fields("", "type target", "targets"),
}
AI_VERSION, AI = "backstage.io/v1alpha1", "AiResource"
AI_BASE = "type lifecycle owner"
AI_TYPES: dict[str, tuple[Field, ...]] = {
    "skill": _fields(
        AI_BASE, "system allowedTools license compatibility", "disciplines categories agents dependsOn"
    ),
    "rule": _fields(f"{AI_BASE} category rationale", "system", "disciplines"),
    "plugin": (*_fields(AI_BASE, "system version"), Field("skills", LIST, True)),
    "marketplace": (*_fields(AI_BASE, "system version"), Field("plugins", LIST, True)),
}
COMPATIBILITY = 500
EXAMPLES = {
    "type": "service",
    "lifecycle": "production",
    "owner": "team-name",
    "children": "[]",
    "memberOf": "[]",
}
EXAMPLES |= {"definition": "{$text: ./openapi.yaml}"}


def is_known(data: dict[str, Any]) -> bool:
    """Whether the catalog has a validator for this apiVersion and kind (case counts)."""
    return data.get("kind") in KINDS and data.get("apiVersion") in API_VERSIONS


def unknown_kind(data: dict[str, Any]) -> Found:
    """Why no validator recognised the entity, and what was probably meant."""
    kind, version = str(data.get("kind")), str(data.get("apiVersion"))
    if kind in KINDS:
        return Found(
            ("apiVersion",),
            "unknown-version",
            f"{shown(version)} is not a version of {kind}",
            API_VERSIONS[0],
        )
    return Found(
        ("kind",), "unknown-kind", f"the catalog has no rules for a {version} {kind}", nearest(kind, KINDS)
    )


def check_ai_resource(data: dict[str, Any]) -> list[Found]:
    """Every problem of an AiResource by its `spec.type`; a type of one's own has only the common rules."""
    spec = data.get("spec")
    if not isinstance(spec, dict):
        return [Found((), "required", "spec is missing", "spec:\n  …")]
    named = spec.get("type")
    fields = AI_TYPES.get(named if isinstance(named, str) else "", _fields(AI_BASE, "system"))
    found = first_of(problem for field in fields for problem in _field(spec, ("spec",), field))
    told = spec.get("compatibility")
    if named == "skill" and isinstance(told, str) and len(told) > COMPATIBILITY:
        limit = f"at most {COMPATIBILITY} characters, not {len(told)}"
        found.append(Found(("spec", "compatibility"), "length", limit, told[:COMPATIBILITY]))
    return found


def check_kind(data: dict[str, Any]) -> list[Found]:
    """Every problem in `spec` by the rules of the entity's kind; the kind must be known."""
    spec = data.get("spec")
    if not isinstance(spec, dict):
        return [Found((), "required", "spec is missing", "spec:\n  …")]
    found = first_of(problem for field in KINDS[data["kind"]] for problem in _field(spec, ("spec",), field))
    if data["kind"] == "API":
        found += [
            _of_mcp(problem, spec) for problem in _field(spec, ("spec",), Field("definition", required=True))
        ]
    if spec.get("presence", "required") not in ("required", "optional") and data["kind"] == "Location":
        found.append(Found(("spec", "presence"), "enum", "presence is required or optional", "required"))
    return found


def _of_mcp(problem: Found, spec: dict[str, Any]) -> Found:
    """A server of tools has remotes instead, but the catalog asks for a definition all the same."""
    if problem.rule != "required" or spec.get("type") != "mcp-server":
        return problem
    hint = "definition: see spec.remotes"
    return Found(problem.path, problem.rule, f"{problem.message}, which an mcp-server needs too", hint)


def _field(spec: dict[str, Any], path: tuple[str | int, ...], field: Field) -> Iterator[Found]:
    where = (*path, field.name)
    if field.name not in spec:
        if field.required:
            example = EXAMPLES.get(field.name, "…")
            yield Found(
                path, "required", f"{'.'.join(map(str, where))} is missing", f"{field.name}: {example}"
            )
        return
    value = spec[field.name]
    if field.type == TEXT:
        yield from _text(where, value)
    elif field.type == LIST:
        yield from _list(where, value)
    elif not isinstance(value, dict):
        yield Found(where, "type", f"{field.name} must be a mapping", "")
    else:
        for part in PROFILE:
            yield from _field(value, where, part)


def _text(where: tuple[str | int, ...], value: Any) -> Iterator[Found]:
    if not isinstance(value, str):
        yield not_text(where, value)
    elif not value:
        yield Found(where, "empty", f"{where[-1]} must not be empty", "give it a value or remove the line")


def _list(where: tuple[str | int, ...], value: Any) -> Iterator[Found]:
    if not isinstance(value, list):
        fix = f"{where[-1]}:\n  - {value}" if isinstance(value, str) else f"{where[-1]}: []"
        yield Found(where, "type", f"{where[-1]} must be a list", fix)
        return
    for number, item in enumerate(value):
        yield from _text((*where, number), item)
