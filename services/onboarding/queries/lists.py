"""Which requests concern whom."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects

from services.accounts.models import User
from services.clusters.models import Environment

from .. import rules
from ..models import Approval, Request, RequestPart, RequestQuerySet, Rollout, State


def find(ref: str, user: User) -> Request | None:
    """The request called `R-1001`, if this person may see it."""
    return _called(Request.objects.all(), ref, user)


def shown(ref: str, user: User) -> Request | None:
    """As `find`, for its pages: with all that they look at several times, in few queries.

    Nothing may be done with this row, for what it holds is of one moment.
    """
    writers = Request.contributors.through.objects.filter(request=OuterRef("pk")).values("user_id")
    rollouts = Exists(Rollout.objects.filter(request=OuterRef("pk")))
    parts = Exists(RequestPart.objects.filter(request=OuterRef("pk")))
    rows = Request.objects.annotate(
        written_by=ArraySubquery(writers),
        has_rollouts=rollouts,
        has_parts=parts,
        has_reverse=Exists(_reverses(OuterRef("number"))),
    )
    if (row := _called(rows, ref, user)) is not None:
        prefetch_related_objects(
            [row],
            Prefetch("approvals", Approval.objects.select_related("by")),
            _where_some(row, "rollouts", Rollout.objects.all()),
            _where_some(row, "parts", RequestPart.objects.all()),
        )
    return row


def _where_some(row: Request, name: str, rows: QuerySet[Any]) -> "Prefetch[Any]":
    """Asks nothing where the row says that it has none."""
    return Prefetch(name, rows if getattr(row, f"has_{name}") else rows.none())


def _called(rows: RequestQuerySet, ref: str, user: User) -> Request | None:
    number = ref.upper().removeprefix("R-")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    rows = rows.visible_to(user).select_related("created_by", "team", "merge_asked_by")
    return rows.filter(number=int(number)).first()


def requests_for(user: User) -> RequestQuerySet:
    """One's own and one's teams' requests, newest first, drafts of others left out."""
    mine = Q(created_by=user) | Q(contributors=user) | Q(team__in=user.teams.all())
    rows = Request.objects.visible_to(user).listed().filter(mine).distinct()
    return rows.select_related("created_by", "team").order_by("-updated_at")


def waits_for(user: User) -> list[Request]:
    """What this person can move now: to approve or review, to merge, to mend. Longest waiting first."""
    waiting = (State.AWAITING_APPROVAL, State.IN_REVIEW, State.NEEDS_ATTENTION)
    rows = (
        Request.objects.filter(state__in=waiting).select_related("created_by", "team").order_by("updated_at")
    )
    if not user.is_platform:
        concerned = Q(team__in=user.teams.all()) | Q(created_by=user) | Q(state=State.AWAITING_APPROVAL)
        rows = rows.filter(concerned)
    return [row for row in rows.prefetch_related("contributors", "approvals") if _waits(user, row)]


def _waits(user: User, row: Request) -> bool:
    if row.state == State.AWAITING_APPROVAL or (row.state == State.IN_REVIEW and rules.open_needs(row)):
        return bool(rules.needs_for(user, row))
    if row.state == State.NEEDS_ATTENTION:
        return _is_asker(user, row)
    if row.merge_asked_by_id:
        return False
    if rules.is_reviewed(row):
        return _is_asker(user, row)
    return rules.can_review(user, row)


def _is_asker(user: User, row: Request) -> bool:
    """Who asked; of what a program asked for, its team."""
    if row.created_by.program_of_id is not None:
        return row.team is not None and user.in_team(row.team)
    return row.created_by_id == user.pk


def to_follow() -> RequestQuerySet:
    """Requests whose truth is outside just now: a pull request under review, or a rollout."""
    states = (State.IN_REVIEW, State.NEEDS_ATTENTION, State.ROLLING_OUT)
    asked = Rollout.objects.filter(request=OuterRef("pk"), state=Rollout.State.APPLYING).exclude(delivery={})
    on_its_way = Q(state=State.MERGED) & Exists(asked)
    return Request.objects.filter(Q(state__in=states) | on_its_way).order_by("updated_at")


def reverting(request: Request) -> Request | None:
    """What takes this request back, under way or done; None where nothing does."""
    if not getattr(request, "has_reverse", True):
        return None
    return _reverses(request.number).order_by("-number").first()


def _reverses(number: Any) -> RequestQuerySet:
    rows = Request.objects.filter(kind=Request.Kind.REVERT, reverts=number)
    return rows.exclude(state__in=[State.WITHDRAWN, State.REJECTED, State.CLOSED])


def of_sets_in(environment: Environment) -> RequestQuerySet:
    """Those of several services that come up in an environment just now."""
    kinds = (Request.Kind.PREVIEW, Request.Kind.COPY)
    return to_follow().filter(kind__in=kinds, environments__contains=[environment.name])


def person_named(username: str) -> User | None:
    return User.objects.filter(username__iexact=username).first() if username else None
