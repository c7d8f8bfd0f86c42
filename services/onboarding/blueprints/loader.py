"""A folder with `blueprint.yaml` and `manifests/` becomes a `Blueprint`, or an error with file and line."""

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.manifests import pointers
from services.onboarding.blueprints import approvals
from services.onboarding.blueprints.model import (
    Acceptance,
    Blueprint,
    Choice,
    CostRule,
    Field,
    Joining,
    Manifest,
    Place,
    Provision,
    Release,
    Rule,
    Section,
)
from services.onboarding.blueprints.sketch import Folder
from services.onboarding.blueprints.source import BlueprintError, Piece, read_documents, read_one, template_of
from services.onboarding.blueprints.validation import FORMATS

SHIPPED: Final = Path(__file__).resolve().parent.parent / "shipped"
LIBRARY: Final = "fields.yaml"
MAIN: Final = "main"
TYPES: Final = ("string", "integer", "number", "boolean", "array")
SOURCES: Final = ("teams", "systems", "components", "services", "environments")
CATEGORIES: Final = ("Run", "Store", "Reach", "Observe", "Platform", "Other")
LIMITS: Final[dict[str, Any]] = {
    "pattern": str,
    "format": str,
    "minLength": int,
    "maxLength": int,
    "minimum": (int, float),
    "maximum": (int, float),
    "multipleOf": (int, float),
    "minItems": int,
    "maxItems": int,
    "uniqueBy": str,
}
WIDGETS: Final = {
    "string": "text",
    "integer": "number",
    "number": "number",
    "boolean": "checkbox",
    "array": "rows",
}
FIELD_KEYS: Final = (
    *("name", "label", "help", "type", "widget", "required", "visible", "default", "example", "options"),
    *("from", "rules", "columns", "unit", "placeholder", "expert", "unique", "wide", "carries", "requires"),
    *LIMITS,
)
ABOUT_KEYS: Final = (
    *("name", "title", "description", "icon", "tags", "category", "verb", "order", "version", "changes"),
)
VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")
SPEC_KEYS: Final = (
    *(
        "intro",
        "sections",
        "values",
        "here",
        "subject",
        "owner",
        "path",
        "entity",
        "entityPath",
        "dependencies",
    ),
    *("environments", "approvals", "places", "costs", "requires", "namespace", "reserved"),
    *("joins", "provides", "accepts"),
)


def load(folder: Folder | str) -> Blueprint:
    """Read the blueprint in a folder; `BlueprintError` names the first mistake."""
    folder = Path(folder) if isinstance(folder, str) else folder
    top = Piece(document := read_one(folder, "blueprint.yaml"), (), document.data)
    top.only(("apiVersion", "kind", "metadata", "spec"))
    if top.text("kind") != "Blueprint" or top.text("apiVersion") != "slipway.dev/v1":
        raise top.error("must be apiVersion slipway.dev/v1, kind Blueprint", "kind")
    about, spec = top.piece("metadata"), top.piece("spec")
    about.only(ABOUT_KEYS)
    if about.text("category", "Other") not in CATEGORIES:
        raise about.error(f"category must be one of {', '.join(CATEGORIES)}", "category")
    spec.only(SPEC_KEYS)
    sections = tuple(_section(piece) for piece in spec.pieces("sections"))
    _refuse_doubles(spec)
    _check_entity(spec.piece("entity"))
    return Blueprint(
        name=about.text("name"),
        title=about.text("title"),
        description=about.text("description", ""),
        icon=about.text("icon", "stack-2"),
        tags=tuple(about.get("tags", list, [])),
        category=about.text("category", "Other"),
        verb=about.text("verb", "New"),
        order=about.get("order", int, 50),
        requires=_requires(spec),
        reserved=spec.text("reserved", ""),
        namespace=spec.template("namespace") if "namespace" in spec.data else None,
        intro=spec.text("intro", ""),
        digest=digest(folder),
        folder=folder,
        sections=sections,
        values=spec.expressions("values"),
        here=spec.expressions("here"),
        subject=spec.template("subject"),
        owner=spec.template("owner"),
        path=spec.template("path"),
        manifests=tuple(_manifests(folder, spec.text("environments") == "[]")),
        entity=spec.tree("entity"),
        entity_path=spec.template("entityPath"),
        dependencies=spec.expression_or_none("dependencies"),
        environments=spec.expression("environments"),
        approvals=tuple(approvals.read(piece) for piece in spec.pieces("approvals")),
        places=tuple(_place(piece, sections) for piece in spec.pieces("places")),
        costs=tuple(_cost(piece) for piece in spec.pieces("costs")),
        joining=_joining(spec, sections),
        provides=tuple(_provision(piece) for piece in spec.pieces("provides")),
        accepts=tuple(_acceptance(piece, sections) for piece in spec.pieces("accepts")),
        version=_version(about) if "version" in about.data else "",
        changes=_changes(about, sections),
    )


def digest(folder: Folder) -> str:
    """The version of a blueprint: a hash over its definition and manifests (not over its test cases)."""
    total = hashlib.sha256()
    manifests = sorted(f"manifests/{path.name}" for path in (folder / "manifests").glob("*.yaml"))
    for name in ("blueprint.yaml", *manifests):
        content = (folder / name).read_bytes()
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    if b"- use: " in (folder / "blueprint.yaml").read_bytes():
        total.update((SHIPPED / LIBRARY).read_bytes())
    return f"sha256:{total.hexdigest()}"


@cache
def shipped() -> dict[str, Blueprint]:
    """The blueprints that come with Slipway, by name; read once a process."""
    return {
        each.name: each for each in (load(path.parent) for path in sorted(SHIPPED.glob("*/blueprint.yaml")))
    }


def forget() -> None:
    """Read everything again: files were changed."""
    _library.cache_clear()
    shipped.cache_clear()


def _version(piece: Piece) -> str:
    said = piece.text("version")
    if not VERSION.fullmatch(said):
        raise piece.error('version must be numbers with points between them, in quotes: "1.4"', "version")
    return said


def _changes(about: Piece, sections: tuple[Section, ...]) -> tuple[Release, ...]:
    """What each version changed, the newest first; the first of them is the one there is."""
    found = tuple(_release(piece, sections) for piece in about.pieces("changes"))
    if found and found[0].version != about.text("version", ""):
        raise about.error("changes begin with the version there is", "changes")
    return found


def _release(piece: Piece, sections: tuple[Section, ...]) -> Release:
    piece.only(("version", "text", "moved"))
    known = {each.name for section in sections for each in section.fields}
    moved = piece.piece("moved")
    for old in moved.data:
        if moved.text(old) not in known:
            raise moved.error(f"there is no field {moved.text(old)}", old)
    return Release(_version(piece), piece.text("text"), {old: moved.text(old) for old in moved.data})


def _refuse_doubles(spec: Piece) -> None:
    seen: set[str] = set()
    for field in (field for section in spec.pieces("sections") for field in _fields(section)):
        if field.text("name") in seen:
            raise field.error(f"two fields are named {field.text('name')}", "name")
        seen.add(field.text("name"))
    if not seen:
        raise spec.error("has no fields", "sections")


def _check_entity(entity: Piece) -> None:
    """What the catalog, and every object's marks, need of it."""
    entity.text("kind")
    about = entity.piece("metadata")
    about.text("name")
    about.get("namespace", str, "default")


@cache
def _library() -> dict[str, Any]:
    found: dict[str, Any] = read_one(SHIPPED, LIBRARY).data
    return found


def _fields(section: Piece) -> Iterator[Piece]:
    """The fields of a section; one that says `use` is that of the library, with what else it says."""
    for piece in section.pieces("fields"):
        if "use" not in piece.data:
            yield piece
            continue
        known = _library()
        if piece.text("use") not in known:
            raise piece.error(f"{LIBRARY} has no field {piece.text('use')}", "use")
        own = {key: value for key, value in piece.data.items() if key != "use"}
        yield Piece(
            piece.document, piece.path, {"name": piece.text("use"), **known[piece.text("use")], **own}
        )


def _section(piece: Piece) -> Section:
    piece.only(("title", "hint", "fields"))
    fields = tuple(_field(each) for each in _fields(piece))
    return Section(piece.text("title"), piece.text("hint", ""), fields)


def _field(piece: Piece) -> Field:
    piece.only(FIELD_KEYS)
    kind, source = piece.text("type", "string"), piece.text("from", "")
    if kind not in TYPES:
        raise piece.error(f"type must be one of {', '.join(TYPES)}", "type")
    if source and source not in SOURCES:
        raise piece.error(f"from must be one of {', '.join(SOURCES)}", "from")
    if piece.text("format", "") not in ("", *FORMATS):
        raise piece.error(f"format must be one of {', '.join(FORMATS)}", "format")
    if not piece.text("name").isidentifier():
        raise piece.error("name must be letters, digits and _", "name")
    return Field(
        name=piece.text("name"),
        label=piece.text("label"),
        type=kind,
        widget=piece.text("widget", _widget(kind, piece)),
        help=piece.template("help", ""),
        required=_required(piece),
        visible=piece.expression_or_none("visible"),
        default=piece.template("default") if "default" in piece.data else None,
        example=piece.data.get("example"),
        source=source,
        options=tuple(_option(each) for each in piece.pieces("options")),
        limits={key: piece.get(key, expected) for key, expected in LIMITS.items() if key in piece.data},
        rules=tuple(_rule(each) for each in piece.pieces("rules")),
        columns=tuple(_field(each) for each in piece.pieces("columns")),
        unit=piece.text("unit", ""),
        placeholder=piece.text("placeholder", ""),
        expert=piece.get("expert", bool, False),
        unique=piece.get("unique", bool, False),
        wide=piece.get("wide", bool, True),
        carries=piece.expressions("carries"),
        requires=_requires(piece),
    )


def _widget(kind: str, piece: Piece) -> str:
    if "options" in piece.data or "from" in piece.data:
        return "checkboxes" if kind == "array" else "select"
    return "date" if piece.data.get("format") == "date" else WIDGETS[kind]


def _required(piece: Piece) -> Any:
    value = piece.get("required", (bool, str), False)
    return value if isinstance(value, bool) else piece.expression("required")


def _option(piece: Piece) -> Choice:
    piece.only(("value", "label", "hint", "requires"))
    return Choice(piece.text("value"), piece.text("label"), piece.text("hint", ""), _requires(piece))


def _requires(piece: Piece) -> dict[str, str]:
    """`postgresql.cnpg.io/v1/Cluster: CloudNativePG`: a kind, and what people call what brings it."""
    inner = piece.piece("requires")
    return {kind: inner.text(kind) for kind in inner.data}


def _rule(piece: Piece) -> Rule:
    piece.only(("refuse", "message", "suggestion"))
    return Rule(piece.expression("refuse"), piece.template("message"), piece.expression_or_none("suggestion"))


def _place(piece: Piece, sections: tuple[Section, ...]) -> Place:
    piece.only(("kind", "path", "field", "value", "when"))
    field = piece.text("field")
    if field not in {each.name for section in sections for each in section.fields}:
        raise piece.error(f"there is no field {field}", "field")
    try:
        pattern = pointers.parse(piece.text("path").replace("[*]", '["*"]'))
    except ValueError as error:
        raise piece.error(str(error), "path") from error
    value, when = piece.expression_or_none("value"), piece.expression_or_none("when")
    return Place(piece.text("kind", ""), pattern, field, value, when)


def _cost(piece: Piece) -> CostRule:
    piece.only(("label", "amount"))
    return CostRule(piece.template("label"), piece.expression("amount"))


def _joining(spec: Piece, sections: tuple[Section, ...]) -> Joining | None:
    """Without `joins` a form stands for itself alone."""
    if "joins" not in spec.data:
        return None
    piece = spec.piece("joins")
    piece.only(("key", "label", "answers"))
    if not re.fullmatch(r"[a-z][a-z0-9]{0,11}", piece.text("key")) or piece.text("key") == MAIN:
        raise piece.error(f"key must be a few small letters, and not {MAIN}", "key")
    answers = piece.piece("answers")
    _only_fields(answers, sections)
    return Joining(piece.text("key"), piece.text("label"), {n: answers.template(n) for n in answers.data})


def _only_fields(piece: Piece, sections: tuple[Section, ...]) -> None:
    known = {each.name for section in sections for each in section.fields}
    for name in piece.data:
        if name not in known:
            raise piece.error(f"there is no field {name}", name)


def _provision(piece: Piece) -> Provision:
    piece.only(("kind", "offer"))
    return Provision(piece.text("kind"), piece.tree("offer"))


def _acceptance(piece: Piece, sections: tuple[Section, ...]) -> Acceptance:
    piece.only(("kinds", "says", "fill"))
    _only_fields(piece.piece("fill"), sections)
    kinds = tuple(str(each) for each in piece.get("kinds", list))
    return Acceptance(kinds, piece.template("says"), piece.expressions("fill"))


def _manifests(folder: Folder, nowhere: bool) -> list[Manifest]:
    """What is only written down, and applied in no environment, needs none."""
    names = sorted(path.name for path in (folder / "manifests").glob("*.yaml"))
    if not names and not nowhere:
        raise BlueprintError("there are no manifests", "manifests")
    return [_manifest(folder, f"manifests/{name}") for name in names]


def _manifest(folder: Folder, name: str) -> Manifest:
    documents = read_documents(folder, name)
    if len(documents) != 1:
        raise BlueprintError("must hold one object", name, documents[1].line if documents else 0)
    lines = (folder / name).read_text().splitlines()
    first = next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))
    why = "\n".join(line.lstrip("# ") for line in lines[:first])
    file = name.removeprefix("manifests/")
    plain = file.endswith(".json.yaml")
    return Manifest(
        file.removesuffix(".yaml") if plain else file, template_of(documents[0], name, 1), why, plain
    )
