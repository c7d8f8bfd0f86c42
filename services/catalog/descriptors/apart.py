"""Several trees of files that cannot name each other's: each is examined alone, doubles are found in all."""

from collections.abc import Collection, Mapping, Sequence

from services.catalog.descriptors.examine import examine, mark_doubles
from services.catalog.descriptors.reports import DocumentReport


def examine_apart(
    files: Mapping[str, bytes], apart: Sequence[str], kept: Collection[str] = ()
) -> list[DocumentReport]:
    """As `examine`, of one tree; or of each folder in `apart` by itself, with the folder before its files."""
    if not apart:
        return examine(files, kept)
    reports = []
    for folder in sorted(apart):
        prefix = f"{folder}/"
        tree = {name.removeprefix(prefix): text for name, text in files.items() if name.startswith(prefix)}
        for report in examine(tree, kept):
            report.file = prefix + report.file
            reports.append(report)
    mark_doubles(reports)
    return reports
