"""What people fill in about a cluster as a source."""

from typing import Any

from django import forms

from portal.shell.forms import Form
from services.catalog.descriptors.problems import nearest
from services.catalog.models import Source
from services.catalog.sources import clusters
from services.catalog.sources.discovery import FIELDS

LABELS = {"owner": "Whose it is", "system": "Part of which system", "lifecycle": "Lifecycle", "type": "Type"}


def _labels(name: str) -> forms.CharField:
    return forms.CharField(
        max_length=1000, required=False, label=LABELS[name], initial=" ".join(FIELDS[name]),
        widget=forms.TextInput(attrs={"class": "form-control mono", "spellcheck": "false"}),
    )  # fmt: skip


class ClusterSourceForm(Form):
    """Which part of which cluster, and which labels or annotations say what: the first that is there."""

    cluster = forms.CharField(max_length=63, help_text="By its name here, such as harbour.")
    namespaces = forms.CharField(
        max_length=500, required=False,
        help_text="Separated by spaces. Empty means all of its environments.",
    )  # fmt: skip
    owner, system = _labels("owner"), _labels("system")
    lifecycle, type = _labels("lifecycle"), _labels("type")
    apart = forms.BooleanField(
        required=False, label="Namespaces are worlds of their own",
        help_text="The same name in two of them is two things. Otherwise it is one thing that runs in both.",
    )  # fmt: skip
    helpers = forms.BooleanField(
        required=False, label="Helpers too",
        help_text="What operators made, and namespaces of the cluster itself.",
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places = clusters.places()
        known = ", ".join(sorted(self.places))
        self.fields["cluster"].help_text = (
            f"Registered: {known}." if known else "No cluster is registered yet."
        )

    def clean_cluster(self) -> str:
        name: str = self.cleaned_data["cluster"].strip()
        if name not in self.places:
            raise forms.ValidationError(_missing(f"There is no cluster {name}", name, list(self.places)))
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        watched = self.places.get(cleaned.get("cluster", ""), [])
        chosen = cleaned.get("namespaces", "").replace(",", " ").split()
        for name in chosen if watched or "cluster" in cleaned else ():
            if name not in watched:
                said = f"No environment of {cleaned['cluster']} is in the namespace {name}"
                self.add_error("namespaces", _missing(said, name, watched))
        cleaned["namespaces"] = list(dict.fromkeys(chosen))
        return cleaned

    @staticmethod
    def of(source: Source) -> dict[str, Any]:
        """What a source has, for the form to begin with."""
        rules = clusters.rules_of(source)
        fields = {name: " ".join(rules.fields[name]) for name in LABELS}
        place = {"cluster": source.location, "namespaces": source.path}
        return {**place, **fields, "apart": rules.apart, "helpers": rules.helpers}


def _missing(said: str, name: str, known: list[str]) -> str:
    """That there is none, with the nearest that there is, else all of them."""
    near = nearest(name, known)
    if near:
        return f"{said}. Did you mean {near}?"
    return f"{said}. There is {', '.join(sorted(known)[:10]) or 'none'}."
