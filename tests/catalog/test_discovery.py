"""Discovery from a cluster: what objects say becomes entities, by the same way as every import."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from services.catalog import actions
from services.catalog.actions import Refused, steering
from services.catalog.compatible import places
from services.catalog.importing import lifecycle
from services.catalog.models import Alias, Claim, Entity, Removed, Source
from services.catalog.sources import clusters
from services.catalog.sources.discovery import FIELDS, Rules, Seen, discover
from services.catalog.tasks import sweep, tidy
from services.clusters.models import Cluster, KubeObject, Watch
from services.clusters.watching.ingest import Ingest
from services.clusters.watching.kinds import WATCHED
from tests.catalog.conftest import COMPONENT
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments

Json = dict[str, Any]
OPTIONS = {"fields": {}, "helpers": False, "apart": False}


def thing(name: str, kind: str = "Deployment", namespace: str = "shop", **said: Any) -> Json:
    """A workload; `labels`, `notes`, `image`, `ports`, `made_by` (API version, kind, name)."""
    version = "batch/v1" if kind == "CronJob" else "apps/v1"
    container: Json = {"name": "app", "image": said.get("image", f"registry.example.org/{name}:1.2")}
    if said.get("ports", True):
        container["ports"] = [{"containerPort": said.get("port", 8080)}]
    pods = {
        "metadata": {"labels": {"app": name, **said.get("pods", {})}},
        "spec": {"containers": [container]},
    }
    spec: Json = {"template": pods} if kind != "CronJob" else {"jobTemplate": {"spec": {"template": pods}}}
    metadata: Json = {"name": name, "namespace": namespace, "uid": f"{namespace}-{kind}-{name}"}
    metadata |= {"labels": said.get("labels", {}), "annotations": said.get("notes", {})}
    metadata["resourceVersion"] = repr(said)
    if "made_by" in said:
        version_, kind_, name_ = said["made_by"]
        owner = {"apiVersion": version_, "kind": kind_, "name": name_, "uid": "x", "controller": True}
        metadata["ownerReferences"] = [owner]
    return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}


def found(*objects: Json, described: tuple[str, ...] = (), rules: Rules | None = None) -> dict[str, Json]:
    """Descriptor by reference."""
    seen = [Seen(one) for one in objects]
    reports = discover(seen, cluster="harbour", rules=rules or Rules(), described=described)
    return {str(report.ref): report.descriptor for report in reports if report.descriptor}


APP = "app.kubernetes.io"
NAMED = [
    (thing("web"), "component:default/web"),
    (thing("web-deployment", labels={f"{APP}/name": "web"}), "component:default/web"),
    (thing("x", labels={f"{APP}/name": "web", f"{APP}/instance": "web"}), "component:default/web"),
    (thing("a-mysql", labels={f"{APP}/name": "mysql", f"{APP}/instance": "a"}), "component:default/a-mysql"),
    (thing("web-api", labels={f"{APP}/name": "web", f"{APP}/component": "api"}), "component:default/web-api"),
    (thing("reviews-v2", labels={"app": "reviews", "version": "v2"}), "component:default/reviews"),
    (thing("frontend", labels={"app": "guestbook"}), "component:default/frontend"),
    (thing("x", labels={"backstage.io/kubernetes-id": "web"}), "component:default/web"),
    (thing("x", notes={"backstage.io/kubernetes-id": "web"}), "component:default/web"),
    (thing("x", notes={"slipway.dev/entity": "resource:infra/web"}), "resource:infra/web"),
    (thing("x", notes={"slipway.dev/entity": "web"}), "component:default/web"),
    (thing("x", notes={"slipway.dev/entity": "group:web"}), "component:default/x"),
    (thing("x", notes={"slipway.dev/entity": ":"}), "component:default/x"),
]


@pytest.mark.parametrize(("manifest", "ref"), NAMED)
def test_a_thing_is_called_by_what_it_says_itself(manifest, ref):
    assert list(found(manifest)) == [ref]


TYPED = [
    (thing("a"), "Component", "service"),
    (thing("a", ports=False), "Component", "worker"),
    (thing("a", "DaemonSet", ports=False), "Component", "worker"),
    (thing("a", "CronJob"), "Component", "job"),
    (thing("a", "CronJob", image="postgres:17"), "Component", "job"),
    (thing("a", "StatefulSet"), "Component", "service"),
    (thing("a", "StatefulSet", image="x.io/bitnami/postgresql:17"), "Resource", "database"),
    (thing("a", image="redis:7@sha256:abc"), "Resource", "cache"),
    (thing("a", image="registry:5000/rabbitmq:4-management"), "Resource", "queue"),
    (thing("a", image="minio/minio"), "Resource", "object-store"),
    (thing("a", image="grafana/grafana:12"), "Component", "service"),
    (thing("a", "StatefulSet", image="pg:1", labels={f"{APP}/component": "db"}), "Resource", "database"),
    (thing("a", image="own/users-db", port=3306), "Resource", "database"),
    (thing("a", image="own/sessions", port=6379), "Resource", "cache"),
    (thing("a", image="bitnami/pgbouncer", port=5432), "Component", "service"),
    (thing("a", image="grafana/loki", port=5432), "Component", "service"),
    (thing("a", labels={f"{APP}/component": "worker"}), "Component", "worker"),
    (thing("a", notes={"slipway.dev/type": "website"}), "Component", "website"),
    (thing("a", notes={"slipway.dev/type": "queue"}), "Resource", "queue"),
    (thing("p", made_by=("postgresql.cnpg.io/v1", "Cluster", "a")) | {"kind": "Pod"}, "Resource", "database"),
    (thing("s", "StatefulSet", made_by=("rabbitmq.com/v1", "RabbitmqCluster", "a")), "Resource", "queue"),
    (
        thing("p", made_by=("core.strimzi.io/v1", "StrimziPodSet", "a-b"), labels={"strimzi.io/cluster": "a"})
        | {"kind": "Pod"},
        "Resource",
        "queue",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("manifest", "kind", "type_"), TYPED)
def test_a_thing_is_what_its_kind_its_image_and_its_operator_show(manifest, kind, type_):
    assert {ref: (d["kind"], d["spec"]["type"]) for ref, d in found(manifest).items()} == {
        f"{kind.lower()}:default/a": (kind, type_)
    }


def test_a_part_of_what_is_no_system_makes_none():
    told = found(thing("web", notes={"slipway.dev/system": "component:other"}))
    assert list(told) == ["component:default/web"]


def test_what_a_service_leads_to_is_a_service():
    served = thing("a", ports=False, pods={"tier": "x"})
    service = {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"selector": {"app": "a"}},
    }  # fmt: skip
    assert found(served, service)["component:default/a"]["spec"]["type"] == "service"
    service["metadata"]["namespace"] = "other"
    assert found(served, service)["component:default/a"]["spec"]["type"] == "worker"


def test_labels_and_annotations_fill_a_descriptor_and_nothing_else_does():
    notes = {
        "slipway.dev/title": "The web",
        "kubernetes.io/description": "Pages",
        "slipway.dev/lifecycle": "beta",
    }
    labels = {f"{APP}/part-of": "shop-front", f"{APP}/managed-by": "Helm", "slipway.dev/id": "42"}
    [web, system] = found(thing("web", notes=notes, labels=labels, pods={"team": "checkout"})).values()
    assert web["metadata"] == {
        "name": "web",
        "title": "The web",
        "description": "Pages",
        "annotations": {
            "slipway.dev/id": "42",
            f"{APP}/managed-by": "Helm",
            "backstage.io/kubernetes-cluster": "harbour",
            "backstage.io/kubernetes-namespace": "shop",
            "slipway.dev/workload": "Deployment",
            "slipway.dev/image": "registry.example.org/web",
        },
    }
    assert web["spec"] == {
        "type": "service",
        "lifecycle": "beta",
        "owner": "checkout",
        "system": "shop-front",
    }
    assert (system["kind"], system["metadata"], system["spec"]) == ("System", {"name": "shop-front"}, {})


def warned(
    *objects: Json, rules: Rules | None = None, described: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    reports = discover([Seen(o) for o in objects], cluster="h", rules=rules or Rules(), described=described)
    return [(w.rule, w.message) for report in reports for w in report.warnings]


def test_what_nobody_says_is_left_open_and_the_label_is_named():
    [(rule, message)] = warned(thing("web"))
    assert rule == "unowned"
    assert "slipway.dev/owner, slipway.dev/team, app.kubernetes.io/team" in message
    assert "owner" not in found(thing("web"))["component:default/web"]["spec"]
    own = Rules({**FIELDS, "owner": ("squad",)})
    assert not warned(thing("web", labels={"squad": "checkout"}), rules=own)
    assert "squad" in warned(thing("web", labels={"team": "checkout"}), rules=own)[0][1]
    assert not warned(thing("web"), described=("component:default/web",))
    for text in ("a@example.org", "the team", "a/b/c", ":"):
        assert [rule for rule, _ in warned(thing("web", notes={"owner": text}))] == [
            "reference",
            "unowned",
        ], text
    assert (
        found(thing("web", notes={"owner": "user:mira"}))["component:default/web"]["spec"]["owner"]
        == "user:mira"
    )


def test_one_thing_in_two_namespaces_is_one_unless_they_are_worlds_apart():
    both = thing("web", labels={"team": "a"}), thing("web", namespace="lab", labels={"team": "a"})
    [(ref, web)] = found(*both).items()
    assert ref == "component:default/web"
    assert "backstage.io/kubernetes-namespace" not in web["metadata"]["annotations"]
    assert warned(*both) == []
    named = {"slipway.dev/entity": "component:web"}
    several = thing("nightly", "CronJob", notes=named), thing("api", notes=named)
    assert found(*several)["component:default/web"]["spec"]["type"] == "service"
    apart = Rules(apart=True)
    parted = found(*both, rules=apart)
    assert list(parted) == ["component:shop/web", "component:lab/web"]
    assert parted["component:lab/web"]["spec"]["owner"] == "group:default/a"


def test_where_namespaces_disagree_nobody_is_believed():
    one = thing("web", labels={"team": "a", f"{APP}/part-of": "s"})
    other = thing("web", namespace="lab", labels={"team": "b"}, image="elsewhere/web:1")
    assert found(one, other)["component:default/web"]["spec"] == {"type": "service", "system": "s"}
    told = dict(warned(one, other))
    assert "a in h/shop/Deployment/web (team), b in h/lab/Deployment/web (team)" in told["disagree"]
    assert "elsewhere/web where h/shop/Deployment/web runs registry.example.org/web" in told["other-image"]


NOISE = [
    (thing("coredns", namespace="kube-system"), "belongs to the cluster"),
    (thing("a", made_by=("x.org/v1", "Widget", "w")), "Widget w made it"),
    (thing("a", labels={f"{APP}/managed-by": "prometheus-operator"}), "prometheus-operator made it"),
]


@pytest.mark.parametrize(("manifest", "why"), NOISE)
def test_helpers_are_left_out_unless_somebody_wants_them(manifest, why):
    [report] = discover([Seen(manifest)], cluster="h", rules=Rules())
    assert (report.verdict, report.descriptor) == ("not-a-descriptor", None)
    assert why in report.errors[0].message
    assert len(found(manifest, rules=Rules(helpers=True))) == 1


def test_what_others_describe_is_that_and_no_second_thing():
    cache = thing("cart-cache", "StatefulSet", image="redis:7", labels={f"{APP}/part-of": "new"})
    assert list(found(cache, described=("component:default/cart-cache",))) == ["component:default/cart-cache"]
    assert list(found(cache)) == ["resource:default/cart-cache", "system:default/new"]
    reports = discover(
        [Seen(thing("cart-deployment"), "component:default/cart"), Seen(thing("x"), "component:default/y")],
        cluster="h", rules=Rules(), described=("component:default/cart",),
    )  # fmt: skip
    assert [report.ref for report in reports] == ["component:default/cart", "component:default/x"]


HOSTILE: list[Json] = [
    {"kind": "Deployment", "metadata": {"name": "a"}},
    {"kind": "Deployment", "metadata": {"name": "a", "labels": [], "annotations": 3, "ownerReferences": {}}},
    {"kind": "StatefulSet", "metadata": {"name": "a", "ownerReferences": [3, {}]}, "spec": []},
    {"kind": "CronJob", "metadata": {"name": "…"}, "spec": {"jobTemplate": 7}},
    {"kind": "Service", "metadata": {"name": "a"}, "spec": {"selector": [1]}},
    {
        "kind": "Deployment",
        "metadata": {"name": "x" * 250},
        "spec": {"template": {"spec": {"containers": [1]}}},
    },
]


def test_whatever_a_cluster_says_there_is_a_report_for_it():
    reports = discover([Seen(one) for one in HOSTILE], cluster="h", rules=Rules())
    assert [r.verdict for r in reports] == ["ok", "ok", "not-a-descriptor", "refused", "ok"]
    assert reports[3].errors[0].field == "metadata.name"


# The source


@pytest.fixture
def harbour(db) -> Cluster:
    row = cluster_row("https://harbour.example.org", "t")
    environments(row)
    Cluster.objects.update(heard_at=timezone.now())
    row.refresh_from_db()
    return row


def run_there(harbour: Cluster, *objects: Json) -> None:
    """The watcher's picture after a list of every kind."""
    Ingest(harbour).take_all({kind: [one for one in objects if one["kind"] == kind.kind] for kind in WATCHED})


@pytest.fixture
def discovery(harbour, priya) -> Source:
    made = steering.set_cluster(source=None, cluster=harbour.name, namespaces=[], options=OPTIONS, by=priya)
    Source.objects.filter(pk=made.pk).update(auto_apply=True)
    return made


def swept(source: Source) -> Source:
    Source.objects.filter(pk=source.pk).update(next_at=timezone.now() - timedelta(seconds=1))
    sweep()
    run_due_effects(skip_waits=True)
    source.refresh_from_db()
    return source


WEB = thing("web", labels={"team": "checkout"})


def test_what_runs_comes_in_once_and_goes_the_way_of_everything(harbour, discovery, priya):
    run_there(harbour, WEB, thing("cache", "StatefulSet", image="redis:7"))
    source = swept(discovery)
    assert (source.trouble, source.runs.get().state) == ("", "applied")
    web = Entity.objects.get(ref="component:default/web")
    assert (web.location, web.origin, web.owner_ref) == (
        f"{harbour.name}/shop/Deployment/web", "cluster", "group:default/checkout",
    )  # fmt: skip
    assert places.location_of(web) == f"cluster:{harbour.name}/shop/Deployment/web"
    assert places.origin_of(web) == f"cluster:{harbour.name}"
    assert source.runs.get().counts["unowned"] == 1
    assert swept(source).runs.count() == 1, "the same again is no second run"
    changed = thing("web", labels={"team": "rivals"}, image="registry.example.org/web:9")
    run_there(harbour, changed)
    run = swept(source).runs.first()
    told = {c["ref"]: (c["action"], [f["field"] for f in c["fields"]]) for c in run.changes}
    assert told == {
        "component:default/web": ("changed", ["spec.owner"]),
        "resource:default/cache": ("orphaned", []),
    }
    Entity.objects.filter(state="orphan").update(orphaned_at=timezone.now() - timedelta(days=31))
    tidy()
    assert not Entity.objects.filter(name="cache").exists()
    assert lifecycle.restore_entity(removed=Removed.objects.get(), by=priya).state == "orphan"
    run_there(harbour, thing("web", labels={"backstage.io/kubernetes-id": "site"}))
    swept(source)
    assert Entity.objects.get(name="site").pk == web.pk
    assert Alias.objects.get().ref == "component:default/web"


def test_what_a_file_describes_is_confirmed_and_what_another_source_saw_is_shown(harbour, discovery, priya):
    files = {"web.yaml": COMPONENT.format(name="web", owner="checkout").encode()}
    actions.import_documents(files=files, title="files", by=priya)
    run_there(harbour, WEB, thing("other"))
    run = swept(discovery).runs.first()
    by_ref = {change["ref"]: change for change in run.changes}
    assert by_ref["component:default/web"]["action"] == "skipped"
    assert "runs, and is described in web.yaml" in by_ref["component:default/web"]["reason"]
    assert not Claim.objects.exists()
    again = steering.set_cluster(
        source=None, cluster=harbour.name, namespaces=["shop"], options=OPTIONS, by=priya
    )
    Source.objects.filter(pk=again.pk).update(auto_apply=True)
    assert swept(again).runs.first().counts["conflict"] == 1
    assert Claim.objects.get().place == f"{harbour.name}/shop/Deployment/other"
    actions.import_documents(
        files={"other.yaml": COMPONENT.format(name="other", owner="checkout").encode()},
        title="more",
        by=priya,
    )
    assert Entity.objects.get(name="other").origin == "descriptor"
    Source.objects.update(head="")
    assert {swept(one).runs.first().counts["skipped"] for one in (discovery, again)} == {2}
    assert Entity.objects.get(name="other").location == "other.yaml"


def test_a_picture_in_doubt_orphans_nothing(harbour, discovery):
    run_there(harbour, WEB)
    source = swept(discovery)
    KubeObject.objects.all().delete()
    doubts = [
        (lambda: Cluster.objects.update(heard_at=timezone.now() - timedelta(hours=1)), "Nothing was heard"),
        (
            lambda: Watch.objects.create(cluster=harbour, kind="StatefulSet"),
            "StatefulSets of .* not been listed",
        ),
        (lambda: Watch.objects.update(problem="forbidden", listed_at=timezone.now()), "forbidden"),
        (lambda: Source.objects.update(path="shop lab"), "Nobody watches lab"),
        (lambda: Source.objects.update(location="gone", path=""), "No cluster gone is registered"),
    ]
    for make, why in doubts:
        make()
        source = swept(source)
        assert re.search(why, source.trouble), (why, source.trouble)
        Cluster.objects.update(heard_at=timezone.now())
        if why == "forbidden":
            Watch.objects.all().delete()
    assert Entity.objects.get().state == "active"


def test_only_the_platform_team_makes_such_a_source_and_is_told_the_nearest(client, harbour, mira, priya):
    url = "/catalog/sources/cluster/"
    client.force_login(mira)
    assert (client.get(url).status_code, client.post(url, {"cluster": harbour.name}).status_code) == (
        403,
        403,
    )
    assert url not in client.get("/catalog/import/").content.decode()
    client.force_login(priya)
    assert url in client.get("/catalog/import/").content.decode()
    assert "slipway.dev/team" in client.get(url).content.decode()
    fields = {name: " ".join(FIELDS[name]) for name in ("owner", "system", "lifecycle", "type")}
    wrong = [
        ({"cluster": harbour.name[:-1]}, f"Did you mean {harbour.name}?"),
        ({"cluster": "zzz"}, f"There is {harbour.name}."),
        ({"cluster": harbour.name, "namespaces": "shopp"}, "Did you mean shop?"),
        ({"cluster": harbour.name, "namespaces": "shop zzz"}, "There is shop, shop-staging."),
    ]
    for said, why in wrong:
        response = client.post(url, {**fields, **said})
        assert (response.status_code, why in response.content.decode()) == (422, True), why
    run_there(harbour, WEB, thing("lone", labels={"squad": "checkout"}))
    said = {**fields, "owner": "squad, team", "cluster": harbour.name, "namespaces": "shop"}
    home = client.post(url, said).url
    run_due_effects()
    html = client.get(home).content.decode()
    for text in ("A plan waits", "2 new", "How it is read", "Every object", "only shop"):
        assert text in html, text
    assert "Webhooks" not in html
    source = Source.objects.get()
    report = client.get(f"{home}?view=report").content.decode()
    assert f"{harbour.name}/shop/Deployment/lone<" in report.replace(":0<", ":zero<")
    change = f"/catalog/sources/{source.pk}/cluster/"
    assert 'value="squad team"' in client.get(change).content.decode()
    assert client.post(change, {**said, "helpers": "on", "apart": "on"}).status_code == 302
    source.refresh_from_db()
    rules = clusters.rules_of(source)
    assert (rules.helpers, rules.apart, rules.fields["owner"]) == (True, True, ("squad", "team"))
    assert "is a source already" in client.post(url, said).content.decode()
    with pytest.raises(Refused, match="Nothing looks"):
        from services.catalog.sources.hooks import set_hook

        set_hook(source=source, provider="github", by=priya)


def test_the_watcher_takes_a_kubernetes_id_for_a_name(harbour, priya):
    actions.import_documents(
        files={"web.yaml": COMPONENT.format(name="web", owner="checkout").encode()}, title="files", by=priya
    )
    run_there(harbour, thing("x", labels={"backstage.io/kubernetes-id": "web"}))
    assert KubeObject.objects.get(kind="Deployment").entity_ref == "component:default/web"
