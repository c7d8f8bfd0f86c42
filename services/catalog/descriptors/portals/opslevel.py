"""OpsLevel, `opslevel.yml`, version 1: a service (now component), or the owner of a repository.

https://docs.opslevel.com/docs/opslevel-yml
"""

from services.catalog.descriptors.portals.shapes import (
    TIER,
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

FILES = ("opslevel.yml", "opslevel.yaml")
SUBJECTS = ("service", "component", "repository")
MARKS = {"lifecycle", "tier", "product", "aliases", "tools", "alert_sources"}
LIFECYCLES = {
    "pre_alpha": "experimental", "alpha": "experimental", "beta": "experimental",
    "in_development": "experimental",
    "generally_available": "production", "end_of_life": "deprecated", "decommissioned": "deprecated",
}  # fmt: skip


def recognise(name: str, data: Yaml) -> bool:
    """A version and one subject,
    and nothing else; under another name the subject must show a mark of OpsLevel."""
    subjects = [key for key in SUBJECTS if key in data]
    if not subjects or "version" not in data or data.keys() - {"version", *SUBJECTS}:
        return False
    told = data[subjects[0]]
    return name in FILES or (isinstance(told, dict) and len(MARKS & told.keys()) > 1)


def read(data: Yaml) -> Taken:
    taken = Taken()
    root = Reader(data, taken)
    if root.text("version", required=True) not in ("", "1"):
        root.refuse("version", "enum", "only version 1 is known", "1")
    if "service" in data or "component" in data:
        key = "component" if "component" in data else "service"
        taken.entities = [_component(root.mapping(key, required=True), taken)]
    if "repository" in data:
        _repository(root.mapping("repository"), taken)
    if "service" in data and "component" in data:
        root.refuse("service", "one-subject", "service and component mean the same: keep one", "component")
    return taken


def _component(told: Reader, taken: Taken) -> Yaml:
    stage = told.text("lifecycle")
    draft = Draft("Component", told.name("name"), told.text("description").strip())
    draft.spec = {
        "type": slug(told.text("type")) or "service",
        "lifecycle": LIFECYCLES.get(stage, slug(stage) or "unknown"),
        "owner": group(told.text("owner")),
        "system": as_name(told.text("system")),
    }
    draft.label(TIER, told.text("tier"))
    for key in ("product", "language", "framework"):
        if text := told.text(key):
            draft.annotations[f"opslevel.com/{key}"] = text
    aliases = [alias for _, alias in told.texts("aliases")]
    taken.ids = {alias.lower() for alias in (*aliases, draft.title, slug(draft.title).replace("-", "_"))}
    if aliases:
        draft.annotations["opslevel.com/aliases"] = ", ".join(aliases)
    _about(told, draft)
    _dependencies(told, taken)
    told.rest()
    return draft.entity()


def _about(told: Reader, draft: Draft) -> None:
    for tag in told.items("tags"):
        key, value = tag.text("key", required=True), tag.text("value")
        draft.tag(f"{key}:{value}" if value else key)
    for tool in told.items("tools"):
        place = tool.text("environment")
        title = tool.text("name", required=True) + (f" ({place})" if place else "")
        draft.link(tool, tool.text("url", required=True), title, tool.text("category"))
        tool.leave("display_name")
        tool.rest()
    for repository in told.items("repositories"):
        repository.leave("provider", "path", "display_name")
        name = repository.text("name", required=True)
        draft.annotations.setdefault("opslevel.com/repository", name)
        repository.rest()


def _dependencies(told: Reader, taken: Taken) -> None:
    for needed in told.items("dependencies"):
        alias = needed.text("alias", required=True)
        if slug(alias):
            taken.needs.append(Need((*needed.path, "alias"), alias.lower(), component(alias)))
        needed.leave("notes", "locked")
        needed.rest()


def _repository(told: Reader, taken: Taken) -> None:
    """A repository is no entity of ours, but what it holds has its owner."""
    taken.folder_owner = group(told.text("owner"))
    told.text("tier")
    told.leave("tags", "name")
    told.rest()
