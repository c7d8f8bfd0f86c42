"""What tools merge, fill in or decrypt is named as such, and nothing in it blocks."""

from pathlib import Path

import pytest

from services.manifests import files
from services.manifests.check import check, unreadable
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
        "patches: [patch.yaml]",
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
    assert written(tmp_path, listed, "over/patch.yaml") == ["over/kustomization.yaml"]


BASE = {
    "deployment.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n"
    "  selector: {matchLabels: {app: web}}\n"
    "  template: {spec: {containers: [{name: web, image: r.example/web:1}]}}\n",
    "service.yaml": "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n"
    "  selector: {app: web}\n  ports: [{port: 80}]\n",
    "binding.yaml": "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\n"
    "metadata: {name: web}\n"
    "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n"
    "subjects: [{kind: ServiceAccount, name: web}]\n",
}
LATER = {"selector-mismatch", "service-selects-nothing", "binding-subject"}


@pytest.mark.parametrize(
    ("over", "told"),
    [
        ("resources: [../base]", LATER),
        ("resources: [../base]\ncommonLabels: {app: web}", {"binding-subject"}),
        ("bases: [../base]\nlabels: [{pairs: {app: web}, includeSelectors: true}]\nnamespace: shop", set()),
        ("bases: [../base]\nlabels: [{pairs: {app: web}, includeTemplates: true}]\nnamespace: shop", set()),
        ("resources: [../base]\nlabels: [{pairs: {app: web}}]", LATER),
        ("resources: [../base]\nlabels: [{pairs: {team: t}, includeSelectors: true}]", LATER),
        (
            "resources: [../base]\nlabels: [{pairs: {app: other}, includeSelectors: true}]",
            {"binding-subject"},
        ),
        ("resources: [../base]\nlabels: [{pairs: {app: other}, includeTemplates: true}]", LATER),
        ("resources: [../base]\ncommonLabels: {team: t}", LATER),
        ("resources: [../base]\ncommonLabels: {app: 1}\nlabels: [{pairs: 3}, 4]", LATER),
        ("resources: [../base, ../over, 3]\nnamespace: shop", LATER - {"binding-subject"}),
        ("resources: [../elsewhere]\nnamespace: shop\ncommonLabels: {app: web}", LATER),
        ("resources: 3\nnamespace: shop", LATER),
    ],
)
def test_what_kustomize_sets_is_not_missed_before(tmp_path: Path, over, told):
    for folder in ("base", "over"):
        (tmp_path / folder).mkdir()
    for name, text in BASE.items():
        (tmp_path / "base" / name).write_text(text)
    (tmp_path / "base" / "kustomization.yaml").write_text(f"resources: [{', '.join(BASE)}]")
    (tmp_path / "over" / "kustomization.yaml").write_text(over)
    read = [each for file in files.read([tmp_path]) for each in file.documents]
    assert {each.rule for each in check(read, environment="staging")} & LATER == told


def test_labels_of_kustomize_are_those_of_an_owner_and_never_repair_what_they_do_not_name(tmp_path: Path):
    deployment = BASE["deployment.yaml"].replace("spec: {cont", "metadata: {labels: {app: wep}}, spec: {cont")
    (tmp_path / "deployment.yaml").write_text(deployment)

    def rules(kustomization: str) -> set[str]:
        (tmp_path / "kustomization.yaml").write_text(f"resources: [deployment.yaml]\n{kustomization}")
        read = [each for file in files.read([tmp_path]) for each in file.documents]
        return {each.rule for each in check(read, environment="staging")} & {
            "selector-mismatch",
            "owner-missing",
        }

    assert rules("") == {"selector-mismatch", "owner-missing"}
    assert rules("labels: [{pairs: {team: t}}]") == {"selector-mismatch"}
    assert rules("commonLabels: {team: t}") == {"selector-mismatch"}
    assert rules("commonLabels: {app: web}") == {"owner-missing"}


MALFORMED = {"schema", "spec-missing", "not-an-object"}


@pytest.mark.parametrize(
    "written",
    [
        "metadata: {name: web, labels: 3}",
        "metadata: {name: web, labels: [a]}",
        "metadata: {name: web, labels: ''}",
        "metadata: web",
        "metadata: {name: web}\nspec: 3",
        "metadata: {name: web}\nspec:",
        "metadata: {name: web}",
        "metadata: {name: web}\nspec: {selector: 3, template: {spec: {containers: []}}}",
        "metadata: {name: web}\nspec: {selector: {}, template: {metadata: 3, spec: {containers: []}}}",
    ],
)
def test_labels_of_kustomize_hide_no_mistake_of_another_kind(tmp_path: Path, written):
    """What stands where labels would go is not replaced by them."""
    (tmp_path / "deployment.yaml").write_text(f"apiVersion: apps/v1\nkind: Deployment\n{written}\n")
    (tmp_path / "kustomization.yaml").write_text("resources: []")
    read = [each for file in files.read([tmp_path]) for each in file.documents]
    alone = {(each.rule, each.path) for each in check(read, environment="staging") if each.rule in MALFORMED}
    (tmp_path / "kustomization.yaml").write_text("resources: [deployment.yaml]\ncommonLabels: {app: t}")
    read = [each for file in files.read([tmp_path]) for each in file.documents]
    assert alone
    assert alone == {(e.rule, e.path) for e in check(read, environment="staging") if e.rule in MALFORMED}


FOREIGN = {
    "a chart repository": "apiVersion: v1\nentries: {}\n",
    "a pipeline": "kind: pipeline\ntype: docker\nname: default\n",
    "a provider of dashboards": "apiVersion: 1\nproviders: []\n",
    "a test": "apiVersion: kuttl.dev/v1beta1\nkind: TestSuite\ntimeout: 300\n",
    "a workload of Score": "apiVersion: score.dev/v1b1\ncontainers: {}\n",
    "values": "image: {tag: 1}\nreplicas: 2\n",
    "compose": "services: {web: {image: nginx}}\n",
    "a playbook": "- hosts: all\n",
}


@pytest.mark.parametrize("what", FOREIGN)
def test_files_of_other_tools_are_not_broken_manifests(what):
    found = check(load_all(FOREIGN[what]), environment="production")
    assert [(each.rule, each.severity) for each in found] == [("not-kubernetes", "info")]


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"Key: !Ref Other\n", "not-kubernetes"),
        (b'{\n  // a comment\n  "compilerOptions": {},\n}\n', "not-kubernetes"),
        (b"a: \xff\n", "not-kubernetes"),
        (b"apiVersion: v1\na: \xff\n", "unparsable"),
        (b"apiVersion: v1\nkind: [\n", "unparsable"),
        (b'{"kind": "Pod",, }', "unparsable"),
        (b"kind: A\nname: ${{ values.name | dump }}: x\n", "template"),
        (b"{% if a %}\nkind: A\n{% endif %}\n", "template"),
    ],
)
@pytest.mark.parametrize("suffix", ["yaml", "json"])
def test_a_file_that_cannot_be_read_is_only_broken_where_it_looks_like_a_manifest(
    tmp_path: Path, content, rule, suffix
):
    (tmp_path / f"a.{suffix}").write_bytes(content)
    (file,) = files.read([tmp_path])
    assert {unreadable(each).rule for each in file.errors} == {rule}
