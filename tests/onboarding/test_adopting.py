"""What no form made is changed through the nearest one: unmapped values stay, and every other line."""

import pytest

from services.catalog.models import Entity
from services.catalog.queries import find
from services.integrations.githosts.base import Person
from services.onboarding import actions, queries
from services.onboarding.errors import NotOnboarded
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects

from .conftest import REPO

HOME = "apps/checkout/parcels"
REF = "component:default/parcels"
DEPLOYMENT = """\
# Written by Noah, by hand
kind: Deployment
apiVersion: apps/v1
metadata:
    name: parcels     # as the team calls it
    namespace: {namespace}
    labels: {{app.kubernetes.io/name: parcels, tier: "1"}}
    annotations:
        example.com/pager: 'parcels@example.com'
spec:
    replicas: {replicas}
    selector: {{matchLabels: {{app.kubernetes.io/name: parcels}}}}
    template:
        metadata:
            labels: {{app.kubernetes.io/name: parcels}}
        spec:
            serviceAccountName: parcels
            priorityClassName: high
            automountServiceAccountToken: false
            securityContext:
                runAsNonRoot: true
                seccompProfile: {{type: RuntimeDefault}}
            containers:
                - name: parcels
                  image: registry.larkfield.shop/parcels:2.3.1
                  args: ["--fast", "--color=off"]
                  ports: [{{name: http, containerPort: 9090}}]
                  readinessProbe:
                      httpGet: {{path: /ready, port: http}}
                  env:
                      - {{name: PARCELS_MODE, value: "strict"}}
                  resources:
                      requests: {{memory: 300Mi, cpu: 150m}}
                      limits:
                          memory: {limit}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: parcels
  namespace: {namespace}
spec:
  selector: {{app.kubernetes.io/name: parcels}}
  ports:
    - {{name: http, port: 80, targetPort: http}}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: parcels-words
  namespace: {namespace}
data: {{hello: world}}
"""


def by_hand(world, **more: bytes | None) -> None:
    files: dict[str, bytes | None] = {}
    for place, namespace, replicas, limit in (
        ("staging", "shop-staging", 1, "600Mi"),
        ("production", "shop", 4, "400Mi"),
    ):
        said = {"namespace": namespace, "replicas": replicas, "limit": limit}
        files[f"{HOME}/{place}/app.yml"] = DEPLOYMENT.format(**said).encode()
        files[f"{HOME}/{place}/net.yaml"] = SERVICE.format(**said).encode()
    world.host.commit(REPO, files=files | more, author=Person("noah", "Noah"), message="By hand")


@pytest.fixture
def parcels(world) -> Entity:
    by_hand(world)
    Entity.objects.create(ref="resource:default/parcels-db", kind="Resource", name="parcels-db")
    return Entity.objects.create(
        ref=REF, kind="Component", name="parcels", owner_ref="group:default/checkout", type="service",
        description="Tells where parcels are.", metadata={"name": "parcels", "links": [{"url": "https://x.example"}]},
        spec={
            "type": "service", "owner": "group:default/checkout", "lifecycle": "production",
            "dependsOn": ["resource:parcels-db", "component:default/nobody"],
        },
    )  # fmt: skip


def tree(world) -> dict[str, bytes]:
    return world.host.read_tree(REPO, "main", "apps")


def merged(world, row: Request) -> None:
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.mira, head=row.head_sha)
    run_due_effects()
    Request.objects.filter(pk=row.pk).update(state=State.LIVE)


def send(world, **changes) -> Request:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    found = queries.evaluate(row.blueprint, row.answers | changes, user=world.mira, request=row)
    assert not found.blocked, (found.errors, [f for f in found.findings if f.severity == "block"])
    return actions.submit(by=world.mira, blueprint=row.blueprint, answers=row.answers | changes, request=row)


def test_the_nearest_form_is_filled_in_from_the_manifests(world, parcels) -> None:
    found = queries.adoption(parcels, world.mira)
    assert found.blueprint == "web-service"
    said = {
        "name": "parcels", "owner": "checkout", "description": "Tells where parcels are.", "replicas": 4,
        "image": "registry.larkfield.shop/parcels:2.3.1", "port": 9090, "readiness_path": "/ready",
        "memory_request": 300, "memory_limit": 400, "cpu_request": 150,
    }  # fmt: skip
    assert {name: found.adopted.answers[name] for name in said} == said
    assert found.adopted.answers["depends_on"] == ["resource:default/parcels-db"]
    assert sorted(found.adopted.answers["environments"]) == ["production", "staging"]
    kept = {(each.object, each.path) for each in found.kept}
    assert ("Deployment/parcels", "spec.template.spec.priorityClassName") in kept
    assert ("Deployment/parcels", "metadata.annotations.example.com/pager") in kept
    assert ("ConfigMap/parcels-words", "") in kept


def test_it_is_changed_in_its_own_files_line_by_line(world, parcels) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    found = queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row)
    assert [diff.path for diff in found.diffs] == [f"{HOME}/slipway.yaml"], "no change is no line"

    before, path = tree(world), f"{HOME}/production/app.yml"
    merged(world, send(world, memory_limit=440))
    after = tree(world)
    assert after.keys() - before.keys() == {f"{HOME}/slipway.yaml"}
    assert {each for each in before if before[each] != after[each]} == {path}
    assert after[path] == before[path].replace(b"memory: 400Mi", b"memory: 440Mi")
    assert find(REF).metadata["links"] == [{"url": "https://x.example"}], "what the catalog knows stays"

    row = actions.change_service(entity_ref=REF, by=world.mira)
    assert queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row).diffs == ()
    merged(world, send(world, image="registry.larkfield.shop/parcels:2.4.0", max_replicas=9))
    last = tree(world)
    for each in (path, f"{HOME}/staging/app.yml"):
        wanted = after[each].replace(b"parcels:2.3.1", b"parcels:2.4.0")
        assert last[each] == (wanted if "staging" in each else wanted.replace(b"    replicas: 4\n", b""))
    fresh = f"{HOME}/production/horizontalpodautoscaler.yaml"
    assert last.keys() - after.keys() == {fresh}
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"max_replicas": 8})
    found = queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row)
    assert [diff.path for diff in found.diffs] == [fresh, f"{HOME}/slipway.yaml"]


def test_it_is_the_same_whoever_looks(world, parcels) -> None:
    """Somebody of the platform team is in no team that has it."""
    own, other = queries.adoption(parcels, world.mira), queries.adoption(parcels, world.priya)
    assert own == other
    assert f"{HOME}/production/networkpolicy.yaml" in own.adopted.left


def test_what_is_like_no_form_is_refused(world, parcels) -> None:
    bare = (
        b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: parcels, namespace: shop}\ndata: {image: x/y:1}\n"
    )
    gone = {
        f"{HOME}/{place}/{name}": None
        for place in ("staging", "production")
        for name in ("app.yml", "net.yaml")
    }
    world.host.commit(
        REPO, files={**gone, f"{HOME}/production/x.yaml": bare}, author=Person("noah", "Noah"), message="x"
    )
    with pytest.raises(NotOnboarded):
        actions.change_service(entity_ref=REF, by=world.mira)


def test_the_page_shows_what_is_kept(client, world, parcels) -> None:
    client.force_login(world.mira)
    text = client.get("/change/component/default/parcels/").content.decode()
    assert "No form made it" in text
    assert "values no field stands for" in text
    assert "priorityClassName" in text
    assert 'value="9090"' in text
    assert not Request.objects.exists()
