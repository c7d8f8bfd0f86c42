"""What the plan page posts."""

import re
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.http import QueryDict

from portal.shell import pasted
from portal.shell.forms import Form, NameField
from services.accounts.models import User
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.onboarding.models import Request

from . import queries
from .actions.asking import IMAGE, LEASES, LONGEST_NAME
from .planning import Wish

LEASE_WORDS = {24: "a day", 72: "three days", 168: "a week"}
MOST_REFS = 400


class PreviewForm(Form):
    """`out`: what stays shared, of what the page showed (`seen`) and was not ticked (`with`)."""

    name = NameField(label="Name", max_length=LONGEST_NAME)
    base = forms.ChoiceField(label="Copy of")
    hours = forms.TypedChoiceField(
        label="For", coerce=int, choices=[(hours, LEASE_WORDS[hours]) for hours in LEASES]
    )
    sleeps = forms.BooleanField(label="Asleep at night and on weekends", required=False)
    image = forms.CharField(label="Image", required=False, max_length=500)

    def __init__(self, entity: Entity, user: User, data: QueryDict | None, **initial: Any) -> None:
        self.entity, self.user, self.given = entity, user, data
        self.places = {each.name: each for each in queries.bases()}
        self.begin = {"name": name_for(entity, user), "hours": 24, "sleeps": True, **initial}
        self.begin.setdefault("base", next(iter(self.places), ""))
        super().__init__(data, initial=self.begin)
        base = self.fields["base"]
        assert isinstance(base, forms.ChoiceField)  # for mypy: it is declared above
        base.choices = [(each.name, str(each)) for each in self.places.values()]

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"])
        if queries.previews(self.user, "standing").filter(name=name).exists():
            raise forms.ValidationError(f"There is a preview {name} already.")
        return name

    def clean_image(self) -> str:
        image = str(self.cleaned_data["image"])
        if image and not IMAGE.fullmatch(image):
            raise forms.ValidationError("An image is registry/name:tag, or name@sha256:….")
        return image

    @property
    def base_now(self) -> Environment | None:
        said = self.given.get("base", "") if self.given else ""
        return self.places.get(said) or self.places.get(str(self.begin["base"]))

    def left_out(self) -> frozenset[str]:
        if self.given is None:
            return frozenset()
        kept = set(self.given.getlist("with")[:MOST_REFS])
        return frozenset(each for each in self.given.getlist("seen")[:MOST_REFS] if each not in kept)

    def wish(self, of_request: Request | None = None) -> Wish | None:
        """What the page shows now, whether it could be asked for or not; None without an environment."""
        base, team = self.base_now, team_of(self.entity, self.user)
        if base is None or team is None:
            return None
        said = self.given.get("name", "") if self.given else str(self.begin["name"])
        name = re.sub(r"[^a-z0-9-]+", "-", said.lower()).strip("-")[:LONGEST_NAME].strip("-")
        image = self.given.get("image", "").strip() if self.given else ""
        images = {self.entity.name: image} if IMAGE.fullmatch(image) else {}
        over = dict(of_request.files) if of_request else {}
        return Wish(self.entity, base, name or "preview", team, self.left_out(), images, over)


def team_of(entity: Entity, user: User) -> Any:
    from services.onboarding.actions.writing import team_of as found

    return found(entity.ref, user)


def name_for(entity: Entity, user: User) -> str:
    whole = f"{entity.name[:24].strip('-')}-{user.username[:12]}".lower()
    return re.sub(r"[^a-z0-9]+", "-", whole).strip("-")


class FollowForm(Form):
    """What of which pull requests Argo CD makes previews."""

    base = forms.ChoiceField(label="Copy of")
    provider = forms.ChoiceField(label="Git host", choices=[("github", "GitHub"), ("gitlab", "GitLab")])
    source = forms.CharField(label="Repository", max_length=200)
    image = forms.CharField(label="Image, without its tag", max_length=400)
    deploy = forms.CharField(label="Deploy repository", max_length=300)
    api = forms.CharField(label="API", required=False, max_length=300)

    def __init__(self, places: list[Environment], data: QueryDict | None, initial: dict[str, str]) -> None:
        self.places = {each.name: each for each in places}
        super().__init__(data, initial=initial)
        field = self.fields["base"]
        assert isinstance(field, forms.ChoiceField)  # for mypy: it is declared above
        field.choices = [(each.name, str(each)) for each in places]

    def clean_source(self) -> str:
        source = str(self.cleaned_data["source"]).strip("/")
        if not re.fullmatch(r"[\w.-]+(/[\w.-]+){1,8}", source):
            raise forms.ValidationError("A repository is owner/name.")
        return source

    def clean_image(self) -> str:
        image = str(self.cleaned_data["image"])
        if not IMAGE.fullmatch(image) or ":" in image.rpartition("/")[2] or image[0] == ":":
            raise forms.ValidationError("An image without its tag is registry/name.")
        return image

    def clean_deploy(self) -> str:
        return _address(str(self.cleaned_data["deploy"]), ("https", "ssh"))

    def clean_api(self) -> str:
        said = str(self.cleaned_data["api"])
        return _address(said, ("https",)) if said else ""


def _address(said: str, schemes: tuple[str, ...]) -> str:
    parts = urlsplit(said.strip())
    if parts.scheme not in schemes or not parts.hostname or parts.password or "{" in said:
        raise forms.ValidationError("An address begins with https:// and has no password in it.")
    return said.strip()


class BookingForm(Form):
    environment = forms.ChoiceField(label="Environment")
    begins_at = forms.DateTimeField(label="From")
    ends_at = forms.DateTimeField(label="To")
    purpose = forms.CharField(label="What for", max_length=200)

    def __init__(self, places: list[Environment], data: QueryDict | None) -> None:
        self.places = {each.name: each for each in places}
        super().__init__(data)
        field = self.fields["environment"]
        assert isinstance(field, forms.ChoiceField)  # for mypy: it is declared above
        field.choices = [(each.name, str(each)) for each in places]

    def clean_environment(self) -> Environment:
        return self.places[self.cleaned_data["environment"]]

    def clean_purpose(self) -> str:
        return pasted.words(self.cleaned_data["purpose"])
