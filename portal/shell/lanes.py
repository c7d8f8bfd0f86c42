"""A shorter way in for programs: what only a browser needs is left out for who brings a token.

Under the addresses of `PROGRAMS` every view is one of `services.accounts.bearer.api`, where the token that is
brought decides alone: no session is read, nothing is kept for a next page. A test walks them.
"""

from typing import Any, Final

from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.messages.middleware import MessageMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django_structlog.middlewares import RequestMiddleware
from structlog.contextvars import bind_contextvars

from portal.shell import proxies

PROGRAMS: Final = ("/api/catalog/", "/api/v1/")


def is_program(request: Any) -> bool:
    """Whether a header alone says who asks."""
    return "HTTP_AUTHORIZATION" in request.META and request.path_info.startswith(PROGRAMS)


class Sessions(SessionMiddleware):
    def __call__(self, request: Any) -> Any:
        return self.get_response(request) if is_program(request) else super().__call__(request)


class People(AuthenticationMiddleware):
    """A program is nobody until its token is read."""

    def __call__(self, request: Any) -> Any:
        if not is_program(request):
            return super().__call__(request)
        request.user = AnonymousUser()
        return self.get_response(request)


class Messages(MessageMiddleware):
    def __call__(self, request: Any) -> Any:
        return self.get_response(request) if is_program(request) else super().__call__(request)


class Log(RequestMiddleware):
    """One line a request, with the address that the limits count."""

    @classmethod
    def bind_ip(cls, request: Any) -> None:
        bind_contextvars(ip=proxies.address_of(request))
