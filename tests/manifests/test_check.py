"""The whole check: what it says, where, and how the commands print it."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command

from portal.shell.commands import Unusable
from services.manifests import files, report
from services.manifests.check import Finding, Fix, check, counts
from services.manifests.reader import load_all
from tests.manifests import agreement

GOOD = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: shop
data:
  LOG_LEVEL: info
"""
BAD = """\
# two documents, the second one wrong
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
data: {}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  replicas: "3"
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
      - name: web
        image: registry.example.com/web:latest
"""


def rules(text, **options):
    return {each.rule for each in check(load_all(text), environment="production", **options)}


def test_a_good_document_has_no_findings():
    assert check(load_all(GOOD), environment="production") == []


def test_a_finding_says_everything():
    findings = check(load_all(BAD, "apps/web.yaml"), environment="production")
    tag = next(each for each in findings if each.rule == "image-tag")
    assert (tag.file, tag.document, tag.line) == ("apps/web.yaml", 1, 23)
    assert tag.object == "Deployment/shop/web"
    assert tag.path == "spec.template.spec.containers[0].image"
    assert tag.blocks
    wrong = next(each for each in findings if each.rule == "schema")
    assert wrong.line == 14
    assert wrong.fix == Fix("Write 3", {"spec.replicas": 3})


def test_what_blocks_comes_first_and_nothing_twice():
    findings = check(load_all(BAD), environment="production")
    order = [each.severity for each in findings if each.document == 1]
    assert order == sorted(order, key=["block", "warn", "info"].index)
    assert len(set(map(repr, findings))) == len(findings)


def test_plain_objects_are_checked_like_documents():
    (finding,) = check([{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}], environment="staging")
    assert (finding.rule, finding.path, finding.line, finding.object) == (
        "not-an-object",
        "metadata.name",
        0,
        "ConfigMap/?",
    )


def test_the_items_of_a_list_are_objects():
    item = "- apiVersion: v1\n  kind: Service\n  metadata: {name: web}\n  spec:\n    port: 80\n"
    text = f"apiVersion: v1\nkind: List\nitems:\n{item}"
    findings = check(load_all(text), environment="staging")
    schema = next(each for each in findings if each.rule == "schema")
    assert (schema.path, schema.line, schema.object) == ("items[0].spec.port", 8, "Service/web")
    assert schema.message == "spec has no field port; did you mean ports?"


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("a: 1", "not-kubernetes"),
        ("- a\n- b", "not-kubernetes"),
        ("just text", "not-kubernetes"),
        ("kind: Deployment", "not-an-object"),
        ("apiVersion: v1\nkind: 3", "not-an-object"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization", "not-final"),
        ("apiVersion: example.org/v1\nkind: Thing\nmetadata: {name: x}", "unchecked-kind"),
        ("apiVersion: policy/v1beta1\nkind: PodSecurityPolicy\nmetadata: {name: x}", "removed-api"),
    ],
)
def test_what_is_not_an_object_we_know(text, rule):
    assert rules(text) == {rule}


def test_generated_names_are_names():
    assert rules("apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: x-}") == set()


def test_an_old_kubernetes_still_serves_old_apis():
    text = (
        "apiVersion: autoscaling/v2beta2\nkind: HorizontalPodAutoscaler\nmetadata: {name: x, namespace: a}\n"
        "spec: {minReplicas: 3, maxReplicas: 4, scaleTargetRef: {kind: Deployment, name: x}}\n"
    )
    assert rules(text, kubernetes="1.25") == set()
    assert rules(text) == {"removed-api"}


def test_counts():
    findings = [Finding("a", "block", "", "", ""), Finding("b", "info", "", "", "")]
    assert counts(findings) == {"block": 1, "warn": 0, "info": 1}


def test_what_the_schema_refuses_is_not_told_again_by_every_guardrail():
    text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n"
    messages = [each.message for each in check(load_all(text), environment="production")]
    assert "template is missing" in messages
    assert not any("could not be judged" in each for each in messages)


# Files


def test_files_are_read_with_names_relative_to_what_was_given(tmp_path: Path):
    (tmp_path / "apps" / ".git").mkdir(parents=True)
    (tmp_path / "apps" / "a.yaml").write_text(GOOD)
    (tmp_path / "apps" / "b.json").write_text('{\n\t"kind": "x"\n}')
    (tmp_path / "apps" / ".git" / "c.yaml").write_text("a: [")
    (tmp_path / "apps" / "readme.md").write_text("a: [")
    read = {each.name: each for each in files.read([tmp_path, tmp_path / "apps" / "a.yaml"])}
    assert sorted(read) == ["apps/a.yaml", "apps/b.json"]
    assert [each.name for each in files.read([tmp_path / "apps" / "a.yaml"])] == ["a.yaml"]
    assert read["apps/b.json"].documents[0].data == {"kind": "x"}


def test_unreadable_files_are_told(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "d.json").write_text("[" * 100_000)
    assert [bool(each.errors) for each in files.read([tmp_path])] == [True] * 4


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, monkeypatch):
    (tmp_path / "a.yaml").write_text(GOOD)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    (file,) = files.read([tmp_path])
    assert "Permission denied" in str(file.errors[0])


def test_repeated_keys_are_read_where_nothing_is_judged(tmp_path: Path):
    (tmp_path / "a.yaml").write_text("a: 1\na: 2\n")
    assert next(files.read([tmp_path])).errors
    assert next(files.read([tmp_path], repeated_keys=True)).documents[0].data == {"a": 2}


def test_too_much_is_refused(tmp_path: Path, monkeypatch):
    (tmp_path / "a.yaml").write_text(GOOD)
    monkeypatch.setattr(files, "MOST_FILES", 0)
    with pytest.raises(files.NoSuchPath, match="smaller folder"):
        list(files.read([tmp_path]))


# The command


def run(capsys, *arguments):
    """Its output and its exit code."""
    code = 0
    try:
        call_command("check_manifests", *[str(each) for each in arguments])
    except SystemExit as error:
        code = error.code
    return capsys.readouterr().out, code


def test_command_prints_one_json_document(tmp_path, capsys):
    (tmp_path / "web.yaml").write_text(BAD)
    out, code = run(capsys, tmp_path, "--format", "json")
    printed = json.loads(out)
    assert code == 1
    assert printed["documents"] == 2
    assert printed["counts"]["block"] == sum(each["severity"] == "block" for each in printed["findings"])
    wanted = {"file", "document", "line", "object", "rule", "severity", "path", "message", "reason", "fix"}
    assert all(wanted <= each.keys() for each in printed["findings"])


def test_command_is_silent_about_good_manifests(tmp_path, capsys):
    (tmp_path / "good.yaml").write_text(GOOD)
    out, code = run(capsys, tmp_path)
    assert code == 0
    assert out.strip() == "1 documents: 0 block, 0 warn, 0 info"


def test_command_prints_sarif(tmp_path, capsys):
    (tmp_path / "web.yaml").write_text(BAD)
    out, code = run(capsys, tmp_path, "--format", "sarif")
    sarif = json.loads(out)
    (found,) = sarif["runs"]
    known = {each["id"] for each in found["tool"]["driver"]["rules"]}
    assert sarif["version"] == "2.1.0"
    assert {each["ruleId"] for each in found["results"]} == known
    levels = {each["ruleId"]: each["level"] for each in found["results"]}
    assert levels["image-tag"] == "error"
    place = next(each for each in found["results"] if each["ruleId"] == "image-tag")["locations"][0]
    assert place["physicalLocation"] == {"artifactLocation": {"uri": "web.yaml"}, "region": {"startLine": 23}}
    assert code == 1


def test_command_tells_people_why_and_what_to_do(tmp_path, capsys):
    (tmp_path / "web.yaml").write_text(BAD)
    out, _ = run(capsys, tmp_path / "web.yaml")
    assert "blocks line 23  Deployment/shop/web" in out
    assert "why: " in out
    assert "fix: Write 3 (spec.replicas = 3)" in out


def test_command_finds_what_cannot_be_parsed(tmp_path, capsys):
    (tmp_path / "a.yaml").write_text("kind: x\nkind: y\n")
    (tmp_path / "b.yaml").write_text(GOOD)
    out, code = run(capsys, tmp_path, "--format", "json")
    (finding,) = json.loads(out)["findings"]
    assert (finding["rule"], finding["file"], finding["line"], code) == ("unparsable", "a.yaml", 2, 1)


def test_command_takes_environment_settings_and_policies(tmp_path, capsys):
    web = tmp_path / "web"
    web.mkdir()
    (web / "web.yaml").write_text(BAD.replace(":latest", ":1"))
    out, _ = run(
        capsys, web, "--environment", "staging", "--set", "registries=other.example", "--format", "json"
    )
    found = {each["rule"]: each["severity"] for each in json.loads(out)["findings"]}
    assert found["image-registry"] == "block"
    assert found["requests-missing"] == "warn"
    own = tmp_path / "own"
    own.mkdir()
    (own / "one.yaml").write_text(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n"
        "metadata: {name: no-web}\n"
        "spec:\n  matchConstraints:\n    resourceRules:\n"
        "    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}\n"
        "  validations:\n  - {expression: \"object.metadata.name != 'web'\", message: not web}\n"
    )
    out, _ = run(capsys, web, "--policies", own, "--format", "json")
    assert "no-web" in {each["rule"] for each in json.loads(out)["findings"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ("/nowhere/at/all",),
        (".", "--kubernetes", "latest"),
        (".", "--kubernetes", "1.12"),
        (".", "--kubernetes", "1.99"),
        (".", "--policies", "/nowhere"),
        (".", "--set", "registries"),
    ],
)
def test_command_refuses_unusable_arguments(arguments, tmp_path):
    given = [str(tmp_path) if each == "." else each for each in arguments]
    with pytest.raises(Unusable) as refused:
        call_command("check_manifests", *given)
    assert refused.value.returncode == 2


def test_export_command_prints_manifests(capsys):
    call_command("export_policies")
    documents = load_all(capsys.readouterr().out)
    assert check(documents, environment="production") == []


def test_text_of_a_finding_without_a_line():
    finding = Finding("a", "info", "t", "says", "because", path="spec.x", object="Pod/x")
    assert "says spec.x  Pod/x: says [a]" in report.as_text(report.as_json([finding], 1))


# Other people's verdicts


def test_verdicts_agree_with_those_of_other_tools(shared_data):
    """Of every verdict on a check that we claim to answer, those that differ on purpose counted as well."""
    folder = shared_data / "5-policy"
    rows = agreement.table(folder)
    print("\n".join(agreement.lines(rows)))
    assert [each for each in agreement.judged(folder) if each[1] == "differ"] == []
    assert agreement.share(rows["all"]) >= 0.98
    assert rows["all"]["agree"] > 500


def test_where_we_disagree_we_mean_to(shared_data):
    """A reason without a disagreement left would hide the next one, and a claim for nothing says nothing."""
    judged = agreement.judged(shared_data / "5-policy")
    differ = {name for name, word, _ in judged if word == "purpose"}
    assert {known.partition(" @ ")[0] for known, each in agreement.CLAIMS.items() if each.reason} == differ
    asked = {name for name, word, _ in judged if word != "uncompared"}
    assert {known.partition(" @ ")[0] for known in agreement.CLAIMS} <= asked


def test_only_objects_are_judged_within_a_list_and_an_empty_document_says_nothing():
    items = [3, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "Menu_"}}, None]
    found = check([None, {"apiVersion": "v1", "kind": "List", "items": items}], environment="production")
    assert [(each.rule, each.path) for each in found] == [("bad-name", "items[1].metadata.name")]
