"""What tools merge, fill in or decrypt is named as such, and nothing in it blocks."""

from pathlib import Path

import pytest

from services.manifests import files
from services.manifests.check import check
from services.manifests.reader import load_all

INCOMPLETE = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n"
LONELY = {
    "deletion": INCOMPLETE + "$patch: delete\n",
    "sops": "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\ndata: {a: 'ENC[x]'}\nsops: {mac: x}\n",
    "chart": "apiVersion: v2\nname: web\nversion: 1.2.3\n",
    "kubeconfig": "apiVersion: v1\nkind: Config\ncontexts: []\nclusters: []\n",
    "descriptor": "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: Web_App}\n",
    "transformer": "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: web}\n",
    "cluster of kind": "apiVersion: kind.x-k8s.io/v1alpha4\nkind: Cluster\n",
}


@pytest.mark.parametrize("what", LONELY)
def test_what_no_cluster_sees_is_not_checked(what):
    found = check(load_all(LONELY[what]), environment="production")
    assert [(each.rule, each.severity) for each in found] == [("not-final", "info")]


def written(folder: Path, kustomization: str, *names: str) -> list[str]:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(INCOMPLETE)
    (folder / "over" / "kustomization.yaml").write_text(kustomization)
    read = [each for file in files.read([folder]) for each in file.documents]
    return sorted({each.file for each in check(read, environment="staging") if each.rule == "not-final"})


@pytest.mark.parametrize(
    "listed",
    [
        "patches: [{path: patch.yaml}]",
        "patches: [{target: {kind: Deployment}, path: ./patch.yaml}]",
        "patchesStrategicMerge: [patch.yaml]",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\npatches: [{path: ../over/patch.yaml}]",
        "patches: [{patch: text}, {path: 3}, x]\npatchesStrategicMerge: [patch.yaml, 3]",
    ],
)
def test_patches_are_not_checked_and_bases_are(tmp_path: Path, listed):
    found = written(tmp_path, listed, "over/patch.yaml", "over/patch-2.yaml", "base/patch.yaml")
    assert set(found) - {"over/kustomization.yaml"} == {"over/patch.yaml"}


@pytest.mark.parametrize(
    "listed", ["patches: 3", "patchesStrategicMerge: patch.yaml", "resources: [patch.yaml]"]
)
def test_resources_are_no_patches(tmp_path: Path, listed):
    assert written(tmp_path, listed, "over/patch.yaml") == []
