"""Checking what people type. Forms validate, never save."""

import secrets
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import QuerySet

from portal.shell import pasted, times
from portal.shell.forms import Form
from services.accounts.models import Team, User
from services.catalog import queries as catalog
from services.helpdesk import asks
from services.helpdesk.files import Files
from services.helpdesk.models import Category, Macro, Message, Ticket
from services.helpdesk.queries import Filters
from services.helpdesk.states import Cause, Impact, Priority, State, Urgency

TOO_LONG = 20_000
SUSPECT = "suspect"


def nonce() -> str:
    """Makes one message of a double click."""
    return secrets.token_urlsafe(12)


class Words(Form):
    """What somebody says. What looks like a secret is not sent, unless masked and with the person's word."""

    masked = forms.BooleanField(required=False)
    WORDS: tuple[str, ...] = ("body",)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in [name for name in self.WORDS if name in cleaned]:
            found = pasted.suspects(cleaned[name])
            if found and cleaned.get("masked"):
                cleaned[name] = pasted.masked(cleaned[name])
            elif found:
                self.add_error(name, forms.ValidationError(_secret(found), code=SUSPECT))
        return cleaned

    @property
    def looks_secret(self) -> bool:
        return any(self.has_error(name, SUSPECT) for name in self.WORDS)


def _secret(found: list[str]) -> str:
    return (
        f"This looks like it holds {' and '.join(found)}. Nothing was sent: take it out, or send it masked. "
        "If it is real, replace it where it is used; others may have seen it."
    )


class AskForm(Words):
    """A question. `entity` is a reference or a bare service name; `environment` belongs to it."""

    title = forms.CharField(
        max_length=200,
        label="In one line",
        widget=forms.TextInput(attrs={"class": "form-control", "autocomplete": "off"}),
        error_messages={"required": "Say in one line what it is about."},
    )
    entity = forms.CharField(
        max_length=400,
        required=False,
        label="About which service?",
        widget=forms.TextInput(
            attrs={"class": "form-control", "list": "entities", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    environment = forms.CharField(max_length=63, required=False)
    category = forms.ModelChoiceField(
        queryset=Category.objects.none(),
        to_field_name="slug",
        error_messages={"required": "Choose what it is about; “Something else” is fine."},
    )
    body = forms.CharField(
        max_length=TOO_LONG,
        label="What happens, and what did you expect?",
        widget=forms.Textarea(attrs={"rows": 6}),
        error_messages={"required": "Tell us what happens. One sentence is enough."},
    )
    impact = forms.ChoiceField(
        choices=Impact.choices, initial=Impact.TEAM, error_messages={"required": "Say who is held up by it."}
    )
    urgency = forms.ChoiceField(
        choices=Urgency.choices,
        initial=Urgency.SOON,
        error_messages={"required": "Say how soon it should be answered."},
    )
    private = forms.BooleanField(required=False)
    submission = forms.CharField(max_length=40, required=False, initial=nonce, widget=forms.HiddenInput)
    WORDS: tuple[str, ...] = ("title", "body")

    def __init__(self, *args: Any, asking: bool = False, **kwargs: Any) -> None:
        """With `asking` also what the chosen category wants to know."""
        super().__init__(*args, **kwargs)
        active = Category.objects.filter(active=True)
        self.fields["category"].queryset = active  # type: ignore[attr-defined]  # ModelChoiceField
        chosen = active.filter(slug=self["category"].value() or "").first() if asking else None
        self.asks = asks.stored(chosen.fields) if chosen else []
        self.fields.update(asks.fields(self.asks))
        self.WORDS = (*self.WORDS, *(ask.name for ask in self.asks if ask.kind in ("text", "long")))

    @property
    def asked(self) -> list[forms.BoundField]:
        return [self[ask.name] for ask in self.asks]

    def clean(self) -> dict[str, Any]:
        """What the category asked goes under the message."""
        cleaned = super().clean()
        said = asks.told(self.asks, cleaned)
        if said and cleaned.get("body"):
            cleaned["body"] = f"{cleaned['body']}\n\n{said}"
        return {name: value for name, value in cleaned.items() if not name.startswith("ask_")}

    def clean_entity(self) -> str:
        """The reference of what was typed or picked; a bare name is a component's."""
        text = self.cleaned_data["entity"].strip()
        if not text:
            return ""
        entity = catalog.find(text)
        if entity is None:
            raise forms.ValidationError(
                f"“{text}” is not in the catalog. Pick one from the list, or leave it empty."
            )
        return entity.ref


class ReplyForm(Words):
    body = forms.CharField(
        max_length=TOO_LONG, error_messages={"required": "An empty message helps nobody. Nothing was sent."}
    )
    vis = forms.ChoiceField(choices=[("public", "Public reply"), ("note", "Internal note")], required=False)
    wait = forms.BooleanField(required=False)
    seen = forms.IntegerField(required=False)
    nonce = forms.CharField(max_length=40, required=False)
    soon = forms.BooleanField(required=False)


class AskPageForm(AskForm):
    """The page's own: with files."""

    attached = Files(required=False)


class ReplyPageForm(ReplyForm):
    attached = Files(required=False)


class StateForm(Form):
    """A step, with the answers some steps ask for."""

    to = forms.ChoiceField(choices=State.choices)
    seen = forms.IntegerField(required=False)
    cause = forms.ChoiceField(choices=[("", ""), *Cause.choices], required=False)
    minutes = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    original = forms.CharField(required=False, max_length=20)
    reason = forms.CharField(required=False, max_length=500)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_original(self) -> Ticket | None:
        return ticket_called(self.cleaned_data["original"], self.user)


class ResolveForm(Form):
    """What the platform is asked for when it resolves."""

    cause = forms.ChoiceField(choices=Cause.choices, error_messages={"required": "Say why."})
    minutes = forms.IntegerField(
        min_value=0, max_value=100_000,
        error_messages={"required": "Say how many minutes.", "invalid": "Write a whole number of minutes."},
    )  # fmt: skip


def ticket_called(text: str, user: Any) -> Ticket | None:
    """The ticket that is meant by "T-1001" or "1001"; None for nothing. One that may not be seen is none."""
    number = text.strip().upper().removeprefix("T-")
    if not number:
        return None
    fits = number.isdecimal() and number.isascii() and len(number) < 10
    found = Ticket.objects.visible_to(user).filter(number=int(number)).first() if fits else None
    if found is None:
        raise forms.ValidationError(f"There is no ticket T-{number}.")
    return found


class OtherForm(Form):
    """Another ticket."""

    original = forms.CharField(max_length=20, error_messages={"required": "Say which other ticket."})

    def __init__(self, *args: Any, user: Any, required: bool = True, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["original"].required = required

    def clean_original(self) -> Ticket | None:
        return ticket_called(self.cleaned_data["original"], self.user)


class SplitForm(Form):
    message = forms.ModelChoiceField(queryset=Message.objects.none())
    title = forms.CharField(max_length=200, error_messages={"required": "Say in one line what it is about."})

    def __init__(self, *args: Any, ticket: Ticket, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        messages: Any = self.fields["message"]
        messages.queryset = ticket.messages.all()


class AnswerAllForm(Words):
    body = forms.CharField(
        max_length=TOO_LONG, error_messages={"required": "Say something to those who wait."}
    )
    nonce = forms.CharField(max_length=40)
    resolve = forms.BooleanField(required=False)
    cause = forms.ChoiceField(choices=[("", ""), *Cause.choices], required=False)
    minutes = forms.IntegerField(required=False, min_value=0, max_value=100_000)


class CallInForm(Form):
    person = forms.ModelChoiceField(
        queryset=User.objects.filter(is_active=True), to_field_name="username",
        error_messages={"required": "Say whom.", "invalid_choice": "There is nobody of that name."},
    )  # fmt: skip


def first_error(form: forms.BaseForm) -> str:
    """What a form refuses, in one sentence with the field's name, for pages that show no form again."""
    name, errors = next(iter(form.errors.as_data().items()))
    said = str(errors[0].messages[0])
    return said if errors[0].code in (None, "required", SUSPECT) else f"{name.capitalize()}: {said}"


def platform_people() -> QuerySet[User]:
    return User.objects.filter(teams__runs_platform=True, is_active=True).distinct().order_by("name")


class AssignForm(Form):
    to = forms.ModelChoiceField(queryset=User.objects.none(), to_field_name="username", required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = platform_people()  # type: ignore[attr-defined]  # ModelChoiceField


class SortForm(Form):
    """Priority, category, privacy: each by itself."""

    priority = forms.TypedChoiceField(choices=Priority.choices, coerce=int, empty_value=None, required=False)
    category = forms.ModelChoiceField(queryset=Category.objects.all(), to_field_name="slug", required=False)
    private = forms.ChoiceField(choices=[("yes", "yes"), ("no", "no")], required=False)


class BulkForm(Form):
    """What to do with the tickets that were ticked."""

    do = forms.ChoiceField(
        choices=[("assign", "Assign"), ("resolve", "Resolve"), ("close", "Close"), ("macro", "Macro")]
    )
    tickets = forms.ModelMultipleChoiceField(
        queryset=Ticket.objects.all(),
        to_field_name="number",
        error_messages={"required": "Nothing is selected. Tick some tickets first."},
    )
    to = forms.ModelChoiceField(queryset=User.objects.none(), to_field_name="username", required=False)
    cause = forms.ChoiceField(choices=[("", ""), *Cause.choices], required=False)
    minutes = forms.IntegerField(required=False, min_value=0, max_value=100_000)
    macro = forms.ModelChoiceField(queryset=Macro.objects.filter(active=True), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["to"].queryset = platform_people()  # type: ignore[attr-defined]  # ModelChoiceField

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("do") == "macro" and not cleaned.get("macro"):
            self.add_error("macro", forms.ValidationError("Choose which macro to run.", code="required"))
        return cleaned


class NoForm(Form):
    """A button without a question."""


class MacroRunForm(Form):
    macro = forms.ModelChoiceField(
        queryset=Macro.objects.filter(active=True), error_messages={"required": "Choose which macro to run."}
    )


class FilterForm(Form):
    """The address of a list. A value that means nothing is left out rather than refused."""

    STATES = [("", "Any state"), ("open", "Open"), ("done", "Done"), *State.choices]
    CAUSES = [("", "Any cause"), *Cause.choices, ("unsaid", "Not said")]
    PRIORITIES = [("", "Any priority"), *((str(value), label) for value, label in Priority.choices)]

    q = forms.CharField(required=False, max_length=200)
    state = forms.ChoiceField(choices=STATES, required=False)
    cause = forms.ChoiceField(choices=CAUSES, required=False)
    category = forms.CharField(required=False, max_length=40)
    team = forms.CharField(required=False, max_length=63)
    entity = forms.CharField(required=False, max_length=400)
    priority = forms.TypedChoiceField(choices=PRIORITIES, coerce=int, empty_value=None, required=False)
    on = forms.ChoiceField(
        choices=[("opened", "opened"), ("answered", "answered"), ("resolved", "resolved")], required=False
    )
    start = forms.DateField(required=False)
    end = forms.DateField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(renamed(data))

    def filters(self) -> Filters:
        self.is_valid()
        given = self.cleaned_data
        return Filters(
            words=given.get("q", ""),
            state=given.get("state", ""),
            cause=given.get("cause", ""),
            team=given.get("team", ""),
            category=given.get("category", ""),
            entity=given.get("entity", ""),
            priority=given.get("priority"),
            on=given.get("on") or "opened",
            start=times.midnight(given.get("start")),
            end=times.midnight(given.get("end"), days=1),
        )

    @property
    def raw(self) -> dict[str, Any]:
        """The values as they stand in the address."""
        return dict(self.data)

    def tokens(self) -> list["Token"]:
        """Every filter that is on, in words, with the address of the list without it."""
        raw = self.raw
        on = raw.get("on") or "opened"
        said = {
            "state": dict(self.STATES).get(raw.get("state", "")),
            "cause": dict(self.CAUSES).get(raw.get("cause", "")),
            "priority": dict(self.PRIORITIES).get(raw.get("priority", "")),
            "category": raw.get("category"),
            "team": raw.get("team"),
            "entity": raw.get("entity", "").rpartition("/")[2],
            "start": raw.get("start"),
            "end": raw.get("end"),
        }
        words = {"entity": "about", "start": f"{on} from", "end": f"{on} until"}
        return [
            Token(words.get(key, key), str(value), self._without(key))
            for key, value in said.items()
            if value and raw.get(key)
        ]

    def _without(self, key: str) -> str:
        names = {"start": "from", "end": "to"}
        left = {names.get(k, k): v for k, v in self.raw.items() if v and k not in (key, "page", "t")}
        return "?" + urlencode(left)


@dataclass(frozen=True)
class Token:
    """A filter as it stands in the bar."""

    word: str
    value: str
    without: str


def _field(key: str) -> str:
    return {"from": "start", "to": "end"}.get(key, key)


def renamed(data: Any) -> dict[str, Any]:
    """`from` and `to` are words of Python and of addresses; fields are called start and end."""
    return {_field(key): value for key, value in data.items()}


def team_choices() -> QuerySet[Team]:
    return Team.objects.all()
