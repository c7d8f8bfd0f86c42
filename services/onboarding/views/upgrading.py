"""Upgrades: the form of one service, what is behind which blueprint, and rounds of several at once."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, OuterRef, Q, QuerySet, Subquery
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import platform_only, policy, signed_in
from services.accounts.models import Team
from services.catalog.models import Entity
from services.onboarding import actions, queries, rules
from services.onboarding.errors import Refusal
from services.onboarding.form_page import FormPage
from services.onboarding.models import BRINGING, Made, Request, UpgradeItem, UpgradeRound
from services.onboarding.views.access import said
from services.onboarding.views.change import entity_for, form_of, page_for
from services.onboarding.views.new import evaluates, submits
from services.onboarding.views.requests import STOP_POLLING

SHOWN = {"behind": "Behind", "newest": "Newest version", "all": "All"}
COLUMNS = {
    "service": "entity_ref",
    "blueprint": ("blueprint", "version"),
    "version": "version",
    "team": "owner",
}
HEADER = ("service", "owner", "blueprint", "made by", "newest", "behind", "last request")


@policy(signed_in)
@limited("submit", when=submits)
@limited("form", when=evaluates)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def service_upgrade(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    entity = entity_for(request, kind, namespace, name)
    if not rules.can_change(request.user, entity):
        toasts.refused(
            request, f"{entity.name} is upgraded by the team it belongs to, and the platform team."
        )
        return redirect(entity)
    return form_of(request, entity, _page, "it has to end first")


def _page(request: HttpRequest, entity: Entity) -> FormPage:
    """Looked at, it keeps nothing; posted, it is the person's draft."""
    address = reverse("onboarding:service_upgrade", args=[entity.kind.lower(), entity.namespace, entity.name])
    if request.method == "POST":
        row = actions.upgrade_service(entity_ref=entity.ref, by=request.user)
        return page_for(request, row, row, address)
    opened = queries.upgrading(entity, request.user)
    page = page_for(request, opened.request, opened.request if opened.request.pk else None, address)
    page.opened_at = timezone.now()
    page.evaluate(opened.answers)
    page.seen = set(page.answers)
    return page


@policy(platform_only)
@limited("export", when=wants_csv)
@require_safe
def upgrade_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "behind")
    rows = tables.order(request, filtered(request), COLUMNS, "service")
    if request.GET.get("format") == "csv":
        return tables.csv_response("upgrades", HEADER, _csv(rows))
    page = tables.paginate(request, rows, per_page=100)
    context = {
        "page": page,
        "lines": list(_lines(list(page))),
        "show": show if show in SHOWN else "behind",
        "shown": SHOWN.items(),
        "teams": Team.objects.all(),
        "blueprints": sorted(queries.blueprints().values(), key=lambda each: each.title),
        "rounds": _rounds(UpgradeRound.objects.select_related("created_by"))[:5],
        "q": request.GET.get("q", ""),
    }
    return render(request, "onboarding/upgrade_list.html", context)


def filtered(request: HttpRequest) -> QuerySet[Made]:
    """What a form made, as the address asks: behind, of a blueprint or version, of a team, by name."""
    asked = request.GET
    rows = queries.fleet()
    owner = Entity.objects.filter(ref=OuterRef("entity_ref")).values("owner_ref")[:1]
    rows = rows.annotate(owner=Subquery(owner))
    if asked.get("show") == "newest":
        rows = rows.exclude(pk__in=queries.behind(Made.objects.all()).values("pk"))
    elif asked.get("show") != "all":
        rows = queries.behind(rows)
    for name in ("blueprint", "version"):
        if value := asked.get(name, "")[:63]:
            rows = rows.filter(**{name: "" if value == "earlier" else value})
    if team := asked.get("team", "")[:63]:
        theirs = Entity.objects.filter(owner_ref=f"group:default/{team.lower()}")
        rows = rows.filter(entity_ref__in=theirs.values("ref"))
    q = asked.get("q", "").strip()[:100]
    return rows.filter(entity_ref__icontains=q) if q else rows


def _lines(rows: list[Made]) -> Iterator[dict[str, Any]]:
    """One of the list, with the request that is open for it, if one is."""
    refs = [row.entity_ref for row in rows]
    under_way = Request.objects.open().exclude(kind__in=BRINGING).filter(entity_ref__in=refs)
    by_ref = {row.entity_ref: row for row in under_way.only("number", "entity_ref", "state", "upgrade")}
    known = queries.blueprints()
    for row in rows:
        blueprint = known.get(row.blueprint)
        yield {
            "made": row,
            "owner": str(getattr(row, "owner", "") or "").rpartition("/")[2],
            "at": queries.Behind(row, blueprint) if blueprint else None,
            "open": by_ref.get(row.entity_ref),
            "url": entity_url(row.entity_ref),
        }


def entity_url(ref: str) -> str:
    kind, _, rest = ref.partition(":")
    namespace, _, name = rest.partition("/")
    return reverse("catalog:entity_detail", args=[kind, namespace, name])


def _csv(rows: QuerySet[Made]) -> Iterator[tuple[Any, ...]]:
    known = queries.blueprints()
    for row in rows.select_related("request").defer("request__files"):
        blueprint = known.get(row.blueprint)
        newest = blueprint.version if blueprint else ""
        is_behind = bool(blueprint and queries.Behind(row, blueprint).is_behind)
        owner = str(getattr(row, "owner", "") or "").rpartition("/")[2]
        said = (row.blueprint, row.version, newest, "yes" if is_behind else "no", row.request.ref)
        yield (row.entity_ref, owner, *said)


def _rounds(rows: QuerySet[UpgradeRound]) -> QuerySet[UpgradeRound]:
    """With how many services each has, and how many of them wait, were proposed, or need somebody."""
    states = {state.value: Count("items", filter=Q(items__state=state.value)) for state in UpgradeItem.State}
    return rows.annotate(total=Count("items"), **states)


@policy(platform_only)
@limited("submit")
@require_POST
def upgrade_propose(request: HttpRequest) -> HttpResponse:
    """For the services that are ticked, or all that the address asks for."""
    refs = request.POST.getlist("service")[: actions.MOST_AT_ONCE + 1]
    if request.POST.get("every"):
        refs = list(filtered(request).values_list("entity_ref", flat=True)[: actions.MOST_AT_ONCE + 1])
    try:
        return redirect(actions.upgrade_several(refs=refs, by=request.user))
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
        return redirect(f"{reverse('onboarding:upgrade_list')}?{request.GET.urlencode()}")


@policy(platform_only)
@never_cache
@require_safe
def upgrade_round(request: HttpRequest, pk: int) -> HttpResponse:
    """How far a round is: it looks again by itself until nothing waits any more."""
    row = get_object_or_404(_rounds(UpgradeRound.objects.select_related("created_by")), pk=pk)
    items = row.items.select_related("request").defer("request__files")
    polls = bool(getattr(row, "waiting", 0))
    context = {
        "round": row, "polls": polls, "page": tables.paginate(request, items, per_page=100),
        "again": getattr(row, "refused", 0) + getattr(row, "failed", 0),
    }  # fmt: skip
    template = "onboarding/upgrade_round.html"
    if not request.htmx:
        return render(request, template, context)
    return render(request, f"{template}#live", context, status=200 if polls else STOP_POLLING)


@policy(platform_only)
@limited("submit")
@require_POST
def upgrade_again(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(UpgradeRound, pk=pk)
    count = actions.upgrade_again(round=row, by=request.user)
    toasts.done(request, f"Trying {count} once more." if count else "Nothing is left to try again.")
    return redirect(row)
