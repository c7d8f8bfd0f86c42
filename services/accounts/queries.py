"""Reads about people and their sign-ins."""

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.shell.limits import Refusal
from portal.shell.postgres.asking import ask_first
from services.accounts.models import ApiToken, Delegation, SignInFailure, Team, User

WINDOW = timedelta(minutes=15)
PER_USERNAME = 5
PER_ADDRESS = 30


def wrong_too_often(username: str, address: str) -> Refusal | None:
    """Why no other password may be tried now, for this name or from this address.

    Counted in the database, beside the limits of `portal.shell.limits`, for wrong passwords count for longer
    and must not be forgotten when Redis is.
    """
    recent = SignInFailure.objects.filter(at__gt=timezone.now() - WINDOW)
    by_name = recent.filter(username=username.lower()).count()
    by_address = recent.filter(address=address).count() if address else 0
    if by_name < PER_USERNAME and by_address < PER_ADDRESS:
        return None
    return Refusal(429, WINDOW.seconds, "Too many wrong passwords. Wait 15 minutes, then try again.")


def by_name_or_mail(text: str) -> User | None:
    """The account somebody means; an address two people share means nobody."""
    found = User.objects.filter(Q(username__iexact=text) | Q(email__iexact=text), is_active=True)[:2]
    return found[0] if len(found) == 1 else None


def demo_people() -> "QuerySet[User]":
    """Who one can become in the demo; nobody outside of it."""
    if not settings.DEMO:
        return User.objects.none()
    return User.objects.filter(username__in=settings.DEMO_PEOPLE, is_active=True).prefetch_related("teams")


def digest_of(secret: str) -> str:
    """What is kept of a token's secret. It is random and long, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def live_token(secret: str) -> ApiToken | None:
    """The token with this secret, if it opens anything now: not revoked, not expired, its person active."""
    return at_the_door(secret)[0]


def at_the_door(secret: str) -> tuple[ApiToken | None, dict[str, Any]]:
    """That token, and what apps want to know beside it of every program (`beside_tokens`); one query."""
    names = tuple(beside_tokens)
    rows = ask_first(_door(tuple(beside_tokens.values())), [digest_of(secret)])
    values = list(rows[0])
    known = dict(zip(names, values, strict=False))
    token, *owners = _made(values[len(names) :])
    if token is None:
        return None, known
    token.user, token.team = owners
    if not token.is_live or (token.user and not token.user.is_active):
        return None, known
    return token, known


beside_tokens: Final[dict[str, str]] = {}
"""Expressions of SQL by name, added by apps when they are ready."""
DOOR: Final = (ApiToken, User, Team)


@cache
def _door(beside: tuple[str, ...]) -> str:
    """Written out, for making such a statement took longer than its answer. It has one row in any case."""
    columns = [f'"{m._meta.db_table}"."{f.column}"' for m in DOOR for f in m._meta.concrete_fields]
    token, user, team = (f'"{model._meta.db_table}"' for model in DOOR)
    return f"""SELECT {", ".join([*beside, *columns])} FROM (SELECT) AS always
        LEFT JOIN {token} ON {token}.digest = %s LEFT JOIN {user} ON {user}.id = {token}.user_id
        LEFT JOIN {team} ON {team}.id = {token}.team_id"""  # noqa: S608  # made of constants only


def _made(values: list[Any]) -> Iterator[Any]:
    """The rows of `DOOR` as objects, or None where there is none."""
    for model in DOOR:
        names = [field.attname for field in model._meta.concrete_fields]
        its, values = values[: len(names)], values[len(names) :]
        yield model.from_db("default", names, its) if its[0] is not None else None


def tokens_of(user: User) -> "QuerySet[ApiToken]":
    """What a person can see and revoke: their own tokens and those of the teams they lead."""
    mine = Q(user=user) | Q(team__in=led_by(user))
    return ApiToken.objects.filter(mine, revoked_at=None).select_related("user", "team", "created_by")


def delegations_of(user: User) -> "QuerySet[Delegation]":
    """Who decides for this person, now or later."""
    return Delegation.objects.live().filter(of=user).select_related("to")


def colleagues(user: User) -> "QuerySet[User]":
    """Everybody else who can sign in."""
    return User.objects.filter(is_active=True).exclude(pk=user.pk).order_by("name")


def led_by(user: User) -> "QuerySet[Team]":
    """The teams a person may make tokens for; the platform's people: every team."""
    if user.is_platform:
        return Team.objects.all()
    leads = [slug for slug, membership in user.roles.items() if membership.role == "lead"]
    return Team.objects.filter(slug__in=leads)
