"""Sign-in and the account page."""

import difflib
import zoneinfo
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.utils import timezone

from portal.shell import limits, proxies
from portal.shell.forms import Form, Plain
from portal.shell.http import HttpRequest
from portal.shell.limits import Refusal
from services.accounts.actions import LONGEST_ABSENCE
from services.accounts.models import SCOPES, Team, User
from services.accounts.queries import by_name_or_mail, colleagues, led_by, wrong_too_often


class SignInForm(Form):
    """Checks name and password. `user` is who they belong to; `is_wrong`: one was tried for `meant`."""

    username = forms.CharField(
        label="User name or e-mail",
        max_length=254,
        widget=forms.TextInput(attrs={"autocomplete": "username"}),
    )
    password = forms.CharField(
        label="Password",
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        self.user: Any = None
        self.is_wrong = False
        self.meant = ""
        self.refusal: Refusal | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "username" not in data or "password" not in data:
            return data
        meant = by_name_or_mail(data["username"])
        self.meant = meant.username if meant else data["username"]
        self.refusal = limits.refused("sign-in", self.request, person=self.meant.lower()) or wrong_too_often(
            self.meant, proxies.address_of(self.request)
        )
        if self.refusal:
            raise forms.ValidationError(self.refusal.said)
        self.user = authenticate(self.request, username=self.meant, password=data["password"])
        if self.user is None:
            self.is_wrong = True
            raise forms.ValidationError("Name and password do not belong together. Check both and try again.")
        return data


class ThemeForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    class Meta:
        model = User
        fields = ["theme"]


@cache
def _places() -> list[tuple[str, str]]:
    """Zones to choose from, in order; listing them reads hundreds of files."""
    zones = sorted(zone for zone in zoneinfo.available_timezones() if "/" in zone and zone[:3] != "Etc")
    return [("", "That of the portal"), ("UTC", "UTC"), *((zone, zone.replace("_", " ")) for zone in zones)]


class ProfileForm(Plain, forms.ModelForm):  # type: ignore[type-arg]  # generic in its stubs only
    timezone = forms.ChoiceField(label="Time zone", required=False, help_text="Times are shown in it.")

    class Meta:
        model = User
        fields = ["name", "timezone", "theme"]
        help_texts = {"theme": "“System” follows your computer."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["timezone"].choices = _places()  # type: ignore[attr-defined]  # a ChoiceField, declared above


class TokenForm(Form):
    """What a program may do, for whom and how long."""

    name = forms.CharField(max_length=100, help_text="What it is for, such as “nightly report”.")
    owner = forms.ModelChoiceField(
        Team.objects.none(),
        to_field_name="slug",
        required=False,
        empty_label="You",
        help_text="A token of a team stays when people leave; yours ends with your account.",
    )
    scopes = forms.MultipleChoiceField(
        label="It may", choices=SCOPES.items(), widget=forms.CheckboxSelectMultiple, initial=["catalog:read"]
    )
    days = forms.TypedChoiceField(
        label="It ends after",
        coerce=int,
        choices=[(7, "a week"), (30, "30 days"), (90, "90 days"), (365, "a year")],
        initial=90,
    )

    prefix = "token"

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].queryset = led_by(user)  # type: ignore[attr-defined]  # declared above

    @property
    def said(self) -> dict[str, Any]:
        """As `create_token` takes it."""
        data = dict(self.cleaned_data)
        return {"team": data.pop("owner"), **data}


class DelegationForm(Form):
    """Who decides in one's place, and for how long."""

    to = forms.CharField(
        label="Colleague",
        max_length=254,
        help_text="User name or e-mail.",
        widget=forms.TextInput(attrs={"list": "colleagues", "autocomplete": "off"}),
    )
    until = forms.DateField(
        label="Until the end of",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="At most 60 days.",
    )
    reason = forms.CharField(
        max_length=200, required=False, help_text="Such as “holiday”. Colleagues see it."
    )

    prefix = "away"

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_to(self) -> User:
        found = by_name_or_mail(self.cleaned_data["to"].strip())
        if found is None:
            names = colleagues(self.user).values_list("username", flat=True)
            near = difflib.get_close_matches(self.cleaned_data["to"].strip().lower(), names, 1, 0.5)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise forms.ValidationError(f"Nobody here is called that.{hint}")
        return found

    def clean_until(self) -> datetime:
        """The last moment of that day, where the person is."""
        day: date = self.cleaned_data["until"]
        today = timezone.localdate()
        last = today + LONGEST_ABSENCE - timedelta(days=1)
        if not today <= day <= last:
            raise forms.ValidationError(f"From today to {last:%-d %B %Y}.")
        return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))
