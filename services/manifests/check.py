"""Everything that can be said about manifests before anybody applies them: schema, sense, guardrails."""

import posixpath
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from services.manifests import pointers, schema, semantics, unfinished
from services.manifests.guardrails import Guardrails, shipped
from services.manifests.pointers import Path
from services.manifests.problems import (
    ORDER,
    Finding,
    Fix,
    Problem,
    Rule,
    Severity,
    environment_class,
)
from services.manifests.reader import Document, ManifestError
from services.manifests.unfinished import UNFINISHED, Later

__all__ = ["RULES", "Finding", "Fix", "Severity", "check", "counts", "unreadable"]


@dataclass(frozen=True)
class Subject:
    """One object to check: where it stands in its document (`prefix`, inside a List) and in its file."""

    data: Mapping[str, Any]
    source: Document
    prefix: Path = ()

    @property
    def is_object(self) -> bool:
        return all(isinstance(self.data.get(key), str) for key in ("apiVersion", "kind"))

    @property
    def place(self) -> str:
        return self.source.origin + self.source.file

    @property
    def name(self) -> str:
        """`Deployment/shop/wishlist`; the namespace is left out where the manifest names none."""
        metadata = self.data.get("metadata")
        metadata = metadata if isinstance(metadata, Mapping) else {}
        name = metadata.get("name") or metadata.get("generateName") or "?"
        parts = (self.data.get("kind") or "?", metadata.get("namespace"), name)
        return "/".join(str(part) for part in parts if part)

    def line_at(self, path: Path) -> int:
        """The line of a place, or of the nearest thing around it that is there."""
        return self.source.line_of((*self.prefix, *path))


def check(
    documents: Sequence[Any],
    *,
    environment: str,
    kubernetes: str = "1.33",
    guardrails: Guardrails | None = None,
    settings: Mapping[str, Any] | None = None,
) -> list[Finding]:
    """Every finding for these documents (`Document`s or plain objects); in each, what blocks comes first.

    `environment` decides severities; `settings` are the environment's own limits (registries, ratios).
    """
    wanted = environment_class(environment, settings or {})
    subjects = [subject for index, each in enumerate(documents) for subject in _subjects(each, index)]
    placed = [(subject.data, subject.place) for subject in subjects]
    patches, later = unfinished.patches(placed), unfinished.settled_later(placed)
    why = [unfinished.reason(subject.data, subject.place, patches) for subject in subjects]
    settled = [later.get(posixpath.normpath(subject.place), Later()) for subject in subjects]
    subjects = [
        replace(subject, data=done.applied(subject.data)) if subject.is_object else subject
        for subject, done in zip(subjects, settled, strict=True)
    ]
    newer = frozenset(map(str, (settings or {}).get("newer_kinds") or ()))
    told = {
        number: [Problem(UNFINISHED, (), why[number])]
        if why[number]
        else list(_alone(subject, kubernetes, newer))
        for number, subject in enumerate(subjects)
    }
    rails = guardrails if guardrails is not None else shipped()
    objects = [
        subject.data if subject.is_object and not reason else {}
        for subject, reason in zip(subjects, why, strict=True)
    ]
    places = [subject.place for subject in subjects]
    for number, problem in rails.broken(objects, wanted, settings or {}, places):
        # What the schema refuses anyway need not be told again by each rule that stumbles over it.
        if not (problem.unjudged and any(each.rule.id in MALFORMED for each in told[number])):
            told[number].append(problem)
    found = [
        _finding(each, subjects[number], wanted)
        for number, problems in told.items()
        for each in _once(problems)
        if each.rule.id not in settled[number].rules
    ]
    return sorted(found, key=_order)


def unreadable(error: ManifestError) -> Finding:
    """A file that cannot be parsed is a finding like any other."""
    rule = TEMPLATE if error.template else NOT_KUBERNETES if error.foreign else UNPARSABLE
    return Finding(
        rule=rule.id,
        severity=rule.severity(""),
        title=rule.title,
        message=error.message,
        reason=rule.reason,
        file=error.file,
        document=error.document,
        line=error.line,
    )


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    numbers = dict.fromkeys(ORDER, 0)
    for finding in findings:
        numbers[finding.severity] += 1
    return numbers


def _subjects(document: Any, index: int) -> Iterator[Subject]:
    """The objects of a document: itself, or the items of a List. An empty document holds none."""
    if not isinstance(document, Document):
        document = Document(index, 0, document)
    if document.data is None:
        return
    data = document.data if isinstance(document.data, Mapping) else {}
    items = data.get("items")
    if not str(data.get("kind", "")).endswith("List") or not isinstance(items, list):
        yield Subject(data, document)
        return
    for number, item in enumerate(items):
        if isinstance(item, Mapping):
            yield Subject(item, document, ("items", number))


NOT_AN_OBJECT = Rule(
    "not-an-object",
    "Not a Kubernetes object",
    "Every object says what it is (apiVersion, kind) and what it is called (metadata.name); without them"
    " nothing can be applied.",
    {"": "block"},
)
NOT_KUBERNETES = Rule(
    "not-kubernetes",
    "Not a manifest",
    "Only what says its apiVersion and kind can be checked.",
    {"": "info"},
)
UNPARSABLE = Rule(
    "unparsable",
    "Not readable as YAML",
    "What cannot be read cannot be applied; a key that is there twice silently loses one of its values.",
    {"": "block"},
)
TEMPLATE = Rule(
    "template",
    "A template, not checked",
    "Only what a template renders reaches the cluster, so only that can be checked.",
    {"": "warn"},
)
SCHEMA = Rule(
    "schema",
    "Not what the Kubernetes API accepts",
    "The API server refuses, or silently drops, fields it does not know and values of the wrong type.",
    {"": "block"},
)
REMOVED_API = Rule(
    "removed-api",
    "An API this Kubernetes no longer serves",
    "Objects in a removed API version cannot be applied any more; upgrades are where such manifests break.",
    {"": "block"},
    (60,),
)
MALFORMED = frozenset({"schema", "spec-missing", "removed-api", "not-an-object"})
UNCHECKED = Rule(
    "unchecked-kind",
    "Fields not checked",
    "No schema is known here for this kind, so misspelt fields would not be noticed.",
    {"": "info"},
)


def _alone(subject: Subject, kubernetes: str, newer: Collection[str] = ()) -> Iterator[Problem]:
    """Problems of one object by itself; of groups that are `newer` than is known here none of their names."""
    if _is_something_else(subject.data, kubernetes):
        yield Problem(NOT_KUBERNETES, (), "not a manifest by its apiVersion and kind, not checked")
        return
    missing = [key for key in ("apiVersion", "kind") if not isinstance(subject.data.get(key), str)]
    if missing:
        yield Problem(NOT_AN_OBJECT, (), f"{' and '.join(missing)} missing")
        return
    metadata = subject.data.get("metadata")
    if not isinstance(metadata, Mapping) or not (metadata.get("name") or metadata.get("generateName")):
        yield Problem(NOT_AN_OBJECT, ("metadata", "name"), "metadata.name is missing")
    verdict = schema.validate(subject.data, kubernetes)
    if verdict.status == "unchecked":
        what = f"{subject.data['apiVersion']} {subject.data['kind']}"
        yield Problem(UNCHECKED, ("kind",), f"the fields of {what} were not checked: no schema is known here")
    rule = REMOVED_API if verdict.status == "removed" else SCHEMA
    group = str(subject.data["apiVersion"]).rpartition("/")[0]
    for error in verdict.errors:
        if error.rule == schema.FAR and group in newer:
            continue
        yield Problem(rule, error.path, error.message, error.changes, error.label)
    yield from semantics.problems(subject.data)


def _is_something_else(data: Mapping[str, Any], kubernetes: str) -> bool:
    """Many files have an apiVersion or a kind of their own: indexes, pipelines, settings of tools."""
    if not data.keys() & {"apiVersion", "kind"}:
        return True
    if isinstance(data.get("metadata"), Mapping):
        return False
    api_version, kind = data.get("apiVersion"), data.get("kind")
    if not isinstance(api_version, str):
        return not schema.is_known(str(kind), kubernetes)
    return "kind" not in data or api_version.rpartition("/")[0] not in schema.BUILT_IN


def _finding(problem: Problem, subject: Subject, environment: str) -> Finding:
    rule = problem.rule
    return Finding(
        rule=rule.id,
        severity=rule.severity(environment),
        title=rule.title,
        message=problem.message,
        reason=rule.reason,
        path=pointers.text((*subject.prefix, *problem.path)),
        file=subject.source.file,
        document=subject.source.index,
        line=subject.line_at(problem.path),
        object=subject.name,
        fix=_fix(problem, subject.prefix),
    )


def _fix(problem: Problem, prefix: Path) -> Fix | None:
    if not problem.changes:
        return None
    changes = {pointers.text((*prefix, *path)): value for path, value in problem.changes.items()}
    return Fix(problem.label, changes)


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """The first of those that say the same of the same place of one object."""
    seen: dict[tuple[Any, ...], Problem] = {}
    for each in problems:
        seen.setdefault((each.path, each.rule.id, each.message), each)
    return list(seen.values())


def _order(finding: Finding) -> tuple[Any, ...]:
    return (finding.file, finding.document, ORDER[finding.severity], finding.line, finding.path, finding.rule)


RULES = (UNPARSABLE, TEMPLATE, NOT_AN_OBJECT, NOT_KUBERNETES, SCHEMA, REMOVED_API, UNCHECKED, UNFINISHED)
