"""Files in, a verdict for every document out: the engine behind imports and `import_catalog --dry-run`."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from services.catalog.descriptors import placeholders, workloads
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.kinds import check_kind, is_known, unknown_kind
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
    evidence: dict[str, list[workloads.Evidence]] = field(default_factory=dict)

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


def examine(files: Mapping[str, bytes]) -> list[DocumentReport]:
    """Every document of every YAML or JSON file, in order. Other files only serve placeholders."""
    reports: list[DocumentReport] = []
    found: list[tuple[DocumentReport, Workload]] = []
    services: list[dict[str, Any]] = []
    for file in sorted(path for path in files if is_candidate(path)):
        for document in read(files[file], as_json=file.lower().endswith(".json")):
            if isinstance(document.data, dict) and workloads.is_kubernetes(document.data):
                reports += _kubernetes(file, document, found, services)
            else:
                reports.append(_descriptor(file, document, files))
    _describe(found, services)
    _mark_doubles(reports)
    return reports


def counts(reports: list[DocumentReport]) -> dict[str, int]:
    """How many documents got each verdict, and how many there were."""
    by_verdict = Counter(report.verdict for report in reports)
    return {"documents": len(reports), **{verdict: by_verdict[verdict] for verdict in VERDICTS}}


def validate(data: Any) -> list[Found]:
    """What Backstage's policies and kind validators refuse in one parsed entity of a known kind."""
    found = check_envelope(data)
    return found if found or not is_known(data) else check_kind(data)


def _descriptor(file: str, document: Document, files: Mapping[str, bytes]) -> DocumentReport:
    report = DocumentReport(file, document.index, document.line, "ok")
    if document.problem:
        return _close(
            report, document, "unparsable", [Found((), "yaml", document.problem, _yaml_hint(document))]
        )
    if not isinstance(document.data, dict):
        return _close(
            report, document, "not-a-descriptor", [Found((), "type", "the document is not a mapping", "")]
        )
    data, notes = placeholders.resolve(document.data, file=file, files=files)
    if found := check_envelope(data):
        return _close(report, document, "refused", _what_it_is(data) or found)
    report.ref = ref_of(data)
    if not is_known(data):
        return _close(report, document, "unknown-kind", [unknown_kind(data)])
    if found := check_kind(data):
        return _close(report, document, "refused", found)
    report.descriptor = data
    report.relations, unread = declared(data)
    report.warnings = [note.at(document.line_of(note.path)) for note in first_of([*notes, *unread])]
    return report


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
    services: list[dict[str, Any]],
) -> list[DocumentReport]:
    reports = []
    for base, manifest in workloads.members(document.data):
        line = document.line_of(base)
        if manifest.get("kind") == "Service":
            services.append(manifest)
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


def _describe(found: list[tuple[DocumentReport, Workload]], services: list[dict[str, Any]]) -> None:
    workloads.find_dependencies([workload for _, workload in found], services)
    for report, workload in found:
        report.descriptor = workloads.descriptor(workload)
        report.relations, _ = declared(report.descriptor)
        report.evidence = workload.needs
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
