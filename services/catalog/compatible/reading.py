"""What was asked, read and bounded: everything wrong with it is an `ApiError` that says what."""

from typing import Any, Final

from portal.shell.api import ApiError, body_of
from portal.shell.http import HttpRequest

LARGEST: Final = 1000  # entities in one answer, where a limit was asked for
USUAL: Final = 200
FURTHEST: Final = 1_000_000
LONGEST: Final = 10_000
MANY: Final = 100
body = body_of


def texts(request: HttpRequest, name: str) -> list[str]:
    """A parameter that may come several times."""
    found: list[str] = request.GET.getlist(name)
    if len(found) > MANY or sum(map(len, found)) > LONGEST:
        raise ApiError(f"Too much {name}: at most {MANY} of them, {LONGEST} characters together.")
    return found


def words(request: HttpRequest, name: str) -> list[str]:
    """A parameter that is a list with commas, and may come several times too."""
    return [word.strip() for text in texts(request, name) for word in text.split(",") if word.strip()]


def number(value: Any, name: str, *, least: int = 0, most: int = FURTHEST) -> int | None:
    """A whole number, from an address or a body; None where there is none."""
    if value is None or value == "":
        return None
    plain = isinstance(value, int) and not isinstance(value, bool)
    typed = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19
    if not (plain or typed) or not least <= int(value) <= most:
        raise ApiError(f"{name} must be a whole number from {least} to {most}.")
    return int(value)


def strings(value: Any, name: str, *, most: int = MANY) -> list[str]:
    """A list of texts in a body."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ApiError(f"{name} must be a list of strings.")
    if len(value) > most:
        raise ApiError(f"{name} has {len(value)} entries; at most {most} at once.")
    return value


def text(value: Any, name: str, *, most: int = LONGEST) -> str:
    """One text in a body."""
    if not isinstance(value, str) or not value or len(value) > most:
        raise ApiError(f"{name} must be a text of 1 to {most} characters.")
    return value


def mapping(value: Any, name: str) -> dict[str, Any]:
    """One object in a body."""
    if not isinstance(value, dict):
        raise ApiError(f"{name} must be an object.")
    return value
