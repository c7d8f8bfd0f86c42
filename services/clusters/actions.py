"""Registering clusters and environments, and checking that they answer."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from services.audit import actions as audit
from services.clusters import deliveries, queries, rights, sealing
from services.clusters.models import Cluster, Environment
from services.effects import crashpoints
from services.integrations.errors import IntegrationError, Refused
from services.integrations.kube import errors, kubeconfig
from services.integrations.kube.client import KubeClient
from services.integrations.kube.objects import Ref

crashpoints.declare("cluster.applying", "cluster.applied", "cluster.removing", "cluster.removed")
ENTITY = "slipway.dev/entity"
AWAKE = "slipway.dev/awake-replicas"
# What data goes with. A file that goes away never takes it along: that is done by hand, and meant.
HOLDS_DATA = frozenset(
    {
        "PersistentVolume", "PersistentVolumeClaim", "Namespace", "Cluster", "Pooler", "Kafka", "KafkaTopic",
        "KafkaNodePool", "RabbitmqCluster", "Queue", "Stream", "Redis", "RedisCluster", "RedisFailover",
        "Bucket", "BucketClaim", "ObjectBucketClaim", "MongoDBCommunity", "Elasticsearch",
    }
)  # fmt: skip


class NameTaken(Exception):
    """There is a cluster of that name."""


class NotAllowed(Exception):
    """Only those who run the platform register clusters."""


def _refuse_others(by: Any) -> None:
    if by is not None and not by.is_platform:
        raise NotAllowed


@transaction.atomic
def register_cluster(
    *, by: Any, name: str, title: str = "", credentials: kubeconfig.Credentials, is_simulated: bool = False
) -> Cluster:
    """A new cluster, its token sealed. Refuses NotAllowed, NameTaken. Whether it answers is checked later."""
    _refuse_others(by)
    if Cluster.objects.filter(name=name).exists():
        raise NameTaken(name)
    cluster = Cluster.objects.create(
        name=name,
        title=title or name,
        server=credentials.server,
        ca=credentials.ca,
        token_sealed=sealing.seal(credentials.token),
        is_simulated=is_simulated,
        created_by=by,
    )
    audit.record(by=by, action="cluster.registered", obj=cluster, summary=f"Registered cluster {name}")
    return cluster


@transaction.atomic
def replace_credentials(*, by: Any, cluster: Cluster, credentials: kubeconfig.Credentials) -> Cluster:
    """New server, authority and token for a known cluster. Refuses NotAllowed."""
    _refuse_others(by)
    cluster.server, cluster.ca = credentials.server, credentials.ca
    cluster.token_sealed = sealing.seal(credentials.token)
    cluster.save(update_fields=["server", "ca", "token_sealed"])
    audit.record(by=by, action="cluster.credentials", obj=cluster, summary="Replaced the credentials")
    return cluster


@transaction.atomic
def add_environment(*, by: Any, cluster: Cluster, name: str, namespace: str, **settings: Any) -> Environment:
    """An environment, or the one of that name as it is. Refuses NotAllowed."""
    _refuse_others(by)
    made, created = Environment.objects.get_or_create(
        name=name, defaults={"cluster": cluster, "namespace": namespace} | settings
    )
    if created:
        audit.record(by=by, action="environment.added", obj=made, summary=f"{namespace} on {cluster.name}")
    return made


@transaction.atomic
def set_delivery(
    *, by: Any, environment: Environment, tool: str, namespace: str = "", patience: int | None = None
) -> Environment:
    """Who brings what is merged to it: `argocd`, `flux`, or the portal itself (empty). Refuses NotAllowed.

    Requests under way go on as they began.
    """
    _refuse_others(by)
    row = Environment.objects.select_for_update().get(pk=environment.pk)
    given = {"by": tool, "namespace": namespace, "patience": patience}
    said = {key: value for key, value in given.items() if value not in ("", None)} if tool else {}
    rest = {key: value for key, value in row.settings.items() if key != deliveries.SETTING}
    row.settings = rest | ({deliveries.SETTING: said} if said else {})
    row.save(update_fields=["settings"])
    summary = deliveries.TOOLS.get(tool, "the portal itself")
    audit.record(by=by, action="environment.delivered", obj=row, summary=f"Delivered by {summary}")
    return row


@transaction.atomic
def add_preview(
    *, by: Any, base: Environment, name: str, title: str, settings: dict[str, Any]
) -> Environment:
    """A place on loan beside an environment, in a namespace of its own. Refuses NameTaken."""
    clash = Q(name=name) | Q(cluster=base.cluster, namespace=name)
    if Environment.objects.filter(clash).exists():
        raise NameTaken(name)
    made = Environment.objects.create(
        name=name, title=title[:100], cluster=base.cluster, namespace=name, is_preview=True, position=9000,
        settings=settings,
    )  # fmt: skip
    audit.record(by=by, action="environment.added", obj=made, summary=f"{name} on {base.cluster.name}")
    return made


@transaction.atomic
def remove_preview(*, by: Any, environment: Environment) -> None:
    """Forgets a place on loan, and what was seen there. Refuses (ValueError) an environment that stays."""
    if not environment.is_preview:
        raise ValueError(f"{environment.name} is no preview")
    audit.record(by=by, action="environment.removed", obj=environment, summary=environment.name)
    environment.delete()


def remove_namespace(environment: Environment, entity_ref: str) -> str:
    """Take a preview's whole namespace away, again without effect; returns what `became` of it.

    `foreign`: there is one of that name that is not this preview's. Runs outside any transaction.
    Raises kube's errors; Refused for an environment that stays.
    """
    if not environment.is_preview:
        raise Refused(f"{environment} is not on loan; its namespace stays.")
    ref = Ref("v1", "Namespace", environment.namespace)
    with queries.client_for(environment.cluster) as client:
        live = client.find(ref)
        if live is None:
            return "absent"
        if (live["metadata"].get("annotations") or {}).get(ENTITY) != entity_ref:
            return "foreign"
        crashpoints.reached("cluster.removing")
        client.delete(ref)
        crashpoints.reached("cluster.removed")
    return "removed"


def rest(environment: Environment, *, asleep: bool) -> int:
    """Put everything of a preview to sleep, or wake it; again without effect. Returns how many were turned.

    What ran how often is kept in an annotation. Runs outside any transaction. Raises kube's errors; Refused
    for an environment that stays.
    """
    if not environment.is_preview:
        raise Refused(f"{environment} is not on loan; nobody puts it to sleep.")
    with queries.client_for(environment.cluster) as client:
        found = [
            (Ref("apps/v1", kind, obj["metadata"]["name"], environment.namespace), obj)
            for kind in ("Deployment", "StatefulSet")
            for obj in client.list("apps/v1", kind, environment.namespace).items
        ]
        changes = [(ref, change) for ref, obj in found if (change := _rest(obj, asleep))]
        for ref, change in changes:
            client.patch(ref, change)
    return len(changes)


def _rest(obj: dict[str, Any], asleep: bool) -> dict[str, Any]:
    replicas = (obj.get("spec") or {}).get("replicas", 1)
    kept = (obj["metadata"].get("annotations") or {}).get(AWAKE)
    if asleep and replicas:
        return {"metadata": {"annotations": {AWAKE: str(replicas)}}, "spec": {"replicas": 0}}
    if asleep or kept is None:
        return {}
    back = int(kept) if str(kept).isdigit() else 1
    return {"metadata": {"annotations": {AWAKE: None}}, "spec": {"replicas": min(back, 50)}}


def check_connection(cluster: Cluster) -> Cluster:
    """Ask the cluster for its version, and whether it takes our token, now."""
    try:
        with queries.client_for(cluster, timeout=5.0) as client:
            version = client.version()
            client.list("v1", "Namespace", limit=1)
            kinds = client.kinds()
            places = list(cluster.environments.all())
            allowed = {each.name: client.rules(each.namespace) for each in places}
            tools = {
                way.tool: rights.lacking(client.rules(way.namespace), rights.TOOLS[way.by])
                for way in filter(None, map(deliveries.way_of, places))
            }
    except IntegrationError as error:
        return saw_problem(cluster, error)
    return saw_version(saw_rights(saw_kinds(cluster, kinds), allowed, tools), version)


def saw_kinds(cluster: Cluster, kinds: Iterable[str]) -> Cluster:
    """What the cluster serves now; forms offer what needs it, or say what is missing."""
    cluster.serves = sorted(kinds)
    cluster.save(update_fields=["serves"])
    return cluster


def saw_rights(
    cluster: Cluster, allowed: Mapping[str, rights.Rules], tools: Mapping[str, list[str]]
) -> Cluster:
    """By environment, what the token lacks and what it has beyond need; of Argo CD and Flux what it lacks."""
    cluster.rights = {
        environment: {"lacks": rights.lacking(rules), "beyond": rights.beyond(rules)}
        for environment, rules in allowed.items()
    } | {tool: {"lacks": lacks, "beyond": []} for tool, lacks in tools.items()}
    cluster.save(update_fields=["rights"])
    return cluster


def saw_version(cluster: Cluster, version: str) -> Cluster:
    cluster.version, cluster.state, cluster.problem = version, Cluster.State.CONNECTED, ""
    return _checked(cluster)


def saw_problem(cluster: Cluster, error: Exception) -> Cluster:
    refused = isinstance(error, errors.Unauthorised | errors.Forbidden)
    cluster.state = Cluster.State.REFUSED if refused else Cluster.State.UNREACHABLE
    cluster.problem = str(error)[:500]
    return _checked(cluster)


def _checked(cluster: Cluster) -> Cluster:
    cluster.checked_at = timezone.now()
    cluster.save(update_fields=["version", "state", "problem", "checked_at"])
    return cluster


def apply_objects(environment: Environment, objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Apply one environment's objects in the given order; again changes nothing. Returns the live objects.

    Runs outside any transaction, in an effect handler. Raises kube's errors; what was applied stays.
    """
    with queries.client_for(environment.cluster) as client:
        return [_apply(client, obj) for obj in objects]


def remove_objects(
    environment: Environment, objects: list[dict[str, Any]], entity_ref: str
) -> list[dict[str, Any]]:
    """Take objects away in the given order, again without effect; returns each with what `became` of it.

    That is `removed`, `absent`, or left as it is: `foreign` (not this entity's, by its annotation) or `data`
    (HOLDS_DATA). Runs outside any transaction, in an effect handler. Raises kube's errors.
    """
    with queries.client_for(environment.cluster) as client:
        return [{"ref": ref, "became": _remove(client, ref, entity_ref)} for ref in map(Ref.of, objects)]


def _remove(client: KubeClient, ref: Ref, entity_ref: str) -> str:
    live = client.find(ref)
    if live is None:
        return "absent"
    if ref.kind in HOLDS_DATA:
        return "data"
    marks = live["metadata"].get("annotations") or {}
    if marks.get(ENTITY) != entity_ref:
        return "foreign"
    crashpoints.reached("cluster.removing")
    client.delete(ref)
    crashpoints.reached("cluster.removed")
    return "removed"


def _apply(client: KubeClient, obj: dict[str, Any]) -> dict[str, Any]:
    crashpoints.reached("cluster.applying")
    live = client.apply(obj)
    crashpoints.reached("cluster.applied")
    return live
