"""What a request's pull request carries on its host: labels, whom to ask, and what our checks came to."""

from collections.abc import Callable, Iterable

from django.conf import settings

from services.catalog.descriptors.codeowners import OwnerRule, rules_of
from services.integrations.githosts.base import Announcement, Check, GitHost

from . import queries
from .models import Request

LABEL = "slipway"
# Where hosts look for owners, in their order.
PLACES = (".github/CODEOWNERS", ".gitlab/CODEOWNERS", ".gitea/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")


def announcement(row: Request, host: GitHost) -> Announcement:
    paths = [*row.files, *row.removed]
    return Announcement((LABEL,), reviewers(paths, host.reader(row.repo)), check(row))


def reviewers(paths: Iterable[str], read: Callable[[str], bytes | None]) -> tuple[str, ...]:
    """Everybody whom the repository's CODEOWNERS names for these paths; the last line that matches wins."""
    text = next((found for found in map(read, PLACES) if found is not None), b"")
    rules = rules_of(text.decode(errors="replace"))[::-1]
    asked = (handle for path in paths for handle in _handles(path, rules))
    return tuple(dict.fromkeys(asked))


def _handles(path: str, rules: Iterable[OwnerRule]) -> tuple[str, ...]:
    return next((rule.handles for rule in rules if rule.pattern.matches(path)), ())


def check(row: Request) -> Check:
    """Row 35: what the form was checked for before stands on the commit as well.

    It fails once an exception it needs is over, so that a protected branch does not take it by hand either.
    """
    url = f"{settings.BASE_URL}/requests/{row.ref}/changes/"
    if queries.run_out(row):
        return Check("failure", "An exception it needs is over", url)
    counted = dict.fromkeys(("block", "warn"), 0)
    for finding in row.findings:
        if finding.get("severity") in counted:
            counted[finding["severity"]] += 1
    told = (
        f"{counted['block']} blocking, {counted['warn']} warnings"
        if any(counted.values())
        else "Nothing found"
    )
    return Check("failure" if counted["block"] else "success", told, url)
