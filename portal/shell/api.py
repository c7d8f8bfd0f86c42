"""Answers for programs: JSON. Mistakes have the shape that Backstage's clients read, under `/api/v1/` that of
RFC 9457."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import Any, Final

from django.http import JsonResponse
from django.http.request import RawPostDataException

from portal.shell.http import HttpRequest

ROOT: Final = "/api/"
OWN: Final = "/api/v1/"
PROBLEM: Final = "application/problem+json"
NAMES: Final = {
    400: "InputError",
    401: "AuthenticationError",
    403: "NotAllowedError",
    404: "NotFoundError",
    405: "NotAllowedError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    415: "UnsupportedMediaTypeError",
    429: "TooManyRequestsError",
    503: "ServiceUnavailableError",
}


@dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in what was sent: where, by which rule, and the nearest value that passes."""

    field: str
    rule: str
    detail: str
    suggestion: str = ""


class ApiError(Exception):
    """What was asked cannot be done; the sentence says why, the status whose mistake it is."""

    def __init__(self, message: str, status: int = 400, mistakes: Sequence[Mistake] = ()) -> None:
        super().__init__(message)
        self.message, self.status, self.mistakes = message, status, tuple(mistakes)


@contextmanager
def refusing(*errors: type[Exception], status: int = 409) -> Iterator[None]:
    """What an action refuses, as an answer with this status."""
    try:
        yield
    except errors as error:
        raise ApiError(str(error), status) from error


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(ROOT)


def refusal(
    request: HttpRequest, status: int, message: str, mistakes: Sequence[Mistake] = ()
) -> JsonResponse:
    """`message` in the shape of an error of Backstage's, or of our own."""
    if request.path_info.startswith(OWN):
        return _problem(request, status, message, mistakes)
    body: dict[str, Any] = {
        "error": {"name": NAMES.get(status, "Error"), "message": message},
        "request": {"method": request.method, "url": request.get_full_path()[:2000]},
        "response": {"statusCode": status},
    }
    return JsonResponse(body, status=status)


def _problem(request: HttpRequest, status: int, message: str, mistakes: Sequence[Mistake]) -> JsonResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "instance": request.path[:2000],
    }
    if mistakes:
        body["errors"] = [asdict(one) for one in mistakes]
    return JsonResponse(body, status=status, content_type=PROBLEM)


def body_of(request: HttpRequest) -> dict[str, Any]:
    """The JSON object that was sent."""
    try:
        found = json.loads(request.body or b"{}", parse_constant=_refuse)
        json.dumps(found, ensure_ascii=False).encode()
    except RawPostDataException as error:  # a form, which the check of form tokens has read
        raise ApiError("Send the body as application/json.", 415) from error
    except (ValueError, RecursionError) as error:
        raise ApiError("The body must be JSON in UTF-8, with numbers that are numbers.") from error
    if not isinstance(found, dict):
        raise ApiError("The body must be a JSON object.")
    if b"\\u0000" in request.body:
        raise ApiError("The body must not contain NUL.")
    return found


def _refuse(name: str) -> None:
    raise ValueError(name)
