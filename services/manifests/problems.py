"""What a check has to say: rules with their reasons, problems at a place, findings for people."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class Lease:
    """An exception: one guardrail is silent in one environment, on one object (or on all), until a day.

    Names of people are as they are read; `ref` leads to where it was granted.
    """

    rule: str
    environment: str
    object: str = ""
    until: str = ""
    reason: str = ""
    asked_by: str = ""
    granted_by: str = ""
    ref: str = ""

    def covers(self, finding: "Finding", environment: str, today: str) -> bool:
        """The last day counts. One without a last day holds for ever, one of another environment never."""
        return self.is_for(finding.rule, environment, finding.object, today)

    def is_for(self, rule: str, environment: str, object: str, today: str) -> bool:
        if self.rule != rule or self.environment != environment:
            return False
        return self.object in ("", object) and (not self.until or today <= self.until)


@dataclass(frozen=True)
class Finding:
    """`excepted`: it would be more severe, but an exception holds. `environment` where one is known."""

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
    environment: str = ""
    excepted: Lease | None = None

    @property
    def blocks(self) -> bool:
        return self.severity == "block"


def with_leases(
    findings: Iterable[Finding], leases: Sequence[Lease], environment: str, today: str
) -> Iterator[Finding]:
    """The findings of one environment; what an exception covers is told for information, and with it."""
    for finding in findings:
        covering = (each for each in leases if each.covers(finding, environment, today))
        lease = next(covering, None) if finding.severity != "info" else None
        if lease is not None:
            finding = replace(finding, severity="info", excepted=lease)
        yield replace(finding, environment=environment)


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
