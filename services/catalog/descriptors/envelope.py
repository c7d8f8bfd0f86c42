"""The outer shape every entity shares: apiVersion, kind, metadata, spec."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from services.catalog.descriptors import formats
from services.catalog.descriptors.problems import (
    Found,
    as_key,
    as_label,
    as_name,
    as_tag,
    as_url,
    first_of,
    nearest,
    shown,
)
from services.catalog.descriptors.reading import Path

ROOT = ("apiVersion", "kind", "metadata", "spec")
SPEC_WORDS = {
    "type",
    "lifecycle",
    "owner",
    "system",
    "dependsOn",
    "dependencyOf",
    "providesApis",
    "consumesApis",
}
SPEC_WORDS |= {
    "subcomponentOf",
    "domain",
    "parent",
    "children",
    "members",
    "memberOf",
    "definition",
    "profile",
}
META_WORDS = {"name", "namespace", "title", "description", "labels", "annotations", "tags", "links"}

MISSING = object()
NAME_RULE = (
    "letters, digits and - _ . in between, at most 63 characters, starting and ending with a letter or digit"
)
KEY_RULE = "[prefix/]name, the prefix in lower case like a host name, the name at most 63 characters"
TEMPLATE = "this is a template's placeholder: import what the template renders, not its skeleton"


def check_envelope(data: dict[str, Any]) -> list[Found]:
    """Every problem of the shape and the formats; empty when Backstage's policies accept the entity."""
    return first_of(chain(_root(data), _metadata(data.get("metadata", MISSING)), _formats(data)))


def _root(data: dict[str, Any]) -> Iterator[Found]:
    for key in data:
        if key not in ROOT:
            yield _foreign(key)
    for key in ("apiVersion", "kind"):
        yield from _text(data, (), key, required=True)
    if "metadata" not in data:
        yield Found((), "required", "metadata is missing", "metadata:\n  name: …")
    if "spec" in data and not isinstance(data["spec"], dict):
        yield Found(("spec",), "type", "spec must be a mapping", "")


def _foreign(key: str) -> Found:
    if key in SPEC_WORDS:
        fix = f"move {key} under spec"
    elif key in META_WORDS:
        fix = f"move {key} under metadata"
    elif key in ("relations", "status"):
        fix = f"remove {key}: the catalog writes it, a file does not"
    else:
        near = nearest(key, ROOT)
        fix = f"did you mean {near}?" if near else f"remove {key}, or move it under spec"
    return Found((key,), "unknown-field", f"{key} is not a field of the outermost level", fix)


def _text(
    holder: dict[str, Any], path: Path, key: str, *, required: bool = False, empty: bool = False
) -> Iterator[Found]:
    where = (*path, key)
    if key not in holder:
        if required:
            name = ".".join(str(part) for part in where)
            yield Found(path, "required", f"{name} is missing", f"{key}: …")
    elif not isinstance(holder[key], str):
        yield not_text(where, holder[key])
    elif not holder[key] and not empty:
        yield Found(where, "empty", f"{key} must not be empty", "")


def not_text(path: Path, value: Any) -> Found:
    if value is None:
        return Found(path, "type", "is empty; it must be text", "give it a value or remove the line")
    if isinstance(value, (dict, list)):
        return Found(path, "type", "must be text, not a mapping or a list", "")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Found(
        path, "type", f"must be text; YAML reads {text} as a {_kind_of(value)}", f'put it in quotes: "{text}"'
    )


def _kind_of(value: Any) -> str:
    return "true-or-false value" if isinstance(value, bool) else "number"


def _metadata(metadata: Any) -> Iterator[Found]:
    if not isinstance(metadata, dict):
        if metadata is not MISSING:
            yield Found(("metadata",), "type", "metadata must be a mapping", "metadata:\n  name: …")
        return
    path: Path = ("metadata",)
    yield from _text(metadata, path, "name", required=True)
    for key in ("namespace", "title", "uid", "etag"):
        yield from _text(metadata, path, key)
    yield from _text(metadata, path, "description", empty=True)
    for key in ("labels", "annotations"):
        yield from _texts_by_key(metadata, key)
    yield from _tags(metadata)
    yield from _links(metadata)


def _texts_by_key(metadata: dict[str, Any], key: str) -> Iterator[Found]:
    if key not in metadata:
        return
    if not isinstance(metadata[key], dict):
        yield Found(
            ("metadata", key), "type", f"{key} must be a mapping of names to text", f"remove {key} or fill it"
        )
        return
    for name, value in metadata[key].items():
        if not isinstance(value, str):
            yield not_text(("metadata", key, name), value)


def _tags(metadata: dict[str, Any]) -> Iterator[Found]:
    if "tags" not in metadata:
        return
    if not isinstance(metadata["tags"], list):
        yield Found(("metadata", "tags"), "type", "tags must be a list", "tags:\n  - java")
        return
    for number, tag in enumerate(metadata["tags"]):
        if not isinstance(tag, str):
            yield not_text(("metadata", "tags", number), tag)
        elif not tag:
            yield Found(("metadata", "tags", number), "empty", "a tag must not be empty", "remove the line")


def _links(metadata: dict[str, Any]) -> Iterator[Found]:
    if "links" not in metadata:
        return
    if not isinstance(metadata["links"], list):
        yield Found(
            ("metadata", "links"), "type", "links must be a list", "links:\n  - url: https://…\n    title: …"
        )
        return
    for number, link in enumerate(metadata["links"]):
        path: Path = ("metadata", "links", number)
        if not isinstance(link, dict):
            yield Found(path, "type", "a link must be a mapping with a url", "- url: https://…")
            continue
        yield from _text(link, path, "url", required=True)
        for key in ("title", "icon", "type"):
            yield from _text(link, path, key)


def _formats(data: dict[str, Any]) -> Iterator[Found]:
    yield from _format(
        ("apiVersion",), data.get("apiVersion"), formats.is_api_version, "backstage.io/v1alpha1"
    )
    yield from _format(("kind",), data.get("kind"), formats.is_kind, "a word such as Component")
    metadata = data.get("metadata")
    if not isinstance(metadata, dict):
        return
    name, namespace = metadata.get("name"), metadata.get("namespace")
    yield from _format(("metadata", "name"), name, formats.is_name, as_name(str(name)), NAME_RULE)
    yield from _format(
        ("metadata", "namespace"), namespace, formats.is_namespace, as_label(str(namespace)),
        "lower-case letters and digits with - in between, at most 63 characters",
    )  # fmt: skip
    yield from _format_lists(metadata)


def _format_lists(metadata: dict[str, Any]) -> Iterator[Found]:
    for kind in ("labels", "annotations"):
        entries = metadata.get(kind)
        for key, value in entries.items() if isinstance(entries, dict) else ():
            if not formats.is_label_key(key):
                yield _not_so(("metadata", kind, key), key, as_key(key), KEY_RULE)
            if kind == "labels":
                yield from _format(
                    ("metadata", kind, key), value, formats.is_label_value, as_name(str(value)), NAME_RULE
                )
    tags, links = metadata.get("tags"), metadata.get("links")
    for number, tag in enumerate(tags if isinstance(tags, list) else ()):
        yield from _format(
            ("metadata", "tags", number), tag, formats.is_tag, as_tag(str(tag)),
            "lower-case letters, digits and : + # with single - in between, at most 63 characters",
        )  # fmt: skip
    for number, link in enumerate(links if isinstance(links, list) else ()):
        url = link.get("url") if isinstance(link, dict) else None
        path: Path = ("metadata", "links", number)
        yield from _format((*path, "url"), url, formats.is_url, as_url(str(url)), "a whole address")
        for key in ("title", "icon"):
            value = link.get(key) if isinstance(link, dict) else None
            yield from _format((*path, key), value, formats.says_something, "", "white space says nothing")


def _format(
    path: Path, value: Any, holds: Callable[[object], bool], suggestion: str, rule: str = ""
) -> Iterator[Found]:
    """A value of the right type but the wrong form; wrong types are reported once, by the shape check."""
    if isinstance(value, str) and value != "" and not holds(value):
        yield _not_so(path, value, suggestion, rule)


def _not_so(path: Path, value: str, suggestion: str, rule: str) -> Found:
    name = next((part for part in reversed(path) if isinstance(part, str)), "")
    name = {"tags": "tag", "labels": "label", "annotations": "annotation"}.get(name, name)
    message = f"{shown(value)} is not a valid {name}" + (f": {rule}" if rule else "")
    if "${{" in value or "{{" in value:
        return Found(path, "template-placeholder", message, TEMPLATE)
    return Found(path, "format", message, suggestion)
