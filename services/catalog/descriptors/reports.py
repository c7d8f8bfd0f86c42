"""What is said about each document of an import."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from services.catalog.derivation import Edge
from services.catalog.descriptors.problems import Found, Problem
from services.catalog.descriptors.reading import Document
from services.catalog.descriptors.relations import Relation

Verdict = Literal["ok", "refused", "unparsable", "unknown-kind", "not-a-descriptor"]
VERDICTS: tuple[Verdict, ...] = ("ok", "refused", "unparsable", "unknown-kind", "not-a-descriptor")
WRONG = ("refused", "unparsable")


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
    portal: str = ""
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


def counts(reports: list[DocumentReport]) -> dict[str, int]:
    """How many documents got each verdict, and how many there were."""
    by_verdict = Counter(report.verdict for report in reports)
    return {"documents": len(reports), **{verdict: by_verdict[verdict] for verdict in VERDICTS}}


def close(report: DocumentReport, document: Document, verdict: Verdict, found: list[Found]) -> DocumentReport:
    """Give a report its verdict and the reasons, with their lines."""
    report.verdict = verdict
    report.errors = [problem.at(document.line_of(problem.path)) for problem in found]
    return report
