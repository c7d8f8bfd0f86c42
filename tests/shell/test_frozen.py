"""Statements that are made once: the same rows as without, for each who asks."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from portal.shell.frozen import Frozen
from services.accounts.models import Membership, Team, User
from services.catalog.models import Entity
from tests.factories.people import member

pytestmark = pytest.mark.django_db


def test_what_is_asked_for_takes_the_places_of_the_marks(django_assert_num_queries):
    mira, sam = member("mira", "checkout"), member("sam", "payments")
    made = []

    def make(name, since, person, teams):
        made.append(name)
        rows = User.objects.filter(
            username=name, date_joined__gte=since, memberships__team__slug__any_of=teams
        )
        return rows.exclude(pk=person).annotate(also=rows.filter(username=name).values("name")[:1])

    found = Frozen(make, name="", since=timezone.now(), person=0, teams=[""])
    since = timezone.now() - timedelta(days=1)
    for person, slug in ((mira, "checkout"), (sam, "payments")):
        asked = {"name": person.username, "since": since, "person": -1, "teams": [slug, "other"]}
        with django_assert_num_queries(1):
            (row,) = found(**asked)
        assert (row, row.also) == (person, person.name)
        assert found(**asked | {"person": person.pk}) == []
        assert found(**asked | {"since": timezone.now() + timedelta(days=1)}) == []
        assert found(**asked | {"teams": []}) == []
    assert len(made) == 1


def test_related_rows_and_values_come_as_without():
    member("mira", "checkout")
    rows = Frozen(
        lambda slug: Membership.objects.filter(team__slug=slug).select_related("team", "user"), slug=""
    )
    (row,) = rows(slug="checkout")
    assert (row.team.slug, row.user.username) == ("checkout", "mira")
    plain = Frozen(lambda slug: Team.objects.filter(slug=slug).values_list("slug", "runs_platform"), slug="")
    assert plain(slug="checkout") == [("checkout", False)]
    assert plain(slug="x' OR 'a' = 'a") == []


def test_what_stands_in_json_is_found():
    for name in ("cart", "order"):
        Entity.objects.create(ref=f"component:default/{name}", name=name, metadata={"tags": [name, "java"]})
    rows = Frozen(lambda tags: Entity.objects.filter(metadata__tags__contains=tags), tags=[""])
    assert [[row.name for row in rows(tags=tags)] for tags in (["cart"], ["java", "order"], ["go"])] == [
        ["cart"], ["order"], [],
    ]  # fmt: skip


def test_each_thread_asks_by_its_own_connection():
    rows = Frozen(lambda slug: Team.objects.filter(slug=slug), slug="")
    assert rows(slug="none") == []

    def elsewhere():
        try:
            asked: list[str] = []
            with connection.execute_wrapper(lambda execute, *rest: asked.append(rest[0]) or execute(*rest)):
                rows(slug="none")
            return len(asked)
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elsewhere).result() == 1


def test_an_argument_that_is_no_value_of_the_statement_is_noticed():
    """It would be answered the same whoever asks."""
    with pytest.raises(AssertionError, match="slug"):
        Frozen(lambda slug: Team.objects.filter(slug=slug.upper()), slug="")(slug="x")
