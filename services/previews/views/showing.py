"""The list of previews, and the page of one: where it is, what runs in it, until when, and its buttons."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.audit.queries import events_for
from services.onboarding import queries as requests
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.previews import actions, nights, queries, rules
from services.previews.models import Preview, entities_of

STOP_POLLING = 286
COLUMNS = {"name": "name", "until": "until", "team": "team__name", "created": "created_at"}
HEADER = ("preview", "service", "team", "asked by", "state", "address", "until")


def preview_for(request: HttpRequest, pk: int) -> Preview:
    row = queries.find(pk)
    if row is None:
        raise Http404
    return row


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def preview_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "standing")
    rows = queries.previews(request.user, show if show in queries.SHOWN else "standing")
    rows = tables.order(request, rows, COLUMNS, "until")
    if request.GET.get("format") == "csv":
        return tables.csv_response("previews", HEADER, _csv(rows))
    page = tables.paginate(request, rows)
    lines = [(row, queries.standing(row)) for row in page]
    context = {"page": page, "lines": lines, "show": show, "shown": queries.SHOWN.items()}
    return render(request, "previews/preview_list.html", context)


def _csv(rows: Iterable[Preview]) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield (
            row.name, row.root_name, row.team.slug, row.created_by.username, queries.standing(row).word,
            row.url, row.until.isoformat(timespec="minutes"),
        )  # fmt: skip


@policy(signed_in)
@never_cache
@require_safe
def preview_detail(request: HttpRequest, pk: int) -> HttpResponse:
    row = preview_for(request, pk)
    live = request.headers.get("HX-Request") == "true"
    turns = not row.is_up or row.wanted_asleep != row.is_asleep or (row.is_changing and not row.problem)
    polls = not row.is_over and turns
    template = "previews/preview_detail.html" + ("#live" if live else "")
    answer = render(request, template, {"row": row, "polls": polls, **_shown(request, row)})
    if live and not polls:
        answer.status_code = STOP_POLLING
    return answer


def _shown(request: HttpRequest, row: Preview) -> dict[str, Any]:
    running, now = queries.running(row), timezone.now()
    known = entities_of(row.refs)
    shown = {each.ref for each in running}
    return {
        "standing": queries.standing(row),
        "running": [(each, known.get(each.ref)) for each in running],
        "quiet": [known[ref] for ref in row.refs if ref in known and ref not in shown],
        "legs": _legs(row),
        "events": [_told(each) for each in events_for(row)[:20]],
        "may": rules.can_manage(request.user, row),
        "left": row.left(now),
        "turns_at": nights.turns_at(now, nights.zone_of(row.environment)) if row.is_up else None,
        "as_of": row.environment.cluster.heard_at if row.environment else None,
        "simulated": bool(row.environment and row.environment.cluster.is_simulated),
    }


def _legs(row: Preview) -> list[tuple[Any, bool]]:
    """Each leg of its way here, and whether it was not needed."""
    legs = requests.legs(row.request)
    gone = [leg.state != "todo" for leg in legs]
    return [(leg, not gone[at] and any(gone[at + 1 :])) for at, leg in enumerate(legs)]


DID = {
    "asked": "asked for it", "renewed": "kept it", "ending": "had it taken away",
    "ended": "saw that it is gone",
    "shows": "wants it to show another image",
    "sent_to_sleep": "put it to sleep", "woken": "woke it",
}  # fmt: skip


def _told(event: Any) -> dict[str, Any]:
    action = event.action.removeprefix("preview.")
    said = {name: getattr(event, name) for name in ("actor", "actor_name", "summary", "at")}
    return said | {"did": DID.get(action, action.replace("_", " "))}


def _renew(row: Preview, request: HttpRequest) -> str:
    kept = actions.renew(preview=row, by=request.user)
    return f"{kept.name} stays until {timezone.localtime(kept.until):%-d %B, %H:%M}."


def _end(row: Preview, request: HttpRequest) -> str:
    actions.end(preview=row, by=request.user)
    return f"{row.name} is being taken away. It can be brought back."


def _wake(row: Preview, request: HttpRequest) -> str:
    actions.turn(preview=row, by=request.user, asleep=False)
    return f"{row.name} wakes up."


def _sleep(row: Preview, request: HttpRequest) -> str:
    actions.turn(preview=row, by=request.user, asleep=True)
    return f"{row.name} goes to sleep."


STEPS: dict[str, Callable[[Preview, HttpRequest], str]] = {
    "renew": _renew, "end": _end, "wake": _wake, "sleep": _sleep,
}  # fmt: skip


@policy(signed_in)
@limited("submit")
@require_POST
def preview_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    row = preview_for(request, pk)
    try:
        if step == "again":
            return redirect(actions.bring_back(preview=row, by=request.user))
        if step not in STEPS:
            raise Http404
        toasts.done(request, STEPS[step](row, request))
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect(row)
