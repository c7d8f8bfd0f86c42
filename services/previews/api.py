"""Previews for programs: asked for by a build, found by their pull request, ended."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from portal.shell.api import ApiError, Mistake
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    choice,
    flag,
    listed,
    mapped,
    maybe,
    moment,
    named,
    number,
    page_of,
    sparse,
    text,
    thing,
    turning,
)
from services.accounts.serving import addresses
from services.clusters.models import Environment
from services.onboarding.actions.writing import team_of
from services.onboarding.images_api import refusing, service_of, who_asks

from . import actions, queries, rules
from .actions.asking import LONGEST_NAME, PULL, Lease
from .actions.pulls import name_for_pull
from .forms import name_for
from .models import Preview, PreviewQuerySet
from .planning import Wish

PREVIEW: Final = named(
    "Preview",
    thing(
        id=number(), name=text(), service=text("A reference of the catalog"), pull_request=text(),
        state=text("A word: Coming up, Up, Asleep, Going, Ended, Needs attention, …"),
        address=text("Where it is reached, once it is up; empty where nothing of it has a host"),
        is_up=flag("It came up, and is not going"), namespace=text(),
        base=text("The environment it is a copy of"), services=listed(text()),
        images=mapped(text(), "Other than the original's, by service"),
        waits_for_images=flag("Other images are on their way into it"), problem=text(),
        team=text(), created_by=text("A username"), request=text("R-1001"), until=moment(),
        ended_at=maybe(moment()), url=text("Its page"),
    ),
)  # fmt: skip
ASKED: Final = named(
    "AskedPreview",
    thing(
        outcome=choice(
            (actions.OPENED, actions.UPDATED, actions.UNCHANGED),
            "`updated`: it stands already and gets the images; `unchanged`: it stands as it is asked for",
        ),
        preview=PREVIEW,
    ),
)  # fmt: skip
SERVICE: Final = text("Its name, or its reference in the catalog", minLength=1, maxLength=200)
PULL_REQUEST: Final = text("owner/name#12", maxLength=300)
IMAGE: Final = text("Whole, or `:tag` of the one that runs", maxLength=500)


@operation(
    "GET", "previews", scope="requests:read", answer=page_of(PREVIEW),
    query={
        "show": choice(("standing", "ended", "all"), default="standing"), "service": SERVICE,
        "pull_request": PULL_REQUEST, **sparse(PREVIEW), **turning(),
    },
    example={"query": {"show": "all"}},
)  # fmt: skip
def preview_list(asked: Asked) -> dict[str, Any]:
    """Previews, the newest first."""
    rows = _shown(asked.query["show"])
    if "service" in asked.query:
        rows = rows.filter(root_ref=service_of(asked.query["service"], asked).ref)
    if "pull_request" in asked.query:
        rows = rows.filter(pull__iexact=asked.query["pull_request"])
    return asked.page(rows.order_by("-pk"), _drawn)


def _shown(show: str) -> PreviewQuerySet:
    rows = Preview.objects.for_page()
    return rows if show == "all" else rows.filter(ended_at__isnull=show == "standing")


def _drawn(rows: Iterable[Preview]) -> Iterable[dict[str, Any]]:
    return map(_told, rows)


def _told(row: Preview) -> dict[str, Any]:
    columns = ("name", "base", "images", "problem", "is_up", "until", "ended_at")
    return {
        **{column: getattr(row, column) for column in columns},
        "id": row.pk, "service": row.root_ref, "pull_request": row.pull, "address": row.url,
        "state": queries.standing(row).word, "namespace": row.place, "services": row.refs,
        "waits_for_images": row.is_changing, "team": row.team.slug, "created_by": row.created_by.username,
        "request": row.request.ref, "url": row.get_absolute_url(),
    }  # fmt: skip


@operation(
    "POST", "previews", scope="previews:write", answer=ASKED, limit="submit",
    body=thing(
        "service",
        service=SERVICE, pull_request=PULL_REQUEST, image=IMAGE,
        images={**mapped(IMAGE, "Of several, by the service's name"), "maxProperties": 50},
        name=text("Else made of service and pull request", minLength=1, maxLength=LONGEST_NAME),
        base=text("The environment to copy; else the first that is not production", maxLength=63),
        hours=number("How long", minimum=1, maximum=336, default=72),
        sleeps=flag("At night and on weekends", default=True),
        leave_out=listed(text(maxLength=220), "References that stay shared with the base", maxItems=400),
    ),
    example={
        "body": {
            "service": "checkout", "pull_request": "shop/checkout#12",
            "image": "registry.larkfield.shop/checkout:2.14.0-pr12",
        }
    },
)  # fmt: skip
def preview_ask(asked: Asked) -> dict[str, Any]:
    """Bring up a preview of a service and of what it needs, or bring the standing one up to date.

    Service and pull request name it (without a pull request: service and name): sent twice there is one. With
    another image the one that stands is brought up to date. What cannot come up is refused before anything is
    done. For tokens of the team that owns the service, and whoever may change it.
    """
    body, by = asked.body, who_asks(asked)
    entity = service_of(body["service"], asked)
    pull = _pull(body.get("pull_request", ""))
    team = team_of(entity.ref, by)
    if team is None:
        raise ApiError(f"{entity.name} belongs to no team that is known here.", 422)
    name = body.get("name") or (name_for_pull(entity.name, pull) if pull else name_for(entity, by))
    images = {**body.get("images", {}), **({entity.name: body["image"]} if body.get("image") else {})}
    left_out = frozenset(body.get("leave_out", []))
    wish = Wish(entity, _base(body.get("base", "")), name, team, left_out, images)
    lease = Lease(body.get("hours", 72), body.get("sleeps", True), pull=pull)
    with refusing():
        row, outcome = actions.ask_once(by=by, wish=wish, lease=lease)
    return {"outcome": outcome, "preview": _told(_found(row.pk))}


def _pull(said: str) -> str:
    if said and not PULL.fullmatch(said):
        wrong = Mistake("pull_request", "pattern", "must be owner/name#12")
        raise ApiError("This names no pull request.", 422, [wrong])
    return said


def _base(name: str) -> Environment:
    places = {each.name: each for each in queries.bases()}
    found = places.get(name) if name else next(iter(places.values()), None)
    if found is None:
        known = ", ".join(places) or "none yet"
        raise ApiError(f"There is no such environment; there are: {known}.", 422)
    return found


def _found(pk: int) -> Preview:
    row = queries.find(pk)
    if row is None:
        raise ApiError("There is no such preview.", 404)
    return row


@operation("GET", "previews/<int:pk>", scope="requests:read", answer=PREVIEW)
def preview_detail(asked: Asked, pk: int) -> dict[str, Any]:
    """One preview, and where it stands."""
    return _told(_found(pk))


@operation("DELETE", "previews/<int:pk>", scope="previews:write", answer=PREVIEW, limit="submit")
def preview_end(asked: Asked, pk: int) -> dict[str, Any]:
    """Have a preview taken away.

    What waits is withdrawn, what runs goes a little later. Again: as it is.
    """
    row, by = _found(pk), who_asks(asked)
    if not rules.can_manage(by, row):
        raise ApiError(f"{row.team} looks after {row.name}.", 403)
    with refusing():
        actions.end(preview=row, by=by)
    return _told(_found(pk))


app_name = "previews_api"
urlpatterns = addresses([preview_list, preview_ask, preview_detail, preview_end])
