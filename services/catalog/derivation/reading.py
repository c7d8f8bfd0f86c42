"""Files into workloads: manifests, compose files, kustomizations, and loose configuration."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from services.catalog.derivation import compose, containers, helm, kustomize, loose
from services.catalog.derivation.guard import noted
from services.catalog.derivation.kubernetes import Cluster
from services.catalog.derivation.model import Block, Json, Note, Workload
from services.catalog.derivation.trees import listed, mapping, merged, numbered, plain, text
from services.catalog.descriptors.reading import Document, read

TREES = (".yaml", ".yml", ".json")
ROUTES = ("Ingress", "HTTPRoute", "GRPCRoute", "VirtualService", "Gateway", "Route", "IngressRoute")


@dataclass
class Project:
    """A set of files, read once."""

    files: Mapping[str, bytes]
    cluster: Cluster = field(default_factory=Cluster)
    stacks: dict[str, compose.Stack] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    own_hosts: set[str] = field(default_factory=set)
    apps: dict[str, str] = field(default_factory=dict)

    def read(self) -> list[Workload]:
        """Every workload of the files, with everything it is told."""
        pending: list[tuple[str, Document]] = []
        for file in sorted(self.files):
            if file.lower().endswith(TREES):
                with noted(self.notes, file):
                    for document in self._documents(file):
                        self._sort(file, document, pending)
        self._compose(pending)
        for pod in self.cluster.pods:
            with noted(self.notes, pod.file, pod.workload.line):
                containers.describe(pod, self._block)
        workloads = [
            *self.cluster.workloads,
            *(w for s in self.stacks.values() for w in s.workloads.values()),
        ]
        self.apps = loose.attribute(self.files, self.taken, workloads, self.notes)
        return workloads

    def _documents(self, file: str) -> list[Document]:
        if helm.is_template(file, self.files[file]):
            return [each for each in read(helm.rendered(file, self.files)) if not each.problem]
        found = read(self.files[file], as_json=file.lower().endswith(".json"))
        for document in found:
            if document.problem and not is_template(self.files[file]) and not file.lower().endswith(".json"):
                self.notes.append(Note("unreadable", file, document.line, document.problem))
        return [document for document in found if not document.problem]

    def _sort(self, file: str, document: Document, pending: list[tuple[str, Document]]) -> None:
        data = document.data
        if compose.services_of(file, data):
            self.taken.add(file)
            pending.append((file, document))
        elif kustomize.is_kustomization(file, data):
            self.taken.add(file)
            kustomize.take(self.cluster, self.files, file, document)
        elif isinstance(data, dict) and "apiVersion" in data and "kind" in data:
            self.taken.add(file)
            self.cluster.take(file, document)
            self.own_hosts |= set(_hosts(data))

    def _compose(self, pending: list[tuple[str, Document]]) -> None:
        others: dict[str, Json] = {}
        for file, document in pending:
            others[file] = {
                **others.get(file, {}),
                **compose.services_of(file, merged(document.data)),
            }
        for file, document in sorted(pending, key=lambda each: (posixpath.dirname(each[0]), len(each[0]))):
            folder = posixpath.dirname(file)
            stack = self.stacks.setdefault(folder, compose.Stack(folder, self.files))
            with noted(self.notes, file, document.line):
                compose.take(stack, file, document, others)

    def _block(self, kind: str, space: str, name: str) -> Block | None:
        """A ConfigMap or Secret as the pods of a namespace see it."""
        known = self.cluster.blocks
        if found := known.get((kind, space, name)) or known.get((kind, "", name)):
            return found
        if space:
            return None
        others = [block for (k, _, n), block in known.items() if (k, n) == (kind, name)] if name else []
        return others[0] if len(others) == 1 else None


def is_template(content: bytes) -> bool:
    return b"{{" in content


def _hosts(data: Any) -> list[str]:
    """The outside names under which the system itself is reached."""
    if data.get("kind") not in ROUTES:
        return []
    spec = mapping(data, "spec")
    rules = [text(rule, "host") for _, rule in numbered(spec, "rules")]
    servers = [plain(host) for _, server in numbered(spec, "servers") for host in listed(server, "hosts")]
    hosts = [plain(host) for key in ("hostnames", "hosts") for host in listed(spec, key)]
    told = [*rules, *servers, *hosts, text(spec, "host")]
    return [host.lower() for host in told if host.count(".") > 1 and ".svc" not in host]
