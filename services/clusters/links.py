"""Where else one looks: dashboards, logs and metrics of a service, at addresses of a cluster's settings.

`settings["links"]` of a cluster: what it is called, and an address with `{namespace}`, `{service}`, `{team}`,
`{environment}` and `{cluster}` in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.clusters.models import Environment

KNOWN = ("namespace", "service", "team", "environment", "cluster")


@dataclass(frozen=True)
class Link:
    label: str
    url: str


def of(entity: Any, environments: Iterable[Environment]) -> list[tuple[Environment, list[Link]]]:
    """By environment; those without links are left out."""
    found = [(each, list(_links(entity, each))) for each in environments]
    return [(environment, links) for environment, links in found if links]


def _links(entity: Any, environment: Environment) -> Iterable[Link]:
    given = environment.cluster.settings.get("links") or {}
    values = {
        "namespace": environment.namespace,
        "service": entity.name,
        "team": (entity.owner_ref or "").rpartition("/")[2],
        "environment": environment.name,
        "cluster": environment.cluster.name,
    }
    for label, template in given.items():
        if url := filled(str(template), values):
            yield Link(str(label), url)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The address with its names filled in, each quoted; "" for what is no address of the web."""
    if not template.startswith(("https://", "http://")):
        return ""
    for name in KNOWN:
        template = template.replace(f"{{{name}}}", quote(values.get(name, ""), safe=""))
    return template
