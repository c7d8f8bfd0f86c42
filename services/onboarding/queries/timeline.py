"""One request's story from its audit events: who, what, when, how long since; machine steps folded."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import timezone

from services.audit.models import Event
from services.audit.queries import events_for

from ..models import TERMINAL, Request

# action: icon, tone, words; the tone is the marker's class, "" for a plain one
_PEOPLE = {
    "started": ("pencil", "", "began to fill in the form"),
    "submitted": ("send", "", "submitted"),
    "approved": ("thumb-up", "ok", "approved"),
    "rejected": ("circle-x", "bad", "rejected it"),
    "withdrawn": ("arrow-back-up", "", "withdrew it"),
    "discarded": ("trash", "", "discarded the draft"),
    "restored": ("arrow-back-up", "", "brought the draft back"),
    "closed": ("circle-x", "", "closed it"),
    "merge_asked": ("git-merge", "", "asked for the merge"),
    "merged": ("git-merge", "ok", "merged the pull request"),
    "retried": ("refresh", "", "tried again"),
    "commented": ("message-circle", "", "commented"),
    "revert_asked": ("arrow-back-up", "warn", "asked to take it back"),
    "approval_refused": ("lock", "warn", "tried to approve, and was refused"),
}
_MACHINE = {
    "proposed": ("git-pull-request", "go", "opened the pull request"),
    "closed_on_host": ("circle-x", "", "saw that the pull request was closed"),
    "pushed": ("git-commit", "warn", "saw new commits on the branch; approvals of the old ones are void"),
    "applied": ("rocket", "go", "applied"),
    "live": ("heartbeat", "ok", "saw every environment healthy: it is live"),
    "retired": ("archive", "ok", "saw that nothing of it runs any more"),
    "ended": ("archive", "ok", "saw that nothing of it runs any more"),
    "reminded": ("bell", "", "reminded those it waits for"),
    "escalated": ("users", "warn", "asked the platform team as well: nobody had answered"),
    "overtaken": ("replace", "", "saw that a later one came"),
    "image_waits": ("clock", "", "keeps a later image until the git host has heard of this one"),
    "image_stays": ("check", "", "was told that this image is the last one after all"),
    "exception_over": ("shield", "warn", "saw that an exception it needs is over"),
    "exception_holds": ("shield", "", "saw that its exceptions hold again"),
    "merged_over": ("shield", "bad", "saw it merged though an exception it needs is over"),
    "recovered": ("heartbeat", "ok", "saw it recover"),
    "rollout_failed": ("alert-triangle", "bad", "saw the rollout fail"),
    "propose_failed": ("alert-triangle", "bad", "could not open the pull request"),
    "merge_failed": ("alert-triangle", "bad", "could not merge"),
    "apply_failed": ("alert-triangle", "bad", "could not apply"),
    "register_failed": ("alert-triangle", "bad", "could not register it in the catalog"),
}
_FOLDED = {
    "awaits_approval": "asked for approval",
    "proposing": "began to open the pull request",
    "rollout_changed": "saw a change",
    "delivery_seen": "waits",
    "nothing_to_apply": "found nothing to apply",
}


@dataclass(frozen=True)
class Item:
    """`who` did `text`; `quote` is what they said; `since` counts from the item before."""

    at: datetime
    who: str
    username: str
    text: str
    icon: str = "robot"
    tone: str = ""
    quote: str = ""
    since: timedelta | None = None
    machine: bool = False
    folded: tuple["Item", ...] = field(default=())


def timeline(request: Request, who: str) -> list[Item]:
    """Newest first; that it waits for `who` now stands on top, runs of small machine steps are one item."""
    skipped = "request.started" if request.is_bringing else ""
    items = _fold(_item(event) for event in events_for(request) if event.action != skipped)
    items = [replace(item, since=_since(items, n)) for n, item in enumerate(items)]
    return [*_now(request, items, who), *reversed(items)]


def _item(event: Event) -> Item:
    action = event.action.removeprefix("request.")
    who = "Slipway" if event.actor == "system" else event.actor_name
    base = Item(
        at=event.at, who=who, username=event.actor, text=action.replace("_", " "), quote=event.summary
    )
    if action in _FOLDED:
        where = event.details.get("environment", "")
        said = " ".join(
            filter(None, [_FOLDED[action], where and f"in {where}", event.details.get("state", "")])
        )
        return replace(base, text=said, machine=True)
    icon, tone, text = {**_PEOPLE, **_MACHINE}.get(action, ("point", "", base.text))
    machine_who = event.details.get("who") if action == "merged" and event.actor == "system" else None
    return replace(base, icon=icon, tone=tone, text=text, who=machine_who or who)


def _fold(items: Iterable[Item]) -> list[Item]:
    found: list[Item] = []
    for item in items:
        if item.machine and found and found[-1].machine:
            found[-1] = _folded(found[-1], item)
        else:
            found.append(replace(item, folded=(item,)) if item.machine else item)
    return found


def _folded(into: Item, item: Item) -> Item:
    steps = (*into.folded, item)
    return replace(into, text=f"{len(steps)} machine events", quote="", folded=steps)


def _since(items: list[Item], n: int) -> timedelta | None:
    """Since the step before, leaving folded machine steps out of the count."""
    before = next((item for item in reversed(items[:n]) if not item.machine), None)
    return None if before is None or items[n].machine else items[n].at - before.at


def _now(request: Request, items: list[Item], who: str) -> list[Item]:
    if request.state in TERMINAL or not who or not items:
        return []
    now = timezone.now()
    waited = now - items[-1].at
    return [
        Item(at=now, who=f"Waits for {who}", username="", text="", icon="clock", tone="warn", since=waited)
    ]
