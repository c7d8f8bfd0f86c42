"""Whose account in Slack is whose here: by the address that the company's own workspace vouches for."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import F
from django.utils import timezone

from services.accounts.models import User
from services.helpdesk import slack as desk
from services.helpdesk.models import SlackPerson
from services.integrations.errors import NotFound
from services.integrations.slack import Slack

KNOWN_FOR, UNKNOWN_FOR = timedelta(hours=12), timedelta(minutes=5)
MOST_NAMED = 20
# Accounts whose address nobody of the company vouches for.
OUTSIDERS = ("deleted", "is_bot", "is_stranger", "is_restricted", "is_ultra_restricted", "is_app_user")


def person_of(slack: Slack, slack_id: str) -> SlackPerson:
    """The account, asked for again now and then; `user` is None for strangers, guests and bots."""
    known = SlackPerson.objects.select_related("user").filter(slack_id=slack_id).first()
    if known is not None and timezone.now() - known.looked_at < (KNOWN_FOR if known.user else UNKNOWN_FOR):
        return known if known.user is None or known.user.is_active else _kept(slack_id, {})
    try:
        found = slack.call("users.info", user=slack_id).get("user")
    except NotFound:
        found = {}
    return _kept(slack_id, found if isinstance(found, dict) else {})


def _kept(slack_id: str, found: Mapping[str, Any]) -> SlackPerson:
    profile = found.get("profile")
    profile = profile if isinstance(profile, dict) else {}
    name = str(profile.get("display_name") or profile.get("real_name") or "").replace("\x00", "")[:150]
    given = {"user": _user(found, str(profile.get("email") or "")), "name": name, "looked_at": timezone.now()}
    row, _ = SlackPerson.objects.update_or_create(slack_id=slack_id[:32], defaults=given)
    return row


def _user(found: Mapping[str, Any], email: str) -> User | None:
    """Somebody active with this address; nobody where two have it, or where others vouch for it."""
    ours = desk.look().team_id
    if not email or any(found.get(each) for each in OUTSIDERS) or (ours and found.get("team_id") != ours):
        return None
    people = list(User.objects.filter(email__iexact=email.replace("\x00", ""), is_active=True)[:2])
    return people[0] if len(people) == 1 else None


def names(slack: Slack) -> Callable[[str], str]:
    """Says what people are called in a text: known ones by their user name, so that they hear of it."""
    asked: dict[str, str] = {}

    def name_of(slack_id: str) -> str:
        if slack_id not in asked and len(asked) < MOST_NAMED:
            person = person_of(slack, slack_id)
            asked[slack_id] = f"@{person.user.username}" if person.user else person.name.lstrip("@")
        return asked.get(slack_id, "")

    return name_of


def slack_id_of(slack: Slack, user: User) -> str:
    """The account of somebody here; "" where there is none."""
    known = SlackPerson.objects.filter(user=user).order_by(F("looked_at").desc()).first()
    if known is not None:
        return known.slack_id
    try:
        found = slack.call("users.lookupByEmail", email=user.email).get("user") if user.email else None
    except NotFound:
        return ""
    if not isinstance(found, dict):
        return ""
    kept = _kept(str(found.get("id", "")), found)
    return kept.slack_id if kept.user == user else ""
