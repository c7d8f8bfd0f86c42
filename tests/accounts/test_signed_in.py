"""Who a session belongs to: read once, with the teams."""

import pytest
from django.contrib.auth import get_user

from services.accounts.backends import WithRoles
from services.accounts.models import Membership, Team, User

pytestmark = pytest.mark.django_db


@pytest.fixture
def person() -> User:
    return User.objects.create_user("mira", name="Mira", password="nine lives of a cat")


def test_person_and_teams_are_one_query(person, django_assert_num_queries):
    for slug in ("checkout", "platform"):
        team = Team.objects.create(slug=slug, name=slug, runs_platform=slug == "platform")
        Membership.objects.create(user=person, team=team)
    with django_assert_num_queries(1):
        found = WithRoles().get_user(person.pk)
        assert found == person
        assert sorted(found.roles) == ["checkout", "platform"]
        assert found.is_platform


def test_somebody_without_a_team_is_found_too(person, django_assert_num_queries):
    with django_assert_num_queries(2):
        found = WithRoles().get_user(person.pk)
        assert (found, found.roles) == (person, {})


@pytest.mark.parametrize("in_a_team", [True, False])
def test_who_left_is_nobody(person, in_a_team, client, rf):
    if in_a_team:
        Membership.objects.create(user=person, team=Team.objects.create(slug="checkout", name="Checkout"))
    client.force_login(person)
    User.objects.update(is_active=False)
    assert WithRoles().get_user(person.pk) is None
    request = rf.get("/")
    request.session = client.session
    assert get_user(request).is_anonymous


def test_nobody_is_nobody(db):
    assert WithRoles().get_user(0) is None
