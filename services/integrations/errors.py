"""The family of errors every integration raises; effects read their three flags."""

from services.effects.errors import OutsideError


class IntegrationError(OutsideError):
    """Something outside did not do what was asked. `code`: the other side's own word, if any."""

    code = ""


class Refused(IntegrationError):
    """The other side understood and said no; asking again changes nothing."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class NotFound(Refused):
    """What was named does not exist, or is not shown to us."""


class Unauthorised(Refused):
    """Our credential is missing, expired or too narrow."""


class Unavailable(IntegrationError):
    """Not now: it may work when asked again."""
