"""People and teams for tests."""

import factory
from factory.django import DjangoModelFactory

from services.accounts.models import Membership, Team, User


class TeamFactory(DjangoModelFactory):
    class Meta:
        model = Team
        django_get_or_create = ["slug"]

    slug = factory.Sequence(lambda n: f"team-{n}")
    name = factory.LazyAttribute(lambda team: team.slug.replace("-", " ").title())


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        django_get_or_create = ["username"]
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    name = factory.LazyAttribute(lambda user: user.username.title())
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")


def member(username: str, team: str, *, role: str = Membership.Role.MEMBER, platform: bool = False) -> User:
    """A person in a team, both made when they do not exist."""
    user = UserFactory(username=username)
    group = TeamFactory(slug=team)
    if platform and not group.runs_platform:
        group.runs_platform = True
        group.save()
    Membership.objects.update_or_create(user=user, team=group, defaults={"role": role})
    user.__dict__.pop("roles", None)
    return user


def platform_engineer(username: str = "priya") -> User:
    return member(username, "platform", platform=True)
