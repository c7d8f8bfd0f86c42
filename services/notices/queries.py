"""Reads about what people were told."""

from collections.abc import Iterable

from django.conf import settings

from services.accounts.models import User
from services.notices.models import Notice, NoticeQuerySet, Wish


def told(user: User) -> NoticeQuerySet:
    """What this person was told, the last first."""
    return Notice.objects.filter(person=user)


def wish_of(user: User) -> Wish:
    """As it is stored, or as it is while nothing is."""
    return Wish.objects.filter(person=user).first() or Wish(person=user)


def for_mail(notices: Iterable[Notice]) -> list[Notice]:
    """Those that go out by mail too: there is a server, an address, and a wish."""
    if not settings.MAIL_URL:
        return []
    reachable = [row for row in notices if row.person.email]
    wishes = {row.person_id: str(Wish.Mail.WAITS) for row in reachable}
    wishes.update(Wish.objects.filter(person__in=list(wishes)).values_list("person_id", "mail"))
    return [row for row in reachable if _wants(wishes[row.person_id], row)]


def _wants(mail: str, notice: Notice) -> bool:
    return mail == Wish.Mail.ALL or (mail == Wish.Mail.WAITS and notice.waits)
