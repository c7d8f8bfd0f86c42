"""Files in, a verdict for every document out: the engine behind imports and `import_catalog --dry-run`."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.catalog.descriptors import locations, workloads
from services.catalog.descriptors.codeowners import Owners
from services.catalog.descriptors.definitions import check_definition
from services.catalog.descriptors.envelope import check_envelope
from services.catalog.descriptors.foreign import Foreign, Visitor, problems_of, take
from services.catalog.descriptors.kinds import (
    AI,
    AI_VERSION,
    API_VERSIONS,
    KINDS,
    check_ai_resource,
    check_kind,
    is_known,
    unknown_kind,
)
from services.catalog.descriptors.placeholders import Includes
from services.catalog.descriptors.problems import Found, Problem, first_of, nearest
from services.catalog.descriptors.reading import Document, Path, read
from services.catalog.descriptors.refs import ref_of
from services.catalog.descriptors.relations import declared
from services.catalog.descriptors.reports import VERDICTS, WRONG, DocumentReport, Verdict, close, counts
from services.catalog.descriptors.workloads import Workload

__all__ = ["VERDICTS", "WRONG", "DocumentReport", "Verdict", "counts", "examine", "is_candidate", "validate"]
NAMES = {"openapi": "OpenAPI", "swagger": "OpenAPI", "asyncapi": "AsyncAPI"}
OWNED = ("Component", "API", "Resource", "System", "Domain")
ENDINGS = (".yaml", ".yml", ".json")


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
    foreign: Foreign = field(default_factory=Foreign)

    def run(self) -> list[DocumentReport]:
        self.includes, self.locations = Includes(self.files), locations.Follower(self.files)
        seen: set[str] = set()
        waiting = sorted(path for path in self.files if is_candidate(path))
        while waiting:
            seen.update(waiting)
            for file in waiting:
                self._file(file)
            waiting = sorted({path for _, paths in self.steps for path in paths} - seen)
        self._tell_circles()
        _describe(self.found, self.files)
        self._join_foreign()
        self._own()
        mark_doubles(self.reports)
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
            return close(report, document, "unparsable", [problem])
        if not isinstance(document.data, dict):
            problem = Found((), "type", "the document is not a mapping", "")
            return close(report, document, "not-a-descriptor", [problem])
        if taken := take(file, document.data):
            self.foreign.visitors.append(Visitor(file, document, taken))
            report.portal = taken.portal
            return report
        data, notes = document.data, list[Found]()
        if document.has_includes:
            data, notes = self.includes.resolve(data, file)
        if found := check_envelope(data):
            return close(
                report, document, "refused", _what_it_is(data) or first_of([*found, *_of_its_kind(data)])
            )
        report.ref = ref_of(data)
        if not is_known(data):
            return self._of_other_kind(report, document, data)
        if found := check_kind(data):
            return close(report, document, "refused", found)
        return self._take(report, document, data, [*notes, *self._notes(report, data)])

    def _join_foreign(self) -> None:
        """Entities of other portals' documents, each after the report of the document it came from."""
        self.foreign.join()
        told = {(visitor.file, visitor.document.index): visitor for visitor in self.foreign.visitors}
        reports, self.reports = self.reports, []
        for report in reports:
            visitor = told.get((report.file, report.document))
            self.reports += _entities(report, visitor) if visitor else [report]

    def _own(self) -> None:
        """Give what names no owner the one its path has, and say so; or say that there is none."""
        owners = Owners(self.files)
        for visitor in self.foreign.visitors:
            if visitor.taken.folder_owner:
                folder = visitor.file.rpartition("/")[0]
                owners.by_folder[folder] = visitor.taken.folder_owner, visitor.file
        for report in self.reports:
            if report.descriptor and report.descriptor["kind"] in OWNED and not _owner_of(report):
                _give_owner(report, *owners.owner_of(report.file))

    def _notes(self, report: DocumentReport, data: dict[str, Any]) -> list[Found]:
        """What is worth knowing about an entity that fits all the same."""
        if data["kind"] == "API":
            return check_definition(data["spec"]["type"], data["spec"]["definition"])
        if data["kind"] == "Location":
            paths, notes = self.locations.follow(data, report.file)
            self.steps.append((report, paths))
            return notes
        return []

    def _of_other_kind(
        self, report: DocumentReport, document: Document, data: dict[str, Any]
    ) -> DocumentReport:
        """A well-formed entity that Backstage's own validators know nothing of; some come in all the same."""
        is_ai = data["kind"] == AI and data["apiVersion"] == AI_VERSION
        if is_ai and (found := check_ai_resource(data)):
            return close(report, document, "unknown-kind", found)
        close(report, document, "unknown-kind", [unknown_kind(data)])
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


def validate(data: Any) -> list[Found]:
    """What Backstage's policies and kind validators refuse in one parsed entity of a known kind."""
    found = check_envelope(data)
    return found if found or not is_known(data) else check_kind(data)


def _entities(report: DocumentReport, visitor: Visitor) -> list[DocumentReport]:
    """The report of another portal's document, and one more for each further entity it told of."""
    errors, notes = problems_of(visitor.taken)
    if errors:
        return [close(report, visitor.document, "refused", errors)]
    reports = [report]
    for _ in visitor.taken.entities[1:]:
        reports.append(DocumentReport(report.file, report.document, report.line, "ok", portal=report.portal))
    for one, entity in zip(reports, visitor.taken.entities, strict=False):
        one.ref, one.descriptor = ref_of(entity), entity
        one.relations, _ = declared(entity)
    report.warnings = [note.at(visitor.document.line_of(note.path)) for note in notes]
    return reports


def _owner_of(report: DocumentReport) -> str:
    return str(report.descriptor["spec"].get("owner") or "") if report.descriptor else ""


def _give_owner(report: DocumentReport, owner: str, where: str) -> None:
    if not report.descriptor or not owner:
        hint = "name one in CODEOWNERS"
        hint = (
            f"add the label slipway.dev/team, a catalog-info.yaml, or {hint}" if not report.portal else hint
        )
        report.warnings.append(
            Problem("spec.owner", "no-owner", "nothing says who owns it", hint, report.line)
        )
        return
    report.descriptor["spec"]["owner"] = owner
    report.relations, _ = declared(report.descriptor)
    message = f"{owner} owns it, as {where} says"
    report.warnings.append(Problem("spec.owner", "codeowners", message, "", report.line))


def _yaml_hint(document: Document) -> str:
    if "%" in document.problem or "cannot start any token" in document.problem:
        return "a template's skeleton is no descriptor: import what the template renders"
    return "check the indentation around this line"


def _of_its_kind(data: dict[str, Any]) -> list[Found]:
    """What else is wrong with an entity that is refused already, so that one correction is enough."""
    kind, version = data.get("kind"), data.get("apiVersion")
    if not isinstance(kind, str) or version not in API_VERSIONS or not isinstance(data.get("spec"), dict):
        return []
    if kind in KINDS:
        return check_kind(data)
    return [unknown_kind(data)] if nearest(kind, KINDS) else []


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
    failed = {note.file: note for note in workloads.find_dependencies([each for _, each in found], files)}
    for report, workload in found:
        if note := failed.get(report.file):
            report.warnings.append(Problem("", "dependencies", note.message, "", note.line))
        report.descriptor = workloads.descriptor(workload)
        report.relations, _ = declared(report.descriptor)
        report.needs = workload.needs


def _is_second_hand(report: DocumentReport) -> tuple[bool, bool]:
    return report.origin == "kubernetes", bool(report.portal)


def mark_doubles(reports: list[DocumentReport]) -> None:
    """The same entity twice in one import: the first counts, a descriptor before a manifest."""
    first: dict[str, DocumentReport] = {}
    usable = [report for report in reports if report.descriptor is not None]
    for report in sorted(usable, key=_is_second_hand):
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
