"""What a check has to say: rules with their reasons, problems at a place, findings for people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.manifests.pointers import Path

Severity = Literal["block", "warn", "info"]
ORDER: dict[str, int] = {"block": 0, "warn": 1, "info": 2}


@dataclass(frozen=True)
class Fix:
    """`changes` are places in the object (`spec.replicas`), or a form's fields once a blueprint mapped them.

    A value of None removes the field.
    """

    label: str
    changes: dict[str, Any]


@dataclass(frozen=True)
class Finding:
    rule: str
    severity: Severity
    title: str
    message: str
    reason: str
    path: str = ""
    file: str = ""
    document: int = 0
    line: int = 0
    object: str = ""
    fix: Fix | None = None

    @property
    def blocks(self) -> bool:
        return self.severity == "block"


@dataclass(frozen=True)
class Rule:
    """`severities` by environment; the key "" is for every other one. `lessons` are those of the docs."""

    id: str
    title: str
    reason: str
    severities: Mapping[str, Severity]
    lessons: tuple[int, ...] = ()

    def severity(self, environment: str) -> Severity:
        return self.severities.get(environment, self.severities[""])


@dataclass(frozen=True)
class Problem:
    """A rule broken at a place of one object, with the nearest value that passes where there is one."""

    rule: Rule
    path: Path
    message: str
    changes: Mapping[Path, Any] = field(default_factory=dict)
    label: str = ""
    unjudged: bool = False  # nothing is known to be wrong: the rule could not be evaluated


PRODUCTION = "production"
PRODUCTION_NAMES = frozenset({"production", "prod", "live"})


def environment_class(environment: str, settings: Mapping[str, Any]) -> str:
    """`production` for what is production under whatever name, else the environment's own name."""
    if settings.get("is_production") or environment.lower() in PRODUCTION_NAMES:
        return PRODUCTION
    return environment
