"""What people fill in to import something. Forms check and fetch; they save nothing."""

from abc import ABCMeta, abstractmethod
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.forms.forms import DeclarativeFieldsMetaclass
from django.http import QueryDict

from portal.shell.forms import Form
from services.accounts.models import Team, User
from services.catalog.finding.filters import Filters
from services.catalog.models import Source
from services.catalog.sources import fetching
from services.catalog.sources.fetching import CannotFetch, Fetched
from services.catalog.sources.organisations import PATTERN
from services.catalog.sources.reaching import from_host, is_hosted
from services.integrations.organisations import checked_address

MAX_UPLOAD = 10 * 1024 * 1024
MAX_UPLOADS = 50


class SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of uploads."""

    widget = SeveralFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        several = data if isinstance(data, (list, tuple)) and data else [None]
        if len(several) > MAX_UPLOADS:
            raise forms.ValidationError(f"At most {MAX_UPLOADS} files at once; put more into a zip archive.")
        return [super(FilesField, self).clean(one, initial) for one in several]


class AbstractFormMetaclass(ABCMeta, DeclarativeFieldsMetaclass):
    """A form may be abstract."""


class ImportForm(Form, metaclass=AbstractFormMetaclass):
    """Base: `fetched` holds the files once the form is valid; trouble in reading them is a field's error."""

    kind = ""
    fetched: Fetched

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.fetched = self.fetch(cleaned)
            except CannotFetch as error:
                self.add_error(error.field if error.field in self.fields else None, str(error))
            else:
                if not self.fetched.files:
                    self.add_error(None, "There is no YAML or JSON file in there.")
        return cleaned

    @abstractmethod
    def fetch(self, cleaned: dict[str, Any]) -> Fetched: ...

    @abstractmethod
    def source(self) -> dict[str, str]:
        """How the source is kept: title, location, branch, path."""


class FolderForm(ImportForm):
    kind = Source.Kind.FOLDER
    location = forms.CharField(
        label="Folder", max_length=500, help_text="On the machine the portal runs on, such as /srv/catalog."
    )

    def fetch(self, cleaned: dict[str, Any]) -> Fetched:
        return fetching.from_folder(cleaned["location"])

    def source(self) -> dict[str, str]:
        location = self.cleaned_data["location"].rstrip("/") or "/"
        return {"title": location.rpartition("/")[2] or location, "location": location}


class GitForm(ImportForm):
    kind = Source.Kind.GIT
    location = forms.CharField(
        label="Repository",
        max_length=500,
        help_text="owner/name on the portal's git host, such as shop/deploy.",
    )
    branch = forms.CharField(required=False, max_length=200, help_text="Empty means the default branch.")
    path = forms.CharField(
        label="Below this folder",
        required=False,
        max_length=500,
        help_text="Empty means the whole repository.",
    )

    def __init__(self, *args: Any, may_read_machine: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_read_machine = may_read_machine
        if may_read_machine:
            self.fields["location"].help_text += " Or the path of a repository on this machine."

    def fetch(self, cleaned: dict[str, Any]) -> Fetched:
        location, branch, path = cleaned["location"], cleaned["branch"], cleaned["path"]
        if is_hosted(location):
            return from_host(location, branch, path)
        if not self.may_read_machine:
            raise CannotFetch(
                "Give a repository of the git host as owner/name. Paths are for platform engineers."
            )
        return fetching.from_repository(location, branch, path)

    def source(self) -> dict[str, str]:
        data = self.cleaned_data
        return {"title": data["location"], **{key: data[key] for key in ("location", "branch", "path")}}


class UploadForm(ImportForm):
    kind = Source.Kind.UPLOAD
    uploads = FilesField(
        label="Files", help_text="YAML or JSON files, or a zip archive of them. At most 10 MB together."
    )

    def fetch(self, cleaned: dict[str, Any]) -> Fetched:
        uploads = cleaned["uploads"]
        if sum(upload.size for upload in uploads) > MAX_UPLOAD:
            raise CannotFetch("The files are larger than 10 MB together.", "uploads")
        return fetching.from_uploads([(upload.name, upload.read()) for upload in uploads])

    def source(self) -> dict[str, str]:
        names = [upload.name for upload in self.cleaned_data["uploads"]]
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return {"title": f"{names[0][:150]}{more}"}


class PasteForm(ImportForm):
    kind = Source.Kind.PASTE
    text = forms.CharField(
        label="YAML or JSON",
        max_length=1_000_000,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false"}),
        help_text="Descriptors or Kubernetes manifests, several separated by ---.",
    )

    def fetch(self, cleaned: dict[str, Any]) -> Fetched:
        return Fetched(files={"pasted.yaml": cleaned["text"].encode()})

    def source(self) -> dict[str, str]:
        return {"title": "Pasted text"}


class SourceForm(Form):
    """What people choose about a source they have."""

    title = forms.CharField(label="Name", max_length=200)
    team = forms.ModelChoiceField(
        Team.objects.all(), to_field_name="slug", required=False, empty_label="No team",
        label="Tell this team", help_text="When a file breaks, it is on their home pages until it is mended.",
    )  # fmt: skip
    person = forms.CharField(
        max_length=150, required=False, label="Or tell this person", help_text="A user name, such as mira."
    )
    auto_apply = forms.BooleanField(
        required=False,
        label="Apply by itself",
        help_text="Otherwise a change waits for a person, as a plan.",
    )

    def __init__(self, *args: Any, source: Source, **kwargs: Any) -> None:
        initial = {
            "title": source.title,
            "team": source.tell_team and source.tell_team.slug,
            "person": source.tell_person.username if source.tell_person else "",
            "auto_apply": source.auto_apply,
        }
        super().__init__(*args, **{**kwargs, "initial": initial})

    def clean_person(self) -> User | None:
        name = self.cleaned_data["person"].strip()
        found = User.objects.filter(username=name, is_active=True).first() if name else None
        if name and found is None:
            raise forms.ValidationError(f"There is nobody called {name}.")
        return found

    def wanted(self) -> dict[str, Any]:
        return dict(self.cleaned_data)


class OrganisationForm(Form):
    """A whole organisation or group on a git host. The token is never shown again."""

    provider = forms.ChoiceField(label="Git host", choices=Source.Provider.choices)
    name = forms.RegexField(
        r"^[A-Za-z0-9_][A-Za-z0-9_./-]*$", label="Organisation or group", max_length=200,
        help_text="As in its address, such as larkfield or larkfield/shop.",
        error_messages={"invalid": "As in its address: letters, digits, dots, dashes and slashes."},
    )  # fmt: skip
    address = forms.CharField(
        max_length=300, required=False, label="Address of its API",
        help_text="Empty for github.com, gitlab.com and gitea.com. GitHub Enterprise: ending in /api/v3.",
    )  # fmt: skip
    token = forms.CharField(
        max_length=500, required=False, widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="May read its repositories, and nothing else. Sealed, and never shown again.",
    )  # fmt: skip
    pattern = forms.CharField(
        max_length=200, initial=PATTERN, label="Descriptors",
        help_text="Paths, separated by commas; * stays within a folder, ** does not.",
    )  # fmt: skip
    include = forms.CharField(
        max_length=1000, required=False, label="Only these repositories",
        help_text="Names or patterns such as shop-*, separated by spaces. Empty means all.",
    )  # fmt: skip
    exclude = forms.CharField(max_length=1000, required=False, label="But not these")
    archived = forms.BooleanField(required=False, label="Archived ones too")
    forks = forms.BooleanField(required=False, label="Forks too")
    docs = forms.BooleanField(
        required=False, label="Docs for descriptors elsewhere",
        help_text="Descriptors of other sources and repositories may show Markdown of its repositories.",
    )  # fmt: skip

    def clean_address(self) -> str:
        given: str = self.cleaned_data["address"].strip()
        try:
            return checked_address(given) if given else ""
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    @staticmethod
    def of(source: Source) -> dict[str, Any]:
        """What a source has, for the form to begin with; never its token."""
        words = {key: " ".join(source.options.get(key, [])) for key in ("include", "exclude")}
        said = {key: source.options.get(key) for key in ("address", "pattern", "archived", "forks", "docs")}
        return {"provider": source.provider, "name": source.location, **said, **words}


FORMS: dict[str, type[ImportForm]] = {
    form.kind: form for form in (GitForm, UploadForm, PasteForm, FolderForm)
}


class NameForm(Form):
    """What a view is called."""

    name = forms.CharField(max_length=60, error_messages={"required": "Give the view a name."})

    @property
    def first_error(self) -> str:
        return next(str(error) for errors in self.errors.values() for error in errors)


class ViewForm(NameForm):
    """A view to save; `query` is read as the list reads it, so that nothing else is kept."""

    query = forms.CharField(max_length=2000, required=False)
    team = forms.ModelChoiceField(Team.objects.none(), to_field_name="slug", required=False)
    start = forms.BooleanField(required=False)

    def __init__(self, data: Any, *, user: Any) -> None:
        super().__init__(data)
        team = self.fields["team"]
        assert isinstance(team, forms.ModelChoiceField)
        team.queryset = user.teams.all()

    def clean_query(self) -> str:
        given = QueryDict(self.cleaned_data["query"])
        sort = given.get("sort", "").replace("\x00", "")[:20]
        kept = Filters.read(given).url().removeprefix("?") + (f"&{urlencode({'sort': sort})}" if sort else "")
        if len(kept) > 2000:
            raise forms.ValidationError("These filters are too long to be kept.")
        return kept
