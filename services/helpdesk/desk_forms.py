"""Forms in which the desk is set up. Each says in words what it refuses."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from portal.shell.forms import Form, Plain
from services.accounts.models import User
from services.catalog import queries as catalog
from services.helpdesk import answering, asks, canned, escalation, hours, searching
from services.helpdesk.forms import TOO_LONG, platform_people
from services.helpdesk.hours import DAYS
from services.helpdesk.models import Answer, Calendar, Canned, Category, DeskView, Macro, Promise, Rota
from services.helpdesk.states import WAITING_STATES, State
from services.manifests.expressions import ExpressionError, holds

MOST_CATEGORIES = 8
MACRO_STATES = (
    State.IN_PROGRESS, State.WAITING_REQUESTER, State.WAITING_EXTERNAL, State.RESOLVED, State.CLOSED,
)  # fmt: skip
DAY_NAMES = dict(
    zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)


class CalendarForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    """Days as people write them: "09:00-12:30, 13:30-18:00"; special days one to a line."""

    special_days = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 3}), label="Days that are different",
        help_text="One to a line: “2026-12-24 09:00-12:00”, or “2026-12-31 closed”.",
    )  # fmt: skip

    class Meta:
        model = Calendar
        fields = ["title", "timezone", "country", "region"]
        labels = {"country": "Public holidays of", "region": "Region"}
        help_texts = {"country": "Two letters, DE or GB; empty for none.", "region": "As in DE: BY, BE, NW."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for day in DAYS:
            text = hours.write_day(self.instance.week.get(day, []))
            label = DAY_NAMES[day]
            self.fields[day] = forms.CharField(required=False, max_length=120, initial=text, label=label)
        self.fields["sun"].help_text = "Several intervals: 09:00-12:30, 13:30-18:00. Empty is closed."
        lines = [
            f"{day} {hours.write_day(pairs) or 'closed'}" for day, pairs in self.instance.special.items()
        ]
        self.fields["special_days"].initial = "\n".join(lines)
        self.order_fields(["title", "timezone", *DAYS, "country", "region", "special_days"])

    def clean_timezone(self) -> str:
        name = str(self.cleaned_data["timezone"])
        if name not in available_timezones():
            raise ValidationError(f"“{name}” is no time zone; write Europe/Berlin.")
        return ZoneInfo(name).key

    def clean_special_days(self) -> dict[str, Any]:
        lines = [line for line in self.cleaned_data["special_days"].splitlines() if line.strip()]
        return dict(_special(line) for line in lines)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        week = {day: _read(self, day, cleaned.get(day, "")) for day in DAYS}
        if not any(week.values()) and not self.errors:
            self.add_error("mon", "A calendar that is never open keeps no promise.")
        self._check_place(cleaned)
        self.instance.week, self.instance.special = week, cleaned.get("special_days", {})
        return cleaned

    def _check_place(self, cleaned: dict[str, Any]) -> None:
        country = cleaned["country"] = cleaned.get("country", "").upper()
        region = cleaned["region"] = cleaned.get("region", "").upper()
        if not country:
            return
        try:
            regions = hours.regions(country)
        except LookupError:
            self.add_error("country", f"No holidays are known for “{country}”.")
            return
        if region and region not in regions:
            self.add_error("region", f"{country} has {', '.join(regions) or 'no regions'}.")


def _read(form: forms.BaseForm, day: str, text: str) -> list[list[str]]:
    try:
        return [list(pair) for pair in hours.read_day(text)]
    except ValueError as error:
        form.add_error(day, str(error))
        return []


def _special(line: str) -> tuple[str, list[list[str]]]:
    day, _, rest = line.strip().partition(" ")
    try:
        pairs = [] if rest.strip().lower() in ("", "closed") else hours.read_day(rest)
        return date.fromisoformat(day).isoformat(), [list(pair) for pair in pairs]
    except ValueError as error:
        raise ValidationError(f"{line}: {error}") from None


class PromiseForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    pauses = forms.MultipleChoiceField(
        required=False, choices=[(str(s), s.label) for s in WAITING_STATES],
        widget=forms.CheckboxSelectMultiple, label="Clocks stand still while it",
    )  # fmt: skip
    steps = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="When time runs out",
        help_text="One to a line, in working minutes: “15 before any: warn”, “0 after first: tell leads”, "
        "“60 after first: give to duty”, “120 after resolution: raise”.",
    )  # fmt: skip

    class Meta:
        model = Promise
        fields = [
            "title", "position", "active", "priority", "category", "team", "calendar", "first", "next",
            "resolution", "pauses", "steps",
        ]  # fmt: skip
        labels = {
            "first": "First answer within", "next": "Next answer within", "resolution": "Resolved within",
            "priority": "For priority", "category": "For category", "team": "For tickets of team",
        }  # fmt: skip
        help_texts = {
            "first": "Working minutes; empty promises nothing.",
            "position": "The first promise that fits counts.",
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("priority", "category", "team"):
            self.fields[name].required = False
        steps = escalation.stored(self.instance.steps)
        self.initial["steps"] = "\n".join(step.line for step in steps)

    def clean_steps(self) -> list[dict[str, Any]]:
        lines = [line for line in self.cleaned_data["steps"].splitlines() if line.strip()]
        try:
            return [escalation.read(line).stored for line in lines]
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not any(cleaned.get(kind) for kind in ("first", "next", "resolution")) and not self.errors:
            self.add_error("first", "Promise at least one of the three.")
        return cleaned


class CannedForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    class Meta:
        model = Canned
        fields = ["title", "category", "body"]
        labels = {"category": "Offered in category", "body": "Answer"}
        help_texts = {"body": "Markdown. Names: " + ", ".join(f"{{{name}}}" for name in canned.VARIABLES)}

    def clean_body(self) -> str:
        return known_names(self.cleaned_data["body"])


def known_names(text: str) -> str:
    """The text, when every name in braces is known."""
    if len(text) > TOO_LONG:
        raise ValidationError("This is too long for an answer.")
    unknown = canned.unknown(text)
    if unknown:
        raise ValidationError(
            f"There is no {{{unknown[0]}}}; there are {', '.join(f'{{{n}}}' for n in canned.VARIABLES)}."
        )
    return text


class MacroForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    class Meta:
        model = Macro
        fields = [
            "title", "position", "active", "reply", "internal", "give_to", "priority", "category", "state",
            "cause", "minutes",
        ]  # fmt: skip
        labels = {
            "reply": "Say",
            "internal": "as an internal note",
            "state": "Then it is",
            "give_to": "Give it to",
        }
        help_texts = {"reply": CannedForm.Meta.help_texts["body"]}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["state"].choices = [("", "as it was"), *((str(s), s.label) for s in MACRO_STATES)]  # type: ignore[attr-defined]  # ChoiceField

    def clean_reply(self) -> str:
        return known_names(self.cleaned_data["reply"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        does = ("reply", "give_to", "state", "category")
        if not any(cleaned.get(name) for name in does) and cleaned.get("priority") is None:
            self.add_error(None, "This macro does nothing yet.")
        unanswered = not cleaned.get("cause") or cleaned.get("minutes") is None
        if cleaned.get("state") == State.RESOLVED and unanswered:
            self.add_error("cause", "Resolving asks for a cause and minutes.")
        return cleaned


class DeskViewForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    everybody = forms.BooleanField(required=False, label="Everybody at the desk sees it")

    class Meta:
        model = DeskView
        fields = ["title", "query", "position"]
        labels = {"query": "Search"}
        help_texts = {"query": "As in the queue: is:open priority:urgent,high -assignee:none created:>7d"}

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.initial["everybody"] = self.instance.pk is not None and self.instance.owner_id is None

    def clean_query(self) -> str:
        query = " ".join(self.cleaned_data["query"].split())
        mistakes = searching.read(query, self.user).mistakes
        if mistakes:
            raise ValidationError(mistakes[0])
        return query

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        self.instance.owner = None if cleaned.get("everybody") else self.user
        return cleaned


class RotaForm(Form):
    people = forms.CharField(
        required=False, label="Who takes turns, in this order", widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One username to a line.",
    )  # fmt: skip
    starts_on = forms.DateField(label="First turn begins in the week of")
    weeks = forms.IntegerField(min_value=1, max_value=12, label="Weeks a turn lasts")
    giving = forms.ChoiceField(choices=Rota.Giving.choices, label="New tickets are given")
    most_open = forms.IntegerField(min_value=1, max_value=200, label="At most so many open each")
    calendar = forms.ModelChoiceField(
        queryset=Calendar.objects.all(), required=False, label="Holidays of calendar"
    )

    def clean_people(self) -> list[Any]:
        names = [name.strip().removeprefix("@").lower() for name in self.cleaned_data["people"].split()]
        known = {person.username.lower(): person for person in platform_people()}
        missing = [name for name in names if name not in known]
        if missing:
            raise ValidationError(f"“{missing[0]}” is nobody of the platform; there are {', '.join(known)}.")
        return [known[name] for name in dict.fromkeys(names)]


class StandInForm(Form):
    person = forms.ModelChoiceField(queryset=User.objects.none(), to_field_name="username")
    first = forms.DateField()
    last = forms.DateField()
    reason = forms.CharField(required=False, max_length=200)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = platform_people()  # type: ignore[attr-defined]  # ModelChoiceField


class SwapForm(Form):
    one = forms.DateField()
    other = forms.DateField()


class HandOverForm(Form):
    note = forms.CharField(required=False, max_length=TOO_LONG)


class CategoryForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    questions = forms.CharField(
        required=False, widget=forms.Textarea(attrs={"rows": 4}), label="What it asks",
        help_text="One to a line: “Which secret? | text | required”, “How big? | choice: small, large”. "
        "Kinds: text, long, number, yes, choice, service, environment, team.",
    )  # fmt: skip

    class Meta:
        model = Category
        fields = ["title", "slug", "hint", "icon", "position", "active"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["questions"] = "\n".join(ask.line for ask in asks.stored(self.instance.fields))

    def clean_questions(self) -> str:
        try:
            self.instance.fields = [ask.stored for ask in asks.read(self.cleaned_data["questions"])]
        except ValueError as error:
            raise ValidationError(str(error)) from None
        return str(self.cleaned_data["questions"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        others = Category.objects.filter(active=True).filter(~Q(pk=self.instance.pk))
        if cleaned.get("active") and others.count() >= MOST_CATEGORIES:
            self.add_error("active", f"{MOST_CATEGORIES} are enough to choose from. Retire one first.")
        if cleaned.get("slug") != "other" and self.instance.slug == "other" and self.instance.pk:
            self.add_error("slug", "“Something else” always stays.")
        if self.instance.slug == "other" and self.instance.pk and not cleaned.get("active"):
            self.add_error("active", "“Something else” always stays.")
        return cleaned


class AnswerForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    owner = forms.ModelChoiceField(
        queryset=User.objects.none(), to_field_name="username", label="Who keeps it true"
    )

    class Meta:
        model = Answer
        fields = [
            "title", "body", "category", "entity_ref", "finding", "condition", "owner", "review_on",
            "published",
        ]  # fmt: skip
        labels = {"entity_ref": "About one service", "review_on": "Look again on", "finding": "For a finding"}
        help_texts = {
            "body": "Markdown.",
            "condition": "CEL over service, environment, category, kind, health and findings: "
            '"oom-killed" in findings && environment == "production"',
        }

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = platform_people()  # type: ignore[attr-defined]  # ModelChoiceField
        self.initial["owner"] = self.instance.owner.username if self.instance.owner_id else user.username
        self.initial["entity_ref"] = self.instance.entity_ref.removeprefix("component:default/")

    def clean_entity_ref(self) -> str:
        text = self.cleaned_data["entity_ref"].strip()
        entity = catalog.find(text) if text else None
        if text and entity is None:
            raise ValidationError(f"“{text}” is not in the catalog.")
        return entity.ref if entity else ""

    def clean_condition(self) -> str:
        text = str(self.cleaned_data["condition"]).strip()
        try:
            if text:
                holds(text, answering.SAMPLE)
        except ExpressionError as error:
            raise ValidationError(str(error)) from None
        return text
