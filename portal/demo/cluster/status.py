"""Refusals, told as the `Status` objects a Kubernetes API answers with."""

from typing import Any

from portal.demo.cluster.kinds import Kind

Problem = tuple[str, str]  # field and sentence
REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 405: "MethodNotAllowed",
    409: "Conflict", 410: "Expired", 415: "UnsupportedMediaType", 422: "Invalid", 500: "InternalError",
}  # fmt: skip


# How the sentence about a field begins, and the machine word for it.
CAUSES = {
    "Required value": "FieldValueRequired",
    "Unsupported value": "FieldValueNotSupported",
    "Forbidden": "FieldValueForbidden",
    "Too long": "FieldValueTooLong",
}


class ApiError(Exception):
    def __init__(self, code: int, message: str, reason: str = "", details: dict[str, Any] | None = None):
        super().__init__(message)
        self.code = code
        self.body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": message,
            "reason": reason or REASONS.get(code, "InternalError"),
            "code": code,
        }
        if details:
            self.body["details"] = details


def _about(kind: Kind, name: str) -> dict[str, Any]:
    return {"name": name, "group": kind.group, "kind": kind.plural}


def not_found(kind: Kind, name: str) -> ApiError:
    return ApiError(404, f'{kind.resource} "{name}" not found', details=_about(kind, name))


def already_exists(kind: Kind, name: str) -> ApiError:
    message = f'{kind.resource} "{name}" already exists'
    return ApiError(409, message, "AlreadyExists", _about(kind, name))


def stale(kind: Kind, name: str) -> ApiError:
    message = (
        f'Operation cannot be fulfilled on {kind.resource} "{name}": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )
    return ApiError(409, message, details=_about(kind, name))


def terminating(kind: Kind, name: str, namespace: str) -> ApiError:
    message = (
        f'{kind.resource} "{name}" is forbidden: unable to create new content in namespace {namespace} '
        "because it is being terminated"
    )
    cause = {
        "reason": "NamespaceTerminating",
        "message": f"namespace {namespace} is being terminated",
        "field": "metadata.namespace",
    }
    return ApiError(403, message, details=_about(kind, name) | {"causes": [cause]})


def unmet(kind: Kind, name: str, word: str, wanted: str, found: str) -> ApiError:
    message = (
        f'Operation cannot be fulfilled on {kind.kind} "{name}": the {word} in the precondition ({wanted}) '
        f"does not match the {word} in record ({found})."
    )
    return ApiError(409, message, details=_about(kind, name))


def invalid(kind: Kind, name: str, problems: list[Problem]) -> ApiError:
    return unfit(f"{kind.kind}.{kind.group}" if kind.group else kind.kind, name, problems)


def unfit(what: str, name: str, problems: list[Problem]) -> ApiError:
    """`what` is a kind with its group."""
    listed = ", ".join(f"{field}: {text}" for field, text in problems)
    kind, _, group = what.partition(".")
    details: dict[str, Any] = {"name": name, "group": group, "kind": kind}
    details["causes"] = [
        {"reason": _cause(text), "message": text, "field": field} for field, text in problems
    ]
    return ApiError(422, f'{what} "{name}" is invalid: {listed}', details=details)


def _cause(text: str) -> str:
    found = (reason for start, reason in CAUSES.items() if text.startswith(start))
    return next(found, "FieldValueInvalid")


def deleted(kind: Kind, obj: dict[str, Any]) -> dict[str, Any]:
    """What a deletion answers when the object is gone at once."""
    metadata = obj["metadata"]
    details = _about(kind, metadata["name"]) | {"uid": metadata["uid"]}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def conflicts(kind: Kind, name: str, owned: list[tuple[str, str]]) -> ApiError:
    """Fields that other managers own, as pairs of path and manager."""
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{manager}" using {kind.api_version}',
            "field": path,
        }
        for path, manager in owned
    ]
    word = "conflict" if len(owned) == 1 else "conflicts"
    managers = ", ".join(sorted({f'"{manager}"' for _, manager in owned}))
    message = f"Apply failed with {len(owned)} {word}: conflicts with {managers}: " + ", ".join(
        path for path, _ in owned
    )
    return ApiError(409, message, details=_about(kind, name) | {"causes": causes})
