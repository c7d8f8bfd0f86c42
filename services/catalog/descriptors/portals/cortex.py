"""Cortex, `cortex.yaml`: an OpenAPI document whose `info` carries `x-cortex-…` fields.

https://docs.cortex.io/ingesting-data-into-cortex/entities-overview/entities/yaml
"""

from services.catalog.descriptors.formats import is_name
from services.catalog.descriptors.portals.shapes import (
    Draft,
    Need,
    Reader,
    Taken,
    Yaml,
    component,
    group,
    slug,
)
from services.catalog.descriptors.problems import as_name

KINDS = {"service": "Component", "domain": "Domain", "team": "Group", "system": "System"}
RESOURCES = ("database", "resource", "queue", "bucket", "topic", "cache")
SLUGS = {"github": "github.com/project-slug", "gitlab": "gitlab.com/project-slug"}


def recognise(name: str, data: Yaml) -> bool:
    info = data.get("info")
    return isinstance(info, dict) and any(str(key).startswith("x-cortex-") for key in info)


def read(data: Yaml) -> Taken:
    taken = Taken()
    root = Reader(data, taken)
    info = root.mapping("info", required=True)
    draft = _draft(info)
    taken.ids.add(draft.name)
    owners = _owners(info)
    parents = _tags(info, "x-cortex-domain-parents") + _tags(info, "x-cortex-parents")
    _place(draft, owners, parents)
    _about(info, draft)
    _git(info, draft)
    for path, tag in _dependencies(info):
        taken.needs.append(Need(path, tag, component(tag)))
    info.leave("version", "contact", "license", "x-cortex-type")
    info.rest()
    root.leave("openapi", "servers", "info")
    if not data.get("paths"):
        root.leave("paths")
    root.rest()
    taken.entities = [draft.entity()]
    return taken


def _draft(info: Reader) -> Draft:
    tag = info.text("x-cortex-tag", required=True)
    if tag and not is_name(tag):
        info.refuse("x-cortex-tag", "format", f"{tag} is no name", as_name(tag))
    kind = info.text("x-cortex-type").lower() or "service"
    ours = KINDS.get(kind, "Resource" if kind in RESOURCES else "Component")
    draft = Draft(ours, info.text("title", required=True), info.text("description").strip(), name=tag)
    if ours not in ("Domain", "System"):
        draft.spec["type"] = slug(kind) or "service"
    if ours == "Component":
        draft.spec["lifecycle"] = slug(info.text("x-cortex-lifecycle")) or "unknown"
    return draft


def _place(draft: Draft, owners: list[str], parents: list[str]) -> None:
    """Who owns it and what it is part of, in the words of its kind."""
    if draft.kind == "Group":
        draft.spec |= {"children": [], "parent": parents[0] if parents else ""}
        return
    draft.spec["owner"] = owners[0] if owners else ""
    if parents:
        field = {"Domain": "subdomainOf", "System": "domain"}.get(draft.kind, "system")
        draft.spec[field] = parents[0]


def _owners(info: Reader) -> list[str]:
    """Teams that own it, the first one counts; people and channels have no place."""
    found = []
    for owner in info.items("x-cortex-owners"):
        kind = owner.text("type", required=True).lower()
        if kind == "group":
            name = owner.text("name", required=True)
            found.append(group(name))
        elif kind in ("email", "slack", "user"):
            owner.note("type", f"an owner of type {kind} has no place in the catalog")
        elif kind:
            owner.refuse("type", "enum", f"{kind} is no type of owner", "group")
        if len(found) > 1:
            owner.note("name", f"an entity has one owner here, {found[0]}")
    return [name for name in found if name]


def _tags(info: Reader, key: str) -> list[str]:
    """The names that a list of `tag: …` gives."""
    tags = [as_name(item.text("tag", required=True)) for item in info.items(key)]
    for extra in tags[1:]:
        info.note(key, f"an entity is part of one thing here, {tags[0]}, not of {extra} too")
    return [tag for tag in tags if tag]


def _dependencies(info: Reader) -> list[tuple[tuple[str | int, ...], str]]:
    found = []
    for needed in info.items("x-cortex-dependency"):
        tag = needed.text("tag", required=True)
        if as_name(tag):
            found.append(((*needed.path, "tag"), as_name(tag)))
        needed.leave("method", "path", "description", "metadata")
        needed.rest()
    return found


def _about(info: Reader, draft: Draft) -> None:
    for link in info.items("x-cortex-link"):
        url = link.text("url", required=True)
        draft.link(link, url, link.text("name"), link.text("type"))
        link.leave("description")
        link.rest()
    for _, name in info.texts("x-cortex-groups"):
        draft.tag(name)
    custom = info.mapping("x-cortex-custom-metadata")
    for key, value in custom.data.items():
        if isinstance(value, (str, int, float)) and slug(key):
            draft.annotations[f"cortex.io/{slug(key)}"] = (
                str(value).lower() if isinstance(value, bool) else str(value)
            )
        elif value is not None:
            custom.note(key, f"{key} holds more than one value")


def _git(info: Reader, draft: Draft) -> None:
    git = info.mapping("x-cortex-git")
    for host in list(git.data):
        place = git.mapping(host)
        name = place.text("repository", required=True)
        draft.annotations[SLUGS.get(host, f"cortex.io/{slug(host)}")] = name
        place.leave("basepath", "alias", "project")
        place.rest()
