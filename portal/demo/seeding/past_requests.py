"""A year of requests that have ended."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from portal.demo.history.plan import past_requests
from portal.demo.history.times import all_times
from portal.demo.seeding import request_rows
from services.onboarding.models import Request


@transaction.atomic
def seed(now: datetime) -> str:
    if Request.objects.filter(number=past_requests()[0].number).exists():
        return "the past requests are there"
    rows = request_rows.write(past_requests(), all_times(now))
    Request.objects.filter(number__lte=rows[-1].number).update(updated_at=F("finished_at"))
    return f"{len(rows)} requests of the past year"
