from datetime import timedelta

import pytest
from django.utils import timezone

from services.effects import silences
from services.effects.errors import OutsideError
from services.effects.models import Silence

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (OutsideError("401", permanent=True), 300),
        (OutsideError("429", retry_after=90), 90),
        (OutsideError("429", retry_after=1e15), 24 * 3600),
        (OutsideError("429", retry_after=-1), 0),
    ],
)
def test_who_refused_or_asked_for_it_is_left_alone_for_so_long(error, seconds):
    silences.keep("git host", error)
    until = Silence.objects.get().until - timezone.now()
    assert abs(until - timedelta(seconds=seconds)) < timedelta(seconds=20)
    assert silences.hold("another", "git host") is (seconds > 0)
    assert not silences.hold("another")
    assert str(Silence.objects.get()).startswith("git host until ")


def test_who_just_failed_is_asked_again():
    silences.keep("git host", OutsideError("502"))
    assert not silences.hold("git host")


def test_long_names_are_held_too_and_told_apart():
    """A repository deep in a tree of groups."""
    host = f"git local {'group/' * 60}repository"
    silences.keep(f"{host} #1", OutsideError("401", permanent=True))
    assert silences.hold(host, f"{host} #1")
    assert not silences.hold(host, f"{host} #2")


def test_what_ended_long_ago_is_forgotten():
    ends = {"old": timedelta(days=-2), "recent": timedelta(hours=-2), "still": timedelta(hours=2)}
    Silence.objects.bulk_create([Silence(about=key, until=timezone.now() + end) for key, end in ends.items()])
    silences.keep("new", OutsideError("401", permanent=True))
    assert set(Silence.objects.values_list("about", flat=True)) == {"recent", "still", "new"}


def test_a_later_word_replaces_the_earlier():
    silences.keep("git host", OutsideError("401", permanent=True))
    silences.keep("git host", OutsideError("429", retry_after=0))
    assert not silences.hold("git host")


def test_what_rests_is_woken_by_news():
    silences.rest("pull 1", 60)
    silences.rest("pull 2", 60)
    assert silences.hold("pull 1")
    silences.lift("pull 1")
    assert not silences.hold("pull 1")
    assert silences.hold("pull 2")
