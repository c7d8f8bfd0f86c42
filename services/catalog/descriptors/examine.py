"""Files in, a verdict for every document out: the engine behind imports and `import_catalog --dry-run`."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.catalog.derivation import Edge
from services.catalog.descriptors import locations, workloads
from services.catalog.descriptors.definitions import check_definition
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.kinds import (
    AI,
    AI_VERSION,
    check_ai_resource,
    check_kind,
    is_known,
    unknown_kind,
)
from services.catalog.descriptors.placeholders import Includes
from services.catalog.descriptors.problems import Found, Problem, first_of
from services.catalog.descriptors.reading import Document, Path, read
from services.catalog.descriptors.refs import ref_of
from services.catalog.descriptors.relations import Relation, declared
from services.catalog.descriptors.workloads import Workload

Verdict = Literal["ok", "refused", "unparsable", "unknown-kind", "not-a-descriptor"]
VERDICTS: tuple[Verdict, ...] = ("ok", "refused", "unparsable", "unknown-kind", "not-a-descriptor")
WRONG = ("refused", "unparsable")
NAMES = {"openapi": "OpenAPI", "swagger": "OpenAPI", "asyncapi": "AsyncAPI"}
ENDINGS = (".yaml", ".yml", ".json")


@dataclass
class DocumentReport:
    """What one document is, and what is wrong with it. `descriptor` is there when the verdict is ok."""

    file: str
    document: int
    line: int
    verdict: Verdict
    ref: str | None = None
    errors: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    descriptor: dict[str, Any] | None = None
    relations: list[Relation] = field(default_factory=list)
    origin: str = "descriptor"
    needs: dict[str, Edge] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The shape that `import_catalog --format json` prints and that an import run keeps."""
        return {
            "file": self.file,
            "document": self.document,
            "line": self.line,
            "ref": self.ref,
            "verdict": self.verdict,
            "errors": [problem.as_dict() for problem in self.errors],
            "warnings": [problem.as_dict() for problem in self.warnings],
        }


def is_candidate(path: str) -> bool:
    """Whether a file may hold descriptors, by its name."""
    return path.lower().endswith(ENDINGS)


def examine(files: Mapping[str, bytes], kept: Collection[str] = ()) -> list[DocumentReport]:
    """Every document of every YAML or JSON file, in order, and of whatever file a Location names.

    `kept` are kinds of one's own that come in although no rule checks their `spec`.
    """
    return _Examination(files, kept).run()


@dataclass
class _Examination:
    """One look at all files of an import."""

    files: Mapping[str, bytes]
    kept: Collection[str]
    reports: list[DocumentReport] = field(default_factory=list)
    found: list[tuple[DocumentReport, Workload]] = field(default_factory=list)
    steps: list[tuple[DocumentReport, list[str]]] = field(default_factory=list)

    def run(self) -> list[DocumentReport]:
        self.includes = Includes(self.files)
        seen: set[str] = set()
        waiting = sorted(path for path in self.files if is_candidate(path))
        while waiting:
            seen.update(waiting)
            for file in waiting:
                self._file(file)
            waiting = sorted({path for _, paths in self.steps for path in paths} - seen)
        self._tell_circles()
        _describe(self.found, self.files)
        _mark_doubles(self.reports)
        return self.reports

    def _file(self, file: str) -> None:
        for document in read(self.files[file], as_json=file.lower().endswith(".json")):
            if isinstance(document.data, dict) and workloads.is_kubernetes(document.data):
                self.reports += _kubernetes(file, document, self.found)
            else:
                self.reports.append(self._descriptor(file, document))

    def _descriptor(self, file: str, document: Document) -> DocumentReport:
        report = DocumentReport(file, document.index, document.line, "ok")
        if document.problem:
            problem = Found((), "yaml", document.problem, _yaml_hint(document))
            return _close(report, document, "unparsable", [problem])
        if not isinstance(document.data, dict):
            problem = Found((), "type", "the document is not a mapping", "")
            return _close(report, document, "not-a-descriptor", [problem])
        data, notes = self.includes.resolve(document.data, file)
        if found := check_envelope(data):
            return _close(report, document, "refused", _what_it_is(data) or found)
        report.ref = ref_of(data)
        if not is_known(data):
            return self._of_other_kind(report, document, data)
        if found := check_kind(data):
            return _close(report, document, "refused", found)
        return self._take(report, document, data, [*notes, *self._notes(report, data)])

    def _notes(self, report: DocumentReport, data: dict[str, Any]) -> list[Found]:
        """What is worth knowing about an entity that fits all the same."""
        if data["kind"] == "API":
            return check_definition(data["spec"]["type"], data["spec"]["definition"])
        if data["kind"] == "Location":
            paths, notes = locations.follow(data, report.file, self.files)
            self.steps.append((report, paths))
            return notes
        return []

    def _of_other_kind(
        self, report: DocumentReport, document: Document, data: dict[str, Any]
    ) -> DocumentReport:
        """A well-formed entity that Backstage's own validators know nothing of; some come in all the same."""
        is_ai = data["kind"] == AI and data["apiVersion"] == AI_VERSION
        if is_ai and (found := check_ai_resource(data)):
            return _close(report, document, "unknown-kind", found)
        _close(report, document, "unknown-kind", [unknown_kind(data)])
        return self._take(report, document, data, []) if is_ai or data["kind"] in self.kept else report

    def _take(
        self, report: DocumentReport, document: Document, data: dict[str, Any], notes: list[Found]
    ) -> DocumentReport:
        report.descriptor = data
        report.relations, unread = declared(data)
        report.warnings = [note.at(document.line_of(note.path)) for note in first_of([*notes, *unread])]
        return report

    def _tell_circles(self) -> None:
        told = locations.circles((report.file, paths) for report, paths in self.steps)
        for report, paths in self.steps:
            if (way := told.get(report.file)) and any(f" → {path}" in f"{way} → " for path in paths):
                message = f"Locations lead in a circle: {way}; each file is read once"
                report.warnings.append(Problem("spec.targets", "circle", message, "", report.line))


def counts(reports: list[DocumentReport]) -> dict[str, int]:
    """How many documents got each verdict, and how many there were."""
    by_verdict = Counter(report.verdict for report in reports)
    return {"documents": len(reports), **{verdict: by_verdict[verdict] for verdict in VERDICTS}}


def validate(data: Any) -> list[Found]:
    """What Backstage's policies and kind validators refuse in one parsed entity of a known kind."""
    found = check_envelope(data)
    return found if found or not is_known(data) else check_kind(data)


def _close(
    report: DocumentReport, document: Document, verdict: Verdict, found: list[Found]
) -> DocumentReport:
    report.verdict = verdict
    report.errors = [problem.at(document.line_of(problem.path)) for problem in found]
    return report


def _yaml_hint(document: Document) -> str:
    if "%" in document.problem or "cannot start any token" in document.problem:
        return "a template's skeleton is no descriptor: import what the template renders"
    return "check the indentation around this line"


def _what_it_is(data: dict[str, Any]) -> list[Found]:
    """Name the other kinds of YAML that live beside descriptors, before listing what they lack."""
    for key in NAMES:
        if key in data:
            hint = "point an API's spec.definition at it: {$text: ./this-file}"
            return [
                Found(
                    (),
                    "other-format",
                    f"this is an {NAMES[key]} document, not a descriptor: it has no kind and no metadata",
                    hint,
                )
            ]
    return []


def _kubernetes(
    file: str,
    document: Document,
    found: list[tuple[DocumentReport, Workload]],
) -> list[DocumentReport]:
    reports = []
    for base, manifest in workloads.members(document.data):
        line = document.line_of(base)
        if name := workloads.workload_name(manifest):
            report = DocumentReport(file, document.index, line, "ok", origin="kubernetes")
            namespace = workloads.namespace_of(manifest)
            workload = Workload(name, namespace, file, document.index, manifest, _lines(document), base)
            report.ref = workload.ref
            found.append((report, workload))
        else:
            kind = manifest.get("kind")
            report = DocumentReport(file, document.index, line, "not-a-descriptor")
            report.errors = [
                Problem(
                    "kind", "kubernetes", f"a Kubernetes {kind}: nothing of its own for the catalog", "", line
                )
            ]
        reports.append(report)
    return reports


def _lines(document: Document) -> Callable[[Path], int]:
    return document.line_of


def _describe(found: list[tuple[DocumentReport, Workload]], files: Mapping[str, bytes]) -> None:
    workloads.find_dependencies([workload for _, workload in found], files)
    for report, workload in found:
        report.descriptor = workloads.descriptor(workload)
        report.relations, _ = declared(report.descriptor)
        report.needs = workload.needs
        if "owner" not in report.descriptor["spec"]:
            hint = "add the label slipway.dev/team, or a catalog-info.yaml"
            report.warnings = [
                Problem("spec.owner", "no-owner", "nothing says who owns it", hint, report.line)
            ]


def _mark_doubles(reports: list[DocumentReport]) -> None:
    """The same entity twice in one import: the first counts, a descriptor before a manifest."""
    first: dict[str, DocumentReport] = {}
    usable = [report for report in reports if report.descriptor is not None]
    for report in sorted(usable, key=lambda report: report.origin == "kubernetes"):
        known = first.setdefault(str(report.ref), report)
        if known is not report:
            where = f"{known.file}:{known.line}"
            report.descriptor = None
            report.warnings.append(
                Problem(
                    "metadata.name",
                    "duplicate",
                    f"{report.ref} is already described in {where}",
                    "",
                    report.line,
                )
            )
