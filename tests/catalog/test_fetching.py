import io
import os
import zipfile
from pathlib import Path

import pygit2
import pytest

from services.catalog.sources import fetching
from services.catalog.sources.fetching import CannotFetch, from_folder, from_repository, from_uploads


def test_a_folder_gives_its_yaml_and_what_that_may_include(tmp_path: Path):
    for name in (
        "a.yaml",
        "deep/b.YML",
        "deep/c.json",
        "x.graphql",
        "main.py",
        ".git/d.yaml",
        "node_modules/e.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a: 1")
    os.symlink("/etc", tmp_path / "etc")
    os.symlink(tmp_path / "a.yaml", tmp_path / "link.yaml")
    assert sorted(from_folder(str(tmp_path)).files) == ["a.yaml", "deep/b.YML", "deep/c.json", "x.graphql"]
    assert sorted(from_folder(str(tmp_path), "deep").files) == ["deep/b.YML", "deep/c.json"]


@pytest.mark.parametrize(("under", "field"), [("none", "path"), ("../", "path"), ("a/../../b", "path")])
def test_a_folder_is_not_left(tmp_path: Path, under, field):
    with pytest.raises(CannotFetch) as refused:
        from_folder(str(tmp_path), under)
    assert refused.value.field == field


def test_what_is_no_folder_is_said(tmp_path: Path):
    with pytest.raises(CannotFetch, match="no folder"):
        from_folder(str(tmp_path / "none"))


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILES", 1), ("MAX_TOTAL", 5), ("MAX_ENTRIES", 1)])
def test_limits_are_kept(tmp_path: Path, monkeypatch, limit, value):
    monkeypatch.setattr(fetching, limit, value)
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("a: 1")
    with pytest.raises(CannotFetch, match=r"larger|more than"):
        from_folder(str(tmp_path))


@pytest.fixture
def repository(tmp_path: Path) -> pygit2.Repository:
    """A bare repository with two branches, a folder and a symbolic link."""
    repository = pygit2.init_repository(str(tmp_path / "bare.git"), bare=True, initial_head="main")
    blob = repository.create_blob(b"a: 1")
    inner = repository.TreeBuilder()
    inner.insert("b.yaml", blob, pygit2.enums.FileMode.BLOB)
    inner.insert("link.yaml", repository.create_blob(b"/etc/passwd"), pygit2.enums.FileMode.LINK)
    outer = repository.TreeBuilder()
    outer.insert("a.yaml", blob, pygit2.enums.FileMode.BLOB)
    outer.insert("deep", inner.write(), pygit2.enums.FileMode.TREE)
    person = pygit2.Signature("Mira", "mira@larkfield.example")
    commit = repository.create_commit("refs/heads/main", person, person, "one", outer.write(), [])
    repository.create_commit(
        "refs/heads/empty", person, person, "two", repository.TreeBuilder().write(), [commit]
    )
    return repository


def test_a_repository_gives_one_commits_files(repository):
    fetched = from_repository(repository.path)
    assert sorted(fetched.files) == ["a.yaml", "deep/b.yaml"]
    assert fetched.revision == str(repository.revparse_single("main").id)
    assert sorted(from_repository("file://" + repository.path, "main", "deep").files) == ["deep/b.yaml"]
    assert from_repository(repository.path, "empty").files == {}


def test_a_working_repository_is_read_at_its_commit(tmp_path: Path):
    repository = pygit2.init_repository(str(tmp_path / "work"), initial_head="main")
    with pytest.raises(CannotFetch, match="no commit yet"):
        from_repository(str(tmp_path / "work"))
    (tmp_path / "work" / "a.yaml").write_text("a: 1")
    repository.index.add("a.yaml")
    person = pygit2.Signature("Mira", "mira@larkfield.example")
    repository.create_commit("refs/heads/main", person, person, "one", repository.index.write_tree(), [])
    (tmp_path / "work" / "not-committed.yaml").write_text("a: 1")
    assert list(from_repository(str(tmp_path / "work")).files) == ["a.yaml"]


@pytest.mark.parametrize(
    ("branch", "under", "field"),
    [("nope", "", "branch"), ("main", "nope", "path"), ("main", "a.yaml", "path"), ("main", "..", "path")],
)
def test_a_repository_says_what_it_lacks(repository, branch, under, field):
    with pytest.raises(CannotFetch) as refused:
        from_repository(repository.path, branch, under)
    assert refused.value.field == field


@pytest.mark.parametrize("location", ["https://example.org/x.git", "git@example.org:x.git", "/nowhere", "/"])
def test_only_repositories_here_are_read(location):
    with pytest.raises(CannotFetch):
        from_repository(location)


def archive(**members: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return stream.getvalue()


def test_uploads_may_be_files_and_archives():
    packed = archive(
        **{"a/b.yaml": "a: 1", "../../etc/c.yaml": "a: 1", "/d.json": "{}", "e.py": "x", "dir/": ""}
    )
    fetched = from_uploads([("x.yaml", b"a: 1"), ("all.zip", packed)])
    assert sorted(fetched.files) == ["a/b.yaml", "d.json", "etc/c.yaml", "x.yaml"]


def test_an_archive_that_unfolds_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(fetching, "MAX_TOTAL", 1000)
    with pytest.raises(CannotFetch, match="larger"):
        from_uploads([("bomb.zip", archive(**{"a.yaml": "a" * 100_000}))])


def test_a_broken_archive_and_a_strange_file_are_refused():
    whole = archive(**{"a.yaml": "a: 1" * 500})
    spoilt = whole[:35] + b"\x00\xff" * 6 + whole[47:]
    for name, content in (("a.zip", spoilt), ("a.exe", b"MZ")):
        with pytest.raises(CannotFetch) as refused:
            from_uploads([(name, content)])
        assert refused.value.field == "uploads"
