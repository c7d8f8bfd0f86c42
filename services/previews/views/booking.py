"""The calendar of environments that stay shared: who has which to themselves, and booking one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import policy, signed_in
from services.clusters.models import Environment
from services.onboarding.errors import Refusal
from services.onboarding.views.access import said
from services.previews import actions, calendar, queries, rules
from services.previews.forms import BookingForm
from services.previews.models import Booking


@policy(signed_in)
@limited("submit", when=lambda request: request.method == "POST")
@require_http_methods(["GET", "HEAD", "POST"])
def booking_list(request: HttpRequest) -> HttpResponse:
    places = [each for each in queries.bases() if not each.is_production]
    form = BookingForm(places, request.POST if request.method == "POST" else None)
    problem = free = ""
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.book(by=request.user, **form.cleaned_data)
            toasts.done(request, f"{made.environment} is yours until {calendar.said(made.ends_at)}.")
            return redirect("previews:booking_list")
        except Refusal as refusal:
            problem = said(refusal)
            free = calendar.field(refusal.free_at) if isinstance(refusal, actions.Taken) else ""
    context = {"form": form, "problem": problem, "free": free, "places": _places(request, places)}
    return render(
        request, "previews/booking_list.html", context, status=422 if problem or form.errors else 200
    )


def _places(request: HttpRequest, places: list[Environment]) -> list[dict[str, Any]]:
    """What is booked of each from now on, and who has it now; one query."""
    now, ids = timezone.now(), [each.pk for each in places]
    rows = list(queries.bookings().filter(environment__in=ids, ends_at__gt=now))
    by_place = {each.pk: [row for row in rows if row.environment_id == each.pk] for each in places}
    return [
        {
            "environment": each,
            "now": next((row for row in by_place[each.pk] if row.begins_at <= now), None),
            "lines": [(row, rules.can_give_back(request.user, row)) for row in by_place[each.pk]],
            "days": calendar.days(by_place[each.pk], now),
        }
        for each in places
    ]


@policy(signed_in)
@limited("submit")
@require_POST
def booking_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Booking.objects.select_related("environment", "booked_by"), pk=pk)
    try:
        actions.give_back(booking=row, by=request.user)
        toasts.done(request, f"{row.environment} is free again then.")
    except Refusal as refusal:
        toasts.refused(request, said(refusal))
    return redirect("previews:booking_list")


@policy(signed_in)
@limited("export")
@require_safe
def booking_calendar(request: HttpRequest, environment: str) -> HttpResponse:
    place = get_object_or_404(Environment.objects.standing(), name=environment)
    since = datetime.now(UTC) - timedelta(days=60)
    rows = queries.bookings().filter(environment=place, ends_at__gt=since)
    answer = HttpResponse(calendar.ics(place, rows), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{place.name}.ics"'
    return answer
