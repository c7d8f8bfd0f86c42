"""Sign-in, and what people set for themselves."""

from django.db import transaction
from django.utils import timezone

from services.accounts.models import SignInFailure, User
from services.accounts.queries import WINDOW
from services.audit.actions import record


@transaction.atomic
def note_failure(*, username: str, address: str | None) -> None:
    """Remember a wrong password and forget the ones that no longer count."""
    SignInFailure.objects.filter(at__lt=timezone.now() - WINDOW).delete()
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
