"""Sign-in, what people set for themselves, and the tokens of their programs."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone as clock

from services.accounts.models import ApiToken, Delegation, SignInFailure, Team, User
from services.accounts.queries import WINDOW, digest_of, led_by
from services.audit.actions import record

PREFIX: Final = "slipway_"  # so that scanners know a leaked one; `portal.shell.pasted` does
LONGEST_ABSENCE: Final = timedelta(days=60)
FRESH: Final = timedelta(minutes=1)


class Refused(Exception):
    """Not so; the sentence says why."""


@transaction.atomic
def note_failure(*, username: str, address: str | None) -> None:
    """Remember a wrong password and forget the ones that no longer count."""
    SignInFailure.objects.filter(at__lt=clock.now() - WINDOW).delete()
    SignInFailure.objects.create(username=username.lower()[:150], address=address)


@transaction.atomic
def note_sign_in(*, user: User, how: str) -> None:
    SignInFailure.objects.filter(username=user.username.lower()).delete()
    record(by=user, action="accounts.signed_in", obj=user, summary=f"{user} signed in ({how})")


@transaction.atomic
def set_theme(*, by: User, theme: str) -> None:
    """Refuses nothing: the form has checked the choice. Not audited: it concerns nobody else."""
    by.theme = theme
    by.save(update_fields=["theme"])


@transaction.atomic
def save_profile(*, by: User, name: str, timezone: str, theme: str) -> None:
    wanted = {"name": name, "timezone": timezone, "theme": theme}
    stored = User.objects.select_for_update().get(pk=by.pk)  # a form may have changed `by` already
    changed = [field for field, value in wanted.items() if getattr(stored, field) != value]
    by.name, by.timezone, by.theme = name, timezone, theme
    by.save(update_fields=["name", "timezone", "theme"])
    if changed:
        record(by=by, action="accounts.profile_saved", obj=by, summary=f"{by} changed {', '.join(changed)}")


@transaction.atomic
def create_token(
    *, by: User, name: str, scopes: list[str], days: int, team: Team | None = None
) -> tuple[ApiToken, str]:
    """A token and its secret, which nobody can read again.

    Refuses a team that `by` neither leads nor runs the platform for, and a name that a live token has.
    """
    owner = {"user": None, "team": team} if team else {"user": by, "team": None}
    if team and not led_by(by).filter(pk=team.pk).exists():
        raise Refused(f"Only who leads {team} makes tokens for it.")
    User.objects.select_for_update().get(pk=by.pk)  # sent twice, the second one finds the name taken
    if ApiToken.objects.filter(**owner, name=name, revoked_at=None).exists():
        raise Refused(f"There is a token {name} already. Revoke it, or choose another name.")
    secret = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(
        **owner,
        name=name,
        scopes=sorted(scopes),
        digest=digest_of(secret),
        hint=secret[-4:],
        created_by=by,
        expires_at=clock.now() + timedelta(days=days),
    )
    details = {"scopes": token.scopes, "owner": token.owner.ref, "expires_at": token.expires_at.isoformat()}
    record(
        by=by, action="accounts.token_created", obj=token, summary=f"{by} made token {name}", details=details
    )
    return token, secret


@transaction.atomic
def program_of(*, team: Team) -> User:
    """The account in whose name a team's tokens act: in no team, and nobody can sign in as it."""
    Team.objects.select_for_update().get(pk=team.pk)
    found = User.objects.filter(program_of=team).first()
    if found is not None:
        return found
    made = User(username=f"ci+{team.slug}", name=f"{team} CI", program_of=team, is_active=False)
    made.set_unusable_password()
    made.save()
    return made


@transaction.atomic
def correspondent(*, email: str, name: str = "") -> User:
    """The account of somebody known by mail alone: in no team, and nobody can sign in as it.

    Its user name is made of the address: the same address is the same account, beside anybody's who has it.
    """
    digest = hashlib.sha256(email.lower().encode()).hexdigest()[:16]
    label = (name or email or "Somebody unknown")[:140]
    found, made = User.objects.get_or_create(
        username=f"mail+{digest}",
        defaults={"name": f"{label} (by mail)", "email": email[:254], "is_active": False},
    )
    if made:
        found.set_unusable_password()
        found.save(update_fields=["password"])
    return found


@transaction.atomic
def revoke_token(*, token: ApiToken, by: User) -> None:
    """From now on it opens nothing. Refuses nothing: who can see a token may revoke it, and twice is once."""
    token = ApiToken.objects.select_for_update().get(pk=token.pk)
    if token.revoked_at is None:
        token.revoked_at = clock.now()
        token.save(update_fields=["revoked_at"])
        record(by=by, action="accounts.token_revoked", obj=token, summary=f"{by} revoked token {token}")


@transaction.atomic
def delegate(
    *, by: User, to: User, until: datetime, since: datetime | None = None, reason: str = ""
) -> Delegation:
    """Let somebody decide in one's place until then; who had been asked before is not any more.

    Refuses oneself, who cannot sign in, and an end that is past or too far away.
    """
    start = max(since or clock.now(), clock.now())
    if to.pk == by.pk or not to.is_active:
        raise Refused("Choose a colleague who is here.")
    if not start < until <= start + LONGEST_ABSENCE:
        raise Refused(f"It ends after it begins, and within {LONGEST_ABSENCE.days} days.")
    User.objects.select_for_update().get(pk=by.pk)
    Delegation.objects.filter(of=by, ended_at=None).update(ended_at=clock.now())
    made = Delegation.objects.create(of=by, to=to, since=start, until=until, reason=reason)
    record(
        by=by,
        action="accounts.delegated",
        obj=by,
        summary=f"{to} decides for {by} until {until:%Y-%m-%d %H:%M}",
    )
    return made


@transaction.atomic
def end_delegation(*, delegation: Delegation, by: User) -> None:
    """One decides again oneself. Refuses nothing: twice is once."""
    row = Delegation.objects.select_for_update().get(pk=delegation.pk)
    if row.ended_at is None:
        row.ended_at = clock.now()
        row.save(update_fields=["ended_at"])
        record(
            by=by,
            action="accounts.delegation_ended",
            obj=by,
            summary=f"{row.to} no longer decides for {row.of}",
        )


def note_use(*, token: ApiToken) -> None:
    """Remember that it was used, at most once a minute. Not audited."""
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at >= FRESH:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
