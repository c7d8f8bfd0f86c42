"""What runs in a cluster as a source: naming one, changing how it is read."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.shell import toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited
from portal.shell.policies import platform_only, policy
from services.catalog import actions
from services.catalog.actions import looking, steering
from services.catalog.models import Source
from services.catalog.sources.clusters import settings_of
from services.catalog.sources.forms import ClusterSourceForm


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_new(request: HttpRequest) -> HttpResponse:
    return _form(request, None)


@policy(platform_only, name="catalog.manage source")
@limited("import")
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_change(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, get_object_or_404(Source, pk=pk, kind=Source.Kind.CLUSTER))


def _form(request: HttpRequest, source: Source | None) -> HttpResponse:
    initial = ClusterSourceForm.of(source) if source else {"cluster": request.GET.get("cluster", "")}
    form = ClusterSourceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            made = steering.set_cluster(
                source=source, cluster=said["cluster"], namespaces=said["namespaces"],
                options=settings_of(said), by=request.user,
            )  # fmt: skip
            looking.read_now(source=made, by=request.user, anew=True)
        except actions.Refused as reason:
            form.add_error(None, str(reason))
        else:
            toasts.done(request, f"{made} is being read. This page shows what became of it.")
            return redirect(made)
    context = {"form": form, "source": source}
    return render(request, "catalog/cluster.html", context, status=422 if form.errors else 200)
