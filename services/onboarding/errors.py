"""What actions refuse. The message is written for the person; `status` is what HTTP calls it."""

from collections.abc import Sequence
from typing import Any


class Refusal(Exception):
    status = 400

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class NotAllowed(Refusal):
    """The rule says no to this person. `ask` names who may."""

    status = 403

    def __init__(self, message: str, ask: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.ask = list(ask)


class OwnRequest(NotAllowed):
    """Nobody approves what they wrote themselves."""


class WrongState(Refusal):
    """The request is no longer, or not yet, where this is possible."""

    status = 409


class ContentChanged(Refusal):
    """What was looked at is not what is there now."""

    status = 409


class NameTaken(Refusal):
    """Another open request is for the same entity."""

    status = 409


class Blocked(Refusal):
    """The answers do not pass; `evaluation` says where and why, `request` keeps them."""

    def __init__(self, message: str, evaluation: Any, request: Any) -> None:
        super().__init__(message)
        self.evaluation, self.request = evaluation, request


class ExceptionOver(Refusal):
    """What was let pass when it was sent is not excepted any more."""

    status = 409


class TooLong(Refusal):
    """More than a form or a sentence can hold."""

    status = 413


class HostSilent(Refusal):
    """The git host does not answer, and without it nothing can be compared or proposed."""

    status = 503


class ReasonMissing(Refusal):
    """A refusal to somebody needs a reason."""


class NotOnboarded(Refusal):
    """Nothing in the repository says with which form it was made."""

    status = 404


class ImageRefused(Refusal):
    """What was asked to be brought somewhere cannot be: which field is wrong, and the nearest that passes."""

    status = 422

    def __init__(self, message: str, field: str, rule: str, suggestion: str = "") -> None:
        super().__init__(message)
        self.field, self.rule, self.suggestion = field, rule, suggestion
