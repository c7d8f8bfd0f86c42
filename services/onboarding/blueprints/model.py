"""What a blueprint is once it was read, and what an evaluation of it says."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.manifests.check import Finding
from services.manifests.diff import FileDiff
from services.manifests.expressions import Expression
from services.manifests.problems import Lease
from services.manifests.render import Template
from services.onboarding.blueprints.adopted import Adopted
from services.onboarding.blueprints.sketch import Folder

# ---- what is asked of the world -------------------------------------------------------------------------


@dataclass(frozen=True)
class TeamRef:
    slug: str
    name: str


@dataclass(frozen=True)
class Person:
    username: str
    name: str
    teams: Sequence[TeamRef] = ()


@dataclass(frozen=True)
class EnvironmentInfo:
    name: str
    title: str
    namespace: str
    is_production: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    kinds: Collection[str] | None = None  # what its cluster serves, `apps/v1/Deployment`; None: not known

    def lacks(self, requires: Mapping[str, str]) -> list[str]:
        """What is required and not there, as people call it; nothing while nobody has looked."""
        if self.kinds is None:
            return []
        return list(dict.fromkeys(name for kind, name in requires.items() if kind not in self.kinds))

    def as_variable(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "namespace": self.namespace,
            "production": self.is_production,
            "settings": dict(self.settings),
        }


@dataclass(frozen=True)
class Choice:
    """`requires` are kinds a cluster must serve, each with what people call it; `missing` says what lacks."""

    value: str
    label: str
    hint: str = ""
    requires: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""


Choices = Sequence[Choice] | Callable[[Collection[str]], Sequence[Choice]]


def no_leases(entity_ref: str) -> Sequence[Lease]:
    return ()


def nothing_exists(path: str) -> bytes | None:
    return None


def nothing_reserved(kind: str) -> Sequence[Mapping[str, Any]]:
    return ()


@dataclass(frozen=True)
class Brought:
    """What a part of a larger request is given by the others, instead of being asked for it.

    `prefills` stand where a field's default would; `wired` are items that its lists get besides what the
    person says; `tucked` fields hold what all parts share, and are drawn with the good defaults; `awaited`
    ones follow an answer of the main part that is not there yet, so that they are not asked for.
    """

    prefills: Mapping[str, Any] = field(default_factory=dict)
    wired: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    tucked: frozenset[str] = frozenset()
    awaited: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Upgrade:
    """`files` as the version before made them of `answers`, which `request` brought.

    `take` are the conflicts in which the newer version counts, and not what was changed by hand.
    """

    files: Mapping[str, str]
    answers: Mapping[str, Any]
    request: str = ""
    take: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Conflict:
    """A place people changed by hand and a newer version changes too; the whole file without `place`."""

    key: str
    file: str
    place: str
    before: str
    here: str
    wanted: str
    taken: bool = False


@dataclass(frozen=True)
class Context:
    """Everything an evaluation needs to know; `existing` reads a file of the deploy repository.

    Where there are too many systems or components to list, a function may stand for them: given the values
    that were chosen it returns those of them that exist, and as many others as are worth offering.
    `services` are the components of the person's own teams; `reserved` says what is there of a type.
    `fixed` are answers that must stay what they are; `together` the parts that came with one another
    before; `today` is a date, `2026-11-20`; `approvals` the
    company's rules over every blueprint; `leases` the exceptions granted to an entity; `adopted` says which
    files stand for those of a form that did not make them; `upgrade` what an older version made; `pin` the
    digest and the version that `slipway.yaml` is to name, where they are not the blueprint's own.
    """

    user: Person
    environments: Sequence[EnvironmentInfo]
    taken: Callable[[str], bool] | Collection[str] = ()
    systems: Choices = ()
    components: Choices = ()
    services: Choices = ()
    reserved: Callable[[str], Sequence[Mapping[str, Any]]] = nothing_reserved
    today: str = ""
    existing: Callable[[str], bytes | None] = nothing_exists
    request: str = ""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    together: frozenset[str] = frozenset()
    guardrails: Any = None
    kubernetes: str = "1.33"
    approvals: "tuple[ApprovalRule, ...]" = ()
    leases: Callable[[str], Sequence[Lease]] = no_leases
    adopted: Adopted | None = None
    upgrade: Upgrade | None = None
    pin: tuple[str, str] | None = None
    brought: Brought = Brought()

    def is_taken(self, name: str) -> bool:
        return self.taken(name) if callable(self.taken) else name in self.taken


# ---- the blueprint ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """A condition on one answer (`value`) and others (`answers`), with what to say and what to offer."""

    when: Expression
    message: Template
    suggestion: Expression | None = None


@dataclass(frozen=True)
class Field:
    name: str
    label: str
    type: str
    widget: str
    help: Template
    required: bool | Expression
    visible: Expression | None
    default: Template | None
    example: Any
    source: str
    options: tuple[Choice, ...]
    limits: Mapping[str, Any]
    rules: tuple[Rule, ...]
    columns: tuple["Field", ...] = ()
    unit: str = ""
    placeholder: str = ""
    expert: bool = False
    unique: bool = False
    wide: bool = True
    carries: Mapping[str, Expression] = field(default_factory=dict)
    requires: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_identity(self) -> bool:
        """What it is called, whose it is, where it runs: changing anything else keeps these."""
        return self.unique or self.source in ("teams", "environments")


@dataclass(frozen=True)
class Section:
    title: str
    hint: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class Manifest:
    """One file rendered for each environment; `why` stands above it as a comment.

    A `plain` one is JSON for a tool other than Kubernetes: nothing is added to it, and no cluster gets it.
    """

    file: str
    template: Template
    why: str
    plain: bool = False


@dataclass(frozen=True)
class ApprovalRule:
    """When it holds, `count` people are asked, each any of `who`: words of `approvals.WORDS`."""

    key: str
    when: Expression
    who: tuple[str, ...]
    team: Template
    reason: Template
    count: Expression | None = None


@dataclass(frozen=True)
class Place:
    """Which form field a place in a rendered object comes from; `value` turns the object's value into it.

    It holds in the environments where `when` does (in all of them without).
    """

    kind: str
    pattern: tuple[str | int, ...]
    field: str
    value: Expression | None
    when: Expression | None


@dataclass(frozen=True)
class CostRule:
    label: Template
    amount: Expression


@dataclass(frozen=True)
class Joining:
    """How a blueprint comes along in a larger request: the `key` before its fields' names, what it is called
    beside others, and answers made from those of the `main` part."""

    key: str
    label: str
    answers: Mapping[str, Template]


@dataclass(frozen=True)
class Provision:
    """What others may use of it: `data` rendered over its answers is the `offer` that they see."""

    kind: str
    data: Template


@dataclass(frozen=True)
class Acceptance:
    """What it takes of an offer of these kinds: `says` tells it in a sentence, `fill` gives answers.

    The expressions see `offer`, its `variables` as the person wants them, and the `answers` so far.
    """

    kinds: tuple[str, ...]
    says: Template
    fill: Mapping[str, Expression]


@dataclass(frozen=True)
class Release:
    """What a version says about itself; `moved` are fields by their names before and since."""

    version: str
    text: str
    moved: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Blueprint:
    name: str
    title: str
    description: str
    icon: str
    intro: str
    digest: str
    folder: Folder
    sections: tuple[Section, ...]
    values: Mapping[str, Expression]
    here: Mapping[str, Expression]
    subject: Template
    owner: Template
    path: Template
    manifests: tuple[Manifest, ...]
    entity: Template
    entity_path: Template
    dependencies: Expression | None
    environments: Expression
    approvals: tuple[ApprovalRule, ...]
    places: tuple[Place, ...]
    costs: tuple[CostRule, ...]
    tags: tuple[str, ...] = ()
    category: str = "Other"
    verb: str = "New"
    order: int = 50
    requires: Mapping[str, str] = field(default_factory=dict)
    namespace: Template | None = None
    reserved: str = ""
    joining: Joining | None = None
    provides: tuple[Provision, ...] = ()
    accepts: tuple[Acceptance, ...] = ()
    version: str = ""
    changes: tuple[Release, ...] = ()

    @property
    def noun(self) -> str:
        """The title within a sentence: `web service`, but `PostgreSQL database`."""
        is_name = any(letter.isupper() for letter in self.title.partition(" ")[0][1:])
        return self.title if is_name else self.title[:1].lower() + self.title[1:]

    @property
    def fields(self) -> dict[str, Field]:
        return {each.name: each for section in self.sections for each in section.fields}


@dataclass(frozen=True)
class Bundle:
    """A form that begins with parts: a blueprint, and the names of those that come with it."""

    name: str
    title: str
    description: str
    icon: str
    category: str
    order: int
    tags: tuple[str, ...]
    blueprint: str
    brings: tuple[str, ...]


# ---- what an evaluation says -----------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldError:
    rule: str
    message: str
    suggestion: Any = None
    field: str = ""


@dataclass(frozen=True)
class FieldState:
    """One field as it is to be drawn now; `errors` include guardrails that block because of it."""

    name: str
    label: str
    help: str
    widget: str
    value: Any
    options: tuple[Choice, ...]
    required: bool
    visible: bool
    prefilled: bool
    errors: tuple[FieldError, ...] = ()
    type: str = "string"
    unit: str = ""
    placeholder: str = ""
    expert: bool = False
    wide: bool = True
    columns: tuple[Field, ...] = ()
    fixed: bool = False
    missing: str = ""
    wired: tuple[str, ...] = ()


@dataclass(frozen=True)
class SectionState:
    title: str
    hint: str
    fields: tuple[FieldState, ...]


@dataclass(frozen=True)
class Cost:
    monthly: float
    currency: str
    lines: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ApprovalNeed:
    """`count` different people, each any of `who` (leads and members are those of `team`), and never the
    person who asks."""

    key: str
    who: tuple[str, ...]
    reason: str
    team: str
    count: int = 1


@dataclass(frozen=True)
class WireState:
    """One connection between two parts: what it does, and whether the person wants it.

    `switch` is the field that takes it away, none where a field of the part says it anyway; `names` are the
    variables it brings, each with where its value comes from.
    """

    key: str
    says: str
    on: bool
    switch: FieldState | None = None
    names: tuple[tuple[FieldState, str], ...] = ()


@dataclass(frozen=True)
class PartState:
    """One part of the whole: what it is, what it makes, and what it costs.

    The first is the main one, with the empty key. `sections` have the names of the whole form.
    """

    key: str
    blueprint: Blueprint
    name: str
    sections: tuple[SectionState, ...]
    wires: tuple[WireState, ...]
    files: frozenset[str]
    cost: "Cost"
    entity: dict[str, Any] | None
    entity_ref: str
    environments: tuple[str, ...]
    errors: tuple[FieldError, ...]
    digest: str = ""
    version: str = ""


@dataclass(frozen=True)
class Evaluation:
    """`files` and `removed` together are the change; they are a preview while `errors` is not empty."""

    answers: dict[str, Any]
    sections: tuple[SectionState, ...]
    files: dict[str, str]
    removed: tuple[str, ...]
    diffs: tuple[FileDiff, ...]
    findings: tuple[Finding, ...]
    cost: Cost
    approvals: tuple[ApprovalNeed, ...]
    entity: dict[str, Any] | None
    entity_ref: str
    dependencies: tuple[str, ...]
    environments: tuple[str, ...]
    errors: tuple[FieldError, ...]
    blocked: bool
    tree_hash: str
    parts: tuple[PartState, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    def part_of(self, finding: Finding) -> PartState:
        """The part whose file it is in; the main one where no part has it."""
        return next((part for part in self.parts if finding.file in part.files), self.parts[0])

    @property
    def entity_refs(self) -> list[str]:
        return [part.entity_ref.lower() for part in self.parts if part.entity_ref]
