"""Atlassian Compass, configuration as code: `compass.yml`, version 1.

https://developer.atlassian.com/cloud/compass/config-as-code/structure-and-contents-of-a-compass-yml-file/
"""

from services.catalog.descriptors.portals.shapes import TIER, Draft, Need, Reader, Taken, Yaml, slug
from services.catalog.descriptors.problems import nearest

FILES = ("compass.yml", "compass.yaml")
MARKS = {"configVersion", "typeId", "ownerId", "relationships", "customFields"}
ARI = "ari:cloud:compass"
TYPES = (
    "SERVICE", "LIBRARY", "APPLICATION", "CAPABILITY", "CLOUD_RESOURCE", "DATA_PIPELINE",
    "MACHINE_LEARNING_MODEL",
    "UI_ELEMENT", "WEBSITE", "OTHER",
)  # fmt: skip
LIFECYCLES = {"pre-release": "experimental", "active": "production", "deprecated": "deprecated"}
RELATIONSHIPS = ("DEPENDS_ON", "CHILD_OF", "OWNED_BY")


def recognise(name: str, data: Yaml) -> bool:
    """By its marks: `configVersion` with a type or identifier of Compass; under its own name two do."""
    if name in FILES and len(MARKS & data.keys()) > 1:
        return True
    return "configVersion" in data and ("typeId" in data or str(data.get("id")).startswith(ARI))


def read(data: Yaml) -> Taken:
    taken = Taken()
    root = Reader(data, taken)
    if root.text("configVersion", required=True) not in ("", "1"):
        root.refuse("configVersion", "enum", "only version 1 is known", "1")
    draft = _draft(root)
    identity = root.text("id")
    if identity:
        taken.ids.add(identity)
        draft.annotations["compass.atlassian.com/id"] = identity
    if owner := root.text("ownerId"):
        root.note("ownerId", f"{owner} is no name of a team", "name the owner in CODEOWNERS")
    _about(root, draft)
    _relationships(root.mapping("relationships"), taken)
    root.rest()
    taken.entities = [draft.entity()]
    return taken


def _draft(root: Reader) -> Draft:
    kind = root.text("typeId", required=True)
    if kind and kind not in TYPES and not kind.startswith("ari:"):
        near = nearest(kind, TYPES)
        root.note("typeId", f"{kind} is none of Compass's own types; kept as it is", near)
    fields = root.mapping("fields")
    stage = fields.text("lifecycle").lower()
    draft = Draft(
        "Resource" if kind == "CLOUD_RESOURCE" else "Component", root.name("name"), root.text("description")
    )
    draft.spec = {"type": slug(kind.replace("_", "-")) or "other"}
    if draft.kind == "Component":
        draft.spec["lifecycle"] = LIFECYCLES.get(stage, slug(stage) or "unknown")
    draft.label(TIER, fields.text("tier"))
    fields.leave("isMonorepoProject")
    fields.rest()
    return draft


def _about(root: Reader, draft: Draft) -> None:
    for link in root.items("links"):
        url, kind = link.text("url", required=True), link.text("type")
        draft.link(link, url, link.text("name"), kind.replace("_", "-"))
        if kind == "REPOSITORY" and url.startswith("https://"):
            draft.annotations.setdefault("backstage.io/source-location", f"url:{url.rstrip('/')}/")
        link.rest()
    for _, label in root.texts("labels"):
        draft.tag(label)
    for custom in root.items("customFields"):
        name, value = custom.text("name", required=True), custom.data.get("value")
        custom.leave("type", "value")
        if isinstance(value, (str, int, float)) and slug(name):
            draft.annotations[f"compass.atlassian.com/{slug(name)}"] = str(value)
        elif value not in (None, [], {}):
            custom.note("value", f"{name} holds more than one value")


def _relationships(relationships: Reader, taken: Taken) -> None:
    for path, target in relationships.texts("DEPENDS_ON"):
        taken.needs.append(Need(path, target))
    for key in relationships.data:
        if key not in RELATIONSHIPS:
            meant = nearest(key, RELATIONSHIPS)
            relationships.refuse(key, "enum", f"{key} is no relationship of Compass's", meant)
    relationships.leave(*relationships.data.keys() - set(RELATIONSHIPS))
    relationships.rest()
