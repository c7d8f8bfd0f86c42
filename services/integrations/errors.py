"""The family of errors every integration raises; effects read their three flags."""

from services.effects.errors import OutsideError


class IntegrationError(OutsideError):
    """Something outside did not do what was asked."""


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


class RateLimited(Unavailable):
    """Asked too often; `retry_after` seconds must pass before the next call."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message, retry_after=retry_after)


class OutcomeUnknown(IntegrationError):
    """The request left us and no answer came: only reading can tell whether it happened."""

    def __init__(self, message: str) -> None:
        super().__init__(message, outcome_unknown=True)
