"""Reading somebody else's mapping: what is missing or of the wrong type is refused,
what is left over is named."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from services.catalog.descriptors.formats import is_label_value, is_name, is_tag, is_url
from services.catalog.descriptors.problems import Found, as_name, as_tag, nearest
from services.catalog.descriptors.reading import Path
from services.catalog.descriptors.refs import EntityRef

Yaml = dict[str, Any]
TIER = "slipway.dev/tier"


@dataclass
class Need:
    """Something the document depends on, named as its portal names it; `ref` when that name says enough."""

    path: Path
    name: str
    ref: str | None = None


@dataclass
class Taken:
    """What one document told: entities, what is wrong, what found no place."""

    entities: list[Yaml] = field(default_factory=list)
    errors: list[Found] = field(default_factory=list)
    notes: list[Found] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    needs: list[Need] = field(default_factory=list)
    folder_owner: str = ""
    portal: str = ""


class Reader:
    """One mapping of a document; remembers which keys were asked for."""

    def __init__(self, data: Yaml, taken: Taken, path: Path = (), there: bool = True) -> None:
        self.data, self.taken, self.path, self.there = data, taken, path, there
        self.asked: set[str] = set()

    def refuse(self, key: str, rule: str, message: str, suggestion: str = "") -> None:
        self.taken.errors.append(Found((*self.path, key), rule, message, suggestion))

    def note(self, key: str, message: str, suggestion: str = "") -> None:
        self.taken.notes.append(Found((*self.path, key), "not-mapped", message, suggestion))

    def _get(self, key: str) -> Any:
        self.asked.add(key)
        return self.data.get(key)

    def text(self, key: str, *, required: bool = False) -> str:
        """A value as text; numbers and yes or no are read as they were written, as these portals do."""
        value = self._get(key)
        if value is None or value == "":
            if required and self.there:
                self.taken.errors.append(
                    Found(self.path, "required", f"{key} is missing or empty", f"{key}: …")
                )
            return ""
        if isinstance(value, (dict, list)):
            self.refuse(key, "type", f"{key} must be text, not a mapping or a list")
            return ""
        return str(value).lower() if isinstance(value, bool) else str(value)

    def name(self, key: str) -> str:
        """A required text that a name can be made of."""
        text = self.text(key, required=True)
        if text and not slug(text):
            self.refuse(key, "format", f"{key} holds no letter or digit to make a name of")
        return text

    def mapping(self, key: str, *, required: bool = False) -> "Reader":
        value = self._get(key)
        if value is None and required:
            self.taken.errors.append(Found(self.path, "required", f"{key} is missing", f"{key}: …"))
        elif value is not None and not isinstance(value, dict):
            self.refuse(key, "type", f"{key} must be a mapping")
        there = isinstance(value, dict)
        return Reader(value if isinstance(value, dict) else {}, self.taken, (*self.path, key), there)

    def entries(self, key: str) -> list[Any]:
        value = self._get(key)
        if value is not None and not isinstance(value, list):
            self.refuse(key, "type", f"{key} must be a list")
        return value if isinstance(value, list) else []

    def items(self, key: str) -> Iterator["Reader"]:
        """The mappings of a list."""
        for number, item in enumerate(self.entries(key)):
            path = (*self.path, key, number)
            if isinstance(item, dict):
                yield Reader(item, self.taken, path)
            else:
                self.taken.errors.append(Found(path, "type", f"an entry of {key} must be a mapping"))

    def texts(self, key: str) -> list[tuple[Path, str]]:
        """The texts of a list, with their paths."""
        found = []
        for number, item in enumerate(self.entries(key)):
            path = (*self.path, key, number)
            if isinstance(item, str) and item:
                found.append((path, item))
            else:
                self.taken.errors.append(Found(path, "type", f"an entry of {key} must be text"))
        return found

    def members(self, key: str) -> Iterator[tuple[str, "Reader"]]:
        """The mappings of a mapping, by name."""
        holder = self.mapping(key)
        for name in holder.data:
            yield name, holder.mapping(name)

    def leave(self, *keys: str) -> None:
        """Keys that are no fact about an entity."""
        self.asked.update(keys)

    def rest(self) -> None:
        """Name every key that nobody asked for."""
        for key, value in self.data.items():
            if key not in self.asked and value not in (None, "", [], {}):
                meant = nearest(key, self.asked)
                self.note(
                    key, f"{key} has no place in the catalog", f"did you mean {meant}?" if meant else ""
                )


@dataclass
class Draft:
    """An entity of ours being put together."""

    kind: str
    title: str
    description: str = ""
    annotations: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    spec: Yaml = field(default_factory=dict)
    name: str = ""

    def tag(self, text: str) -> None:
        made = text if is_tag(text) else as_tag(text)
        if made and made not in self.tags:
            self.tags.append(made)

    def label(self, key: str, value: str) -> None:
        made = value if is_label_value(value) else as_name(value)
        if made:
            self.labels[key] = made

    def link(self, reader: Reader, url: str, title: str, kind: str) -> None:
        if not is_url(url):
            reader.note("url", f"{url} is no whole address; links have one", "https://…")
            return
        told = {"url": url, "title": title.strip(), "type": slug(kind)}
        self.links.append({key: text for key, text in told.items() if text})

    def entity(self) -> Yaml:
        """The descriptor; what is empty stays away."""
        name = self.name if is_name(self.name) else slug(self.title)
        metadata: Yaml = {"name": name}
        if self.title != name:
            metadata["title"] = self.title
        for key in ("description", "labels", "annotations", "tags", "links"):
            if getattr(self, key):
                metadata[key] = getattr(self, key)
        spec = {key: value for key, value in self.spec.items() if value not in ("", None)}
        head = {"apiVersion": "backstage.io/v1alpha1", "kind": self.kind}
        return {**head, "metadata": metadata, "spec": spec}


def slug(text: str) -> str:
    """A name of ours out of a title of theirs."""
    return as_name(re.sub(r"[^A-Za-z0-9_.]+", "-", text.strip()).lower())


def group(text: str) -> str:
    """The reference of a team by the name another portal has for it."""
    return str(EntityRef("group", "default", as_name(text.strip()))) if as_name(text.strip()) else ""


def component(text: str) -> str:
    return str(EntityRef("component", "default", slug(text)))
