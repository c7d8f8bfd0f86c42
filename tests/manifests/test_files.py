"""Files given to a command: whatever is in them, what can be read is read and the rest is told."""

import json
import os
from pathlib import Path

import pytest
from django.core.management import call_command

from services.manifests import files
from services.manifests.check import check, unreadable
from services.manifests.reader import load_each

ONE = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {}\n"
BROKEN = [
    (ONE.format("one") + "---\nkey: [1,\n---\n" + ONE.format("Three"), 1, 7, "bracket"),
    ("# first\n---\nkey: value\n  worse: 1\n---\n" + ONE.format("Three"), 0, 4, "colon too many"),
    ("---\na: 1\na: 2\n---\n" + ONE.format("Three"), 0, 3, "there twice"),
    ("---\na: 1\n---\n\tb: 2\n---\n" + ONE.format("Three"), 1, 4, "a tab"),
    ("a: 'b\n---\n" + ONE.format("Three"), 0, 2, ""),
]


@pytest.mark.parametrize(("text", "document", "line", "said"), BROKEN)
def test_one_broken_document_loses_no_other(text, document, line, said):
    documents, (error,) = load_each(text.encode(), "a.yaml")
    assert documents[-1].data["metadata"]["name"] == "Three"
    assert documents[-1].line_of("metadata.name") == len(text.splitlines())
    assert documents[-1].index > error.document
    assert (error.document, error.line) == (document, line)
    assert said in error.message


def test_a_file_without_a_readable_document_has_one_error():
    assert [len(found) for found in load_each("a: [", "a.yaml")] == [0, 1]
    assert [len(found) for found in load_each(b"\xff---\n---\n", "a.yaml")] == [0, 1]


@pytest.mark.parametrize(
    ("text", "template"),
    [
        ("{{- if .Values.on }}\nkind: A\n{{- end }}\n", True),
        ("kind: A\nname: {{ .Values.name }}\n", True),
        ("items:\n- {{ .Values.name }}\n", True),
        ('name: "{{ filled.later }}"\nkind: [\n', False),
    ],
)
def test_a_template_is_told_from_a_broken_file(text, template):
    _, (error,) = load_each(text, "a.yaml")
    assert unreadable(error).rule == ("template" if template else "unparsable")
    assert unreadable(error).blocks is not template


def read_one(folder: Path, name: str, content: bytes):
    (folder / name).write_bytes(content)
    return next(iter(files.read([folder / name])))


def test_json_is_read_with_tabs_and_one_after_the_other(tmp_path: Path):
    tabs = read_one(tmp_path, "a.json", b'{\n\t"a": {\n\t\t"b": 1\n\t}\n}')
    assert tabs.documents[0].line_of("a.b") == 3
    several = read_one(tmp_path, "b.json", b'{"a": 1}\n{"a": 2}\n')
    assert [each.data for each in several.documents] == [{"a": 1}, {"a": 2}]
    assert [each.index for each in several.documents] == [0, 1]


@pytest.mark.parametrize("content", [b'{"a": 1} {"a": 1, "a": 2}', b'{"a":1,\t"a":2}', b"\xff"])
def test_json_that_cannot_be_read_is_told(tmp_path: Path, content):
    assert len(read_one(tmp_path, "a.json", content).errors) == 1


def test_a_large_file_is_not_even_opened(tmp_path: Path):
    with (tmp_path / "a.yaml").open("wb") as stream:
        stream.truncate(files.MOST_BYTES + 1)
    (file,) = files.read([tmp_path])
    assert "larger than 5 MB" in file.errors[0].message


def test_odd_things_in_a_folder_hold_nothing_up(tmp_path: Path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "loop").symlink_to("..")
    (tmp_path / "below" / "self.yaml").symlink_to("self.yaml")
    (tmp_path / "below" / "endless.yaml").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "below" / "pipe.yaml")
    (tmp_path / "below" / "windows.yaml").write_bytes(b"\xef\xbb\xbf" + ONE.replace("\n", "\r\n").encode())
    (tmp_path / "empty.yaml").touch()
    found = {each.name: each for each in files.read([tmp_path, tmp_path / "below"])}
    assert sorted(found) == ["below/windows.yaml", "empty.yaml"]
    assert found["below/windows.yaml"].documents[0].line_of("metadata.name") == 4
    assert found["empty.yaml"].documents == found["empty.yaml"].errors == []


def test_files_of_one_name_in_two_places_are_two_files(tmp_path: Path):
    """Each path may be an environment of its own: what is equal in both is not there twice."""
    for environment in ("staging", "production"):
        (tmp_path / environment).mkdir()
        (tmp_path / environment / "a.yaml").write_text(ONE.format("Bad_name"))
    read = files.read([tmp_path / "staging", tmp_path / "production"])
    found = check([each for file in read for each in file.documents], environment="staging")
    assert [each.rule for each in found if each.blocks] == ["bad-name", "bad-name"]


@pytest.mark.parametrize("command", ["check_manifests", "diagnose", "import_catalog"])
def test_a_file_name_that_is_no_text_can_be_printed(tmp_path: Path, capsys, command):
    (tmp_path / os.fsdecode(b"caf\xe9.yaml")).write_text(ONE.format("menu"))
    dry = ["--dry-run"] if command == "import_catalog" else []
    call_command(command, str(tmp_path), *dry, "--format", "json")
    document = json.loads(capsys.readouterr().out.encode())
    rows = document.get("findings") or document.get("objects") or document.get("documents")
    assert not isinstance(rows, list) or {row["file"] for row in rows} == {"caf\ufffd.yaml"}
