"""Whom not to ask before when: those who refused us, and those who said when to come back.

For what is looked at again and again (reconciling); an effect that was refused waits for a person anyway.
"""

import hashlib
from datetime import timedelta

from django.conf import settings
from django.db.models.functions import Now

from services.effects.errors import OutsideError
from services.effects.models import Silence

AFTER_REFUSAL = timedelta(minutes=5)
LONGEST = KEPT = timedelta(days=1)
LENGTH = 200


def hold(*about: str) -> bool:
    """Whether any of these is not to be asked now."""
    return Silence.objects.filter(about__in=map(_short, about), until__gt=Now()).exists()


def keep(about: str, error: OutsideError) -> None:
    """Leave it alone as long as it asked for, or for five minutes when it refused. Else nothing."""
    if error.retry_after is not None:
        wait = timedelta(seconds=min(max(error.retry_after, 0.0), LONGEST.total_seconds()))
    elif error.permanent:
        wait = AFTER_REFUSAL * float(getattr(settings, "EFFECTS_PACE", 1.0))
    else:
        return
    Silence.objects.update_or_create(about=_short(about), defaults={"until": Now() + wait})
    Silence.objects.filter(until__lt=Now() - KEPT).delete()


def rest(about: str, seconds: float) -> None:
    """Nothing new is expected of it for a while; `lift` when there is."""
    Silence.objects.update_or_create(
        about=_short(about), defaults={"until": Now() + timedelta(seconds=seconds)}
    )


def lift(about: str) -> None:
    Silence.objects.filter(about=_short(about)).delete()


def _short(about: str) -> str:
    """As it is stored; what is cut off goes on telling it from others."""
    if len(about) <= LENGTH:
        return about
    digest = hashlib.sha256(about.encode()).hexdigest()
    return f"{about[: LENGTH - len(digest) - 1]} {digest}"
