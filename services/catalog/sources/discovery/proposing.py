"""From objects to entities: which belong together, what each says, and what is left open."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.problems import Problem, as_label, as_name, shown
from services.catalog.descriptors.refs import BadReference, parse_ref
from services.catalog.descriptors.relations import declared
from services.catalog.descriptors.reports import DocumentReport
from services.catalog.sources.discovery.facts import Facts
from services.catalog.sources.discovery.vocabulary import (
    ENTITY,
    IDENTITY,
    KUBERNETES_ID,
    MANAGED_BY,
    RESOURCES,
    WORKLOADS,
    Rules,
    Seen,
)

ORIGIN, VERSION = "cluster", "backstage.io/v1alpha1"
SHOWN = {"Component": "component", "Resource": "resource"}


@dataclass
class Found:
    """One entity: the reports and facts of the objects that are it, the most important place first."""

    kind: str
    namespace: str
    name: str
    types: dict[str, str]
    """By object, for several may be one thing."""
    parts: list[tuple[DocumentReport, Facts]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return f"{self.kind}:{self.namespace}/{self.name}".lower()


def discover(
    seen: Sequence[Seen], *, cluster: str, rules: Rules, described: Collection[str] = ()
) -> list[DocumentReport]:
    """A report for each workload, and for what operators and labels stand for; in the order of `seen`.

    `described` are the references that other sources describe: what is one of them is no second thing.
    """
    return _Discovery(cluster, rules, frozenset(described)).run(seen)


@dataclass
class _Discovery:
    cluster: str
    rules: Rules
    described: frozenset[str]
    reports: list[DocumentReport] = field(default_factory=list)
    found: dict[str, Found] = field(default_factory=dict)

    def run(self, seen: Sequence[Seen]) -> list[DocumentReport]:
        facts = [(Facts(one.manifest), one.entity_ref) for one in seen]
        self.namespaces = list(dict.fromkeys(one.namespace for one, _ in facts))
        services = [one for one, _ in facts if one.kind == "Service"]
        operated: set[tuple[str, str, str]] = set()
        for one, ref in facts:
            quiet = one.is_quiet and not self.rules.helpers
            if (made := one.operated()) and one.kind != "Service" and not quiet:
                kind, name, type_ = made
                if (one.namespace, kind, name) not in operated:
                    operated.add((one.namespace, kind, name))
                    self._operated(one, kind, name, type_, ref)
            elif one.kind in WORKLOADS:
                self._workload(one, ref, services)
        for thing in list(self.found.values()):
            self._describe(thing)
        self._systems()
        return self.reports

    def _rank(self, one: Facts) -> tuple[int, int]:
        """The namespaces in their order; what always runs before what runs now and then."""
        kind = WORKLOADS.index(one.kind) if one.kind in WORKLOADS else 0
        return self.namespaces.index(one.namespace), kind

    def _report(self, one: Facts, kind: str, name: str) -> DocumentReport:
        place = f"{self.cluster}/{one.namespace}/{kind}/{name}"
        report = DocumentReport(place, 0, 0, "ok", origin=ORIGIN)
        self.reports.append(report)
        return report

    def _operated(self, one: Facts, kind: str, name: str, type_: str, ref: str) -> None:
        report = self._report(one, kind, name)
        found = Found("Resource", self._namespace(one), as_name(name), {report.file: type_})
        self._take(report, one, found, ref)

    def _workload(self, one: Facts, ref: str, services: list[Facts]) -> None:
        report = self._report(one, one.kind, one.name)
        if not self.rules.helpers and (why := one.noise()):
            report.verdict = "not-a-descriptor"
            hint = "let the source take helpers in too"
            report.errors = [Problem("metadata", "left-out", f"left out: {why}", hint)]
            return
        type_ = one.value(*self.rules.fields["type"]).lower()
        resource = type_ in RESOURCES or (not type_ and bool(one.resource_type()))
        kind = "Resource" if resource else "Component"
        type_ = type_ or one.resource_type() or one.component_type(services)
        found = Found(kind, self._namespace(one), one.catalog_name(), {report.file: type_})
        self._take(report, one, found, ref)

    def _namespace(self, one: Facts) -> str:
        return (as_label(one.namespace) or "default") if self.rules.apart else "default"

    def _take(self, report: DocumentReport, one: Facts, thing: Found, ref: str) -> None:
        """Add an object to the entity it is: as it says, else as others describe it, else a new one."""
        wanted = self._named(report, one) or self._known(thing, ref)
        if wanted:
            thing.kind, thing.namespace, thing.name = wanted
        report.ref = thing.ref
        known = self.found.setdefault(thing.ref, thing)
        known.parts.append((report, one))
        known.types |= thing.types

    def _named(self, report: DocumentReport, one: Facts) -> tuple[str, str, str] | None:
        said = one.value(ENTITY)
        if not said:
            return None
        try:
            parsed = parse_ref(said, default_kind="component")
        except BadReference as error:
            report.warnings.append(Problem(ENTITY, "reference", f"{shown(said)} names no entity: {error}"))
            return None
        if parsed.kind.lower() not in SHOWN.values():
            message = f"{shown(said)} is neither a component nor a resource"
            report.warnings.append(Problem(ENTITY, "reference", message))
            return None
        return parsed.kind.capitalize(), parsed.namespace, parsed.name

    def _known(self, thing: Found, ref: str) -> tuple[str, str, str] | None:
        """What others describe under this name, as a component or a resource, or as the watcher takes it."""
        where = f"{thing.namespace}/{thing.name}".lower()
        other = "Component" if thing.kind == "Resource" else "Resource"
        for kind in (thing.kind, other):
            if f"{kind.lower()}:{where}" in self.described:
                return kind, thing.namespace, thing.name
        if ref in self.described and ref.partition(":")[0] in SHOWN.values():
            kind, _, rest = ref.partition(":")
            namespace, _, name = rest.partition("/")
            return kind.capitalize(), namespace, name
        return None

    def _describe(self, thing: Found) -> None:
        """Write the entity into the report of its first object; the others carry its reference."""
        thing.parts.sort(key=lambda part: self._rank(part[1]))
        report, first = thing.parts[0]
        spec = {"type": thing.types[report.file]}
        for name in ("lifecycle", "owner", "system"):
            if said := self._agreed(thing, name, report):
                spec[name] = said
        if thing.kind == "Resource":
            spec.pop("lifecycle", None)
        metadata: dict[str, Any] = {"name": thing.name, "annotations": self._annotations(thing)}
        if thing.namespace != "default":
            metadata["namespace"] = thing.namespace
        for name in ("title", "description"):
            if said := first.value(*self.rules.fields[name]):
                metadata[name] = said
        self._close(report, thing.kind, metadata, spec)
        if "owner" not in spec and thing.ref not in self.described:
            report.warnings.append(self._unowned("system" in spec))
        for other, facts in thing.parts[1:]:
            if facts.image and first.image and facts.image != first.image and facts.kind == first.kind:
                why = f"runs {facts.image} where {report.file} runs {first.image}"
                hint = f"give one of them the label {KUBERNETES_ID}, or keep namespaces apart"
                other.warnings.append(Problem("", "other-image", f"{why}: are these two things?", hint))

    def _agreed(self, thing: Found, name: str, report: DocumentReport) -> str:
        """What all its objects that say a field say; where they disagree nobody is believed."""
        said: dict[str, str] = {}
        for part, facts in thing.parts:
            key, text = facts.said(self.rules.fields[name])
            if not text:
                continue
            value = text if name == "lifecycle" else self._reference(thing, name, text)
            if value:
                said.setdefault(value, f"{part.file} ({key})")
            else:
                message = f"{key} says {shown(text)}, which is no name of {_article(name)}"
                part.warnings.append(Problem(f"spec.{name}", "reference", message, as_name(text)))
        if len(said) > 1:
            told = ", ".join(f"{value} in {place}" for value, place in said.items())
            message = f"its objects name different ones: {told}; nobody is believed"
            report.warnings.append(Problem(f"spec.{name}", "disagree", message))
            return ""
        return next(iter(said), "")

    def _reference(self, thing: Found, name: str, text: str) -> str:
        """A label's text as a reference; empty for what is none. Owners are of the default namespace."""
        said = _reference(text)
        if not said or thing.namespace == "default" or "/" in said:
            return said
        kind, _, rest = said.rpartition(":")
        if name == "owner":
            return f"{kind or 'group'}:default/{rest}"
        return f"default/{rest}" if f"system:default/{rest}".lower() in self.described else said

    def _unowned(self, in_system: bool) -> Problem:
        keys = self.rules.fields["owner"]
        message = f"unowned: none of the labels {', '.join(keys)} says whose it is"
        message += "; the owner of its system answers for it, if there is one" if in_system else ""
        return Problem("spec.owner", "unowned", message, f"{keys[0]}: <team>" if keys else "")

    def _annotations(self, thing: Found) -> dict[str, str]:
        first = thing.parts[0][1]
        spaces = {facts.namespace for _, facts in thing.parts}
        noted = {
            KUBERNETES_ID: first.value(KUBERNETES_ID),
            IDENTITY: first.value(IDENTITY),
            MANAGED_BY: first.value(MANAGED_BY),
            "backstage.io/kubernetes-cluster": self.cluster,
            "backstage.io/kubernetes-namespace": first.namespace if len(spaces) == 1 else "",
            "slipway.dev/workload": thing.parts[0][0].file.split("/")[-2],
            "slipway.dev/image": first.image,
        }
        return {key: text for key, text in noted.items() if text}

    def _systems(self) -> None:
        """What is said to be part of a system makes that system one."""
        made: set[str] = set()
        for report in [r for r in self.reports if r.descriptor and r.ref not in self.described]:
            system = (report.descriptor or {})["spec"].get("system", "")
            target = next((r.target_ref for r in report.relations if r.field == "system"), "")
            if not target.startswith("system:") or target in made:
                continue
            made.add(target)
            namespace, _, _ = target.partition(":")[2].partition("/")
            place = f"{report.file.rpartition('/')[0].rpartition('/')[0]}/System/{system}"
            mine = DocumentReport(place, 0, 0, "ok", origin=ORIGIN)
            self.reports.append(mine)
            metadata: dict[str, Any] = {"name": system.rpartition("/")[2].rpartition(":")[2]}
            if namespace != "default":
                metadata["namespace"] = namespace
            self._close(mine, "System", metadata, {})
            if mine.ref not in self.described:
                message = "unowned: a label names this system, and no label can say whose it is"
                hint = "describe it in a catalog-info.yaml"
                mine.warnings.append(Problem("spec.owner", "unowned", message, hint))

    def _close(
        self, report: DocumentReport, kind: str, metadata: dict[str, Any], spec: dict[str, Any]
    ) -> None:
        """Give a report its entity, unless that would break the rules of names."""
        descriptor = {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}
        if found := check_envelope(descriptor):
            report.verdict, report.errors = "refused", [one.at(0) for one in found]
            return
        report.descriptor = descriptor
        report.relations, unread = declared(descriptor)
        namespace = metadata.get("namespace", "default")
        report.ref = f"{kind}:{namespace}/{metadata['name']}".lower()
        report.warnings += [one.at(0) for one in unread]


def _article(name: str) -> str:
    return {"owner": "a team or a person", "system": "a system"}.get(name, f"a {name}")


def _reference(text: str) -> str:
    """A label's text as a reference: a whole one as it is, else a name; empty for what is neither."""
    if "@" in text or " " in text:
        return ""
    try:
        parsed = parse_ref(text, default_kind="group")
    except BadReference:
        return ""
    return text if as_name(parsed.name) == parsed.name else ""
