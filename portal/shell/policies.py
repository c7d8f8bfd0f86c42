"""Who may see a view. Every view names its rule; a test walks the URLconf and fails for one without."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.http.response import HttpResponseBase

from portal.shell.http import HttpRequest

Rule = Callable[[Any], bool]
View = Callable[..., HttpResponseBase]


def public(user: Any) -> bool:
    """Anybody, signed in or not."""
    return True


def signed_in(user: Any) -> bool:
    """Everybody with an account."""
    return bool(user.is_authenticated)


def platform_only(user: Any) -> bool:
    """Members of a team that runs the platform."""
    return bool(user.is_authenticated and user.is_platform)


def policy(rule: Rule, *, name: str = "") -> Callable[[View], View]:
    """Guard a view with `rule`; refuses with 403. `name` is what the permission matrix calls it."""

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            if not rule(request.user):
                raise PermissionDenied(rule.__doc__ or "")
            return view(request, *args, **kwargs)

        guarded.policy = name or rule.__name__  # type: ignore[attr-defined]  # read by the URLconf test
        return login_not_required(guarded) if rule is public else guarded

    return decorate
