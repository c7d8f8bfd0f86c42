import json

import pytest
from django.core.management import CommandError, call_command

from services.catalog.models import Entity


def run(capsys, *arguments, exits=0):
    """(exit code checked) the JSON document a run prints, and nothing else."""
    if exits:
        with pytest.raises(SystemExit) as stopped:
            call_command("import_catalog", *arguments, "--format", "json")
        assert stopped.value.code == exits
    else:
        call_command("import_catalog", *arguments, "--format", "json")
    return json.loads(capsys.readouterr().out)


def test_import_catalog_dry_run_needs_no_database(folder, capsys):
    document = run(capsys, folder, "--dry-run")
    assert [row["ref"] for row in document["documents"]] == [
        "component:default/cart",
        "resource:default/cart-cache",
        "system:default/order-flow",
        "group:default/checkout",
        "user:default/mira",
    ]
    assert document["documents"][1] | {"errors": []} == {
        "file": "rest.yaml", "document": 0, "line": 1, "ref": "resource:default/cart-cache", "verdict": "ok",
        "errors": [], "warnings": [],
    }  # fmt: skip
    assert document["counts"] == {
        "documents": 5, "ok": 5, "refused": 0, "unparsable": 0, "unknown-kind": 0, "not-a-descriptor": 0
    }  # fmt: skip


def test_import_catalog_says_what_is_wrong_and_exits_1(folder, capsys):
    (folder / "bad.yaml").write_text(
        "apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata:\n  name: a b\n"
    )
    document = run(capsys, folder / "bad.yaml", folder, "--dry-run", exits=1)
    first = document["documents"][0]
    assert (first["file"], first["verdict"], first["ref"]) == ("bad.yaml", "refused", None)
    assert first["errors"][0] == {
        "field": "metadata.name",
        "rule": "format",
        "message": first["errors"][0]["message"],
        "suggestion": "a-b",
        "line": 4,
    }
    assert len(document["documents"]) == 7


def test_import_catalog_prints_text_for_people(folder, capsys):
    (folder / "bad.yaml").write_text("kind: [")
    (folder / "list.yaml").write_text("- a")
    with pytest.raises(SystemExit):
        call_command("import_catalog", folder, "--dry-run")
    out = capsys.readouterr().out
    assert "bad.yaml:1" in out
    assert "(root) (line 1)" in out
    assert out.rstrip().endswith("7 documents, 5 ok, 1 unparsable, 1 not-a-descriptor")


def test_import_catalog_of_nothing(tmp_path, capsys):
    call_command("import_catalog", tmp_path, "--dry-run")
    assert capsys.readouterr().out.strip() == "nothing found"


def test_import_catalog_exits_2_for_a_path_that_is_not_there(tmp_path):
    with pytest.raises(CommandError) as error:
        call_command("import_catalog", tmp_path / "none", "--dry-run")
    assert error.value.returncode == 2


@pytest.mark.django_db
def test_import_catalog_writes_without_dry_run(folder, capsys):
    document = run(capsys, folder)
    assert document["counts"]["new"] == 5
    assert {change["action"] for change in document["changes"]} == {"new"}
    assert Entity.objects.count() == 5
    assert run(capsys, folder, folder)["counts"]["unchanged"] == 10
