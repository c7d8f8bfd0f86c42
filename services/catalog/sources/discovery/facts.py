"""What one object says about itself."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from services.catalog.derivation import kinds
from services.catalog.derivation.kinds import HELPERS
from services.catalog.descriptors.problems import as_name
from services.catalog.descriptors.workloads import image_of, template_path
from services.catalog.sources.discovery.vocabulary import (
    APP_INSTANCE,
    APP_NAME,
    APP_PART,
    BETWEEN,
    CACHES,
    KUBERNETES_ID,
    MANAGED_BY,
    OPERATED,
    PARTS,
    POOLERS,
    PORTS,
    QUIET_MANAGERS,
    QUIET_NAMESPACES,
    STORES,
    Json,
)


def mapping(holder: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    return dict(holder) if isinstance(holder, Mapping) else {}


def texts(holder: Any, *keys: str) -> dict[str, str]:
    return {str(key): text for key, text in mapping(holder, *keys).items() if isinstance(text, str)}


class Facts:
    """One object: `said` looks a label up, `kind` and `name` are those of Kubernetes."""

    def __init__(self, manifest: Json) -> None:
        self.manifest = dict(manifest)
        metadata = mapping(manifest, "metadata")
        pods = mapping(manifest, *template_path(self.manifest), "metadata")
        self.kind, self.name = str(manifest.get("kind")), str(metadata.get("name"))
        self.namespace = str(metadata.get("namespace") or "")
        self.labels = texts(metadata, "labels")
        self.pod_labels = texts(pods, "labels")
        self.layers = [
            texts(metadata, "annotations"),
            self.labels,
            self.pod_labels,
            texts(pods, "annotations"),
        ]

    def said(self, keys: tuple[str, ...]) -> tuple[str, str]:
        """The first of some labels or annotations that says anything, and what; its own before its pods'."""
        for key in keys:
            for layer in self.layers:
                if text := layer.get(key, "").strip():
                    return key, text
        return "", ""

    def value(self, *keys: str) -> str:
        return self.said(keys)[1]

    @property
    def image(self) -> str:
        """The image's name without tag and digest: what is released every day is no change of the entity."""
        path = image_of(self.manifest).partition("@")[0]
        head, slash, last = path.rpartition("/")
        return head + slash + last.partition(":")[0]

    def catalog_name(self) -> str:
        """What the catalog calls it, by what it says alone: no neighbour that comes or goes renames it."""
        if said := self.value(KUBERNETES_ID):
            return as_name(said)
        app, instance = self.labels.get(APP_NAME, ""), self.labels.get(APP_INSTANCE, "")
        if app and not self.labels.get(APP_PART) and instance in ("", app):
            return as_name(app)
        classic, version = self.labels.get("app", ""), self.labels.get("version", "")
        if classic and version and self.name == f"{classic}-{version}":
            return as_name(classic)
        return as_name(self.name)

    def resource_type(self) -> str:
        """The type of the database, cache or queue this is; empty when it is none."""
        part = PARTS.get(self.value(APP_PART).lower(), "")
        if self.kind == "StatefulSet" and part in ("database", "cache", "queue"):
            return part
        name = kinds.image_name(image_of(self.manifest))
        known = kinds.of_image(image_of(self.manifest)) if self.kind != "CronJob" else None
        if known == "datastore":
            cache = name in CACHES or name.removeprefix("bitnami-").removesuffix("-alpine") in CACHES
            return "cache" if cache else "object-store" if name in STORES else "database"
        if known or self.kind == "CronJob" or HELPERS.search(self.name) or POOLERS.search(name):
            return "queue" if known == "queue" else ""
        ports = {str(port.get("containerPort")) for port in self._ports() if isinstance(port, Mapping)}
        return PORTS.get(ports.pop(), "") if len(ports) == 1 else ""

    def component_type(self, services: list["Facts"]) -> str:
        """Job, worker or service: what takes no connection from anybody works by itself."""
        if self.kind == "CronJob":
            return "job"
        part = PARTS.get(self.value(APP_PART).lower(), "")
        if part in ("worker", "job", "website"):
            return part
        served = any(
            (wanted := texts(service.manifest, "spec", "selector"))
            and wanted.items() <= self.pod_labels.items()
            for service in services
            if service.namespace == self.namespace
        )
        return "service" if served or next(self._ports(), None) else "worker"

    def _ports(self) -> Iterator[Any]:
        spec = mapping(self.manifest, *template_path(self.manifest), "spec")
        listed = spec.get("containers")
        for container in listed if isinstance(listed, list) else ():
            ports = container.get("ports") if isinstance(container, Mapping) else None
            yield from ports if isinstance(ports, list) else ()

    def controllers(self) -> list[tuple[str, str, str]]:
        """API group, kind and name of what made it, the controller first."""
        owners = mapping(self.manifest, "metadata").get("ownerReferences")
        rows = [owner for owner in owners if isinstance(owner, Mapping)] if isinstance(owners, list) else []
        rows.sort(key=lambda owner: not owner.get("controller"))
        return [
            (str(o.get("apiVersion") or "").rpartition("/")[0], str(o.get("kind")), str(o.get("name")))
            for o in rows
        ]

    def operated(self) -> tuple[str, str, str] | None:
        """Kind, name and type of what an operator runs this for; None when it is nothing anybody knows."""
        for group, kind, name in self.controllers():
            if between := BETWEEN.get((group, kind)):
                label, group, kind = between
                name = self.labels.get(label, "")
            if name and (type_ := OPERATED.get((group, kind))):
                return kind, name, type_
        return None

    @property
    def is_quiet(self) -> bool:
        """Whether it is in a namespace of the cluster itself."""
        return any(fnmatchcase(self.namespace, pattern) for pattern in QUIET_NAMESPACES)

    def noise(self) -> str:
        """Why nobody misses it in a catalog; empty for what people run."""
        if self.is_quiet:
            return f"the namespace {self.namespace} belongs to the cluster itself"
        if owners := self.controllers():
            return f"{owners[0][1]} {owners[0][2]} made it, and looks after it"
        manager = self.value(MANAGED_BY)
        if any(fnmatchcase(manager.lower(), pattern) for pattern in QUIET_MANAGERS):
            return f"{manager} made it for itself"
        return ""
