import json
import os

import pytest
from django.core.management import CommandError, call_command

from services.catalog.derivation import files as limits
from services.catalog.derivation.files import read_path
from tests.catalog import systems


@pytest.fixture
def shop(tmp_path):
    """One of the written systems as a folder."""
    system = next(each for each in systems.load() if each.name == "kubernetes_env")
    for name, content in system.files.items():
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_derive_dependencies_prints_one_document(shop, capsys):
    call_command("derive_dependencies", str(shop), "--format", "json")
    out, err = capsys.readouterr()
    (system,) = json.loads(out)["systems"]
    assert system["path"] == str(shop)
    assert {"name": "goods-db", "kind": "datastore"} in system["nodes"]
    edge = next(e for e in system["edges"] if (e["from"], e["to"]) == ("goods-v1", "goods-db"))
    assert edge["kind"] == "datastore"
    assert 0.8 < edge["confidence"] <= 1
    assert edge["evidence"][0]["file"] == "all.yaml"
    assert "s3cret" not in out
    assert "ratting" in err
    assert "did you mean" not in err
    call_command("derive_dependencies", str(shop / "payments.json"))
    assert "2 nodes, 0 edges" in capsys.readouterr().out


def test_derive_dependencies_exits_1_for_what_it_cannot_read_and_2_for_nonsense(shop, capsys):
    (shop / "broken.yaml").write_text("kind: [\n")
    with pytest.raises(SystemExit) as stopped:
        call_command("derive_dependencies", str(shop), "--format", "json")
    out, err = capsys.readouterr()
    assert stopped.value.code == 1
    assert len(json.loads(out)["systems"][0]["edges"]) > 10
    assert "broken.yaml" in err
    for nonsense in (str(shop / "missing"), "a\0b"):
        with pytest.raises(CommandError) as refused:
            call_command("derive_dependencies", nonsense)
        assert refused.value.returncode == 2


def test_a_folder_is_read_within_limits(tmp_path, monkeypatch):
    outside = tmp_path / "outside"
    root = tmp_path / "root"
    deep = root.joinpath(*["d"] * 5)
    for folder in (outside, deep, root / "node_modules"):
        folder.mkdir(parents=True)
    (outside / "secret.yaml").write_text("a: 1")
    (root / "node_modules" / "x.yaml").write_text("a: 1")
    os.symlink(outside, root / "link")
    os.symlink(outside / "secret.yaml", root / "link.yaml")
    (root / "picture.yaml").write_bytes(b"\x89PNG\x00\x00")
    (deep / "deep.yaml").write_text("a: 1")
    (root / "big.yaml").write_text("a" * 50)
    (root / "a.yaml").write_text("a: 1")
    (root / "b.yaml").write_text("a: 1")
    os.mkfifo(root / "pipe.yaml")
    monkeypatch.setattr(limits, "MAX_FILE", 40)
    monkeypatch.setattr(limits, "MAX_DEPTH", 3)
    found = read_path(root)
    assert set(found.files) == {"a.yaml", "b.yaml"}
    assert [note.file for note in found.notes] == ["big.yaml"]
    monkeypatch.setattr(limits, "MAX_FILES", 1)
    assert [note.file for note in read_path(root).notes] == ["b.yaml"]
    monkeypatch.setattr(limits, "MAX_ENTRIES", 1)
    assert "not looked at" in read_path(root).notes[0].message
