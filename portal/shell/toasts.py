"""Flash messages: what was just done, with the way back where there is one."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django_htmx.http import trigger_client_event

from portal.shell.http import HttpRequest

UNDO = "undo:"


def done(request: HttpRequest, text: str, *, undo: str = "") -> None:
    """Say that something worked; `undo` is a URL that takes it back by POST."""
    messages.success(request, text, extra_tags=f"{UNDO}{undo}" if undo else "")


def refused(request: HttpRequest, text: str) -> None:
    messages.error(request, text)


def with_toast(response: HttpResponse, text: str, tone: str = "ok") -> HttpResponse:
    """The same for an answer that htmx swaps in."""
    return trigger_client_event(response, "sw:toast", {"text": text, "tone": tone})


def shown(request: HttpRequest) -> list[dict[str, Any]]:
    """The waiting messages as text, tone and undo address; reading empties the store."""
    tones = {"error": "bad", "warning": "warn"}
    return [
        {
            "text": message.message,
            "tone": tones.get(message.level_tag, "ok"),
            "undo": (message.extra_tags or "").removeprefix(UNDO)
            if (message.extra_tags or "").startswith(UNDO)
            else "",
        }
        for message in messages.get_messages(request)
    ]
