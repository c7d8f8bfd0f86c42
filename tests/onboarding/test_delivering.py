"""What was merged, brought by Argo CD and Flux: their controllers act in the simulated cluster."""

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import settings

from portal.demo.cluster.kinds import BY_KIND
from services.clusters.actions import replace_credentials
from services.clusters.models import Environment
from services.integrations.githosts.base import Person
from services.integrations.kube.kubeconfig import Credentials
from services.manifests.emit import dump
from services.onboarding import actions, delivering, tasks
from services.onboarding.actions import effects
from services.onboarding.models import Request, Rollout, State
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments
from tests.factories.requests import make_request
from tests.fakes.cluster import PORTAL_TOKEN, TOKEN, Cluster, eventually

from . import test_journey
from .conftest import REPO, said
from .test_journey import BOTH, live, merged

harbour = test_journey.harbour
FOLDER = "apps/checkout/wishlist/staging"
ARGO, FLUX = {"delivery": {"by": "argocd", "patience": 0}}, {"delivery": {"by": "flux", "patience": 0}}
CONFIG = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: wishlist\n  namespace: shop-staging\n"
    "  annotations: {slipway.dev/request: R-1}\ndata: {a: %s}\n"
)


def url() -> str:
    return f"file://{settings.GIT_ROOT}/{REPO}.git"


def application(path: str, **over: Any) -> dict[str, Any]:
    spec = {
        "source": {"repoURL": url(), "path": path, "targetRevision": "HEAD"},
        "destination": {"namespace": "shop-staging"},
        "syncPolicy": {"automated": {"prune": True}},
    }
    metadata = {"name": "wishlist-staging", "namespace": "argocd"}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": metadata,
        "spec": spec | over,
    }


def flux(path: str, **over: Any) -> list[dict[str, Any]]:
    spec = {
        "path": f"./{path}",
        "prune": True,
        "interval": "10m",
        "sourceRef": {"kind": "GitRepository", "name": "deploy"},
    }
    place = {"namespace": "flux-system"}
    source = {"url": url(), "interval": "10m", "ref": {"branch": "main"}}
    return [
        {"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
         "metadata": {"name": "deploy"} | place, "spec": source},
        {"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
         "metadata": {"name": "wishlist"} | place, "spec": spec | over},
    ]  # fmt: skip


def namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}


def put(cluster: Cluster, *objs: dict[str, Any]) -> None:
    with cluster.client() as kube:
        for obj in (namespace("argocd"), namespace("flux-system"), *objs):
            kube.apply(obj, force=True)


def delivered(environment: Environment, said: dict[str, Any]) -> None:
    environment.settings = environment.settings | said
    environment.save()


def test_argo_brings_it_to_staging_and_flux_to_production(
    world, environments, submit, harbour, cluster
) -> None:
    for place, by in zip(environments, ("argocd", "flux"), strict=True):
        delivered(place, {"delivery": {"by": by}})
    put(cluster, application(FOLDER), *flux("apps/checkout/wishlist/production", wait=True))
    row = merged(world, submit(environments=BOTH))
    assert (row.state, row.hops.last().waits_for) == (State.MERGED, "Argo CD")
    harbour(row, State.LIVE)
    staging, production = row.rollouts.all()
    assert staging.healthy_at < production.applied_at
    assert staging.delivery["revision"] == production.delivery["revision"] == row.merge_sha
    writers = {each["manager"] for each in live(cluster, "shop-staging")["metadata"]["managedFields"]}
    assert "slipway" not in writers
    assert "argocd-controller" in writers
    assert any(each["kind"] == "Deployment" and each["generation"] for each in staging.applied)


@pytest.fixture
def row(people, host, cluster) -> Request:
    """Merged, with one ConfigMap for staging."""
    environments(cluster_row(cluster.url, TOKEN))
    row = make_request(people.mira, state=State.MERGED, environments=["staging"])
    return commit(host, row, CONFIG % "one")


def commit(host: Any, row: Request, text: str) -> Request:
    files = {f"{FOLDER}/config.yaml": text.encode()}
    row.merge_sha = host.commit(REPO, files=files, author=Person("mira", "Mira"), message="Change")
    row.files = {path: text.decode() for path, text in files.items()}
    row.save()
    row.rollouts.all().delete()
    row.rollouts.create(environment="staging", state=Rollout.State.APPLYING)
    return row


def ask(row: Request, by: dict[str, Any]) -> Rollout:
    delivered(Environment.objects.get(name="staging"), by)
    rollout = row.rollouts.get()
    rollout.delivery = delivering.ask(row, "staging") or {}
    rollout.save()
    return rollout


def settled(row: Request, rollout: Rollout, words: str) -> delivering.Seen:
    """Looked at until it says one of these words."""
    return eventually(lambda: (found := delivering.seen(row, rollout)) and found.word in words and found)


def without_argo(cluster: Cluster) -> None:
    cluster.world.store.kinds.remove(BY_KIND["argoproj.io/v1alpha1", "Application"])


def without_controllers(cluster: Cluster) -> None:
    cluster.world.reconcilers = {}


def several(*sources: dict[str, Any]) -> list[dict[str, Any]]:
    """An application of many sources; without an address one is of our repository."""
    return [application("", sources=[{"repoURL": url()} | each for each in sources])]


def sourced(**over: Any) -> list[dict[str, Any]]:
    return [application("", source={"repoURL": url(), "targetRevision": "HEAD"} | over)]


ELSEWHERE = {"repoURL": "/elsewhere.git", "path": "x"}
RELEASE = {
    "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
    "metadata": {"name": "wishlist", "namespace": "shop-staging"}, "spec": {"values": {"image": "a/b:1"}},
}  # fmt: skip
# What is there and what is said of it: the tool, its objects, the outcome, some of its words.
TABLE: dict[str, tuple[dict[str, Any], Callable[[], list[dict[str, Any]]], str, str]] = {
    "argo": (ARGO, lambda: [application(FOLDER)], "synced", ""),
    "from above": (ARGO, lambda: sourced(path="apps", directory={"recurse": True}), "synced", ""),
    "many sources": (ARGO, lambda: several({"ref": "v"}, {"path": FOLDER}), "synced", ""),
    "one unreadable": (ARGO, lambda: several({"path": FOLDER}, ELSEWHERE), "failed", "ComparisonError"),
    "by hand": (ARGO, lambda: [application(FOLDER, syncPolicy={})], "waits", "press Sync"),
    "an older commit": (ARGO, lambda: sourced(path=FOLDER, targetRevision="HEAD~1"), "waits", "it is at"),
    "another folder": (ARGO, lambda: [application("apps/payments")], "failed", "reads that folder"),
    "flux": (FLUX, lambda: flux(FOLDER), "synced", ""),
    "suspended": (FLUX, lambda: flux(FOLDER, suspend=True), "waits", "somebody has to resume it"),
    "no source": (FLUX, lambda: flux(FOLDER)[1:], "failed", "reads that folder"),
}
# The same with a part of the cluster out of order.
BROKEN: dict[str, tuple[dict[str, Any], Callable[[Cluster], None], str]] = {
    "no crd": (ARGO, without_argo, "Harbour has no Argo CD"),
    "argo is away": (ARGO, without_controllers, "Argo CD does not react"),
    "flux is away": (FLUX, without_controllers, "Flux does not react"),
}


@pytest.mark.parametrize("case", TABLE)
def test_where_it_is(row, host, cluster, case) -> None:
    by, objects, word, text = TABLE[case]
    row = commit(host, row, CONFIG % "two")
    put(cluster, *objects())
    found = settled(row, ask(row, by), word)
    assert text in found.message
    if word == "synced":
        assert (found.revision, [each["name"] for each in found.applied]) == (row.merge_sha, ["wishlist"])


@pytest.mark.parametrize("case", BROKEN)
def test_what_is_not_there_is_told(row, cluster, case) -> None:
    by, breaks, title = BROKEN[case]
    breaks(cluster)
    put(cluster, *(flux(FOLDER) if by is FLUX else [] if breaks is without_argo else [application(FOLDER)]))
    found = settled(row, ask(row, by), "failed")
    assert found.finding is not None
    assert found.finding["title"] == title


def look(row: Request) -> Request:
    tasks.follow(row)
    row.refresh_from_db()
    return row


def until(row: Request, state: State) -> Request:
    return eventually(lambda: look(row).state == state and row)


def asked(row: Request) -> Request:
    """The effect that asks, run."""
    effects.apply(row, row.rollouts.get())
    run_due_effects()
    return row


ODD = {
    "apiVersion": "odd.example/v1",
    "kind": "Odd",
    "metadata": {"name": "odd", "namespace": "shop-staging"},
}


def define_odd(cluster: Cluster) -> None:
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object"}},
    }
    names = {"plural": "odds", "kind": "Odd"}
    spec = {"group": "odd.example", "scope": "Namespaced", "names": names, "versions": [version]}
    crd = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
           "metadata": {"name": "odds.odd.example"}, "spec": spec}  # fmt: skip
    put(cluster, crd)


@pytest.fixture
def refused(row, host, cluster) -> Request:
    """The cluster does not know a kind that is in git."""
    delivered(Environment.objects.get(name="staging"), ARGO)
    put(cluster, application(FOLDER))
    row = until(asked(commit(host, row, CONFIG % "one" + "---\n" + dump([ODD]))), State.NEEDS_ATTENTION)
    assert row.problem["title"] == "Application wishlist-staging could not bring it"
    assert 'no matches for kind "Odd"' in row.problem["message"]
    return row


def test_what_was_corrected_in_git_later_counts_too(refused, host, cluster) -> None:
    """The request was about the first commit; a later one contains it."""
    first = refused.merge_sha
    files = {f"{FOLDER}/config.yaml": (CONFIG % "two").encode()}
    later = host.commit(REPO, files=files, author=Person("noah", "Noah"), message="Correct it")
    app = application(FOLDER)
    app["metadata"]["annotations"] = {"argocd.argoproj.io/refresh": "normal"}
    put(cluster, app)
    until(refused, State.LIVE)
    assert (refused.merge_sha, refused.rollouts.get().delivery["revision"]) == (first, later)
    assert {"delivery_seen", "recovered", "live"} <= set(said(refused))


def test_trying_again_has_argo_bring_the_same_commit_once_more(refused, cluster, people) -> None:
    define_odd(cluster)
    assert look(refused).state == State.NEEDS_ATTENTION
    actions.retry(request=refused, by=people.mira)
    run_due_effects()
    rollout = until(refused, State.ROLLING_OUT).rollouts.get()
    assert (rollout.delivery["revision"], len(rollout.applied)) == (refused.merge_sha, 2)


def test_a_release_of_flux_is_waited_for(row, host, cluster) -> None:
    put(cluster, *flux(FOLDER))
    found = settled(row, ask(commit(host, row, dump([RELEASE])), FLUX), "synced")
    assert [each["kind"] for each in found.applied] == ["HelmRelease"]
    wrong = RELEASE | {"spec": {"values": {}}}
    found = settled(row, ask(commit(host, row, dump([wrong])), FLUX), "failed")
    assert "values.image is required" in found.message


def test_a_cluster_that_is_away_fails_nothing(row, cluster) -> None:
    put(cluster, application(FOLDER))
    rollout = ask(row, ARGO)
    cluster.stop()
    found = delivering.seen(row, rollout)
    assert found is not None
    assert (found.word, "does not answer" in found.message) == ("waits", True)
    cluster.start()
    assert settled(row, rollout, "synced")


def test_without_rights_on_the_tool_it_says_which_are_missing(row, cluster) -> None:
    put(cluster, application(FOLDER))
    replace_credentials(by=None, cluster=Environment.objects.get(name="staging").cluster,
                        credentials=Credentials(cluster.url, "", PORTAL_TOKEN))  # fmt: skip
    found = settled(row, ask(row, ARGO), "failed")
    assert found.finding is not None
    assert "may not read" in found.finding["title"]


def test_what_was_taken_away_is_pruned(row, host, cluster) -> None:
    put(cluster, application(FOLDER, syncPolicy={"automated": {"prune": True}}))
    settled(row, ask(row, ARGO), "synced")
    row.base_sha, row.removed, row.files = row.merge_sha, [f"{FOLDER}/config.yaml"], {}
    files = {
        f"{FOLDER}/config.yaml": None,
        f"{FOLDER}/more.yaml": (CONFIG % "one").replace("wishlist", "more").encode(),
    }
    row.merge_sha = host.commit(REPO, files=files, author=Person("mira", "Mira"), message="Less")
    row.save()
    found = settled(row, ask(row, ARGO), "synced")
    assert [(each["name"], each["became"]) for each in found.removed] == [("wishlist", "removed")]
