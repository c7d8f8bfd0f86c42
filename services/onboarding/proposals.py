"""What a request's pull request says. People's words are fenced: nothing in them is a mention or command."""

import re
from typing import Any

from django.conf import settings

from services.accounts.models import User
from services.integrations import githosts
from services.integrations.githosts.base import Person

from .models import Request


def person(user: User) -> Person:
    return Person(user.username, str(user), user.email)


def fenced(text: str) -> str:
    """A code fence longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{text.strip()}\n{fence}"


def one_line(text: str) -> str:
    """Printable, on one line, with mentions and references taken apart by a zero-width space."""
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return re.sub(r"([@#])(?=\w)", "\\1\u200b", plain)[:200]


def body(request: Request) -> str:
    """The marker in the first line is how a person, or a restored database, finds the request again."""
    about = str(request.entity.get("metadata", {}).get("description", "")).strip()
    parts = [
        f"Slipway request {request.ref}: {settings.BASE_URL}/requests/{request.ref}/",
        f"Asked for by {one_line(str(request.created_by))} (`{request.created_by.username}`).",
        fenced(about) if about else "",
        "\n".join(f"- {part.title}: `{part.entity_name}`" for part in request.parts.all()),
        _upgrade(request) if request.is_upgrade else "",
        "" if request.is_form else fenced(str(request.answers.get("reason") or "")),
        "\n".join(f"- `{path}`" for path in sorted(changed(request))),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _upgrade(request: Request) -> str:
    """From which version, and what stays as it was changed by hand."""
    kept = [one_line(f"{each['file']} {each['place']}".strip()) for each in request.upgrade.get("kept", ())]
    lines = [f"Upgrade from {one_line(request.upgrade['version'] or 'an earlier version')}."]
    lines += ["Changed by hand, and kept so:", "", *(f"- `{each}`" for each in kept)] if kept else []
    return "\n".join(lines)


def changed(request: Request) -> list[str]:
    """The files that differ from those they were rendered against; all of them while nothing is known."""
    if not request.is_form:
        return [*request.files, *request.removed]
    if not request.is_change or not request.base_sha:
        return list(request.files)
    read = githosts.get(request.provider).reader(request.repo, request.base_sha)
    return [path for path, text in request.files.items() if read(path) != text.encode()]


def contents(request: Request) -> dict[str, bytes | None]:
    """The files, and None for those that go away."""
    gone: dict[str, bytes | None] = dict.fromkeys(request.removed)
    return gone | {path: text.encode() for path, text in request.files.items()}


def arguments(request: Request) -> dict[str, Any]:
    """What `GitHost.propose` is called with."""
    title = one_line(request.title)
    return {
        "branch": request.branch,
        "title": title,
        "body": body(request),
        "files": contents(request),
        "author": person(request.created_by),
        "message": f"{title}\n\nSlipway-Request: {request.ref}",
        "base": request.base_sha or None,
    }
