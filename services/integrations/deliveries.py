"""What a webhook says, whichever git host sent it."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import parse_qs

from services.integrations.signatures import IDS, Headers

EVENTS: Final = {"github": "X-GitHub-Event", "gitlab": "X-Gitlab-Event", "gitea": "X-Gitea-Event"}


COMMIT: Final = re.compile(r"^[0-9a-f]{7,64}$")


class Unproved(Exception):
    """It does not prove where it comes from; nothing says why."""


class Unread(Exception):
    """Proved, and yet nothing that can be read."""


@dataclass(frozen=True)
class Told:
    """`key` and `digest` tell deliveries apart, `data` is the whole body; what a host leaves out is empty.
    A tag stands in `branch` as `refs/tags/v1`.
    """

    key: str
    digest: str
    event: str
    repository: str
    default_branch: str
    branch: str
    data: Mapping[str, Any] = field(repr=False)


def read(kind: str, headers: Headers, body: bytes) -> Told:
    """Raises Unread for what is no JSON object."""
    data = _parsed(headers.get("Content-Type", ""), body)
    digest = hashlib.sha256(body).hexdigest()
    about = part(data, "project" if kind == "gitlab" else "repository")
    return Told(
        key=text(next((headers[name] for name in IDS[kind] if headers.get(name)), digest))[:100],
        digest=digest,
        event=text(headers.get(EVENTS[kind], ""))[:60].lower(),
        repository=text(about.get("full_name") or about.get("path_with_namespace")),
        default_branch=text(about.get("default_branch")),
        branch=text(data.get("ref")).removeprefix("refs/heads/"),
        data=data,
    )


PULLS: Final = ("pull_request", "pull_request_label", "pull_request_sync", "merge request hook")


@dataclass(frozen=True)
class Pull:
    """A pull request as a delivery tells of it; `at`: when it was so."""

    repository: str
    number: int
    is_open: bool
    labels: frozenset[str]
    sha: str
    at: datetime


def pull_of(told: Told) -> Pull | None:
    """The pull request a delivery is about; None for anything else."""
    about = part(told.data, "pull_request") or part(told.data, "object_attributes")
    number = about.get("number") or about.get("iid")
    if told.event not in PULLS or not isinstance(number, int) or not told.repository:
        return None
    labels = about.get("labels") if isinstance(about.get("labels"), list) else told.data.get("labels")
    rows = [row for row in labels if isinstance(row, dict)] if isinstance(labels, list) else []
    commit = part(about, "head").get("sha") or part(about, "last_commit").get("id")
    return Pull(
        repository=told.repository[:200],
        number=number,
        is_open=about.get("state") in ("open", "opened", "reopened"),
        labels=frozenset(text(row.get("name") or row.get("title"))[:100] for row in rows[:100]),
        sha=found[0] if (found := COMMIT.findall(text(commit)[:64])) else "",
        at=_moment(text(about.get("updated_at"))),
    )


def _moment(said: str) -> datetime:
    """GitLab says `2026-11-20 20:12:53 UTC`, the others what ISO has; unreadable is now."""
    try:
        found = datetime.fromisoformat(said.replace(" UTC", "Z").replace(" ", "T", 1))
    except ValueError:
        return datetime.now(UTC)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def part(data: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = data.get(name)
    return found if isinstance(found, dict) else {}


def text(value: Any) -> str:
    return value.replace("\x00", "") if isinstance(value, str) else ""


def _parsed(content_type: str, body: bytes) -> dict[str, Any]:
    """The JSON of a body, as it is or in the form field `payload`, as GitHub may send it."""
    try:
        said = body.decode()
        if content_type.startswith("application/x-www-form-urlencoded"):
            said = parse_qs(said, strict_parsing=True)["payload"][0]
        data = json.loads(said)
    except (ValueError, KeyError, RecursionError) as error:
        raise Unread from error
    if not isinstance(data, dict):
        raise Unread
    return data
