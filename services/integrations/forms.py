"""What people fill in about git hosts. Forms check; they save nothing, and never show a secret again."""

from typing import Any

from django import forms

from portal.shell.forms import Form, NameField
from services.integrations.errors import Unauthorised
from services.integrations.githosts import servers
from services.integrations.githosts.errors import BadReference
from services.integrations.githosts.names import check_hosted
from services.integrations.githosts.remote.apps import rsa_key
from services.integrations.models import GitServer
from services.integrations.rest import checked_address

TYPED = {"rows": 4, "class": "form-control mono", "spellcheck": "false", "autocomplete": "off"}


class WriteOnly(forms.Textarea):
    """A text area that comes back empty: what is typed in is a secret."""

    def format_value(self, value: Any) -> str:
        return ""


class SecretForm(Form):
    secret = forms.CharField(
        label="Token, or the app's private key",
        max_length=8000,
        widget=WriteOnly(attrs=TYPED),
        help_text="It is sealed, and never shown again; after a mistake please paste it anew.",
    )

    def __init__(self, *args: Any, is_app: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_app = is_app

    def clean_secret(self) -> str:
        text: str = self.cleaned_data["secret"].strip()
        if text and self.is_app:
            try:
                rsa_key(text)
            except Unauthorised as error:
                raise forms.ValidationError(str(error)) from error
        if not self.is_app and not (text.isascii() and text.isprintable() and " " not in text):
            raise forms.ValidationError("A token is one word without spaces.")
        return text


class ServerForm(SecretForm):
    name = NameField(max_length=20, help_text="Short, such as github.")
    kind = forms.ChoiceField(label="Speaks like", choices=GitServer.Kind.choices)
    address = forms.CharField(
        required=False,
        max_length=300,
        help_text=(
            "Of its API. Empty for api.github.com, gitlab.com and codeberg.org; "
            "GitHub Enterprise has https://HOST/api/v3."
        ),
    )
    repository = forms.CharField(
        max_length=130, help_text="owner/name: the one that requests are proposed to."
    )
    sign_in = forms.ChoiceField(label="Signs in with", choices=GitServer.SignIn.choices)
    variable = forms.RegexField(
        rf"^{servers.VARIABLE}[A-Z0-9_]+$",
        required=False,
        label="Environment variable",
        help_text=f"Named {servers.VARIABLE}…, set for the web and the worker processes.",
        error_messages={"invalid": f"It is named {servers.VARIABLE} and capital letters."},
    )
    app = forms.RegexField(
        r"^[A-Za-z0-9.]+$", max_length=40, required=False, label="App id",
        error_messages={"invalid": "Letters, digits and dots, as the app's page shows it."},
    )  # fmt: skip
    installation = forms.RegexField(
        r"^\d+$", max_length=20, required=False, label="Installation id",
        error_messages={"invalid": "Digits only: the last part of the installation's address."},
    )  # fmt: skip
    field_order = [
        "name",
        "kind",
        "address",
        "repository",
        "sign_in",
        "secret",
        "variable",
        "app",
        "installation",
    ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["secret"].required = False
        self.is_app = self.data.get("sign_in") == GitServer.SignIn.APP

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if name == "local" or GitServer.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a git host {name} already.")
        return name

    def clean_repository(self) -> str:
        try:
            return check_hosted(self.cleaned_data["repository"].strip())
        except BadReference as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or self.cleaned_data
        self._clean_address(found)
        needed = {"token": ["secret"], "environment": ["variable"], "app": ["secret", "app", "installation"]}
        how = found.get("sign_in", "")
        for name in needed.get(how, []):
            if not found.get(name) and name not in self.errors:
                self.add_error(name, "This way of signing in needs it.")
        if how == GitServer.SignIn.APP and found.get("kind") != GitServer.Kind.GITHUB:
            self.add_error("sign_in", "Apps are GitHub's.")
        for name in {"secret", "variable", "app", "installation"} - set(needed.get(how, [])):
            found[name] = ""
        return found

    def _clean_address(self, found: dict[str, Any]) -> None:
        text = found.get("address") or servers.ADDRESSES.get(found.get("kind", ""), "")
        try:
            found["address"] = checked_address(text)
        except ValueError as error:
            self.add_error("address", str(error))
