"""`manage.py diagnose`: one JSON document, objects of every form, and the exit code."""

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

HEALTHY = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, uid: "1"}
spec: {replicas: 1}
status: {replicas: 1, updatedReplicas: 1, availableReplicas: 1, readyReplicas: 1}
"""
FAILED = "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nstatus: {phase: Failed, message: it broke}\n"
WANTED = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 1}\n"


def run(capsys, *paths, exits=0):
    try:
        call_command("diagnose", *[str(path) for path in paths], "--format", "json")
        code = 0
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == exits
    out = capsys.readouterr().out
    assert out.startswith("{")
    return json.loads(out)["objects"]


def written(folder: Path, text: str, name: str = "a.yaml") -> Path:
    (folder / name).write_text(text)
    return folder


def test_healthy_objects_exit_0(tmp_path, capsys):
    (row,) = run(capsys, written(tmp_path, HEALTHY))
    assert row == {
        "file": "a.yaml",
        "document": 0,
        "object": "Deployment/shop/web",
        "health": "Healthy",
        "message": "",
        "findings": [],
    }


def test_a_failed_pod_exits_1(tmp_path, capsys):
    (row,) = run(capsys, written(tmp_path, FAILED), exits=1)
    assert (row["health"], row["message"]) == ("Degraded", "it broke")


@pytest.mark.parametrize("kind", ["List", "PodList"])
def test_the_items_of_lists_are_objects(tmp_path, capsys, kind):
    item = {"metadata": {"name": "web"}, "status": {"phase": "Failed"}}
    item |= {"kind": "Pod", "apiVersion": "v1"} if kind == "List" else {}
    written(tmp_path, json.dumps({"kind": kind, "apiVersion": "v1", "items": [item, item]}), "a.json")
    assert [row["object"] for row in run(capsys, tmp_path, exits=1)] == ["Pod/web", "Pod/web"]


def test_one_broken_document_is_told_and_loses_no_other(tmp_path, capsys):
    rows = run(capsys, written(tmp_path, f"{HEALTHY}---\na: [\n---\n{HEALTHY}"), exits=1)
    assert [(row["document"], row["health"]) for row in rows] == [
        (0, "Healthy"),
        (1, "Unknown"),
        (2, "Healthy"),
    ]
    assert rows[1]["message"].startswith("cannot be read: a.yaml:")


def test_what_is_only_wanted_is_not_said_to_be_healthy(tmp_path, capsys):
    (row,) = run(capsys, written(tmp_path, WANTED))
    assert (row["health"], row["message"]) == (
        "Unknown",
        "has no status: this is what is wanted, not what runs",
    )


def test_nothing_is_nothing(tmp_path, capsys):
    assert run(capsys, tmp_path) == []


def test_a_path_that_is_not_there_exits_2(tmp_path):
    with pytest.raises(CommandError, match="no file or folder") as caught:
        call_command("diagnose", str(tmp_path / "missing"))
    assert caught.value.returncode == 2
