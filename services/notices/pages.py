"""The bell: how much a person has not read yet."""

from django.db.models import QuerySet

from portal.shell import registry
from portal.shell.http import HttpRequest
from portal.shell.registry import NavItem
from services.notices import queries
from services.notices.models import Notice


def register() -> None:
    registry.nav.add(
        NavItem("notices", "Notices", "bell", "notices:notice_list", order=70, badge=unread, hot=True)
    )


def unread(request: HttpRequest) -> QuerySet[Notice]:
    return queries.told(request.user).unread()
