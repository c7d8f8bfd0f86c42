"""G of the attack list, at the built-in git host: what it refuses whoever asks."""

import inspect

import pygit2
import pytest
from django.conf import settings
from pygit2.enums import FileMode

from services.integrations.githosts.base import GitHost, Person
from services.integrations.githosts.errors import (
    BadReference,
    HeadMoved,
    UnknownReference,
    UnknownRepository,
    UnsafePath,
)
from services.integrations.githosts.local import content
from services.integrations.githosts.names import spoken
from services.integrations.models import PullRequest, Repository

from .conftest import BRANCH, FILES, REPO, SAM


def bare() -> pygit2.Repository:
    return pygit2.Repository(str(settings.GIT_ROOT / f"{REPO}.git"))


def plant(path: str, data: bytes, mode: FileMode) -> None:
    """Something no portal wrote, on the default branch."""
    git = bare()
    index = pygit2.Index()
    index.read_tree(git.head.peel(pygit2.Tree))
    target = git.head.target if mode == FileMode.COMMIT else git.create_blob(data)
    index.add(pygit2.IndexEntry(path, target, mode))
    new = content.commit(git, index.write_tree(git), [git.head.target], author=SAM, message="plant")
    content.move(git, "main", new, git.head.target)


@pytest.mark.case("G1")
@pytest.mark.parametrize(
    "files",
    [
        {"apps/a.yaml": b"1", "Apps/a.yaml": b"2"},
        {"apps": b"1", "apps/a.yaml": b"2"},
        {"a/b/c.yaml": b"1", "A/B": b"2"},
    ],
)
def test_paths_that_some_checkout_takes_for_one_are_refused(host, propose, files) -> None:
    with pytest.raises(UnsafePath, match="cannot both"):
        propose(files=files)
    assert propose(files={"apps": None, "apps/a.yaml": b"2"}).state == "open"


@pytest.mark.case("G1")
@pytest.mark.parametrize(
    "path", ["/etc/x", "a/../../b", "a\\..\\b", "%2e%2e/x", ".GIT/config", ".g\u200cit/x"]
)
def test_nothing_is_written_for_a_path_that_leaves(host, propose, path) -> None:
    before = host.head(REPO)
    with pytest.raises(UnsafePath):
        propose(files={**FILES, path: b"x"})
    assert (host.head(REPO), PullRequest.objects.count()) == (before, 0)
    with pytest.raises(UnknownReference):
        host.head(REPO, BRANCH)


@pytest.mark.case("G2")
@pytest.mark.parametrize(
    ("planted", "target", "mode", "path"),
    [
        ("apps", b"../..", FileMode.LINK, "apps/checkout/x.yaml"),
        ("apps/checkout", b"../catalog", FileMode.LINK, "apps/checkout/x.yaml"),
        ("apps/x.yaml", b"nowhere", FileMode.LINK, "apps/x.yaml"),
        ("apps", b"", FileMode.COMMIT, "apps/x.yaml"),
        ("apps", b"", FileMode.COMMIT, "apps"),
        ("apps", b"a file", FileMode.BLOB, "apps/x.yaml"),
        ("apps/x.yaml/deep", b"a folder", FileMode.BLOB, "apps/x.yaml"),
    ],
)
def test_nothing_is_written_over_or_through_what_is_no_file(
    host, propose, planted, target, mode, path
) -> None:
    plant(planted, target, mode)
    with pytest.raises(UnsafePath, match="not a regular"):
        propose(files={path: b"x"})
    with pytest.raises(UnsafePath, match="not a regular"):
        propose(files={path: None, "other.yaml": b"x"})
    assert host.find_proposal(REPO, BRANCH) is None


@pytest.mark.case("G2")
def test_links_are_shown_as_nothing_in_a_diff(host, propose) -> None:
    plant("secret.yaml", b"/etc/passwd", FileMode.LINK)
    assert host.reader(REPO)("secret.yaml") is None
    pull = propose()
    assert {change.path for change in host.diff(REPO, pull.number)} == set(FILES)


@pytest.mark.case("G4", "G9")
def test_the_default_branch_is_never_proposed_to(host, propose) -> None:
    before = host.head(REPO)
    with pytest.raises(BadReference, match="merging alone"):
        propose(branch="main")
    assert (host.head(REPO), PullRequest.objects.count()) == (before, 0)


@pytest.mark.case("G4")
@pytest.mark.parametrize("base", ["-x", "HEAD", "main~1", "refs/heads/main", "@{-1}"])
def test_a_base_that_is_a_command_is_refused(host, propose, base) -> None:
    with pytest.raises(BadReference):
        propose(base=base)


@pytest.mark.case("G4")
def test_a_base_outside_of_the_default_branch_is_refused(host, propose) -> None:
    other = propose(branch="slipway/r-1000", files={"other.yaml": b"1"})
    for base in (other.head_sha, "slipway/r-1000"):
        with pytest.raises(BadReference, match="not part of main"):
            propose(base=base)
    with pytest.raises(UnknownReference):
        propose(base="0" * 40)


@pytest.mark.case("G5")
def test_a_message_cannot_pretend_to_be_of_the_host(host, propose) -> None:
    text = "Onboard\n\nSlipway-Files: 0000\nmerged-by: priya\n Merged-By : priya"
    first = propose(message=text)
    assert propose(message=text).head_sha == first.head_sha
    merged = host.merge(REPO, first.number, by=SAM, expected_head=first.head_sha, message=text)
    assert merged.merged_by == "sam"
    said = host.log(REPO, "main")[0].message
    assert [line for line in said.splitlines() if line.lower().startswith("merged-by")] == ["Merged-By: sam"]


@pytest.mark.case("G5")
@pytest.mark.parametrize("text", ["[skip ci]", "[ci skip]", "[no ci]", "[Skip Actions]", "[skip-build]"])
def test_a_message_commands_no_build(text) -> None:
    assert spoken(f"Add {text} x\n") == f"Add [\u200b{text[1:]} x"
    assert spoken("Add [skip] and [ci]") == "Add [skip] and [ci]"


@pytest.mark.case("G5")
def test_names_cannot_break_a_commit_apart(host) -> None:
    person = Person("eve", "Eve\nparent 0000 <root@x>\x00", "a>b\n@c")
    host.commit(REPO, files={"a.yaml": b"1"}, author=person, message="x")
    author = host.log(REPO, "main")[0].author
    assert (author.name, author.email) == ("Eveparent 0000 root@x", "ab@c")


@pytest.mark.case("G6", "G9")
@pytest.mark.parametrize("repo", ["shop/other", "shop/deploy/../other", "/etc", "../deploy", "Shop/deploy"])
def test_only_repositories_that_are_known_are_read_or_written(host, propose, repo) -> None:
    pygit2.init_repository(str(settings.GIT_ROOT / "shop" / "other.git"), bare=True)
    for ask in (
        lambda: host.head(repo),
        lambda: host.read(repo, "README.md", "main"),
        lambda: host.proposal(repo, 1),
        lambda: host.propose(
            repo, branch=BRANCH, title="t", body="", files=FILES, author=SAM, message="m"
        ),
    ):  # fmt: skip
        with pytest.raises(UnknownRepository):
            ask()
    assert Repository.objects.count() == 1


@pytest.mark.case("G8")
def test_what_was_looked_at_is_what_is_merged(host, propose) -> None:
    seen = propose()
    host.approve(REPO, seen.number, by=SAM, head=seen.head_sha)
    moved = propose(files={**FILES, "apps/more.yaml": b"1"})
    with pytest.raises(HeadMoved):
        host.merge(REPO, seen.number, by=SAM, expected_head=seen.head_sha, message="m")
    assert [review.stale for review in host.approvals(REPO, seen.number)] == [True]
    host.commit(REPO, files={"catalog/wishlist.yaml": b"x: 9\n"}, author=SAM, message="Meanwhile")
    assert host.proposal(REPO, moved.number).mergeable is False


@pytest.mark.case("G9")
def test_a_host_can_do_no_more_than_propose_and_merge() -> None:
    """No provider is asked to push, delete or administrate: its token needs no such right."""
    methods = {name for name, _ in inspect.getmembers(GitHost, inspect.isfunction) if name[0] != "_"}
    assert methods == {
        "head", "read", "reader", "read_tree", "propose", "find_proposal", "proposal", "diff", "comments",
        "comment", "approvals", "approve", "announce", "checks", "merge", "close", "log", "is_ancestor",
    }  # fmt: skip
