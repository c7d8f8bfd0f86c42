"""Forms for programs: a request from answers, judged as the form judges them; and upgrades."""

import difflib
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from portal.shell import pasted
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
    text,
    thing,
    turning,
)
from services.accounts.models import User
from services.catalog import queries as catalog
from services.catalog.models import Entity
from services.integrations.errors import IntegrationError
from services.onboarding import actions, queries, rules
from services.onboarding.blueprints.answers import storable
from services.onboarding.blueprints.newer import TAKE
from services.onboarding.blueprints.parts import PLAN, WIRE, fields_of
from services.onboarding.errors import Blocked, Refusal, WrongState
from services.onboarding.images_api import who_asks
from services.onboarding.models import Made, Request, UpgradeItem, UpgradeRound
from services.onboarding.reading_api import REQUEST, whole
from services.onboarding.views.access import said

MOST_MISTAKES: Final = 100
ANSWERS: Final = mapped({}, "By the names of its fields; what is left out gets its default")
TAKEN: Final = listed(text(maxLength=1000), "Conflicts in which the newer version counts", maxItems=300)


@operation(
    "POST", "requests", scope="requests:write", answer=REQUEST, status=201, keyed=True, limit="submit",
    body=thing(
        "blueprint", "answers",
        blueprint=text("Its name", minLength=1, maxLength=63), answers=ANSWERS,
        parts=listed(
            text("db:postgres: what stands before the names of its answers, and its blueprint", maxLength=80),
            "What comes along", maxItems=12,
        ),
        draft=flag("Keep it for a person to finish; nothing is judged", default=False),
    ),
    example={
        "body": {
            "blueprint": "web-service",
            "answers": {
                "name": "gift-cards", "owner": "checkout", "description": "Sells and redeems gift cards.",
                "image": "registry.larkfield.shop/gift-cards:1.0.0", "environments": ["staging"],
            },
        }
    },
)  # fmt: skip
def request_create(asked: Asked) -> dict[str, Any]:
    """Ask for something: the form of a blueprint with its answers.

    They are judged as the form judges them: what does not pass is refused (422) with field, rule and the
    nearest value that would, and is kept as a draft. The request goes the ordinary way from there. A token of
    a team asks for its team. With `Idempotency-Key` the same request is answered however often it is sent.
    """
    name = asked.body["blueprint"]
    if name not in queries.blueprints():
        near = "".join(difflib.get_close_matches(name, list(queries.blueprints()), 1, 0.5))
        detail = f"There is no blueprint {name}" + (f"; did you mean {near}?" if near else ".")
        raise ApiError(detail, 422, [Mistake("blueprint", "unknown", detail, near)])
    answers = (
        {**asked.body["answers"], PLAN: asked.body["parts"]}
        if asked.body.get("parts")
        else asked.body["answers"]
    )
    given = {
        "blueprint": name,
        "answers": _answers(name, answers),
        "by": who_asks(asked),
        "token": _token(asked),
    }
    with refusing():
        row = actions.save_draft(**given) if asked.body.get("draft") else actions.submit(**given)
    return whole(row)


def _token(asked: Asked) -> str:
    """One request per key, whatever is lost on the way."""
    return f"api-{hashlib.sha256(asked.key.encode()).hexdigest()[:48]}" if asked.key else ""


def _answers(blueprint: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Refuses names that no field has, with the nearest."""
    fields = fields_of(queries.form_of(blueprint, given))
    known = [*fields, PLAN]
    wrong = [name for name in given if name not in known and not WIRE.fullmatch(name)]
    if wrong:
        raise ApiError(
            "Some answers are for no field of this form.", 422, [_unknown(name, known) for name in wrong]
        )
    found: dict[str, Any] = storable(dict(given), 5)
    return found


def _unknown(name: str, known: Iterable[str]) -> Mistake:
    near = "".join(difflib.get_close_matches(name, list(known), 1, 0.5))
    return Mistake(
        f"answers.{name}",
        "unknown",
        f"There is no such field{f'; did you mean {near}?' if near else '.'}",
        near,
    )


@contextmanager
def refusing() -> Iterator[None]:
    """What the actions refuse, as programs read it; what blocks with field, rule and what would pass."""
    try:
        yield
    except Blocked as refusal:
        kept = f" It is kept as {refusal.request.ref}." if refusal.request is not None else ""
        raise ApiError(
            refusal.message + kept, 422, list(_mistakes(refusal.evaluation))[:MOST_MISTAKES]
        ) from refusal
    except Refusal as refusal:
        raise ApiError(said(refusal), refusal.status) from refusal
    except IntegrationError as error:
        raise ApiError("The git host does not answer. Try again in a moment.", 503) from error


def _mistakes(found: Any) -> Iterator[Mistake]:
    """By the fields they are of; what is of none, at last."""
    states = [state for part in found.parts for section in part.sections for state in section.fields]
    drawn = [(f"answers.{state.name}", error) for state in states for error in state.errors]
    told = {error.rule for _, error in drawn}
    drawn += [("answers", error) for error in found.errors if error.rule not in told]
    for field, error in drawn:
        near = "" if error.suggestion is None else str(error.suggestion)
        yield Mistake(field, error.rule, error.message, near)
    for finding in found.findings:
        if finding.severity == "block" and finding.rule not in told:
            yield Mistake("answers", finding.rule, f"{finding.title}: {finding.message}")


# ---- upgrades --------------------------------------------------------------------------------------------

BEHIND: Final = named(
    "MadeService",
    thing(
        entity=text("Its reference"), blueprint=text(), version=text("Empty where it is not known"),
        newest=text("Empty where the blueprint names none"), behind=flag(),
        request=text("The last one about it"),
    ),
)  # fmt: skip
RELEASE: Final = named("Release", thing(version=text(), text=text("Markdown")))
CONFLICT: Final = named(
    "UpgradeConflict",
    thing(
        key=text("To take the newer version's"), file=text(), place=text("Empty for the whole file"),
        before=text(), here=text(), wanted=text(), taken=flag(),
    ),
)  # fmt: skip
PLAN_OF: Final = named(
    "Upgrade",
    thing(
        entity=text(), blueprint=text(), version=text(), newest=text(), releases=listed(RELEASE),
        asked=listed(text(), "Questions that nobody answered yet"),
        moved=mapped(text(), "Fields by the names before and now"),
        conflicts=listed(CONFLICT, "Changed by hand and by the newer version: what is here stays"),
        files=listed(thing(path=text(), status=text(), additions=number(), deletions=number())),
        passes=flag("Whether it could be sent as it is"),
    ),
)  # fmt: skip
ITEM: Final = thing(
    entity=text(), state=choice(UpgradeItem.State.values), message=text(), request=maybe(text("R-1001"))
)
ROUND: Final = named(
    "UpgradeRound", thing(id=number(), started_at=moment(), created_by=text(), items=listed(ITEM), url=text())
)


@operation(
    "GET", "upgrades", scope="requests:read", answer=page_of(BEHIND),
    query={
        "behind": flag("Only what is behind", default=True), "blueprint": text(maxLength=63),
        "q": text("Part of the reference", maxLength=100), **turning(),
    },
    example={"query": {"blueprint": "web-service"}},
)  # fmt: skip
def upgrade_list(asked: Asked) -> dict[str, Any]:
    """What forms made, in which version of which blueprint, and what is behind."""
    rows = queries.fleet()
    rows = queries.behind(rows) if asked.query["behind"] else rows
    if name := asked.query.get("blueprint"):
        rows = rows.filter(blueprint=name)
    if q := asked.query.get("q"):
        rows = rows.filter(entity_ref__icontains=q)
    return asked.page(rows.select_related("request").order_by("pk"), _behind)


def _behind(rows: Iterable[Made]) -> Iterator[dict[str, Any]]:
    known = queries.blueprints()
    for row in rows:
        blueprint = known.get(row.blueprint)
        yield {
            "entity": row.entity_ref, "blueprint": row.blueprint, "version": row.version,
            "newest": blueprint.version if blueprint else "",
            "behind": bool(blueprint and queries.Behind(row, blueprint).is_behind),
            "request": row.request.ref,
        }  # fmt: skip


@operation(
    "GET", "upgrades/<str:kind>/<str:namespace>/<str:name>", scope="requests:read", answer=PLAN_OF,
    example={"kind": "component", "namespace": "default", "name": "wishlist"},
)  # fmt: skip
def upgrade_plan(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """What an upgrade of one service would change, ask and leave alone."""
    entity = _entity(f"{kind}:{namespace}/{name}")
    by = asked.user if asked.user.pk is not None else _last_to_ask(entity)
    with refusing():
        row, answers = (opened := queries.upgrading(entity, by)).request, opened.answers
        found = queries.evaluate(row.blueprint, answers, user=by, request=row)
    return _plan(row, found)


def _entity(ref: str) -> Entity:
    entity = catalog.find(ref)
    if entity is None:
        raise ApiError(f"{ref} is not in the catalog.", 404)
    return entity


def _last_to_ask(entity: Entity) -> User:
    """For a team's token, which is nobody: the plan as whoever asked last would see it."""
    made = Made.objects.select_related("request__created_by").filter(entity_ref=entity.ref).first()
    if made is None:
        raise ApiError(f"{entity.name} did not come through a form of Slipway: no version made it.", 404)
    return made.request.created_by


def _plan(row: Request, found: Any) -> dict[str, Any]:
    news = queries.news_of(row)
    columns = ("key", "file", "place", "taken")
    quiet = ("before", "here", "wanted")
    return {
        "entity": row.entity_ref, "blueprint": row.blueprint, "version": row.upgrade["version"],
        "newest": news["blueprint"].version,
        "releases": [{"version": each.version, "text": each.text} for each in news["releases"]],
        "asked": [each.name for each in queries.needed(found)],
        "moved": {old: new.name for old, new in news["moved"]},
        "conflicts": [
            {name: getattr(each, name) for name in columns}
            | {name: pasted.masked(getattr(each, name)) for name in quiet}
            for each in found.conflicts
        ],
        "files": [
            {name: getattr(each, name) for name in ("path", "status", "additions", "deletions")}
            for each in found.diffs
        ],
        "passes": not found.blocked,
    }  # fmt: skip


@operation(
    "POST", "upgrades/<str:kind>/<str:namespace>/<str:name>", scope="requests:write", answer=REQUEST,
    status=201, person=True, limit="submit", body=thing("answers", answers=ANSWERS, take=TAKEN),
    example={"kind": "component", "namespace": "default", "name": "wishlist", "body": {"answers": {}}},
)  # fmt: skip
def upgrade_open(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """Ask for the upgrade of one service; `answers` are those that are new or to be others."""
    entity = _entity(f"{kind}:{namespace}/{name}")
    with refusing():
        under_way = queries.open_for(entity) if rules.can_change(asked.user, entity) else None
        if under_way is not None:
            raise WrongState(f"{under_way.ref} is open for {entity.name} already: it has to end first.")
        draft = actions.upgrade_service(entity_ref=entity.ref, by=asked.user)
        answers = {**draft.answers, **_answers(draft.blueprint, asked.body["answers"])}
        taken = {TAKE: asked.body["take"]} if asked.body.get("take") else {}
        given: dict[str, Any] = {"blueprint": draft.blueprint, "answers": answers | taken, "request": draft}
        return whole(actions.submit(by=asked.user, **given))


@operation(
    "POST", "upgrades", scope="requests:write", answer=ROUND, status=201, person=True, limit="submit",
    body=thing("services", services=listed(text(maxLength=200), "References", minItems=1, maxItems=500)),
    example={"body": {"services": ["component:default/wishlist"]}},
)  # fmt: skip
def upgrade_several(asked: Asked) -> dict[str, Any]:
    """Have upgrades of several services proposed, one request each. For the platform team."""
    with refusing():
        return _round(actions.upgrade_several(refs=asked.body["services"], by=asked.user))


@operation("GET", "upgrades/rounds/<int:round>", scope="requests:read", answer=ROUND, example={"round": 1})
def upgrade_round(asked: Asked, round: int) -> dict[str, Any]:
    """How far a round of upgrades is."""
    row = UpgradeRound.objects.select_related("created_by").filter(pk=round).first()
    if row is None:
        raise ApiError("There is no such round.", 404)
    return _round(row)


def _round(row: UpgradeRound) -> dict[str, Any]:
    items = row.items.select_related("request").defer("request__files")
    return {
        "id": row.pk, "started_at": row.created_at, "created_by": row.created_by.username,
        "url": row.get_absolute_url(),
        "items": [
            {
                "entity": each.entity_ref, "state": each.state, "message": each.message,
                "request": each.request.ref if each.request else None,
            }
            for each in items
        ],
    }  # fmt: skip


OPERATIONS: Final = [request_create, upgrade_list, upgrade_several, upgrade_round, upgrade_plan, upgrade_open]
