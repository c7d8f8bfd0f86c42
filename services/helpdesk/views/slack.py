"""The doors Slack comes to, and the page that shows how the connection is."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.shell import tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import always, its_address, limited
from portal.shell.policies import platform_only, policy, public
from services.accounts.bearer import signed
from services.effects import actions as effects
from services.effects.models import Effect
from services.helpdesk import slack as desk
from services.helpdesk.actions.slack import accepting, mending
from services.helpdesk.models import SlackDelivery
from services.helpdesk.slack import manifest
from services.helpdesk.views import slack_forms
from services.integrations.slack import signing

MOST_BYTES = 1024 * 1024
Kind = SlackDelivery.Kind
KINDS = (desk.TAKE, desk.POST, desk.MEND)
BY_SLACK = "signed by Slack"


@signed
@policy(public, name=BY_SLACK)
@limited("chat", when=always, person=its_address)
@require_POST
def slack_events(request: HttpRequest) -> HttpResponse:
    """Keeps what concerns tickets and answers at once; a worker looks at it."""
    data, refusal = _proved(request, _json)
    if refusal:
        return refusal
    if data.get("type") == "url_verification":
        return HttpResponse(str(data.get("challenge", ""))[:500], content_type="text/plain")
    if data.get("type") == "app_rate_limited":
        accepting.held_back()
    event = data.get("event")
    if data.get("type") == "event_callback" and isinstance(event, dict) and accepting.concerns(event):
        who, key = str(event.get("user", "")), _key(data, "event_id")
        accepting.accept(
            kind=Kind.EVENT, key=f"event:{key}", what=str(event.get("type")), who=who, payload=data
        )
    return HttpResponse()


@signed
@policy(public, name=BY_SLACK)
@limited("chat", when=always, person=its_address)
@require_POST
def slack_commands(request: HttpRequest) -> HttpResponse:
    """Keeps a command; what it is answered comes from a worker."""
    data, refusal = _proved(request, _form)
    if refusal:
        return refusal
    what, who = str(data.get("text", "")).split(" ")[0], str(data.get("user_id", ""))
    key = f"command:{_key(data, 'trigger_id')}"
    accepting.accept(kind=Kind.COMMAND, key=key, what=what, who=who, payload=data)
    return HttpResponse()


@signed
@policy(public, name=BY_SLACK)
@limited("chat", when=always, person=its_address)
@require_POST
def slack_actions(request: HttpRequest) -> HttpResponse:
    """Keeps buttons, shortcuts and forms; what is wrong in a form is answered at once, at its fields."""
    data, refusal = _proved(request, lambda body: _json(dict(parse_qsl(body.decode()))["payload"].encode()))
    if refusal:
        return refusal
    user = data["user"] if isinstance(data.get("user"), dict) else {}
    key = f"action:{_key(data, 'trigger_id')}"
    if data.get("type") == "view_submission" and isinstance(data.get("view"), dict):
        cleaned, errors = slack_forms.checked(data["view"])
        if errors:
            return JsonResponse({"response_action": "errors", "errors": errors})
        data, key = {**data, "cleaned": cleaned}, f"view:{data['view'].get('id', '')}"
    what = str(data.get("type", ""))
    accepting.accept(kind=Kind.ACTION, key=key, what=what, who=str(user.get("id", "")), payload=data)
    return HttpResponse()


def _proved(request: HttpRequest, read: Any) -> tuple[dict[str, Any], HttpResponse | None]:
    """What a delivery says, once it has proved where it comes from; or what it is told instead."""
    body = request.read(MOST_BYTES + 1)
    if len(body) > MOST_BYTES:
        return {}, JsonResponse({"error": "larger than 1 MB"}, status=413)
    if not signing.proves(settings.SLACK_SIGNING_SECRET, request.headers, body):
        return {}, JsonResponse({"error": "not signed with this app's secret"}, status=403)
    try:
        data = accepting.storable(read(body))
    except (ValueError, KeyError, RecursionError):
        return {}, JsonResponse({"error": "cannot be read"}, status=400)
    if not isinstance(data, dict):
        return {}, JsonResponse({"error": "not an object"}, status=400)
    return data, None


def _key(data: Mapping[str, Any], name: str) -> str:
    """What tells one delivery from others: Slack's own id, else all of it."""
    return str(data.get(name) or "") or accepting.digest(data)


def _json(body: bytes) -> Any:
    return json.loads(body, parse_constant=_no_number)


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _form(body: bytes) -> Mapping[str, str]:
    return dict(parse_qsl(body.decode()))


@policy(platform_only, name="helpdesk.look after Slack")
@never_cache
@require_safe
def slack_list(request: HttpRequest) -> HttpResponse:
    kind, words = request.GET.get("kind", ""), request.GET.get("q", "").replace("\x00", "").strip()
    rows = SlackDelivery.objects.select_related("ticket").defer("payload")
    if kind in Kind.values:
        rows = rows.filter(kind=kind)
    if words:
        rows = rows.filter(Q(what__icontains=words) | Q(said__icontains=words) | Q(who__iexact=words))
    failing = Effect.objects.filter(kind__in=KINDS, state__in=["needs_attention", "unknown"])
    context = {
        "page": tables.paginate(request, rows),
        "kind": kind,
        "kinds": Kind.choices,
        "words": words,
        "look": desk.look(),
        "is_on": desk.is_on(),
        "missing": [name for name, value in _settings().items() if not value],
        "failing": list(failing.order_by("-created_at")[:20]),
        "waiting": Effect.objects.filter(kind__in=KINDS, state__in=["due", "running"]).count(),
    }
    return render(request, "helpdesk/slack_list.html", context)


def _settings() -> dict[str, str]:
    """What has to be set for everything to work."""
    return {
        f"SLIPWAY_SLACK_{name}": str(getattr(settings, f"SLACK_{name}"))
        for name in ("TOKEN", "SIGNING_SECRET", "TEAM_CHANNEL", "ROTA_GROUP")
    }


@policy(platform_only, name="helpdesk.look after Slack")
@limited("connection")
@require_POST
def slack_check(request: HttpRequest) -> HttpResponse:
    if not desk.is_on():
        toasts.refused(request, "No token is set: SLIPWAY_SLACK_TOKEN.")
    elif (look := mending.check()).error:
        toasts.refused(request, look.error)
    else:
        toasts.done(request, f"Slack answers: {look.team}.")
    return redirect("helpdesk:slack_list")


@policy(platform_only, name="helpdesk.look after Slack")
@require_POST
def slack_retry(request: HttpRequest, pk: int) -> HttpResponse:
    effect = get_object_or_404(Effect, pk=pk, kind__in=KINDS)
    try:
        effects.retry(effect=effect, by=request.user)
    except effects.NotRetryable as state:
        toasts.refused(request, f"Nothing to retry: it is {str(state).lower()} by now.")
    else:
        toasts.done(request, "Trying again now.")
    return redirect("helpdesk:slack_list")


@policy(platform_only, name="helpdesk.look after Slack")
@require_safe
def slack_manifest(request: HttpRequest) -> HttpResponse:
    """To be pasted where an app is made."""
    return HttpResponse(manifest.as_yaml(), content_type="text/plain; charset=utf-8")
