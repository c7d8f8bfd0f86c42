"""Addresses for the operations that apps declare: guarded by scopes, counted, refused in one shape."""

from collections.abc import Iterable
from functools import wraps
from typing import Any

from django.http import HttpResponse
from django.urls import URLPattern, path

from portal.shell import limits
from portal.shell.api import ApiError
from portal.shell.http import HttpRequest
from portal.shell.operations import Operation, perform
from services.accounts.bearer import api


def addresses(declared: Iterable[Operation]) -> list[URLPattern]:
    """One address for all operations with the same path, called like the first of them."""
    by_path: dict[str, dict[str, Operation]] = {}
    for one in declared:
        assert one.method not in by_path.setdefault(one.path, {}), one.path
        by_path[one.path][one.method] = one
    return [path(route, _view(ones), name=next(iter(ones.values())).name) for route, ones in by_path.items()]


def again(declared: Operation) -> Any:
    """The view of one operation for a second address; the description tells the first alone."""
    view = _view({declared.method: declared})

    @wraps(view)
    def same(request: HttpRequest, **arguments: Any) -> HttpResponse:
        answer: HttpResponse = view(request, **arguments)
        return answer

    del same.__dict__["operations"]
    return same


def _view(ones: dict[str, Operation]) -> Any:
    first = next(iter(ones.values()))

    def view(request: HttpRequest, **arguments: Any) -> HttpResponse:
        wanted = ones["GET" if request.method == "HEAD" else request.method or ""]
        if wanted.person and request.user.pk is None:
            raise ApiError("This is for a person to do: bring a token of yours, not of a team.", 403)
        return perform(wanted, request, arguments)

    view.__name__ = view.__qualname__ = first.name
    view.__module__ = first.run.__module__
    guarded: Any = view
    for kind in {one.limit for one in ones.values() if one.limit}:
        guarded = limits.limited(kind)(guarded)
    guarded = api(**{method: one.scope for method, one in ones.items()})(guarded)
    guarded.operations = ones
    return guarded
