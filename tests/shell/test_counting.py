import pytest

from portal.shell.counting import counts
from portal.shell.frozen import Counted
from services.accounts.models import Team, User
from tests.factories.people import member

pytestmark = pytest.mark.django_db


def test_rows_of_several_tables_are_counted_in_one_query(django_assert_num_queries):
    member("mira", "checkout")
    member("jonas", "checkout")
    wanted = {"people": User.objects.all(), "teams": Team.objects.all(), "number": 7}
    with django_assert_num_queries(1):
        assert counts(wanted) == {"people": 2, "teams": 1, "number": 7}


def test_a_row_joined_twice_counts_once():
    member("mira", "checkout")
    member("mira", "payments")
    assert counts({"people": User.objects.filter(teams__isnull=False)}) == {"people": 1}


def test_nothing_and_none_are_left_out(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert counts({"none": None, "zero": 0}) == {}
    assert counts({"people": User.objects.none(), "teams": Team.objects.all()}) == {}


def test_statements_that_were_made_once_are_counted_beside_others(django_assert_num_queries):
    mira, sam = member("mira", "checkout"), member("sam", "payments")
    of = Counted(lambda person: Team.objects.filter(members=person), person=0)
    for person, number in ((mira.pk, 1), (sam.pk, 1), (-1, None)):
        with django_assert_num_queries(1):
            found = counts({"mine": of.of(person=person), "teams": Team.objects.all()})
        assert (found.get("mine"), found["teams"]) == (number, 2)
