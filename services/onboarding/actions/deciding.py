"""What people decide about a request that was submitted."""

from django.db import transaction

from services.accounts.models import User
from services.audit import actions as audit

from .. import queries, rules, telling
from ..approvers import stands_in
from ..errors import ContentChanged, ExceptionOver, NotAllowed, OwnRequest, ReasonMissing, WrongState
from ..models import TRANSITIONS, Approval, Request, Rollout, State
from . import effects
from .moves import locked, move, note, say_who, tell


def approve(*, request: Request, by: User, tree_hash: str, key: str = "", remark: str = "") -> Request:
    """Says yes to the content of `tree_hash`: every approval `by` may give (or that of `key`), or a review.

    The same yes again changes nothing.
    Refuses: one's own (OwnRequest, and the attempt is kept in the audit), other content (ContentChanged),
    anybody who may not (NotAllowed), any other state (WrongState).
    """
    try:
        return _approve(request, by, tree_hash, key, remark)
    except OwnRequest as refused:
        with transaction.atomic():
            audit.record(by=by, action="request.approval_refused", obj=request, summary=refused.message)
        raise


@transaction.atomic
def _approve(request: Request, by: User, tree_hash: str, key: str, remark: str) -> Request:
    row = locked(request)
    if rules.is_contributor(by, row):
        raise OwnRequest("You wrote this request; somebody else has to approve it.")
    if row.state not in (State.AWAITING_APPROVAL, State.IN_REVIEW):
        raise WrongState(f"{row.ref} is {row.get_state_display().lower()}; there is nothing to approve.")
    if row.tree_hash != tree_hash:
        raise ContentChanged(f"{row.ref} was changed after you opened it. Please look again.")
    keys = _keys(row, by, key)
    places = _places(row, by, keys)
    said = {"request": row, "by": by, "tree_hash": tree_hash, "voided_at": None}
    made = [
        Approval.objects.get_or_create(
            key=each, **said, defaults={"note": remark, "stands_in_for": places.get(each, "")}
        )[1]
        for each in keys
    ]
    if not any(made):
        return row
    note(row, by=by, action="approved", summary=remark, keys=keys, stands_in_for=places)
    _go_on(row, by)
    return row


def _places(row: Request, by: User, keys: list[str]) -> dict[str, str]:
    """In whose place the approvals are given, by key; only those that are not asked of the person anyway."""
    needs = [need for need in row.needs if need["key"] in keys] if by.stands_in_for else []
    found = {need["key"]: ", ".join(map(str, stands_in(by, row, need)))[:200] for need in needs}
    return {key: names for key, names in found.items() if names}


def _keys(row: Request, by: User, key: str) -> list[str]:
    keys = [need["key"] for need in rules.needs_for(by, row) if key in ("", need["key"])]
    if rules.can_review(by, row):
        return [*keys, Approval.REVIEW]
    if not keys and row.state == State.IN_REVIEW:
        raise NotAllowed("You are not among the reviewers.", ask=_reviewers(row))
    if not keys:
        people = {str(user) for need in rules.open_needs(row) for user in rules.approvers(row, need)}
        raise NotAllowed("This is not yours to approve.", ask=sorted(people)[:5])
    return keys


def _go_on(row: Request, by: User) -> None:
    if row.state == State.IN_REVIEW:
        effects.enqueue(row, "review", f"{row.head_sha}/{by.username}", by, head=row.head_sha)
        tell(row, telling.APPROVED, by)
        say_who(row)
    elif rules.open_needs(row):
        say_who(row)
    else:
        effects.propose(row)


@transaction.atomic
def reject(*, request: Request, by: User, reason: str) -> Request:
    """Says no, with a reason. Refuses: no reason, those who may not, anything being merged."""
    return _end(request, State.REJECTED, by, reason, rules.can_reject, "rejected")


@transaction.atomic
def withdraw(*, request: Request, by: User, reason: str = "") -> Request:
    """Takes the request back before it is merged. Refuses: those who may not, anything being merged."""
    return _end(
        request, State.WITHDRAWN, by, reason or "Not needed any more", rules.can_withdraw, "withdrawn"
    )


@transaction.atomic
def close(*, request: Request, by: User, reason: str) -> Request:
    """Gives up on it; what was merged stays. Refuses: no reason, those who may not, anything being merged."""
    return _end(request, State.CLOSED, by, reason, rules.can_close, "closed")


def _end(request: Request, to: State, by: User, reason: str, rule: rules.Rule, action: str) -> Request:
    row = locked(request)
    if row.state == to:
        return row
    if not reason.strip():
        raise ReasonMissing("Please say why, so that nobody has to guess.")
    if row.merge_asked_by_id and row.state == State.IN_REVIEW:
        raise WrongState(f"{row.ref} is being merged.")
    if not rule(by, row):
        _refuse(row, to)
    row.reason = reason.strip()
    move(row, to, by=by, action=action, summary=row.reason)
    effects.drop_stuck(row, by)
    if not row.merge_sha:
        effects.close(row, by, row.reason)
    return row


def _refuse(row: Request, to: State) -> None:
    if to not in TRANSITIONS[State(row.state)]:
        raise WrongState(f"{row.ref} is {row.get_state_display().lower()}.")
    raise NotAllowed("This is not yours to decide.", ask=[str(row.created_by)])


@transaction.atomic
def merge(*, request: Request, by: User, head: str) -> Request:
    """Asks for the merge of the commit `head`, once; the host does it a moment later.

    Refuses: not in review (WrongState), another commit (ContentChanged), nobody else has approved it, or
    not one's business (NotAllowed), an exception it needs that ended meanwhile (ExceptionOver).
    """
    row = locked(request)
    if row.merge_asked_by_id or row.merge_sha:
        return row
    if row.state != State.IN_REVIEW:
        raise WrongState(f"{row.ref} is {row.get_state_display().lower()}; it cannot be merged.")
    if row.head_sha != head:
        raise ContentChanged(f"{row.ref} was changed after you opened it. Please look again.")
    if not rules.is_reviewed(row):
        raise NotAllowed("Somebody who did not write it has to approve it first.", ask=_reviewers(row))
    if not rules.can_merge(by, row):
        raise NotAllowed(f"{row.team} and the platform team merge this.", ask=[str(row.created_by)])
    if over := queries.run_out(row):
        raise ExceptionOver(over)
    ask_merge(row, by)
    return row


def _reviewers(row: Request) -> list[str]:
    return [str(user) for user in rules.reviewers(row)[:5]]


def ask_merge(row: Request, by: User, why: str = "") -> None:
    """Has a locked request merged a moment later; who may is decided before."""
    row.merge_asked_by = by
    note(row, by=by, action="merge_asked", summary=why)
    effects.enqueue(row, "merge", f"{row.head_sha}/{row.version}", by, head=row.head_sha)
    say_who(row)


@transaction.atomic
def retry(*, request: Request, by: User) -> Request:
    """Does again what failed. Refuses: nothing failed (WrongState), those who may not (NotAllowed)."""
    row = locked(request)
    if row.state != State.NEEDS_ATTENTION:
        raise WrongState(f"{row.ref} needs no attention.")
    if not rules.can_retry(by, row):
        raise NotAllowed(f"{row.team} and the platform team retry this.", ask=[str(row.created_by)])
    step = row.problem.get("step", "")
    row.problem = {}
    row.attempt += 1
    _RETRY[step](row, by)
    return row


def _retry_propose(row: Request, by: User) -> None:
    effects.propose(row, by)


def _retry_merge(row: Request, by: User) -> None:
    move(row, State.IN_REVIEW, by=by, action="retried")
    if (rules.can_merge(by, row) and not queries.run_out(row)) or rules.merges_itself(row):
        ask_merge(row, by)


def _retry_rollout(row: Request, by: User) -> None:
    """Registers and applies again what is not done; later environments still wait for the earlier."""
    move(row, State.ROLLING_OUT, by=by, action="retried")
    effects.again(row, "register", by)
    effects.drop_stuck(row, by)
    for rollout in row.rollouts.filter(state__in=[Rollout.State.FAILING, Rollout.State.APPLYING]):
        effects.apply(row, rollout, by)


_RETRY = {
    "propose": _retry_propose,
    "merge": _retry_merge,
    "apply": _retry_rollout,
    "rollout": _retry_rollout,
    "register": _retry_rollout,
}


@transaction.atomic
def comment(*, request: Request, by: User, body: str, key: str) -> Request:
    """Says something on the pull request, once per `key`. Refuses: an empty text, no pull request yet."""
    row = locked(request)
    if not body.strip():
        raise ReasonMissing("There is nothing to say yet.")
    if not rules.can_comment(by, row):
        raise WrongState(f"{row.ref} has no pull request yet.")
    number = row.pull_number
    effect = effects.enqueue(row, "comment", key, by, number=number, body=body.strip())
    if not audit_has(row, effect.pk):
        note(row, by=by, action="commented", summary=body.strip(), effect=effect.pk)
    return row


def audit_has(row: Request, effect: int) -> bool:
    from services.audit.queries import events_for

    return events_for(row).filter(action="request.commented", details__effect=effect).exists()
