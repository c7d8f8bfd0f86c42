"""T of the attack list where no page is needed: reading, rendering and checking manifests."""

import itertools
import json
import time
from typing import Any

import pytest
import yaml

from services.manifests import files
from services.manifests.check import check
from services.manifests.emit import dump, load_all
from services.manifests.reader import ManifestError
from services.manifests.render import RenderError, render

POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "namespace": "shop"}}
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{after}: &{after} [{','.join(['*' + before] * 9)}]\n"
    for before, after in itertools.pairwise("abcdefghi")
)
TOO_MUCH: list[Any] = [
    pytest.param(BOMB, "aliases make the file expand", marks=pytest.mark.case("T10"), id="aliases"),
    pytest.param("a: &a [*a]", "refers to itself", marks=pytest.mark.case("T10"), id="itself"),
    pytest.param("a: " + "x" * 10_000_000, "larger than", marks=pytest.mark.case("T11"), id="10 MB"),
    pytest.param("[" * 10_000 + "]" * 10_000, "nested more than", marks=pytest.mark.case("T11"), id="depth"),
    pytest.param(
        "---\n- a\n" * 3000, "more than 2000 documents", marks=pytest.mark.case("T11"), id="documents"
    ),
]


@pytest.mark.parametrize(("text", "why"), TOO_MUCH)
def test_too_much_is_refused_before_it_costs_anything(text, why):
    started = time.process_time()
    with pytest.raises(ManifestError, match=why):
        load_all(text)
    assert time.process_time() - started < 0.2


TWICE = (
    '{"kind": "Pod", "\\u006bind": "Secret"}',
    "kind: Pod\nkind: Secret\n",
    '"delegate_to": a\n"\\u0064elegate_to": b\n',
    "1: a\n'1': b\n",
)


@pytest.mark.case("T8")
@pytest.mark.parametrize("text", TWICE)
def test_t8_one_key_twice_is_refused_however_it_is_written(text):
    with pytest.raises(ManifestError, match="is there twice"):
        load_all(text)


UNKNOWN = (
    {"hostpid": True},
    {"HostNetwork": True},
    {"h\u043estPID": True},  # a Cyrillic o
    {"\uff48ostPID": True},  # full width
    {"initContainer": []},
    {"serviceAccountToken": {"projected": {}}},
)


@pytest.mark.case("T7", "T8")
@pytest.mark.parametrize("extra", UNKNOWN, ids=str)
def test_t7_keys_kubernetes_does_not_know_are_found(extra):
    spec = {"containers": [{"name": "web", "image": "registry.larkfield.shop/web:1.0.0"}], **extra}
    found = [
        each
        for each in check([{**POD, "spec": spec}], environment="production")
        if next(iter(extra)) in each.path
    ]
    assert [each.severity for each in found] == ["block"]


@pytest.mark.case("T7")
@pytest.mark.parametrize(
    "extra",
    [{"hostPID": True}, {"hostNetwork": True}, {"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}],
    ids=str,
)
def test_t7_keys_that_leave_the_pod_block(extra):
    spec = {"containers": [{"name": "web", "image": "registry.larkfield.shop/web:1.0.0"}], **extra}
    found = check([{**POD, "spec": spec}], environment="production")
    assert any(each.severity == "block" and next(iter(extra)) in each.path for each in found)


COMMANDS = (
    "argocd.argoproj.io/hook",
    "argocd.argoproj.io/sync-options",
    "config.kubernetes.io/local-config",
    "helm.sh/hook",
    "kustomize.toolkit.fluxcd.io/prune",
    "service.beta.kubernetes.io/aws-load-balancer-type",
    "service.beta.kubernetes.io/azure-load-balancer-internal",
    "nginx.ingress.kubernetes.io/configuration-snippet",
)
TYPED = {"$each": "notes", "$as": "note", "$key": "${{ note.key }}", "$do": "${{ note.value }}"}


@pytest.mark.case("T6")
@pytest.mark.parametrize("key", COMMANDS)
@pytest.mark.parametrize("place", [TYPED, {"${{ notes[0].key }}": "x"}], ids=["each", "key"])
def test_t6_what_somebody_typed_commands_no_other_program(key, place):
    values = {"notes": [{"key": key, "value": "PreDelete"}]}
    with pytest.raises(RenderError, match="must not become the annotation"):
        render({"metadata": {"annotations": place}}, values)
    # what the author of a template wrote, and what is no command, is theirs to write
    assert render({"metadata": {"annotations": {key: "${{ notes[0].value }}"}}}, values)
    plain = {"notes": [{"key": "team.example/note", "value": "x"}]}
    assert render({"metadata": {"annotations": place}}, plain)["metadata"]["annotations"]


@pytest.mark.case("T12")
def test_t12_a_kustomization_is_read_and_not_followed(tmp_path):
    """Nothing outside of what was given is opened, fetched or run; none of it counts as a manifest."""
    (tmp_path / "secret.yaml").write_text(json.dumps({**POD, "spec": {"containers": [], "hostPID": True}}))
    folder = tmp_path / "given"
    folder.mkdir()
    hostile = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [
            "../secret.yaml",
            "/etc/passwd",
            "../../../etc/passwd",
            "https://github.com/x/y//base?ref=main",
        ],
        "bases": ["git@github.com:x/y.git"],
        "helmCharts": [{"name": "x", "repo": "https://evil.example"}],
        "generators": ["exec.yaml"],
        "patches": [{"path": "../../etc/passwd"}, {"path": 7}],
        "configMapGenerator": [{"name": "x", "files": ["/etc/passwd"]}],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(hostile))
    (folder / "exec.yaml").write_text(
        "apiVersion: x/v1\nkind: Exec\n"
        "metadata: {annotations: {config.kubernetes.io/function: 'exec: {path: id}'}}\n"
    )
    (folder / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    read = list(files.read([folder]))
    assert {each.name for each in read} == {"kustomization.yaml", "exec.yaml"}
    found = check([document for each in read for document in each.documents], environment="production")
    assert "hostPID" not in str(found)
    assert "root:" not in str(found)
    assert [each.severity for each in found if each.file == "kustomization.yaml"] == ["info"]


HARD = (
    "no", "1e3", "0x10", "~", "12:30:00", "2024-01-01", "=", "<<", "null", "1_000", ".inf", "0o17", "+1", "-",
    "&a [1]", "*a", "!!python/object/apply:os.system [id]", "x\n---\nkind: Secret", "\u2028", "\x85",
    "a\u2029b", "%YAML 1.1", "---", "...", "? a", "- a", "# a", "a: b", "a #b", "{{ x }}", "${X} $(X) %(x)s",
    "\ufeff", "\\", "'", '"',
)  # fmt: skip


@pytest.mark.case("T2", "T3", "T4", "T5")
@pytest.mark.parametrize("text", HARD)
def test_texts_are_read_back_as_they_were_by_every_reader(text):
    meant = {"a": text, "b": [text], "c": {text: text}}
    written = dump([meant, meant])
    assert [document.data for document in load_all(written)] == [meant, meant]
    assert list(yaml.safe_load_all(written)) == [meant, meant]
    events = list(yaml.parse(written))
    assert not any(getattr(event, "anchor", None) or isinstance(event, yaml.AliasEvent) for event in events)
    assert not any(getattr(event, "tag", None) for event in events)
