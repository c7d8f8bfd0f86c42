"""The views people keep of the catalog: their own and those shared with a team."""

from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from services.accounts.models import Team
from services.audit.actions import record
from services.catalog.models import SavedView, StartView
from services.catalog.refusals import Refused

Person = Any
UNDO_FOR = timedelta(days=7)


def views_of(user: Any) -> QuerySet[SavedView]:
    """What a person sees: their own views and those of their teams."""
    return _of(user).filter(deleted_at=None)


def deleted_of(user: Any) -> QuerySet[SavedView]:
    """What can be brought back."""
    return _of(user).filter(deleted_at__isnull=False)


def _of(user: Any) -> QuerySet[SavedView]:
    mine = Q(team=None, owner=user) | Q(team__slug__in=list(user.roles))
    return SavedView.objects.filter(mine).select_related("team", "owner")


def start_of(user: Any) -> SavedView | None:
    """The view a person's catalog opens with, while they may see it."""
    return views_of(user).filter(starts__user=user).first()


def can_change(user: Any, view: SavedView) -> bool:
    """Who saved it; a shared one also whoever leads the team, and those who run the platform."""
    if view.owner_id == user.pk:
        return True
    return view.team is not None and (user.is_platform or user.leads(view.team))


@transaction.atomic
def save_view(*, name: str, query: str, by: Person, team: Team | None = None) -> SavedView:
    """Keep filters under a name. Refuses a team one is not in, and a name that is taken."""
    if team and team.slug not in by.roles:
        raise Refused(f"You are not in {team}, so you cannot share a view with it.")
    view = SavedView(name=name, query=query, owner=by, team=team)
    _write(view)
    if team:
        _told(view, by, "shared", f"Shared the catalog view {name} with {team}")
    return view


@transaction.atomic
def rename_view(*, view: SavedView, name: str, by: Person) -> SavedView:
    """Give it another name. Refuses what is somebody else's, and a name that is taken."""
    _refuse_others(view, by)
    was, view.name = view.name, name
    _write(view)
    if view.team:
        _told(view, by, "renamed", f"Renamed the catalog view {was} of {view.team} to {name}")
    return view


@transaction.atomic
def delete_view(*, view: SavedView, by: Person) -> SavedView:
    """Take it off everybody's list; it can be brought back for a week. Refuses what is somebody else's."""
    _refuse_others(view, by)
    view.deleted_at = timezone.now()
    view.save(update_fields=["deleted_at"])
    if view.team:
        _told(view, by, "deleted", f"Deleted the catalog view {view} of {view.team}")
    return view


@transaction.atomic
def restore_view(*, view: SavedView, by: Person) -> SavedView:
    """Bring it back. Refuses what is somebody else's, and when its name was taken since."""
    _refuse_others(view, by)
    view.deleted_at = None
    _write(view)
    if view.team:
        _told(view, by, "restored", f"Brought back the catalog view {view} of {view.team}")
    return view


@transaction.atomic
def start_with(*, view: SavedView | None, by: Person) -> None:
    """Open the catalog with this view from now on, or with all services again."""
    if view is None:
        StartView.objects.filter(user=by).delete()
    else:
        StartView.objects.update_or_create(user=by, defaults={"view": view})


def forget_deleted(now: Any) -> None:
    """Drop what was deleted so long ago that nobody brings it back."""
    SavedView.objects.filter(deleted_at__lt=now - UNDO_FOR).delete()


def _refuse_others(view: SavedView, by: Person) -> None:
    if not can_change(by, view):
        raise Refused(
            f"{view.owner} shared this view. They, a lead of {view.team} or the platform team change it."
        )


def _write(view: SavedView) -> None:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError as taken:
        raise Refused(f"There is a view called “{view.name}” already. Take another name.") from taken


def _told(view: SavedView, by: Person, what: str, summary: str) -> None:
    record(by=by, action=f"catalog.view_{what}", obj=view, summary=summary, details={"query": view.query})
