"""JSON schemas as rows of fields, as words for a type, and as an example; cycles and depths are bounded."""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any

from services.catalog.definitions.documents import Mapping, References, listed, name_of, table
from services.catalog.definitions.tree import LONGEST, MAX_ROWS_EACH, Anchors, Row, Schema, text_of

DEEPEST = 6
DEEPEST_WORD = 3
MAX_PARTS = 200
MAX_WORK = 150_000  # steps for all schemas together; a kilobyte of allOf can ask for millions
CHOICES = (("oneOf", "one of"), ("anyOf", "any of"))
BOUNDS = {
    "minimum": "≥ {}", "maximum": "≤ {}", "exclusiveMinimum": "> {}", "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters", "maxLength": "at most {} characters", "pattern": "matches {}",
    "minItems": "at least {} items", "maxItems": "at most {} items", "multipleOf": "multiple of {}",
    "default": "default {}", "const": "always {}",
}  # fmt: skip
SAMPLES = {
    "date-time": "2026-01-31T12:00:00Z", "date": "2026-01-31", "time": "12:00:00Z",
    "email": "mira@example.org",
    "uuid": "6f1c1f9e-0c55-4b0e-8a52-0f5f4b1a7d11", "uri": "https://example.org", "url": "https://example.org",
    "hostname": "example.org", "ipv4": "192.0.2.1", "ipv6": "2001:db8::1", "byte": "c2xpcA==",
    "duration": "PT1H",
}  # fmt: skip
PLAIN: Mapping = {"integer": 1, "number": 1.5, "boolean": True, "null": None}


class Shapes:
    """The schemas of one document. `named`: anchors of those with a place of their own, by reference."""

    def __init__(self, refs: References, anchors: Anchors) -> None:
        self.refs = refs
        self.anchors = anchors
        self.named: dict[str, str] = {}
        self.work = MAX_WORK

    def name(self, prefix: str, names: Any) -> None:
        """Give each schema below `prefix` its anchor, before any of them is drawn."""
        for name in names:
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            self.named[prefix + escaped] = self.anchors.make("schema", str(name))

    def schemas(self, prefix: str, schemas: Mapping) -> Iterator[Schema]:
        for name, schema in schemas.items():
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            anchor = self.named.get(prefix + escaped)
            if anchor:
                kind, _ = self.word(schema)
                text = text_of(table(schema).get("description"))
                rows = self.rows({"$ref": prefix + escaped}) or self._values(table(schema))
                yield Schema(anchor, str(name)[:200], kind, text, rows, self.example(schema))

    def _values(self, schema: Mapping) -> tuple[Row, ...]:
        """The values of an enumeration; what limits a plain value."""
        rows = [Row(brief(value)) for value in listed(schema.get("enum"))]
        notes = () if rows else self.notes(schema)
        return self.anchors.spend(rows or [Row(note) for note in notes])

    def word(self, schema: Any, depth: int = 0) -> tuple[str, str]:
        """What people call a type, and the anchor of the first schema it names."""
        if not isinstance(schema, dict) or depth > DEEPEST_WORD:
            return ("nothing" if schema is False else "anything"), ""
        ref = schema.get("$ref")
        if isinstance(ref, str):
            return name_of(ref), self.named.get(ref, "")
        for key, joint in (("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")):
            if parts := listed(schema.get(key)):
                return self._joined(parts, joint, depth)
        kind = schema.get("type")
        if kind == "array" or "items" in schema:
            inner, link = self.word(schema.get("items", True), depth + 1)
            return f"array of {inner}", link
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and not schema.get("properties"):
            inner, link = self.word(extra, depth + 1)
            return f"map of {inner}", link
        return self._plain(schema, kind), ""

    def _joined(self, parts: list[Any], joint: str, depth: int) -> tuple[str, str]:
        words = [self.word(part, depth + 1) for part in parts[:5]]
        names = list(dict.fromkeys(name for name, _ in words))
        more = [f"{len(parts) - 5} more"] if len(parts) > 5 else []
        return joint.join([*names, *more])[:300], next((link for _, link in words if link), "")

    def _plain(self, schema: Mapping, kind: Any) -> str:
        if isinstance(kind, list):
            said = " or ".join(text_of(one) for one in kind[:6])
        else:
            said = text_of(kind, 100) or ("object" if "properties" in schema else "anything")
            said = "string" if said == "anything" and schema.get("enum") else said
        form = text_of(schema.get("format"), 60)
        return f"{said} ({form})" if form else said

    def notes(self, schema: Any) -> tuple[str, ...]:
        """What limits a value, in words."""
        schema = table(schema)
        said = [
            words.format(brief(schema[key]))
            for key, words in BOUNDS.items()
            if key in schema and not (key.startswith("exclusive") and isinstance(schema[key], bool))
        ]
        said += ["may be null"] if schema.get("nullable") is True else []
        said += [
            f"{words} only"
            for key, words in (("readOnly", "read"), ("writeOnly", "write"))
            if schema.get(key)
        ]
        values = [brief(one) for one in listed(schema.get("enum"))[:20]]
        more = len(listed(schema.get("enum"))) - len(values)
        if values:
            said.append("one of " + ", ".join(values) + (f" and {more} more" if more else ""))
        return tuple(said)

    def rows(self, schema: Any) -> tuple[Row, ...]:
        """The fields of a schema, those inside inline objects one step deeper; named schemas are links."""
        found: list[Row] = []
        self._walk(schema, 0, found, ())
        return self.anchors.spend(found)

    def _walk(self, schema: Any, depth: int, found: list[Row], path: tuple[str, ...]) -> None:
        ref = table(schema).get("$ref")
        if isinstance(ref, str):
            if ref in path:
                return
            path = (*path, ref)
        self.work -= 1
        plain = self.refs.follow(schema)
        if depth > DEEPEST or len(path) > DEEPEST or len(found) > MAX_ROWS_EACH or self.work < 0:
            return
        for part in listed(plain.get("allOf"))[:20]:
            self._walk(part, depth, found, path)
        self._properties(plain, depth, found, path)
        for key, words in CHOICES:
            for part in listed(plain.get(key))[:20]:
                word, link = self.word(part)
                found.append(Row(words, word, link, depth, text=text_of(table(part).get("description"), 600)))
                self._inside(part, depth + 1, found, path)
        self._inside(plain.get("items"), depth, found, path)

    def _properties(self, schema: Mapping, depth: int, found: list[Row], path: tuple[str, ...]) -> None:
        needed = {name for name in listed(schema.get("required")) if isinstance(name, str)}
        for name, one in table(schema.get("properties")).items():
            word, link = self.word(one)
            said = table(one)
            text = text_of(said.get("description") or said.get("title"), 600)
            old = said.get("deprecated") is True
            found.append(Row(str(name)[:200], word, link, depth, name in needed, old, text, self.notes(one)))
            self._inside(one, depth + 1, found, path)

    def _inside(self, schema: Any, depth: int, found: list[Row], path: tuple[str, ...]) -> None:
        """What is written in place; a schema with a name is shown where its name stands."""
        ref = table(schema).get("$ref")
        if isinstance(schema, dict) and not (isinstance(ref, str) and ref in self.named):
            self._walk(schema, depth, found, path)

    def example(self, schema: Any) -> str:
        """A value that fits, as JSON; nothing where the schema says nothing."""
        if not table(schema):
            return ""
        left = [MAX_PARTS]
        return shown(self._sample(schema, 0, left, ()))

    def _sample(self, schema: Any, depth: int, left: list[int], path: tuple[str, ...]) -> Any:
        ref = table(schema).get("$ref")
        left[0] -= 1
        self.work -= 1
        if min(left[0], self.work) < 0 or depth > DEEPEST + 2 or ref in path:
            return {} if ref in path else None
        plain = self.refs.follow(schema)
        path = (*path, ref) if isinstance(ref, str) else path
        for key in ("example", "default", "const"):
            if key in plain:
                return plain[key]
        for key in ("examples", "enum"):
            if listed(plain.get(key)):
                return plain[key][0]
        for key, _ in CHOICES:
            if parts := listed(plain.get(key)):
                return self._sample(parts[0], depth + 1, left, path)
        return self._composed(plain, depth, left, path)

    def _composed(self, plain: Mapping, depth: int, left: list[int], path: tuple[str, ...]) -> Any:
        whole: Mapping = {}
        for part in listed(plain.get("allOf"))[:20]:
            whole |= table(self._sample(part, depth + 1, left, path))
        for name, one in list(table(plain.get("properties")).items())[:60]:
            whole[str(name)] = self._sample(one, depth + 1, left, path)
        if whole or plain.get("type") == "object":
            return whole
        if plain.get("type") == "array" or "items" in plain:
            inner = self._sample(plain.get("items"), depth + 1, left, path)
            return [] if inner is None else [inner]
        kind = plain.get("type")
        kind = next((one for one in kind if one != "null"), "") if isinstance(kind, list) else kind
        if kind == "string":
            return SAMPLES.get(str(plain.get("format")), "text")
        return PLAIN.get(kind) if isinstance(kind, str) else None


def shown(value: Any) -> str:
    """An example as people read it: JSON, or the text that it is."""
    if isinstance(value, str):
        return text_of(value)
    if value is None or value == {} or value == []:
        return ""
    pieces = json.JSONEncoder(indent=2, ensure_ascii=False, default=str).iterencode(value)
    try:
        said = "".join(piece[:LONGEST] for piece in islice(pieces, LONGEST))
    except (RecursionError, ValueError):
        return ""
    return said if len(said) <= LONGEST else said[:LONGEST] + "\n…"


def brief(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return text_of(value, 80) or ("“”" if value == "" else "…")
