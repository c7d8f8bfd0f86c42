"""What this app refuses, in the family of requests: they are shown and answered alike."""

from services.onboarding.errors import Refusal


class Impossible(Refusal):
    """There is nothing to copy, or no place to copy it to."""


class TooMany(Refusal):
    """The team has as many previews as it may."""

    status = 409


class Forbidden(Refusal):
    """A guardrail says no to what would come up."""

    status = 422
