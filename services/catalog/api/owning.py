"""What belongs to whom, and what depends on what, as people say it: for programs."""

from typing import Any, Final
from uuid import UUID

from django.http import Http404, QueryDict

from portal.shell.api import ApiError, Mistake, refusing
from portal.shell.judging import WRONG
from portal.shell.operations import Asked, operation
from portal.shell.schemas import (
    choice,
    listed,
    maybe,
    moment,
    named,
    number,
    page_of,
    text,
    thing,
    turning,
)
from services.catalog import actions, rules
from services.catalog.api.entities import CHECKOUT, NAMED, OPEN
from services.catalog.models import Confirmation, Entity, Judgement
from services.catalog.ownership import confirming, nearest, reports
from services.catalog.ownership.places import place_of
from services.catalog.ownership.resolution import Standing
from services.catalog.refusals import Refused
from services.catalog.views.entities import entity_for

CONFIRMED: Final = named("Confirmed", thing(ref=text(), batch=text("What takes it back")))
DERIVED: Final = named(
    "Derived",
    thing(
        target=text("What it seems to depend on"), confidence={"type": "number"},
        evidence=listed(OPEN, "Files, lines and keys"), verdict=choice(["", *Judgement.Verdict.values]),
        judged_by=text(),
    ),
)  # fmt: skip
REPORT: Final = named("Report", thing(key=text(), label=text(), about=text(), number=text("1000+ is more")))
ROW: Final = named(
    "ReportRow",
    thing(
        "entity", "place", "suggestion",
        entity=text("Whose descriptor it is about"), place=text("Where that stands"),
        suggestion=text("What was probably meant; empty where nothing is near"),
        standing=choice(Standing), owner=text(), via=text(), due_at=maybe(moment()),
        missing=text("The reference that leads nowhere"), relation=text(), field=text(),
    ),
)  # fmt: skip


@operation(
    "POST",
    f"{NAMED}/confirmation",
    scope="ownership:write",
    person=True,
    answer=CONFIRMED,
    status=201,
    example=CHECKOUT,
)
def ownership_confirm(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """Confirm that an entity belongs to whom the catalog says.

    For those it belongs to, and who run the platform. Said again, it counts from then on.
    """
    entity = entity_for(asked.request, kind, namespace, name)
    with refusing(Refused):
        done = confirming.confirm(pks=[entity.pk], by=asked.user)
    return {"ref": entity.ref, "batch": str(done.batch)}


@operation(
    "DELETE", "catalog/confirmations/<uuid:batch>", scope="ownership:write", person=True,
    answer=thing(number=number()),
    example={"batch": "6f1c1f9e-0c55-4b0e-8a52-0f5f4b1a7d11"},
)  # fmt: skip
def ownership_unconfirm(asked: Asked, batch: UUID) -> dict[str, Any]:
    """Take back what you confirmed."""
    if not Confirmation.objects.filter(batch=batch).exists():
        raise Http404("Nobody confirmed that, or it was taken back.")
    with refusing(Refused):
        return {"number": confirming.take_back(batch=batch, by=asked.user)}


@operation(
    "GET", f"{NAMED}/derived", scope="catalog:read", answer=thing(items=listed(DERIVED)), example=CHECKOUT
)
def dependency_list(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """Dependencies that nobody declared, with what shows them and what people said of each."""
    return {"items": _derived(entity_for(asked.request, kind, namespace, name))}


def _derived(entity: Entity, **where: str) -> list[dict[str, Any]]:
    rows: Any = entity.relations.filter(confidence__isnull=False, type="dependsOn", **where).judged()
    return [
        {
            "target": row.target_ref,
            "confidence": row.confidence,
            "evidence": row.evidence,
            "verdict": row.verdict or "",
            "judged_by": row.judged_by or "",
        }
        for row in rows[:1000]
    ]


@operation(
    "POST", f"{NAMED}/derived", scope="ownership:write", person=True, answer=DERIVED,
    body=thing(
        target=text("The reference of the other side", maxLength=500),
        verdict=choice([*Judgement.Verdict.values, "open"], "open takes back what was said"),
    ),
    example={**CHECKOUT, "body": {"target": "resource:default/checkout-db", "verdict": "confirmed"}},
)  # fmt: skip
def dependency_judge(asked: Asked, kind: str, namespace: str, name: str) -> dict[str, Any]:
    """Say whether a derived dependency is one.

    For those the entity belongs to, and who run the platform.
    """
    entity = entity_for(asked.request, kind, namespace, name)
    if not rules.can_judge(asked.user, entity):
        raise ApiError("Its owners say whether this is a dependency, or the platform team.", 403)
    target, verdict = asked.body["target"].lower(), asked.body["verdict"].removesuffix("open")
    with refusing(Refused):
        actions.judge_dependency(entity=entity, target_ref=target, verdict=verdict, by=asked.user)
    return next(iter(_derived(entity, target_ref=target)))


@operation("GET", "catalog/reports", scope="catalog:read", answer=thing(items=listed(REPORT)))
def report_list(asked: Asked) -> dict[str, Any]:
    """What is wrong with ownership and references, counted."""
    counted = reports.counts(reports.Narrow())
    told = [(key, one.label, one.lede, counted[key]) for key, one in reports.REPORTS.items()]
    return {"items": [dict(zip(("key", "label", "about", "number"), one, strict=True)) for one in told]}


@operation(
    "GET", "catalog/reports/<slug:report>", scope="catalog:read", answer=page_of(ROW),
    query={**{key: text(maxLength=220) for key in ("team", "kind", "system")}, "after": turning()["after"]},
    example={"report": "unowned", "query": {"kind": "component"}},
)  # fmt: skip
def report_detail(asked: Asked, report: str) -> dict[str, Any]:
    """The rows of one report: unowned, dead, dangling, unconfirmed, elsewhere."""
    if report not in reports.REPORTS:
        raise Http404(f"There is no report {report}; there are {', '.join(reports.REPORTS)}.")
    query = QueryDict(mutable=True)
    query.update({key: asked.query.get(key, "") for key in ("team", "kind", "system")})
    after = asked.query.get("after", "")
    if after and not reports.reads(after):
        wrong = Mistake("after", "cursor", "take it from an answer of this report, as it stands")
        raise ApiError("This cursor leads nowhere in this report.", WRONG, [wrong])
    part = reports.page_of(report, reports.Narrow.read(query), after)
    drawn = _dangling(part.rows) if report == "dangling" else _owned(part.rows)
    return {"items": drawn, "next": asked.address("after", part.after), "previous": None}


def _dangling(rows: list[Any]) -> list[dict[str, Any]]:
    near = nearest.nearest(row.target_ref for row in rows)
    return [
        {
            **_row(row.source, near.get(row.target_ref)),
            "missing": row.target_ref,
            "relation": row.type,
            "field": row.field,
        }
        for row in rows
    ]


def _owned(rows: list[Any]) -> list[dict[str, Any]]:
    near = nearest.nearest(row.owner_ref for row in rows if row.standing == Standing.UNKNOWN)
    return [
        {
            **_row(row.entity, near.get(row.owner_ref)),
            "standing": row.standing,
            "owner": row.owner_ref,
            "via": row.via,
            "due_at": row.due_at,
        }
        for row in rows
    ]


def _row(entity: Entity, near: Entity | None) -> dict[str, Any]:
    return {"entity": entity.ref, "place": place_of(entity).text, "suggestion": near.ref if near else ""}
