"""Exceptions from guardrails: the list, asking for one, deciding on its page."""

from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import pasted, tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import policy, signed_in
from services.accounts.models import Team
from services.clusters.models import Environment
from services.manifests import exceptions
from services.manifests.emit import dump
from services.manifests.guardrails import shipped
from services.onboarding import actions, rules
from services.onboarding.errors import Refusal
from services.onboarding.exemptions import Exemption, ExemptionQuerySet, last_day
from services.onboarding.forms import DecisionForm, ExemptionForm
from services.onboarding.views.access import request_for, said

SHOWN: dict[str, tuple[str, Callable[[ExemptionQuerySet], ExemptionQuerySet]]] = {
    "open": ("Open", lambda rows: rows.asked() | rows.effective()),
    "asked": ("To decide", lambda rows: rows.asked()),
    "force": ("In force", lambda rows: rows.effective()),
    "soon": ("Ending soon", lambda rows: rows.ending()),
    "over": ("Over", lambda rows: rows.exclude(state="asked").exclude(pk__in=rows.effective().values("pk"))),
    "all": ("All", lambda rows: rows.all()),
}
COLUMNS = {
    "guardrail": "guardrail",
    "service": "entity_ref",
    "team": "team__name",
    "until": "until",
    "asked": "pk",
}
HEADER = (
    "guardrail",
    "service",
    "environment",
    "object",
    "state",
    "until",
    "reason",
    "asked by",
    "decided by",
)


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def exemption_list(request: HttpRequest) -> HttpResponse:
    show = request.GET.get("show", "open")
    rows = _filtered(request, SHOWN.get(show, SHOWN["open"])[1])
    rows = tables.order(request, rows, COLUMNS, "-asked")
    if request.GET.get("format") == "csv":
        return tables.csv_response("exceptions", HEADER, _csv(rows))
    page = tables.paginate(request, rows)
    context = {
        "page": page,
        "show": show,
        "shown": [(key, label) for key, (label, _) in SHOWN.items()],
        "teams": Team.objects.all(),
        "environments": Environment.objects.standing().order_by("position"),
        "q": request.GET.get("q", ""),
    }
    return render(request, "onboarding/exemption_list.html", context)


def _filtered(
    request: HttpRequest, shown: Callable[[ExemptionQuerySet], ExemptionQuerySet]
) -> ExemptionQuerySet:
    rows = shown(Exemption.objects.all()).select_related("asked_by", "decided_by", "team")
    for name, column in (("team", "team__slug"), ("environment", "environment"), ("guardrail", "guardrail")):
        if value := request.GET.get(name):
            rows = rows.filter(**{column: value})
    q = request.GET.get("q", "").strip()
    asked = Q(entity_ref__icontains=q) | Q(title__icontains=q) | Q(guardrail__icontains=q)
    return rows.filter(asked | Q(reason__icontains=q)) if q else rows


def _csv(rows: ExemptionQuerySet) -> Iterator[tuple[Any, ...]]:
    for row in rows:
        yield (
            row.guardrail, row.entity_ref, row.environment, row.object, row.standing[0].lower(),
            row.until.isoformat(), row.reason, str(row.asked_by), str(row.decided_by or ""),
        )  # fmt: skip


@policy(signed_in)
@limited("export")
@require_safe
def exemption_file(request: HttpRequest) -> HttpResponse:
    """Those in force, for `check_manifests --exceptions`."""
    rows = Exemption.objects.effective().select_related("asked_by", "decided_by").order_by("pk")
    text = dump([exceptions.written(exceptions.Granted(row.lease, row.entity_ref) for row in rows)])
    name = 'attachment; filename="exceptions.yaml"'
    return HttpResponse(text, content_type="application/yaml", headers={"Content-Disposition": name})


def asks(request: HttpRequest) -> bool:
    return request.method == "POST"


@policy(signed_in)
@limited("message", when=asks)
@require_http_methods(["GET", "HEAD", "POST"])
def exemption_new(request: HttpRequest, ref: str) -> HttpResponse:
    """Asked for from what stops a request; the finding stands in the address."""
    row = request_for(request, ref)
    asked = {name: request.GET.get(name, "")[:200] for name in ("guardrail", "environment", "object")}
    rule = shipped().rules.get(asked["guardrail"])
    if rule is None or not rules.can_ask_exemption(request.user, row):
        raise Http404
    form = ExemptionForm(request.POST if asks(request) else None)
    if asks(request) and form.is_valid():
        try:
            given: dict[str, Any] = {**asked, **form.cleaned_data}
            exemption = actions.ask_exemption(by=request.user, request=row, **given)
        except Refusal as refusal:
            form.add_error(None, said(refusal))
        else:
            toasts.done(request, "Asked. The platform team decides; you find it on your home page.")
            return redirect(exemption)
    context = {"row": row, "rule": rule, "asked": asked, "form": form, "last_day": last_day()}
    return render(request, "onboarding/exemption_new.html", context, status=422 if form.errors else 200)


@policy(signed_in)
@require_safe
def exemption_detail(request: HttpRequest, pk: int) -> HttpResponse:
    known = Exemption.objects.select_related("asked_by", "decided_by", "team", "request__created_by")
    row = get_object_or_404(known, pk=pk)
    context = {
        "row": row,
        "rule": shipped().rules.get(row.guardrail),
        "visible": row.request is not None and rules.can_see(request.user, row.request),
        "may": {"grant": rules.may_grant(request.user, row), "end": rules.may_end(request.user, row)},
    }
    return render(request, "onboarding/exemption_detail.html", context)


STEPS: dict[str, tuple[Callable[..., Exemption], str]] = {
    "grant": (
        actions.grant_exemption,
        "Granted. The guardrail is silent until that day, then it stops again.",
    ),
    "refuse": (actions.refuse_exemption, "Refused; the person who asked reads your reason."),
    "end": (actions.end_exemption, "Ended. The guardrail stops again from now on."),
}


@policy(signed_in)
@require_POST
def exemption_step(request: HttpRequest, pk: int, step: str) -> HttpResponse:
    row = get_object_or_404(Exemption, pk=pk)
    if step not in STEPS:
        raise Http404
    action, done = STEPS[step]
    form = DecisionForm(request.POST)
    if not form.is_valid():
        toasts.refused(request, "That is no day, or more than 2,000 characters. Nothing was changed.")
        return redirect(row)
    given: dict[str, Any] = {"remark": pasted.masked(form.cleaned_data["remark"])}
    if step == "grant":
        given["until"] = form.cleaned_data["until"]
    try:
        action(exemption=row, by=request.user, **given)
        toasts.done(request, done)
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect(row)
