"""What a Kubernetes API can answer instead of what was asked. The `Status` body is kept where it helps."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.integrations.errors import IntegrationError


@dataclass(frozen=True)
class Cause:
    """One reason of a refusal: the field and what is wrong with it (`details.causes` of a Status)."""

    reason: str
    field: str
    message: str


class KubeError(IntegrationError):
    """`status` is the HTTP code (0: no answer), `reason` the machine word of the Status body."""

    status = 0
    is_permanent = False

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        causes: tuple[Cause, ...] = (),
        permanent: bool | None = None,
        outcome_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(
            message,
            permanent=self.is_permanent if permanent is None else permanent,
            outcome_unknown=outcome_unknown,
            retry_after=retry_after,
        )
        self.message = message
        self.reason = reason
        self.causes = causes


class Unreachable(KubeError):
    """No connection could be made: nothing was sent."""


class WrongAddress(KubeError):
    """The server's name stands for an address that is not allowed: nothing was sent."""

    is_permanent = True


class LostReply(KubeError):
    """The request left and no whole answer came back."""


class Malformed(KubeError):
    """The answer is not what the API speaks (not JSON, not an object)."""


class TooLarge(Malformed):
    """The answer is larger than we read."""


class BadRequest(KubeError):
    status = 400
    is_permanent = True


class Unauthorised(KubeError):
    """The token is wrong or has expired."""

    status = 401
    is_permanent = True


class Forbidden(KubeError):
    """Not allowed by RBAC, a quota, an admission policy or webhook; the message says which."""

    status = 403
    is_permanent = True


class NamespaceTerminating(Forbidden):
    """The namespace is being deleted; it may come back."""

    is_permanent = False


class NotFound(KubeError):
    status = 404
    is_permanent = True


class KindUnknown(NotFound):
    """The cluster serves no such kind (a missing CRD, a removed API version)."""


class NotAllowed(KubeError):
    status = 405
    is_permanent = True


class Conflict(KubeError):
    """Another manager owns the fields in `causes`, or the object changed meanwhile."""

    status = 409
    is_permanent = True

    @property
    def fields(self) -> dict[str, str]:
        """Field path to the manager that owns it, for conflicts of server-side apply."""
        return {c.field: _manager(c.message) for c in self.causes if c.reason == "FieldManagerConflict"}


class AlreadyExists(Conflict):
    """A create found an object of that name."""


class Gone(KubeError):
    """The resource version or the continue token is too old: list again."""

    status = 410


class Invalid(KubeError):
    """The object breaks its schema; `causes` name the fields."""

    status = 422
    is_permanent = True


class Throttled(KubeError):
    """Too many requests; `retry_after` says when the server wants to hear from us again."""

    status = 429


class ServerFault(KubeError):
    status = 500


BY_STATUS: dict[int, type[KubeError]] = {
    cls.status: cls
    for cls in (
        BadRequest, Unauthorised, Forbidden, NotFound, NotAllowed, Conflict, Gone, Invalid, Throttled,
    )
}  # fmt: skip
# Server-side apply answers 500 to an object that does not fit its schema; asking again changes nothing.
UNTYPED = "failed to create typed patch object"
# The decoder of a refused object quotes the bytes around the trouble, whatever they are.
_QUOTED = re.compile(r", error found in #\d+ byte of .*", re.DOTALL)
BY_REASON: dict[str, type[KubeError]] = {"AlreadyExists": AlreadyExists}


def _manager(message: str) -> str:
    """`conflict with "argocd" using apps/v1` names the manager in quotes."""
    parts = message.split('"')
    return parts[1] if len(parts) > 2 else ""


def _causes(details: Any) -> tuple[Cause, ...]:
    raw = details.get("causes") if isinstance(details, Mapping) else None
    found = [c for c in raw if isinstance(c, Mapping)] if isinstance(raw, list) else []
    return tuple(
        Cause(str(c.get("reason") or ""), str(c.get("field") or ""), str(c.get("message") or ""))
        for c in found
    )


def _class(status: int, reason: str, causes: tuple[Cause, ...], message: str) -> type[KubeError]:
    if any(cause.reason == "NamespaceTerminating" for cause in causes):
        return NamespaceTerminating
    if status >= 500 and message.startswith(UNTYPED):
        return Invalid
    default = ServerFault if status >= 500 else KubeError
    return BY_REASON.get(reason) or BY_STATUS.get(status, default)


def _about_secret(body: Mapping[str, Any]) -> bool:
    details = body.get("details")
    kind = str(details.get("kind") or "") if isinstance(details, Mapping) else ""
    return kind.lower() in ("secret", "secrets")


def _withheld(status: int, reason: str, causes: tuple[Cause, ...]) -> str:
    """A refused Secret may be quoted in the answer, value and all."""
    fields = ", ".join(cause.field for cause in causes if cause.field)
    return f"The cluster refused the Secret ({reason or status}): {fields or 'no field named'}."


def from_status(
    status: int, body: Any, *, mutating: bool, retry_after: float | None = None, secret: bool = False
) -> KubeError:
    """The error for an HTTP code and its `Status` body (anything else is tolerated).

    About a `secret` nothing is repeated but the fields' names.
    """
    known: Mapping[str, Any] = body if isinstance(body, Mapping) else {}
    reason = str(known.get("reason") or "")
    causes = _causes(known.get("details"))
    said = str(known.get("message") or "")
    kind = _class(status, reason, causes, said)
    secret = secret or _about_secret(known)
    shown = _QUOTED.sub("", said) or f"The cluster answered {status}."
    error = kind(
        _withheld(status, reason, causes) if secret else shown,
        reason=reason,
        causes=() if secret else causes,
        outcome_unknown=mutating and status >= 500 and kind is not Invalid,
        retry_after=retry_after,
    )
    error.status = status
    return error
