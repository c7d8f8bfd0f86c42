"""What a copy is made from and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Item:
    """One object of one service (`part`). `path` is where it stands, and means nothing here."""

    part: str
    data: Json
    path: str = ""


@dataclass(frozen=True)
class Target:
    """Where a set goes.

    `namespace`: empty when whoever applies it decides; then the set names itself without a namespace.
    `suffix`: put behind every name, for a copy beside the original in the same namespace.
    `domain`: hosts become `<first label>-<name>.<domain>`; `domains`: else these endings are exchanged.
    `small`: one replica, little storage, nothing that wakes people or writes backups (a preview).
    """

    namespace: str
    name: str = ""
    suffix: str = ""
    domain: str = ""
    domains: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    swaps: Mapping[str, str] = field(default_factory=dict)
    storage_class: str = ""
    small: bool = False
    storage: str = "1Gi"
    cpu: str = "100m"


@dataclass(frozen=True)
class Left:
    """An object that is not copied, and why."""

    object: str
    reason: str
    part: str


@dataclass(frozen=True)
class Missing:
    """Something the copy needs by name and nothing in it makes; `keys` of it that are asked for by name."""

    kind: str
    name: str
    needed_by: tuple[str, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class Routed:
    """A service outside the set that the copy goes on using where it is."""

    name: str
    address: str
    needed_by: tuple[str, ...]


@dataclass(frozen=True)
class Noted:
    """What was made otherwise than it was, in words."""

    object: str
    text: str


@dataclass
class Copied:
    """`hosts` by what they were."""

    items: list[Item] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    missing: list[Missing] = field(default_factory=list)
    routed: list[Routed] = field(default_factory=list)
    notes: list[Noted] = field(default_factory=list)
    hosts: dict[str, str] = field(default_factory=dict)


def called(data: Mapping[str, Any]) -> str:
    """`Deployment/wishlist`."""
    return f"{data.get('kind')}/{(data.get('metadata') or {}).get('name')}"
