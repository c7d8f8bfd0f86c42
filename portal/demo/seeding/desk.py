"""What the platform team has set up: turns, known answers, what it says and does often; and a booking."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import yaml
from django.db import models
from django.utils import timezone

from portal.demo import company
from portal.demo.seeding.people import everybody
from services.accounts.models import User
from services.clusters.models import Environment
from services.helpdesk import actions
from services.helpdesk.models import Answer, Canned, Category, DeskView, Macro, Rota
from services.previews import actions as previews
from services.previews.models import Booking

OF = {"answers": Answer, "canned": Canned, "macros": Macro, "views": DeskView}


def seed(now: datetime) -> str:
    people, told = everybody(), script()
    for key, model in OF.items():
        for row in told[key]:
            _set_up(model, row, people)
    if not Rota.objects.exists():
        _take_turns(told, now, people)
    if not Booking.objects.exists():
        _book(told["booking"], now, people)
    return f"{sum(len(told[key]) for key in OF)} things set up at the desk"


@cache
def script() -> dict[str, Any]:
    return dict(yaml.safe_load((company.FOLDER / "desk.yaml").read_text()))


def _set_up(model: type[models.Model], told: Mapping[str, Any], people: Mapping[str, User]) -> None:
    if model._default_manager.filter(title=told["title"]).exists():
        return
    fields = dict(told)
    if slug := fields.pop("category", ""):
        fields["category"] = Category.objects.get(slug=slug)
    if "owner" in fields:
        fields["owner"] = people[fields["owner"]]
    actions.save_setting(row=model(**fields), by=people["priya"])


def _take_turns(told: Mapping[str, Any], now: datetime, people: Mapping[str, User]) -> None:
    today, instead = timezone.localdate(now), told["stand_in"]
    first, last = (today + timedelta(days=ahead) for ahead in instead["days"])
    who, by = [people[name] for name in told["rota"]], people["priya"]
    actions.save_rota(
        by=by, people=who, starts_on=today, weeks=1, giving=Rota.Giving.HAND, most_open=10, calendar=None
    )
    actions.stand_in(by=by, person=people[instead["who"]], first=first, last=last, reason=instead["reason"])


def _book(told: Mapping[str, Any], now: datetime, people: Mapping[str, User]) -> None:
    day = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    begins, ends = (day + timedelta(days=ahead) for ahead in told["days"])
    place = Environment.objects.filter(is_production=False, is_preview=False).earliest("position")
    previews.book(
        environment=place,
        by=people[told["by"]],
        begins_at=begins + timedelta(hours=9),
        ends_at=ends,
        purpose=told["purpose"],
    )
