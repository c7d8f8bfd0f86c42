"""Where no workload runs, a request is live when its objects say they are well; and it stays in its place."""

import pytest

from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.integrations.errors import Refused
from services.onboarding import applying, queries
from services.onboarding.models import Request, State
from tests.factories.clusters import cluster_row, environments
from tests.factories.requests import make_request
from tests.fakes.cluster import TOKEN, Cluster, eventually

POSTGRES = {"apiVersion": "postgresql.cnpg.io/v1", "kind": "Cluster", "spec": {"instances": 1}}
RULE = {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "spec": {"groups": []}}
SCALER = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
TARGET = {
    "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"},
    "maxReplicas": 3,
}


@pytest.fixture
def rolled(people, cluster: Cluster):
    """A request whose objects were applied to the cluster."""
    place, _ = environments(cluster_row(cluster.url, TOKEN))

    def roll(*objects) -> Request:
        metadata = {"name": "orders", "namespace": place.namespace}
        applied = clusters.apply_objects(place, [each | {"metadata": metadata} for each in objects])
        row = make_request(people.mira, state=State.ROLLING_OUT)
        row.rollouts.create(environment="staging", applied=[applying.identity(each) for each in applied])
        return row

    return roll


def picture(row: Request):
    return queries.pictures(row)["staging"]


def test_a_database_is_live_when_its_operator_says_so(rolled) -> None:
    row = rolled(POSTGRES, RULE)
    first = picture(row)
    assert first.state == "progressing"
    assert first.message.startswith("Cluster orders: ")
    assert eventually(lambda: picture(row).state == "healthy")
    assert picture(row).message == "In place: Cluster, PrometheusRule"


def test_what_is_broken_is_said_with_its_name(rolled) -> None:
    row = rolled(SCALER | {"spec": TARGET})
    assert eventually(lambda: picture(row).state == "failing")
    assert "HorizontalPodAutoscaler orders: unable to get the target's current scale" in picture(row).message


def test_plain_data_is_in_place_once_it_was_taken(rolled) -> None:
    assert picture(rolled({"apiVersion": "v1", "kind": "ConfigMap", "data": {}})).message.startswith(
        "In place"
    )


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: NAME}\n"


@pytest.mark.parametrize(
    ("made", "named", "allowed"),
    [
        ("checkout-lab", "checkout-lab", True),
        ("checkout-lab", "checkout-other", False),
        ("shop", "shop", False),  # production's own
        ("kube-public", "kube-public", False),
        ("default", "default", False),
    ],
)
def test_only_a_namespace_that_the_form_made_may_be_written_to(
    people, environments, made, named, allowed
) -> None:
    text = NAMESPACE.replace("NAME", made)
    row = make_request(people.mira, files={"apps/checkout/lab/staging/namespace.yaml": text})
    own = applying._own_namespaces(row, "staging")
    for obj in (
        {"kind": "Namespace", "metadata": {"name": named}},
        {"kind": "ResourceQuota", "metadata": {"name": "q", "namespace": named}},
    ):
        if allowed:
            applying._check_place(obj, environments[0], own)
            continue
        with pytest.raises(Refused, match="is for"):
            applying._check_place(obj, environments[0], own)


def test_a_name_is_taken_by_resources_too_and_a_reservation_by_requests_under_way(
    people, environments
) -> None:
    entity = {"metadata": {"name": "lab"}, "spec": {"type": "ip-range", "cidr": "10.0.0.0/16"}}
    fields = {"entity_ref": "resource:default/lab", "entity": entity}
    row = make_request(people.mira, state=State.IN_REVIEW, **fields)
    asks = queries.context_for(people.mira)
    assert asks.is_taken("lab")
    assert [each["cidr"] for each in asks.reserved("ip-range")] == ["10.0.0.0/16"]
    environments[0].settings["networks"] = [{"name": "harbour pods", "cidr": "10.40.0.0/14"}]
    environments[0].save()
    assert [each["cidr"] for each in asks.reserved("ip-range")] == ["10.0.0.0/16", "10.40.0.0/14"]
    Environment.objects.update(settings={})
    own = queries.context_for(people.mira, row)
    assert (own.is_taken("lab"), own.reserved("ip-range")) == (False, [])


def test_the_form_knows_what_the_cluster_serves(people, cluster: Cluster) -> None:
    place, _ = environments(cluster_row(cluster.url, TOKEN))
    assert queries.context_for(people.mira).environments[0].kinds is None
    clusters.check_connection(place.cluster)
    assert "postgresql.cnpg.io/v1/Cluster" in queries.context_for(people.mira).environments[0].kinds


def test_a_namespace_that_goes_from_the_repository_stays_with_what_guards_it(people, environments) -> None:
    metadata = {"name": "checkout-lab"}
    gone = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    guard = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "q", "namespace": "checkout-lab"},
    }
    own = applying._free(applying._made_in([gone, guard]))
    asked = [applying._is_ours(each, environments[0], own, set()) for each in (gone, guard)]
    assert asked == [True, False]
    assert "Namespace" in clusters.HOLDS_DATA
