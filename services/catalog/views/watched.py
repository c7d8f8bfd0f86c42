"""Sources the portal looks at by itself, organisations and clusters: naming one, changing how it is read."""

from collections.abc import Callable

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import platform_only, policy
from services.catalog import actions
from services.catalog.actions import looking, steering
from services.catalog.forms import OrganisationForm
from services.catalog.models import Source
from services.catalog.sources import clusters, organisations
from services.catalog.sources.forms import ClusterSourceForm


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def organisation_new(request: HttpRequest) -> HttpResponse:
    return _organisation(request, None)


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def organisation_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _organisation(request, get_object_or_404(Source, pk=pk, kind=Source.Kind.ORGANISATION))


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_new(request: HttpRequest) -> HttpResponse:
    return _cluster(request, None)


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _cluster(request, get_object_or_404(Source, pk=pk, kind=Source.Kind.CLUSTER))


def _organisation(request: HttpRequest, source: Source | None) -> HttpResponse:
    form = OrganisationForm(request.POST or None, initial=OrganisationForm.of(source) if source else None)

    def read() -> Source:
        said = form.cleaned_data
        made = steering.set_organisation(
            source=source, provider=said["provider"], name=said["name"], token=said["token"],
            options=organisations.settings_of(said), by=request.user,
        )  # fmt: skip
        looking.read_now(source=made, by=request.user)
        return made

    return _answer(request, form, source, read, "catalog/organisation.html")


def _cluster(request: HttpRequest, source: Source | None) -> HttpResponse:
    initial = ClusterSourceForm.of(source) if source else {"cluster": request.GET.get("cluster", "")}
    form = ClusterSourceForm(request.POST or None, initial=initial)

    def read() -> Source:
        said = form.cleaned_data
        made = steering.set_cluster(
            source=source, cluster=said["cluster"], namespaces=said["namespaces"],
            options=clusters.settings_of(said), by=request.user,
        )  # fmt: skip
        looking.read_now(source=made, by=request.user, anew=True)
        return made

    return _answer(request, form, source, read, "catalog/cluster.html")


def _answer(
    request: HttpRequest, form: Form, source: Source | None, read: Callable[[], Source], template: str
) -> HttpResponse:
    """The source's own page once `read` accepted what was typed; else the form with what is wrong."""
    if request.method == "POST" and form.is_valid():
        try:
            made = read()
        except actions.Refused as reason:
            form.add_error(None, str(reason))
        else:
            toasts.done(request, f"{made} is being read. This page shows what became of it.")
            return redirect(made)
    context = {"form": form, "source": source}
    return render(request, template, context, status=422 if form.errors else 200)
