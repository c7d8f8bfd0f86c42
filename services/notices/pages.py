"""The bell: how much a person has not read yet."""

from portal.shell import registry
from portal.shell.frozen import Counted, Keys
from portal.shell.http import HttpRequest
from portal.shell.registry import NavItem
from services.notices.models import Notice


def register() -> None:
    registry.nav.add(
        NavItem("notices", "Notices", "bell", "notices:notice_list", order=70, badge=unread, hot=True)
    )


unread_by = Counted(lambda person: Notice.objects.filter(person=person).unread(), person=0)


def unread(request: HttpRequest) -> Keys:
    return unread_by.of(person=request.user.pk)
