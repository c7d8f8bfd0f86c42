"""Approvals in words: who is asked, and who has said yes."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.accounts.models import Team

from . import rules
from .approvers import wanted, words
from .models import Request

Named = Mapping[str, str]


def who(need: Mapping[str, Any], names: Named, own: str = "") -> str:
    """ "a lead of Checkout", "2 people: anyone in Security or …". `names` are those of teams, by slug."""
    said = " or ".join(_word(word, need, names, own) for word in words(need))
    count = wanted(need)
    return f"{count} people: {said}" if count > 1 else said


def _word(word: str, need: Mapping[str, Any], names: Named, own: str) -> str:
    slug = str(need.get("team") or "") or own
    team = names.get(slug, slug or "the team")
    return {
        "lead": f"a lead of {team}",
        "member": f"anyone in {team}",
        "owner": f"anyone in {names.get(own, own or 'the team that owns it')}",
        "platform": "anyone in the platform team",
        "security": "anyone in the security team",
    }[word]


def team_names(needs: Iterable[Mapping[str, Any]], known: str = "") -> dict[str, str]:
    """By slug, but of the team that is known already."""
    slugs = {str(need.get("team") or "") for need in needs} - {"", known}
    return dict(Team.objects.filter(slug__in=slugs).values_list("slug", "name")) if slugs else {}


def lines(row: Request) -> list[dict[str, Any]]:
    """One for each approval of a request: its reason, who is asked, who said yes, and if that is enough."""
    own = row.team.slug if row.team else ""
    names = {own: str(row.team or "")} | team_names(row.needs, known=own)
    still = {need["key"] for need in rules.open_needs(row)}
    given = rules.given(row)
    return [
        {
            "reason": need["reason"],
            "who": who(need, names, own),
            "given": [each for each in given if each.key == need["key"]],
            "is_open": need["key"] in still,
        }
        for need in row.needs
    ]
