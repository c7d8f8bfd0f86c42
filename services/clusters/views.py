"""Clusters for those who run them; the live state of a service for everybody."""

from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.shell import charts, registry, tables, toasts
from portal.shell.http import HttpRequest
from portal.shell.limits import limited, wants_csv
from portal.shell.policies import platform_only, policy, signed_in
from services.catalog.models import Entity
from services.clusters import actions, costs, deliveries, pages, queries, rights, rules, steering
from services.clusters.forms import ClusterForm, CredentialsForm, DeliveryForm, EnvironmentForm, SteerForm
from services.clusters.models import Cluster, Environment, KubeObject
from services.integrations.kube.errors import KubeError


def _cluster_for(request: HttpRequest, name: str) -> Cluster:
    return get_object_or_404(Cluster, name=name)


def _component_for(request: HttpRequest, kind: str, namespace: str, name: str) -> Entity:
    return get_object_or_404(Entity, ref=f"{kind}:{namespace}/{name}".lower(), kind="Component")


@policy(platform_only)
@require_safe
def cluster_list(request: HttpRequest) -> HttpResponse:
    return render(request, "clusters/cluster_list.html", {"clusters": queries.clusters()})


@policy(platform_only)
@limited("connection")
@require_http_methods(["GET", "HEAD", "POST"])
def cluster_new(request: HttpRequest) -> HttpResponse:
    form = ClusterForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        cluster = actions.register_cluster(
            by=request.user,
            name=form.cleaned_data["name"],
            title=form.cleaned_data["title"],
            credentials=form.credentials,
        )
        _say(request, actions.check_connection(cluster))
        return redirect("clusters:cluster_detail", cluster.name)
    return render(request, "clusters/cluster_new.html", {"form": form}, status=422 if form.errors else 200)


def _say(request: HttpRequest, cluster: Cluster) -> None:
    if cluster.state == Cluster.State.CONNECTED:
        toasts.done(request, f"{cluster} answers: Kubernetes {cluster.version}.")
    else:
        toasts.refused(request, f"{cluster}: {cluster.problem}")


def _detail(request: HttpRequest, cluster: Cluster, **forms: Any) -> HttpResponse:
    context = {
        "cluster": cluster,
        "environments": cluster.environments.order_by("position", "name"),
        "watches": cluster.watches.order_by("kind"),
        "role": _role(cluster),
        "credentials_form": CredentialsForm(),
        "environment_form": EnvironmentForm(cluster=cluster),
        "notes": registry.notes(request),
    } | forms
    return render(request, "clusters/cluster_detail.html", context, status=422 if forms else 200)


def _role(cluster: Cluster) -> str:
    places = list(cluster.environments.all())
    ways = filter(None, map(deliveries.way_of, places))
    return rights.role((each.namespace for each in places), ((way.by, way.namespace) for way in ways))


@policy(platform_only)
@require_safe
def cluster_detail(request: HttpRequest, name: str) -> HttpResponse:
    return _detail(request, _cluster_for(request, name))


@policy(platform_only)
@limited("connection")
@require_POST
def cluster_check(request: HttpRequest, name: str) -> HttpResponse:
    _say(request, actions.check_connection(_cluster_for(request, name)))
    return redirect("clusters:cluster_detail", name)


@policy(platform_only)
@limited("connection")
@require_POST
def cluster_credentials(request: HttpRequest, name: str) -> HttpResponse:
    cluster = _cluster_for(request, name)
    form = CredentialsForm(request.POST)
    if not form.is_valid():
        return _detail(request, cluster, credentials_form=form)
    actions.replace_credentials(by=request.user, cluster=cluster, credentials=form.credentials)
    _say(request, actions.check_connection(cluster))
    return redirect("clusters:cluster_detail", name)


@policy(platform_only)
@require_POST
def environment_new(request: HttpRequest, name: str) -> HttpResponse:
    cluster = _cluster_for(request, name)
    form = EnvironmentForm(request.POST, cluster=cluster)
    if not form.is_valid():
        return _detail(request, cluster, environment_form=form)
    made = actions.add_environment(by=request.user, cluster=cluster, **form.cleaned_data)
    toasts.done(request, f"Environment {made} is watched from now on.")
    return redirect("clusters:cluster_detail", name)


@policy(platform_only)
@limited("connection", when=lambda request: request.method == "POST")
@require_http_methods(["GET", "HEAD", "POST"])
def environment_delivery(request: HttpRequest, name: str, environment: str) -> HttpResponse:
    """Who brings what is merged there; said at once whether that tool answers."""
    place = get_object_or_404(Environment.objects.standing().select_related("cluster"), name=environment)
    if place.cluster.name != name:
        raise Http404("in another cluster")
    said = place.settings.get(deliveries.SETTING) or {}
    initial = {"tool": said.get("by", ""), **said}
    form = DeliveryForm(request.POST or None, initial=initial) if said else DeliveryForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        _say_delivery(request, actions.set_delivery(by=request.user, environment=place, **form.cleaned_data))
        return redirect("clusters:cluster_detail", name)
    context = {"form": form, "place": place, "cluster": place.cluster}
    return render(request, "clusters/environment_delivery.html", context, status=422 if form.errors else 200)


def _say_delivery(request: HttpRequest, place: Environment) -> None:
    way = deliveries.way_of(place)
    if way is None:
        toasts.done(request, f"Slipway applies to {place} itself.")
        return
    try:
        found = len(deliveries.deliverers(place, way))
    except KubeError as error:
        toasts.refused(request, f"{way.tool} is set, but cannot be seen: {error}")
    else:
        toasts.done(request, f"{way.tool} delivers to {place}; it has {found} {deliveries.BY[way.by]}s.")


@policy(signed_in)
@require_safe
def entity_live(request: HttpRequest, kind: str, namespace: str, name: str) -> HttpResponse:
    """The live part alone, for the page that updates by itself."""
    entity = _component_for(request, kind, namespace, name)
    return render(request, "clusters/entity_live.html#live", pages.live(request, entity, measured=True))


@policy(signed_in, name="clusters.steer")
@limited("connection")
@require_POST
def workload_steer(
    request: HttpRequest, kind: str, namespace: str, name: str, environment: str, workload: str, deed: str
) -> HttpResponse:
    """Ask for a deed on a workload (`Deployment.web`) of the service; a worker does it."""
    entity = _component_for(request, kind, namespace, name)
    row = _workload_for(entity, environment, workload)
    form = SteerForm(request.POST)
    try:
        steering.steer(by=request.user, entity=entity, workload=row, deed=deed, replicas=form.replicas())
    except steering.NotAllowed as error:
        raise Http404("not yours") from error
    except steering.NotPossible as error:
        toasts.refused(request, str(error))
    else:
        toasts.done(request, f"{row.name}: asked for. What comes of it shows here.")
    return redirect(f"{entity.get_absolute_url()}?tab=live")


def _workload_for(entity: Entity, environment: str, workload: str) -> KubeObject:
    kind, _, name = workload.partition(".")
    mine = KubeObject.objects.workloads().filter(entity_ref=entity.ref).select_related("environment__cluster")
    return get_object_or_404(mine, environment__name=environment, kind=kind, name=name)


@policy(signed_in, name="clusters.read_logs")
@require_safe
def pod_log(
    request: HttpRequest, kind: str, namespace: str, name: str, environment: str, pod: str, container: str
) -> HttpResponse:
    """The last lines of a container, for its owners and the platform; a page without htmx."""
    entity = _component_for(request, kind, namespace, name)
    place = get_object_or_404(Environment.objects.select_related("cluster"), name=environment)
    found = queries.pod_of(entity.ref, place, pod)
    if not rules.can_read_logs(request.user, entity) or not found or container not in found.containers:
        raise Http404("no such log")
    context = {
        "entity": entity,
        "environment": place,
        "pod": pod,
        "container": container,
        **_log(place, pod, container, previous=request.GET.get("previous") == "1"),
    }
    whole, part = "clusters/pod_log.html", "clusters/pod_log.html#log"
    return render(request, part if "HX-Request" in request.headers else whole, context)


def _log(place: Environment, pod: str, container: str, *, previous: bool) -> dict[str, Any]:
    """The lines, or why there are none."""
    try:
        return {"previous": previous, "lines": queries.log_tail(place, pod, container, previous=previous)}
    except KubeError as error:
        return {"previous": previous, "problem": str(error)}


COLUMNS = (
    "service", "team", "environment", "pods", "cores asked", "cores used", "cores peak", "GiB asked",
    "GiB used", "GiB peak", "spot share", "cost a month", "waste a month", "currency",
)  # fmt: skip


@policy(signed_in)
@limited("export", when=wants_csv)
@require_safe
def resource_list(request: HttpRequest) -> HttpResponse:
    """What services ask for, use and cost; what wastes most first."""
    chosen = {key: request.GET.get(key, "") for key in ("environment", "owner")}
    found = costs.lines(**chosen)
    if wants_csv(request):
        return tables.csv_response("resources", COLUMNS, map(_csv, found))
    page = tables.paginate(request, found)
    context = {
        "page": page,
        "chosen": chosen,
        "environments": queries.environments(),
        "teams": costs.totals(found, "owner"),
        "places": costs.totals(found, "environment"),
        "quotas": costs.quotas()[:QUOTAS],
        "pools": costs.pools(found),
        "spark": charts.spark([cost for _, cost in costs.trend()]),
    }
    return render(request, "clusters/resource_list.html", context)


QUOTAS = 8


def _csv(line: costs.Line) -> list[Any]:
    numbers = [round(each, 3) for each in (line.cpu_asked, line.cpu_used, line.cpu_peak)]
    sizes = [round(each / 2**30, 3) for each in (line.memory_asked, line.memory_used, line.memory_peak)]
    money = [round(line.spot_share, 2), round(line.cost, 2), round(line.waste, 2), line.currency]
    return [line.name, line.owner, line.environment.name, round(line.pods, 1), *numbers, *sizes, *money]


@policy(signed_in)
@require_safe
def banner_list(request: HttpRequest) -> HttpResponse:
    """The incidents that go on, for pages that ask for them by themselves."""
    return render(request, "components/banners.html", {"banners": pages.banners(request)})
