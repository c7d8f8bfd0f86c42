"""What `deploy/` ships passes our own guardrails and names what exists; systemd understands its units."""

import configparser
import json
import re
import runpy
import shutil
import subprocess
import sys
from io import StringIO
from ipaddress import ip_network
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.http.request import split_domain_port, validate_host

from portal.run import prepare
from portal.shell import metrics
from services.clusters.watching.kinds import WATCHED

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
OBJECTS = {path: yaml.safe_load(path.read_text()) for path in sorted(DEPLOY.rglob("*.yaml"))}
SHIPPED = ROOT / "services" / "onboarding" / "shipped"
# Whoever may give rights may take all of them: these are for Argo CD, Flux or the platform team.
RIGHTS = {"Namespace", "ResourceQuota", "LimitRange", "Role", "RoleBinding"}


def plural(kind: str) -> str:
    return (
        kind.lower()[:-1] + "ies" if kind.endswith("y") else kind.lower() + ("es" if kind[-1] == "s" else "s")
    )


def test_the_tree_passes_our_own_guardrails_in_production():
    out = StringIO()
    call_command("check_manifests", str(DEPLOY), environment="production", format="json", stdout=out)
    document = json.loads(out.getvalue())
    found = [
        f"{each['file']}: {each['rule']}" for each in document["findings"] if each["severity"] == "block"
    ]
    assert found == []
    kinds = {each["kind"] for each in OBJECTS.values()}
    assert {"Deployment", "PodDisruptionBudget", "NetworkPolicy", "HTTPRoute", "Job", "CronJob"} <= kinds


def test_the_kustomization_names_every_file():
    folder = DEPLOY / "kubernetes"
    named = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    assert named == sorted(path.name for path in folder.glob("*.yaml") if path.name != "kustomization.yaml")


def allowed(file: str) -> set[tuple[str, str]]:
    rules = OBJECTS[DEPLOY / "cluster-access" / file]["rules"]
    return {(group, name) for rule in rules for group in rule["apiGroups"] for name in rule["resources"]}


def test_the_portal_may_read_what_it_watches_and_no_secret():
    wanted = {(kind.api_version.rpartition("/")[0], plural(kind.kind)) for kind in WATCHED}
    assert allowed("clusterrole-watch.yaml") == wanted - {("", "secrets")} | {("", "pods/log")}


def test_the_portal_may_apply_what_its_forms_render_and_nothing_else():
    text = "\n---\n".join(path.read_text() for path in SHIPPED.glob("*/manifests/*.yaml"))
    found = re.findall(r"^apiVersion: (\S+)\nkind: (\S+)$", text, re.M)
    wanted = {(version.rpartition("/")[0], plural(kind)) for version, kind in found if kind not in RIGHTS}
    assert allowed("role-apply.yaml") == wanted


@pytest.mark.parametrize("unit", UNITS, ids=[unit.name for unit in UNITS])
def test_units_keep_a_program_in_its_place(unit):
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(unit)
    service = parser["Service"]
    wanted = {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "PrivateTmp": "yes", "User": "slipway"}
    assert {name: service.get(name) for name in wanted} == wanted
    command = service["ExecStart"].split()
    assert command[0] == "/opt/slipway/.venv/bin/python"
    assert command[1] == "manage.py" or command[2] in ("gunicorn", "celery", "portal.run.prepare")


def test_a_release_that_fails_takes_nothing_down():
    """Everything comes after the migrations; nothing stops because they run again or fail."""
    for unit in UNITS:
        if unit.stem != "slipway-prepare":
            text = unit.read_text()
            assert re.search("^After=.*slipway-prepare.service", text, re.M)
            assert re.search("^Wants=.*slipway-prepare.service", text, re.M)
            assert not re.search("^(Requires|Requisite|BindsTo|PartOf)=.*prepare", text, re.M)


def test_addresses_of_proxies_are_shipped_and_narrow():
    """Whoever is a proxy chooses whose limits count."""
    example = (DEPLOY / "systemd" / "environment.example").read_text()
    shipped = re.findall(r"^SLIPWAY_PROXIES=(.+)", example, re.M)
    shipped.append(OBJECTS[DEPLOY / "kubernetes" / "configmap.yaml"]["data"]["SLIPWAY_PROXIES"])
    assert len(shipped) == 2
    assert max(ip_network(each).num_addresses for each in ",".join(shipped).split(",")) <= 256


def test_what_pods_may_reach_has_addresses_of_both_kinds():
    rules = OBJECTS[DEPLOY / "kubernetes" / "networkpolicy.yaml"]["spec"]["egress"]
    blocks = [to["ipBlock"]["cidr"] for rule in rules for to in rule["to"] if "ipBlock" in to]
    assert {ip_network(block).version for block in blocks} == {4, 6}


@pytest.mark.parametrize(
    ("own", "asked"),
    [("10.1.2.3", "10.1.2.3:8000"), ("fd00::1f", "[fd00::1f]:8000"), ("[fd00::1f]", "[fd00::1f]")],
)
def test_a_pod_answers_to_its_own_address(monkeypatch, own, asked):
    monkeypatch.setenv("SLIPWAY_OWN_ADDRESS", own)
    hosts = runpy.run_path(str(ROOT / "portal" / "settings.py"))["ALLOWED_HOSTS"]
    assert validate_host(split_domain_port(asked)[0], hosts)


def test_systemd_understands_the_units(tmp_path):
    """With systemd at hand it is asked; otherwise the test above has read them."""
    for path in (DEPLOY / "systemd").iterdir():
        text = path.read_text().replace("/opt/slipway/.venv/bin/python", sys.executable)
        (tmp_path / path.name).write_text(text.replace("file:///opt/slipway/docs", "file:///"))
    analyze = shutil.which("systemd-analyze")
    if analyze:
        units = [str(tmp_path / path.name) for path in [*UNITS, DEPLOY / "systemd" / "slipway.target"]]
        done = subprocess.run(
            [analyze, "verify", "--man=no", *units], capture_output=True, text=True, check=False
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db
def test_alerts_ask_for_metrics_that_exist(client):
    client.get("/livez")
    told = set(re.findall(r"^# TYPE (\w+)", metrics.exposition().decode(), re.M))
    rules = (DEPLOY / "monitoring" / "prometheusrule.yaml").read_text()
    asked = {name.removesuffix("_bucket") for name in re.findall(r"slipway_\w+", rules)}
    assert len(asked) > 5
    assert asked <= told | {f"{name}_total" for name in told}


def test_settings_that_are_shipped_are_documented():
    known = (ROOT / "docs" / "configuration.md").read_text()
    shipped = set(OBJECTS[DEPLOY / "kubernetes" / "configmap.yaml"]["data"])
    shipped |= set(re.findall(r"^(\w+)=", (DEPLOY / "systemd" / "environment.example").read_text(), re.M))
    assert [name for name in shipped if f"`{name}`" not in known] == []


def test_backups_are_made_with_the_environment_of_the_portal_and_as_the_owner():
    spec = OBJECTS[DEPLOY / "kubernetes" / "cronjob-backup.yaml"]["spec"]["jobTemplate"]["spec"]["template"][
        "spec"
    ]
    (container,) = spec["containers"]
    named = [name for source in container["envFrom"] for name in (each["name"] for each in source.values())]
    assert named == ["slipway", "slipway", "slipway-migration"]
    folder = container["command"][-1]
    assert container["command"] == ["python", "-m", "portal.run.backup", folder]
    (volume,) = [mount["name"] for mount in container["volumeMounts"] if mount["mountPath"] == folder]
    claims = {
        each["name"]: each.get("persistentVolumeClaim", {}).get("claimName") for each in spec["volumes"]
    }
    claim = OBJECTS[DEPLOY / "kubernetes" / "persistentvolumeclaim-backups.yaml"]
    assert claims[volume] == claim["metadata"]["name"]
    text = (ROOT / "docs" / "deployment.md").read_text()
    for file in ("/etc/slipway/environment", "-/etc/slipway/migration"):
        assert f"-p EnvironmentFile={file}" in text


def test_an_image_brings_its_static_files():
    """So that pods of two releases side by side each serve theirs; nothing is collected when one starts."""
    text = (DEPLOY / "Containerfile").read_text()
    for name in re.findall(r"^COPY (\S+) ", text, re.M):
        assert (ROOT / name).exists()
    assert "SLIPWAY_STATIC_ROOT=/opt/slipway/.static" in text
    assert not prepare.collects({"SLIPWAY_STATIC_ROOT": "/opt/slipway/.static"}, debug=False)
    assert [prepare.collects({}, debug=debug) for debug in (False, True)] == [True, False]
