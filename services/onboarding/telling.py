"""Who is told what when a request moves: whoever asked, and those whose word it waits for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from services.accounts.models import User
from services.notices.actions import Words

from . import rules
from .models import Request, State

# Events of which people are told; all that ends in "needs attention" is one of them.
FAILED = "failed"
TOLD = frozenset(
    {
        "awaits_approval", "reminded", "escalated", "proposed", "merged", "live", "retired",
        "rejected", "closed", "closed_on_host", "merged_over", FAILED,
    }
)  # fmt: skip
APPROVED = "approved"


@dataclass(frozen=True)
class Telling:
    """The same words for some people; `to` keeps those of one event apart."""

    to: str
    people: list[User]
    words: Words


def event_of(action: str, to: str) -> str:
    """What people are told of a change with this audit event and new state; "" for nothing."""
    event = FAILED if to == State.NEEDS_ATTENTION else action
    return event if event in TOLD else ""


def tellings(row: Request, event: str, by: str) -> Iterator[Telling]:
    """Whom it concerns as things are now: what no longer waits for anybody is not said to wait."""
    for telling in _TELL[event](row, by):
        if telling.people:
            yield telling


def _asker(row: Request, text: str, icon: str, tone: str, *, waits: bool = False) -> Telling:
    return Telling("asker", _active([row.created_by]), _words(row, text, icon, tone, waits))


def _words(row: Request, text: str, icon: str, tone: str, waits: bool) -> Words:
    return Words(f"{row.title} ({row.ref})", text, row.get_absolute_url(), icon, tone, waits)


def _active(people: Iterable[User]) -> list[User]:
    return [person for person in people if person.is_active]


def _awaits_approval(row: Request, by: str) -> Iterator[Telling]:
    return _approval(row, f"{row.created_by} asks for your approval.")


def _escalated(row: Request, by: str) -> Iterator[Telling]:
    return _approval(row, f"Nobody has answered {row.created_by} yet; you may decide.")


def _reminded(row: Request, by: str) -> Iterator[Telling]:
    yield from _approval(row, f"{row.created_by} still waits for your approval.")
    yield from _review(row, f"{row.created_by} still waits for a review.")


def _approval(row: Request, text: str) -> Iterator[Telling]:
    """Those who may give what is still asked for, without who has done so already."""
    needs = rules.open_needs(row) if row.state in (State.AWAITING_APPROVAL, State.IN_REVIEW) else []
    done = {(each.key, each.by_id) for each in rules.given(row)}
    people = {
        person.pk: person
        for need in needs
        for person in rules.approvers(row, need)
        if (need["key"], person.pk) not in done
    }
    reasons = "; ".join(need["reason"] for need in needs)
    words = _words(row, f"{text} {reasons}.", "hourglass-low", "warn", waits=True)
    yield Telling("approvers", list(people.values()), words)


def _proposed(row: Request, by: str) -> Iterator[Telling]:
    """The team is asked to review; where it has nobody else, the platform team."""
    yield _asker(row, f"Pull request #{row.pull_number} is open.", "git-pull-request", "info")
    yield from _review(row, f"{row.created_by} waits for a review.")


def _review(row: Request, text: str) -> Iterator[Telling]:
    if row.merge_asked_by_id:
        return
    if row.state == State.IN_REVIEW and not rules.open_needs(row) and not rules.is_reviewed(row):
        own = list(rules.reviewers(row).filter(teams=row.team))
        people = own or list(rules.reviewers(row))
        yield Telling("reviewers", people, _words(row, text, "eye-check", "info", waits=True))


def _approved(row: Request, by: str) -> Iterator[Telling]:
    if row.state == State.IN_REVIEW and row.merge_asked_by is None and rules.is_reviewed(row):
        yield _asker(row, f"{_name(by)} approved it; merge it when you like.", "git-merge", "ok", waits=True)


def _merged(row: Request, by: str) -> Iterator[Telling]:
    yield _asker(row, f"Merged{_by(by)}; it is on its way to the clusters.", "git-merge", "ok")


def _merged_over(row: Request, by: str) -> Iterator[Telling]:
    """It cannot be stopped any more: those who grant exceptions look at it."""
    over = next((each["overruled"] for each in row.findings if each.get("overruled")), "")
    words = _words(row, f"Merged{_by(by)} on the git host. {over}", "shield", "bad", waits=True)
    platform = User.objects.filter(is_active=True, teams__runs_platform=True).distinct()
    yield Telling("platform", list(platform), words)


def _live(row: Request, by: str) -> Iterator[Telling]:
    where = " and ".join(row.environments)
    yield _asker(row, f"It is live{f' in {where}' if where else ''}.", "rocket", "ok")


def _retired(row: Request, by: str) -> Iterator[Telling]:
    yield _asker(row, "Nothing of it runs any more. It can be brought back for 30 days.", "archive", "ok")


def _failed(row: Request, by: str) -> Iterator[Telling]:
    if row.state == State.NEEDS_ATTENTION:
        title = str(row.problem.get("title") or "It did not work")
        words = _words(row, f"{title}.", "alert-triangle", "bad", waits=True)
        yield Telling("asker", _active([row.created_by]) or _of_program(row), words)


def _of_program(row: Request) -> list[User]:
    """What a program asked for is its team's to mend."""
    if row.created_by.program_of_id is None or row.team is None:
        return []
    return list(row.team.members.filter(is_active=True))


def _ended(word: str) -> "Tell":
    def tell(row: Request, by: str) -> Iterator[Telling]:
        if by.lower() != row.created_by.username.lower():
            yield _asker(row, f"{word}{_by(by)}: {row.reason}", "circle-x", "bad")

    return tell


def _by(username: str) -> str:
    return f" by {_name(username)}" if username else ""


def _name(username: str) -> str:
    return str(User.objects.filter(username__iexact=username).first() or username)


Tell = Callable[[Request, str], Iterator[Telling]]
_TELL: dict[str, Tell] = {
    "awaits_approval": _awaits_approval,
    "reminded": _reminded,
    "escalated": _escalated,
    "proposed": _proposed,
    APPROVED: _approved,
    "merged": _merged,
    "merged_over": _merged_over,
    "live": _live,
    "retired": _retired,
    "rejected": _ended("Rejected"),
    "closed": _ended("Closed"),
    "closed_on_host": _ended("Closed on the git host"),
    FAILED: _failed,
}
