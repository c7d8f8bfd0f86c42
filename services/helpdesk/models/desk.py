"""How the desk works, as data its people edit: calendars, promises, rota, views, macros, canned answers."""

from datetime import date
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from services.helpdesk.hours import DAYS, MIDNIGHT, Hours, Intervals
from services.helpdesk.models.tickets import Category, Ticket
from services.helpdesk.states import Cause, Priority, State

USER = settings.AUTH_USER_MODEL
ALWAYS = {day: [["00:00", MIDNIGHT]] for day in DAYS}


def always() -> dict[str, list[list[str]]]:
    return {day: [list(pair) for pair in pairs] for day, pairs in ALWAYS.items()}


class Calendar(models.Model):
    """When somebody is there. Days are lists of intervals; `special` days have their own, none for closed."""

    title = models.CharField(max_length=60)
    timezone = models.CharField(max_length=64, default="UTC")
    week = models.JSONField(default=always)
    country = models.CharField(max_length=2, blank=True)
    region = models.CharField(max_length=10, blank=True)
    special = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title

    @property
    def hours(self) -> Hours:
        week = tuple(_pairs(self.week.get(day, [])) for day in DAYS)
        special = tuple((date.fromisoformat(day), _pairs(pairs)) for day, pairs in self.special.items())
        return Hours(self.timezone, week, self.country, self.region, special)


def _pairs(stored: list[list[str]]) -> Intervals:
    return tuple((opens, closes) for opens, closes in stored)


class Promise(models.Model):
    """Within how many working minutes tickets are answered and solved; the first that fits counts."""

    title = models.CharField(max_length=60)
    position = models.PositiveSmallIntegerField(default=50)
    active = models.BooleanField(default=True)
    priority = models.SmallIntegerField(choices=Priority.choices, null=True, blank=True)
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True, related_name="promises")
    team = models.ForeignKey("accounts.Team", models.CASCADE, null=True, blank=True, related_name="+")
    calendar = models.ForeignKey(Calendar, models.PROTECT, related_name="promises")
    first = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    next = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    resolution = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    pauses = models.JSONField(default=list, blank=True)
    steps = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ["position", "pk"]

    def __str__(self) -> str:
        return self.title


class Rota(models.Model):
    """Who is on duty: turns of whole weeks, one after the other. There is one."""

    class Giving(models.TextChoices):
        HAND = "hand", "By hand"
        ROTA = "rota", "To whoever is on duty"
        LOAD = "load", "To whoever has the fewest open"

    calendar = models.ForeignKey(Calendar, models.PROTECT, null=True, blank=True, related_name="+")
    starts_on = models.DateField(default=date.today)
    weeks = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    giving = models.CharField(max_length=4, choices=Giving.choices, default=Giving.HAND)
    most_open = models.PositiveSmallIntegerField(default=10)
    told_turn = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(weeks__gte=1), name="helpdesk_turn_has_weeks")]

    def __str__(self) -> str:
        return "Rota"


class RotaMember(models.Model):
    rota = models.ForeignKey(Rota, models.CASCADE, related_name="members")
    person = models.ForeignKey(USER, models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["rota", "person"], name="helpdesk_once_in_rota")]

    def __str__(self) -> str:
        return str(self.person)


class RotaChange(models.Model):
    """Somebody else on some days; the newest that covers a day counts. A swap is two with one link."""

    rota = models.ForeignKey(Rota, models.CASCADE, related_name="changes")
    person = models.ForeignKey(USER, models.CASCADE, related_name="+")
    first = models.DateField()
    last = models.DateField()
    reason = models.CharField(max_length=200, blank=True)
    swap = models.CharField(max_length=32, blank=True, db_index=True)
    by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(last__gte=F("first")), name="helpdesk_change_in_order")
        ]

    def __str__(self) -> str:
        return f"{self.person} {self.first} to {self.last}"


class HandOver(models.Model):
    """What one tells the next, with the tickets that were open then."""

    rota = models.ForeignKey(Rota, models.CASCADE, related_name="handovers")
    by = models.ForeignKey(USER, models.PROTECT, related_name="+")
    to = models.ForeignKey(USER, models.PROTECT, null=True, blank=True, related_name="+")
    note = models.TextField(blank=True)
    tickets = models.JSONField(default=list, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-at", "-pk"]

    def __str__(self) -> str:
        return f"{self.by} at {self.at:%Y-%m-%d}"


class DeskViewQuerySet(models.QuerySet["DeskView"]):
    def of(self, user: Any) -> "DeskViewQuerySet":
        return self.filter(Q(owner=None) | Q(owner=user))


class DeskView(models.Model):
    """A search that was kept: of one person, or of everybody at the desk (no owner)."""

    title = models.CharField(max_length=60)
    query = models.CharField(max_length=400)
    owner = models.ForeignKey(USER, models.CASCADE, null=True, blank=True, related_name="desk_views")
    position = models.PositiveSmallIntegerField(default=50)

    objects = DeskViewQuerySet.as_manager()

    class Meta:
        ordering = ["position", "title", "pk"]

    def __str__(self) -> str:
        return self.title


class Canned(models.Model):
    """An answer that is given often. Its variables are plain names from a closed list."""

    title = models.CharField(max_length=80)
    body = models.TextField()
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True, related_name="canned")

    class Meta:
        ordering = ["title"]

    def __str__(self) -> str:
        return self.title


class Macro(models.Model):
    """Several steps as one: what is empty is left as it is."""

    class To(models.TextChoices):
        ME = "me", "Whoever runs it"
        DUTY = "duty", "Whoever is on duty"
        NOBODY = "nobody", "Nobody"

    title = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=50)
    active = models.BooleanField(default=True)
    reply = models.TextField(blank=True)
    internal = models.BooleanField(default=False)
    give_to = models.CharField(max_length=8, choices=To.choices, blank=True)
    priority = models.SmallIntegerField(choices=Priority.choices, null=True, blank=True)
    category = models.ForeignKey(Category, models.CASCADE, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=20, choices=State.choices, blank=True)
    cause = models.CharField(max_length=20, choices=Cause.choices, blank=True)
    minutes = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ["position", "title"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(state=State.RESOLVED) | (~Q(cause="") & Q(minutes__isnull=False)),
                name="helpdesk_macro_resolves_with_answers",
            )
        ]

    def __str__(self) -> str:
        return self.title


class Deed(models.Model):
    """One step over many tickets, with what stood there before: the way back."""

    by = models.ForeignKey(USER, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    what = models.CharField(max_length=120)
    undone_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.what


class DeedRow(models.Model):
    deed = models.ForeignKey(Deed, models.CASCADE, related_name="rows")
    ticket = models.ForeignKey(Ticket, models.PROTECT, related_name="+")
    before = models.JSONField(default=dict)
    version = models.PositiveIntegerField(help_text="The ticket's version after the step.")

    def __str__(self) -> str:
        return f"{self.ticket_id} in {self.deed_id}"
