"""Taking away what left the repository: a worker is killed on both sides of the call, and it goes once."""

import pytest
from django.db import transaction
from django.utils import timezone

from services.clusters import actions as clusters
from services.effects import crashpoints, worker
from services.effects.models import Effect
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from services.onboarding.actions import effects
from services.onboarding.models import State
from tests.factories import clusters as made
from tests.factories.requests import make_request
from tests.fakes.cluster import TOKEN
from tests.faults.nemesis import REMOVING
from tests.faults.test_announcing import killed_at
from tests.onboarding.conftest import *  # noqa: F403  # fixtures: people to ask in

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]
FOLDER = "apps/checkout/wishlist/staging"
MAP = """apiVersion: v1
kind: ConfigMap
metadata: {name: NAME, namespace: PLACE, annotations: {slipway.dev/entity: "component:default/wishlist"}}
data: {a: b}
"""


def test_a_worker_killed_while_it_takes_something_away_leaves_it_gone_and_the_rest_there(
    people, cluster, settings, tmp_path, monkeypatch
):
    settings.TESTING = True
    (tmp_path / "orders").mkdir()
    monkeypatch.setenv(crashpoints.FOLDER, str(tmp_path / "orders"))
    place, _ = made.environments(made.cluster_row(cluster.url, TOKEN))
    host, points = LocalHost(), sorted(each for each in crashpoints.NAMES if each.startswith(REMOVING))
    host.create("shop/deploy")
    names = ["stays", *(point.partition(".")[2] for point in points)]
    text = {name: MAP.replace("NAME", name).replace("PLACE", place.namespace) for name in names}
    files = {f"{FOLDER}/{name}.yaml": each.encode() for name, each in text.items()}
    base = host.commit("shop/deploy", files=files, author=Person("sam", "Sam"), message="All")
    clusters.apply_objects(place, [cluster_object(name, place.namespace) for name in names])
    row = make_request(people.mira, state=State.ROLLING_OUT, files={f"{FOLDER}/stays.yaml": text["stays"]})
    for name, point in zip(names[1:], points, strict=True):
        gone = dict.fromkeys([f"{FOLDER}/{name}.yaml"])
        head = host.commit("shop/deploy", files=gone, author=Person("sam", "Sam"), message="Less")
        row.base_sha, row.merge_sha, row.removed = base, head, list(gone)
        row.save()
        rollout, _ = row.rollouts.get_or_create(environment="staging")
        with transaction.atomic():
            effects.apply(row, rollout)
        effect = Effect.objects.get(kind="onboarding.apply", payload__merge_sha=head)
        killed_at(tmp_path / "orders", point, effect.pk)
        Effect.objects.filter(pk=effect.pk, state="running").update(lease_until=timezone.now())
        worker.run_one(effect.pk)
        effect.refresh_from_db()
        rollout.refresh_from_db()
        became = [each["became"] for each in rollout.removed]
        assert (effect.state, became) == ("done", ["removed" if name == "removing" else "absent"])
        base = head
    assert names == ["stays", "removed", "removing"]
    with cluster.client() as kube:
        found = kube.list("v1", "ConfigMap", place.namespace).items
    assert [each["metadata"]["name"] for each in found] == ["stays"]


def cluster_object(name: str, namespace: str) -> dict:
    about = {
        "name": name,
        "namespace": namespace,
        "annotations": {"slipway.dev/entity": "component:default/wishlist"},
    }
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": {"a": "b"}}
