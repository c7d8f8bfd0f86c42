"""Reads about people and their sign-ins."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils import timezone

from services.accounts.models import SignInFailure, User

WINDOW = timedelta(minutes=15)
PER_USERNAME = 5
PER_ADDRESS = 30


def may_try(username: str, address: str | None) -> bool:
    """Whether another password may be tried now, for this name and from this address."""
    recent = SignInFailure.objects.filter(at__gt=timezone.now() - WINDOW)
    if recent.filter(username=username.lower()).count() >= PER_USERNAME:
        return False
    return not address or recent.filter(address=address).count() < PER_ADDRESS


def by_name_or_mail(text: str) -> User | None:
    """The account somebody means; an address two people share means nobody."""
    found = User.objects.filter(Q(username__iexact=text) | Q(email__iexact=text), is_active=True)[:2]
    return found[0] if len(found) == 1 else None


def demo_people() -> "QuerySet[User]":
    """Who one can become in the demo; nobody outside of it."""
    if not settings.DEMO:
        return User.objects.none()
    return User.objects.filter(username__in=settings.DEMO_PEOPLE, is_active=True).prefetch_related("teams")
