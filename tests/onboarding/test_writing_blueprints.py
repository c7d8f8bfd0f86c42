"""Blueprints are easy to write: begun by a command, read again when they change, made of any kind."""

import os
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from services.manifests.emit import dump
from services.onboarding import queries
from services.onboarding.blueprints import SHIPPED, crd, load, offered
from services.onboarding.blueprints.cases import run_cases
from tests.factories.clusters import cluster_row, environments
from tests.fakes.cluster import TOKEN, Cluster

SPEC = {
    "required": ["domain", "quota"],
    "properties": {
        "domain": {"type": "string", "description": "Where mail comes to.\nAnd more.", "maxLength": 100},
        "plan": {"type": "string", "enum": ["small", "large"], "default": "small"},
        "public": {"type": "boolean"},
        "aliases": {"type": "array", "items": {"type": "string"}},
        "rules": {
            "type": "array",
            "items": {"properties": {"from": {"type": "string"}}, "required": ["from"]},
        },
        "odd": {"type": "array", "items": {"properties": {"not-a-name": {"type": "string"}}}},
        "quota": {"required": ["size"], "properties": {"size": {"type": "integer", "minimum": 5}}},
        "retention": {"properties": {"days": {"type": "integer"}}},
        "port": {"x-kubernetes-int-or-string": True},
        "extra": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


def definition(spec=SPEC, scope="Namespaced") -> dict:
    schema = {"type": "object", "properties": {"spec": {"type": "object", **spec}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"kind": "MailBox", "plural": "mailboxes"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "mailboxes.example.com"},
        "spec": {"group": "example.com", "scope": scope, "names": names, "versions": [version]},
    }


def begin(*arguments: str) -> str:
    out = StringIO()
    call_command("new_blueprint", *arguments, stdout=out)
    return out.getvalue()


def verdicts(folder: Path) -> set[str]:
    found = list(run_cases(folder))
    assert len(found) == 3
    return {f"{each.verdict} {each.diff}".strip() for each in found}


def test_a_new_blueprint_works_from_the_first_minute(tmp_path, settings):
    settings.BLUEPRINT_FOLDERS = [tmp_path]
    assert "test_blueprints" in begin("greeting")
    assert verdicts(tmp_path / "greeting") == {"ok"}
    with pytest.raises(CommandError, match="not empty"):
        begin("greeting")
    with pytest.raises(CommandError, match="lower-case"):
        begin("Greeting")
    assert "greeting" in queries.blueprints()
    settings.BLUEPRINT_FOLDERS = []
    with pytest.raises(CommandError, match="SLIPWAY_BLUEPRINTS"):
        begin("greeting")


def test_a_kind_of_a_cluster_becomes_a_form(tmp_path):
    file = tmp_path / "crd.yaml"
    file.write_text(dump([definition()]))
    said = begin("mail-box", "--in", str(tmp_path), "--crd", str(file))
    assert "no form can ask for spec.extra" in said
    assert "no form can ask for spec.odd" in said
    assert verdicts(tmp_path / "mail-box") == {"ok"}
    fields = load(tmp_path / "mail-box").fields
    assert [each for each, field in fields.items() if field.required is True and not field.source][-2:] == [
        "domain",
        "quota_size",
    ]
    assert fields["quota_size"].limits == {"minimum": 5}
    assert [option.value for option in fields["plan"].options] == ["small", "large"]
    assert fields["domain"].help.render({}) == "Where mail comes to."


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (definition(scope="Cluster"), "belongs to no namespace"),
        (definition({"properties": {}}), "says nothing about its spec"),
        ({"kind": "ConfigMap"}, "no CustomResourceDefinition"),
    ],
)
def test_what_cannot_become_a_form_is_refused(document, why):
    with pytest.raises(crd.NoForm, match=why):
        crd.kind_of(document)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--crd", "FILE", "--kind", "Elsewhere"), "which one: MailBox"),
        (("--crd", "NOWHERE"), "cannot be read"),
        (("--crd", "EMPTY"), "no definition"),
        (("--crd", "CLUSTER"), "belongs to no namespace"),
    ],
)
def test_a_definition_that_is_not_there_is_said(tmp_path, arguments, why):
    files = {
        "FILE": dump([definition()]),
        "EMPTY": "kind: A\n",
        "CLUSTER": dump([definition(scope="Cluster")]),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    places = [str(tmp_path / each) if each.isupper() else each for each in arguments]
    with pytest.raises(CommandError, match=why):
        begin("mail-box", "--in", str(tmp_path), *places)


def test_it_is_read_from_the_cluster_itself(db, tmp_path, cluster: Cluster):
    environments(cluster_row(cluster.url, TOKEN))
    with cluster.client() as client:
        client.apply(definition())
    begin("mail-box", "--in", str(tmp_path), "--cluster", "harbour", "--kind", "MailBox")
    assert verdicts(tmp_path / "mail-box") == {"ok"}
    with pytest.raises(CommandError, match="no cluster dock"):
        begin("other", "--in", str(tmp_path), "--cluster", "dock")
    cluster_row().__class__.objects.update(server="http://127.0.0.1:9")
    with pytest.raises(CommandError, match="does not say"):
        begin("other", "--in", str(tmp_path), "--cluster", "harbour")


def test_in_development_a_changed_file_counts_at_once_and_a_broken_one_says_where(tmp_path):
    begin("greeting", "--in", str(tmp_path))
    file = tmp_path / "greeting" / "blueprint.yaml"
    before = offered([tmp_path], watched=True).blueprints["greeting"]
    assert offered([tmp_path], watched=True).blueprints["greeting"] is before
    file.write_text(file.read_text().replace("default: Hello", "default: Good day"))
    os.utime(file, ns=(1, 1))
    after = offered([tmp_path], watched=True).blueprints["greeting"]
    assert after.digest != before.digest
    file.write_text(file.read_text().replace("label: Greeting", "lable: Greeting"))
    os.utime(file, ns=(2, 2))
    broken = offered([tmp_path], watched=True)
    assert broken.blueprints == {}
    assert "lable is not known; did you mean label?" in broken.broken["greeting"]
    assert broken.broken["greeting"].startswith("blueprint.yaml:")


def test_one_of_a_shipped_name_takes_its_place(tmp_path):
    begin("worker", "--in", str(tmp_path))
    found = offered([SHIPPED, tmp_path]).blueprints
    assert (found["worker"].title, found["cache"].title) == ("Worker", "Cache")
    assert found["worker"].folder == tmp_path / "worker"
