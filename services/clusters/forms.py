"""What people fill in about clusters. Forms check; they save nothing, and never show a kubeconfig again."""

from typing import Any

from django import forms

from portal.shell.forms import Form, NameField
from services.clusters import deliveries
from services.clusters.models import Cluster, Environment
from services.integrations.kube import kubeconfig

TYPED = {"rows": 12, "class": "form-control mono", "spellcheck": "false", "autocomplete": "off"}


class WriteOnly(forms.Textarea):
    """A text area that comes back empty: what is typed in is a secret."""

    def format_value(self, value: Any) -> str:
        return ""


class CredentialsForm(Form):
    """`credentials` holds server, authority and token once the form is valid."""

    credentials: kubeconfig.Credentials
    kubeconfig = forms.CharField(
        label="Kubeconfig",
        max_length=kubeconfig.SIZE_LIMIT,
        strip=False,
        widget=WriteOnly(attrs=TYPED),
        help_text=(
            "With a server, its certificate authority and a service account's token. It is sealed, "
            "and never shown again; after a mistake please paste it anew."
        ),
    )

    def clean_kubeconfig(self) -> str:
        try:
            self.credentials = kubeconfig.parse(self.cleaned_data["kubeconfig"])
        except kubeconfig.Refused as error:
            raise forms.ValidationError(str(error)) from error
        return ""


class ClusterForm(CredentialsForm):
    name = NameField(max_length=63, help_text="Short, such as harbour.")
    title = forms.CharField(max_length=100, required=False, help_text="For people; else the name is shown.")
    field_order = ["name", "title", "kubeconfig"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Cluster.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is a cluster {name} already. Open it to replace its token.")
        return name


class SteerForm(Form):
    replicas_wanted = forms.IntegerField(min_value=0, max_value=10_000, required=False, label="Replicas")

    def replicas(self) -> int | None:
        """The number that was asked for, if it is one."""
        return self.cleaned_data.get("replicas_wanted") if self.is_valid() else None


class DeliveryForm(Form):
    tool = forms.ChoiceField(
        label="Who applies what is merged",
        required=False,
        choices=[("", "Slipway itself"), *deliveries.TOOLS.items()],
    )
    namespace = NameField(
        max_length=63,
        required=False,
        help_text="Where the tool keeps its objects; empty: argocd, flux-system.",
    )
    patience = forms.IntegerField(
        min_value=30,
        max_value=86_400,
        required=False,
        initial=deliveries.PATIENCE,
        help_text="Seconds without any answer after which the tool counts as gone.",
    )


class EnvironmentForm(Form):
    name = NameField(max_length=63, help_text="As folders in the deploy repository.")
    namespace = NameField(max_length=63)
    is_production = forms.BooleanField(required=False, label="This is production")
    position = forms.IntegerField(min_value=0, max_value=999, initial=10, help_text="Lower rolls out first.")

    def __init__(self, *args: Any, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cluster = cluster

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if Environment.objects.filter(name=name).exists():
            raise forms.ValidationError(f"There is an environment {name} already.")
        return name

    def clean_namespace(self) -> str:
        namespace: str = self.cleaned_data["namespace"]
        if Environment.objects.filter(cluster=self.cluster, namespace=namespace).exists():
            raise forms.ValidationError(f"Namespace {namespace} belongs to another environment already.")
        return namespace
