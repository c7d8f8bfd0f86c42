"""Answers for programs: JSON, and mistakes in the shape that Backstage's clients read."""

from typing import Any, Final

from django.http import JsonResponse

from portal.shell.http import HttpRequest

ROOT: Final = "/api/"
NAMES: Final = {
    400: "InputError",
    401: "AuthenticationError",
    403: "NotAllowedError",
    404: "NotFoundError",
    405: "NotAllowedError",
    409: "ConflictError",
    413: "PayloadTooLargeError",
    429: "TooManyRequestsError",
    503: "ServiceUnavailableError",
}


class ApiError(Exception):
    """What was asked cannot be done; the sentence says why, the status whose mistake it is."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.message, self.status = message, status


def is_api(request: HttpRequest) -> bool:
    return request.path_info.startswith(ROOT)


def refusal(request: HttpRequest, status: int, message: str) -> JsonResponse:
    """`message` in the shape of an error of Backstage's."""
    body: dict[str, Any] = {
        "error": {"name": NAMES.get(status, "Error"), "message": message},
        "request": {"method": request.method, "url": request.get_full_path()[:2000]},
        "response": {"statusCode": status},
    }
    return JsonResponse(body, status=status)
