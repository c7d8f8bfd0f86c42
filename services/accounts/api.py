"""Teams, for programs."""

from collections.abc import Iterable
from typing import Any

from django.db.models import Prefetch
from django.http import Http404

from portal.shell.operations import Asked, operation
from portal.shell.schemas import choice, flag, listed, named, page_of, text, thing, turning
from services.accounts.models import Membership, Team
from services.accounts.serving import addresses

MEMBER = named("Member", thing(username=text(), name=text(), ref=text(), role=choice(Membership.Role.values)))
TEAM = named(
    "Team",
    thing(
        slug=text("The name of its group in the catalog"), name=text(), ref=text(),
        runs_platform=flag(), members=listed(MEMBER),
    ),
)  # fmt: skip


@operation("GET", "teams", scope="catalog:read", query=turning(), answer=page_of(TEAM))
def team_list(asked: Asked) -> dict[str, Any]:
    """The teams, with who is in them."""
    return asked.page(_teams().order_by("slug", "pk"), _drawn)


@operation("GET", "teams/<slug:slug>", scope="catalog:read", answer=TEAM, example={"slug": "checkout"})
def team_detail(asked: Asked, slug: str) -> dict[str, Any]:
    """One team, with who is in it."""
    found = list(_drawn(_teams().filter(slug=slug)))
    if not found:
        raise Http404(f"There is no team {slug}.")
    return found[0]


def _teams() -> Any:
    """Those who left are in no team."""
    here = (
        Membership.objects.filter(user__is_active=True).select_related("user").order_by("role", "user__name")
    )
    return Team.objects.prefetch_related(Prefetch("memberships", here, to_attr="here"))


def _drawn(teams: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for team in teams:
        yield {
            "slug": team.slug,
            "name": team.name,
            "ref": team.ref,
            "runs_platform": team.runs_platform,
            "members": [
                {"username": m.user.username, "name": str(m.user), "ref": m.user.ref, "role": m.role}
                for m in team.here
            ],
        }


app_name = "accounts_api"
urlpatterns = addresses([team_list, team_detail])
