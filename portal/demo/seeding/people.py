"""People, teams and roles. Everybody has the password of the demo; nobody else should run it."""

from django.contrib.auth.hashers import make_password

from portal.demo import company
from services.accounts.models import Membership, Team, User

PASSWORD = "slipway-demo"  # noqa: S105  # written in the README: it opens the demo and nothing else


def seed() -> str:
    teams = {slug: _team(slug, name) for slug, name in company.TEAMS.items()}
    known = set(User.objects.values_list("username", flat=True))
    new = [who for who in company.COLLEAGUES if who.username not in known]
    password = make_password(PASSWORD)
    for who in new:
        user = User.objects.create(
            username=who.username,
            name=who.name,
            email=who.email,
            job_title=who.job_title,
            timezone="Europe/Berlin",
            password=password if who.username in company.TO_BECOME else make_password(None),
        )
        if who.team:
            role = Membership.Role.LEAD if who.is_lead else Membership.Role.MEMBER
            Membership.objects.create(user=user, team=teams[who.team], role=role)
    return f"{len(company.COLLEAGUES)} people in {len(teams)} teams"


def everybody() -> dict[str, User]:
    return {user.username: user for user in User.objects.all()}


def _team(slug: str, name: str) -> Team:
    defaults = {"name": name, "runs_platform": slug == "platform"}
    return Team.objects.get_or_create(slug=slug, defaults=defaults)[0]
