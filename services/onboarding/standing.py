"""Where a request stands, in one heading and one sentence, with the buttons this person may press."""

from dataclasses import dataclass
from typing import Any

from services.accounts.models import User
from services.onboarding import queries, rules, waiting
from services.onboarding.models import Request, State

TONES = {
    State.DRAFT: ("line", "pencil"),
    State.SUBMITTED: ("accent", "progress"),
    State.AWAITING_APPROVAL: ("warn", "hourglass-low"),
    State.PROPOSING: ("accent", "progress"),
    State.IN_REVIEW: ("warn", "eye-check"),
    State.MERGED: ("accent", "git-merge"),
    State.ROLLING_OUT: ("accent", "progress"),
    State.LIVE: ("ok", "heartbeat"),
    State.REJECTED: ("bad", "circle-x"),
    State.WITHDRAWN: ("line", "arrow-back-up"),
    State.CLOSED: ("line", "circle-x"),
    State.NEEDS_ATTENTION: ("bad", "alert-triangle"),
}


@dataclass(frozen=True)
class Standing:
    """`tone` and `icon` are those of the state; `who` is whom it waits for, empty for nobody."""

    heading: str
    sentence: str
    tone: str
    icon: str
    who: str


def standing(row: Request) -> Standing:
    state = State(row.state)
    tone, icon = TONES[state]
    who = waiting.whom(row)
    heading = _HEADINGS.get(state, "Waits for {who}").format(who=who)
    if row.kind in _LEAVING and state in _RETIRING:
        heading, sentence = _LEAVING[Request.Kind(row.kind)] if state == State.LIVE else _RETIRING[state]
        return Standing(heading, sentence, *("line", "archive") if state == State.LIVE else (tone, icon), who)
    return Standing(heading, _sentence(row, state), tone, icon, who)


_RETIRING = {
    State.MERGED: (
        "Merged, going from the cluster",
        "The files are gone; the first environment follows now.",
    ),
    State.ROLLING_OUT: ("Going", "What ran is being removed, one environment after the other."),
    State.LIVE: ("", ""),
}
_LEAVING = {
    Request.Kind.RETIRE: ("Retired", "Nothing of it runs any more, and it is out of the catalog."),
    Request.Kind.END: ("Ended", "Nothing of it runs any more."),
}


_HEADINGS = {
    State.DRAFT: "Not submitted yet",
    State.SUBMITTED: "Submitted",
    State.PROPOSING: "Slipway opens the pull request",
    State.MERGED: "Merged, going to the cluster",
    State.ROLLING_OUT: "Rolling out",
    State.LIVE: "Live",
    State.REJECTED: "Rejected",
    State.WITHDRAWN: "Withdrawn",
    State.CLOSED: "Closed",
    State.NEEDS_ATTENTION: "Needs attention",
}


def _sentence(row: Request, state: State) -> str:
    if state in (State.REJECTED, State.WITHDRAWN, State.CLOSED):
        return row.reason
    if state == State.NEEDS_ATTENTION:
        return str(row.problem.get("title", "Something went wrong."))
    if state == State.AWAITING_APPROVAL:
        return "To approve: " + "; ".join(need["reason"] for need in rules.open_needs(row)) + "."
    if state == State.IN_REVIEW:
        return _review(row)
    return (_BRINGING if row.is_bringing else _PLAIN).get(state, _PLAIN[state])


_PLAIN = {
    State.DRAFT: "Only you see it. Nothing happens until you submit it.",
    State.SUBMITTED: "Who has to approve is being found out.",
    State.PROPOSING: "The files go to a branch of their own. This takes a moment.",
    State.MERGED: "The files are in the repository; the first environment gets them now.",
    State.ROLLING_OUT: "The cluster starts the new pods, one environment after the other.",
    State.LIVE: "Healthy in every environment.",
}


_BRINGING = {
    State.MERGED: "The image is in the repository; the environment gets it now.",
    State.ROLLING_OUT: "The new pods start with this image.",
    State.LIVE: "It runs with this image.",
}


def _review(row: Request) -> str:
    if row.merge_asked_by_id:
        return f"{row.merge_asked_by} asked for the merge; it happens in a moment."
    if rules.is_reviewed(row):
        return "Somebody else has approved exactly these files. Merge when you like."
    return "To look at the files and approve them. Whoever wrote them cannot."


def permissions(user: User, row: Request) -> dict[str, Any]:
    """What this person may press on this page now."""
    editable = rules.can_edit(user, row)
    merging = row.merge_asked_by_id is not None and not row.merge_sha
    return {
        "approve": rules.can_approve(user, row),
        "reject": rules.can_reject(user, row),
        "withdraw": rules.can_withdraw(user, row) and not merging,
        "close": rules.can_close(user, row) and row.state == State.NEEDS_ATTENTION,
        "retry": rules.can_retry(user, row),
        "merge": rules.can_merge(user, row) and not merging,
        "edit": editable and not merging,
        "reopen": not editable
        and row.is_form
        and row.state in (State.REJECTED, State.WITHDRAWN, State.CLOSED)
        and rules.belongs(user, row),
        "bring_back": queries.undo_until(row) is not None and rules.can_bring_back(user, row),
        "revert": rules.can_revert(user, row) and queries.reverting(row) is None,
        "comment": rules.can_comment(user, row),
        "is_author": rules.is_contributor(user, row),
    }
