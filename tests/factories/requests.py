"""Requests in any state, without going the whole way there."""

from typing import Any

from django.utils import timezone

from services.accounts.models import Team, User
from services.onboarding.models import Hop, Request, State

_HOPS = {
    State.DRAFT: Hop.Name.FORM,
    State.AWAITING_APPROVAL: Hop.Name.APPROVAL,
    State.PROPOSING: Hop.Name.PULL_REQUEST,
    State.IN_REVIEW: Hop.Name.MERGED,
    State.MERGED: Hop.Name.APPLIED,
    State.ROLLING_OUT: Hop.Name.HEALTHY,
    State.NEEDS_ATTENTION: Hop.Name.HEALTHY,
}
_PROPOSED = (State.IN_REVIEW, State.MERGED, State.ROLLING_OUT, State.LIVE)
_MERGED = (State.MERGED, State.ROLLING_OUT, State.LIVE)


def make_request(
    by: User, team: str = "checkout", *, state: State = State.DRAFT, name: str = "wishlist", **fields: Any
) -> Request:
    """A request for the service `name`, in `state`, with the clock of that state running."""
    said: dict[str, Any] = {"title": f"Onboard {name}", "blueprint": "web-service", "state": state}
    said |= {"answers": {"name": name}, "team": Team.objects.get(slug=team), "created_by": by}
    if state != State.DRAFT:
        said |= _submitted(team, name)
    if state in _PROPOSED:
        said |= {"pull_number": 1, "head_sha": "a" * 40}
    if state in _MERGED:
        said["merge_sha"] = "b" * 40
    row = Request.objects.create(**{**said, **fields})
    row.refresh_from_db()
    row.contributors.add(by)
    if state in _HOPS:
        row.hops.create(name=_HOPS[state])
    return row


def _submitted(team: str, name: str) -> dict[str, Any]:
    return {
        "files": {
            f"apps/{team}/{name}/staging/deployment.yaml": "kind: Deployment\n",
            f"catalog/{name}.yaml": "kind: Component\n",
        },
        "entity": {
            "kind": "Component",
            "metadata": {"name": name},
            "spec": {"owner": f"group:default/{team}"},
        },
        "entity_ref": f"component:default/{name}",
        "environments": ["staging"],
        "tree_hash": "sha256:" + "1" * 64,
        "generation": 1,
        "reason": "Because",
        "submitted_at": timezone.now(),
    }
