"""What a derivation speaks of: workloads, what their configuration says, and the edges that follow."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["service", "datastore", "queue", "external", "config", "telemetry"]
Json = dict[str, Any]

COMPOSE = "compose:"
SURE = 0.5


@dataclass(frozen=True, order=True)
class Evidence:
    """Where an edge can be seen. `value` never shows a password."""

    file: str
    line: int
    key: str
    value: str


@dataclass(frozen=True)
class Setting:
    """One thing a workload's configuration says. `trust` is how certainly the workload uses it."""

    key: str
    value: str
    file: str
    line: int
    trust: float = 0.95
    kind: Literal["value", "words", "text"] = "value"
    secret: bool = False
    block: str = ""


@dataclass(frozen=True)
class Hint:
    """An edge that is said outright by names: start order, links, network policies."""

    key: str
    target: str
    file: str
    line: int
    trust: float
    value: str = ""


@dataclass
class Workload:
    """Something that runs. `space` is its namespace, or `compose:` and the folder of its compose file."""

    name: str
    space: str
    file: str
    line: int
    form: str = "Deployment"
    images: list[str] = field(default_factory=list)
    ports: set[int] = field(default_factory=set)
    labels: dict[str, str] = field(default_factory=dict)
    account: str = ""
    aliases: set[str] = field(default_factory=set)
    settings: list[Setting] = field(default_factory=list)
    hints: list[Hint] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)
    roots: list[str] = field(default_factory=list)
    annotations: dict[str, str] = field(default_factory=dict)
    nicknames: dict[str, str] = field(default_factory=dict)
    kind: Kind | None = None

    @property
    def in_compose(self) -> bool:
        return self.space.startswith(COMPOSE)


@dataclass
class Service:
    """A name in the cluster's DNS and what stands behind it."""

    name: str
    space: str
    selector: dict[str, str] = field(default_factory=dict)
    ports: set[int] = field(default_factory=set)
    external: str = ""
    endpoints: bool = False


@dataclass
class Block:
    """Configuration that several workloads may read whole, such as a ConfigMap."""

    name: str
    space: str
    file: str
    entries: dict[str, tuple[str, int]] = field(default_factory=dict)
    secret: bool = False

    @property
    def id(self) -> str:
        return f"{self.space}/{self.name}"


@dataclass(frozen=True)
class Note:
    """Something a person should know: a document that could not be read, an address that leads nowhere."""

    kind: Literal["unreadable", "failed", "dangling", "limit"]
    file: str
    line: int
    message: str
    source: str = ""
    key: str = ""

    def as_dict(self) -> Json:
        told = {"from": self.source, "file": self.file, "line": self.line, "key": self.key}
        return {**told, "message": self.message}


@dataclass
class Edge:
    """`source` needs `target`; both are names of nodes."""

    source: str
    target: str
    kind: Kind
    confidence: float
    evidence: list[Evidence] = field(default_factory=list)

    def as_dict(self) -> Json:
        proof = [{"file": e.file, "line": e.line, "key": e.key, "value": e.value} for e in self.evidence]
        return {
            "from": self.source,
            "to": self.target,
            "kind": self.kind,
            "confidence": round(self.confidence, 2),
            "evidence": proof,
        }


@dataclass
class System:
    """What one set of files shows."""

    nodes: dict[str, Kind] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def sure(self, least: float = SURE) -> list[Edge]:
        return [edge for edge in self.edges if edge.confidence >= least]

    def dangling(self) -> Iterator[Note]:
        return (note for note in self.notes if note.kind == "dangling")

    def as_dict(self, path: str, least: float = SURE) -> Json:
        """The shape that `derive_dependencies --format json` prints."""
        edges = self.sure(least)
        ends = {edge.target for edge in edges}
        shown = {name: kind for name, kind in self.nodes.items() if kind != "external" or name in ends}
        return {
            "path": path,
            "nodes": [{"name": name, "kind": shown[name]} for name in sorted(shown)],
            "edges": [edge.as_dict() for edge in edges],
            "dangling": [note.as_dict() for note in self.dangling()],
        }
