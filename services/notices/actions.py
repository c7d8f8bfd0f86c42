"""Telling people, once, and what they do about it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from services.accounts.models import User
from services.effects import crashpoints
from services.effects.actions import enqueue
from services.notices import queries
from services.notices.models import Notice, Wish
from services.notices.tasks import MAIL

KEPT = timedelta(days=90)
crashpoints.declare_commit("notices.told")


@dataclass(frozen=True)
class Words:
    """What is said; `waits`: it waits for whoever is told. `url` leads to it within the portal."""

    title: str
    text: str
    url: str
    icon: str
    tone: str = "info"
    waits: bool = False


@transaction.atomic
def tell(*, people: Iterable[User], key: str, words: Words, about: models.Model) -> list[Notice]:
    """Tell each of these people, once per `key`; those who want it by mail get one as well.

    Refuses nothing: who was told already is left as they are.
    """
    people = sorted(people, key=lambda each: each.pk)
    fresh = [
        Notice(
            person=person, key=key, icon=words.icon, tone=words.tone, title=words.title[:300],
            text=words.text, url=words.url, waits=words.waits,
        )
        for person in people
    ]  # fmt: skip
    Notice.objects.bulk_create(fresh, ignore_conflicts=True)
    found = list(
        Notice.objects.filter(key=key, person__in=people).select_related("person").order_by("person")
    )
    for notice in queries.for_mail(found):
        enqueue(kind=MAIL, key=str(notice.pk), payload={"notice": notice.pk}, subject=about)
    crashpoints.around_commit("notices.told")
    return found


@transaction.atomic
def read(*, notice: Notice) -> None:
    """It was opened. Not audited: it concerns nobody else."""
    queries.told(notice.person).unread().filter(pk=notice.pk).update(read_at=timezone.now())


@transaction.atomic
def read_all(*, by: User, until: int) -> int:
    """Everything up to the one with the key `until`: what came in since the page was drawn stays unread."""
    return queries.told(by).unread().filter(pk__lte=until).update(read_at=timezone.now())


@transaction.atomic
def save_wish(*, by: User, mail: str) -> None:
    """What comes by mail from now on. Not audited: it concerns nobody else."""
    Wish.objects.update_or_create(person=by, defaults={"mail": mail})


def forget() -> int:
    """Drop what was said long ago, read or not."""
    return Notice.objects.filter(at__lt=timezone.now() - KEPT).delete()[0]
