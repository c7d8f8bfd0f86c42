import pygit2
import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone
from pygit2.enums import FileMode

from services.integrations import githosts
from services.integrations.errors import Unavailable
from services.integrations.githosts.base import Person
from services.integrations.githosts.errors import (
    HeadMoved,
    MergeConflict,
    NothingToChange,
    NotOpen,
    OwnApproval,
    UnknownProposal,
    UnknownReference,
    UnknownRepository,
    UnsafePath,
)
from services.integrations.githosts.local import LocalHost, content
from services.integrations.models import PullComment, PullRequest

from .conftest import BRANCH, FILES, MIRA, REPO, SAM

README = b"one\ntwo\nthree\n"


def bare() -> pygit2.Repository:
    return pygit2.Repository(str(settings.GIT_ROOT / f"{REPO}.git"))


def merge(host: LocalHost, pull, by: Person = SAM):
    return host.merge(REPO, pull.number, by=by, expected_head=pull.head_sha, message=f"Merge #{pull.number}")


def test_get_gives_the_local_host(db) -> None:
    assert isinstance(githosts.get(), LocalHost)
    with pytest.raises(KeyError):
        githosts.get("sourceforge")


# Reading


def test_create_keeps_a_repository_that_is_there(host) -> None:
    before = host.head(REPO)
    host.create(REPO)
    assert host.head(REPO) == before


def test_read_and_read_tree(host, propose) -> None:
    pull = propose()
    assert host.read(REPO, "README.md", "main") == README
    assert host.read(REPO, "apps", "main") is None
    assert host.read(REPO, "../x", "main") is None
    assert host.read_tree(REPO, pull.head_sha, "apps/") == {
        k: v for k, v in FILES.items() if k.startswith("apps/")
    }
    assert set(host.read_tree(REPO, BRANCH)) == {*FILES, "README.md"}
    assert host.read_tree(REPO, "main", "nowhere") == {}


def test_reader_reads_many_files_of_one_ref(host, propose) -> None:
    pull = propose()
    read = host.reader(REPO)
    assert (read("README.md"), read("catalog/wishlist.yaml"), read("../x")) == (README, None, None)
    assert host.reader(REPO, pull.head_sha)("catalog/wishlist.yaml") == FILES["catalog/wishlist.yaml"]


@pytest.mark.case("G6")
def test_unknown_names_are_refused(host) -> None:
    with pytest.raises(UnknownRepository, match=f"knows no repository shop/deplyo; did you mean {REPO}\\?$"):
        host.head("shop/deplyo")
    with pytest.raises(UnknownRepository, match=r"knows no repository quite/different$"):
        host.head("quite/different")
    with pytest.raises(UnknownReference):
        host.head(REPO, "nope")
    with pytest.raises(UnknownReference):
        host.read(REPO, "README.md", "0" * 40)
    with pytest.raises(UnknownProposal):
        host.proposal(REPO, 9)
    assert host.find_proposal(REPO, "slipway/r-9") is None


def test_repository_without_its_folder_is_unknown(host) -> None:
    with pytest.raises(UnknownRepository):
        LocalHost(root=settings.GIT_ROOT / "elsewhere").head(REPO)


@pytest.mark.case("G2")
def test_links_are_neither_read_nor_written_through(host) -> None:
    git = bare()
    index = pygit2.Index()
    index.read_tree(git.head.peel(pygit2.Tree))
    index.add(pygit2.IndexEntry("apps", git.create_blob(b"/etc"), FileMode.LINK))
    index.add(pygit2.IndexEntry("dangling.yaml", git.create_blob(b"../x"), FileMode.LINK))
    index.add(pygit2.IndexEntry("module", git.head.target, FileMode.COMMIT))
    new = content.commit(git, index.write_tree(git), [git.head.target], author=SAM, message="links")
    content.move(git, "main", new, git.head.target)
    assert host.read(REPO, "dangling.yaml", "main") is None
    assert host.read_tree(REPO, "main") == {"README.md": README}
    for path in ["apps/x.yaml", "apps", "dangling.yaml", "module/x.yaml", "README.md/x"]:
        with pytest.raises(UnsafePath):
            host.commit(REPO, files={path: b"x"}, author=SAM, message="through")


def test_commit_of_an_unchanged_tree_is_no_commit(host) -> None:
    assert host.commit(REPO, files={"README.md": README}, author=SAM, message="again") == host.head(REPO)


def test_log_by_path_and_people(host) -> None:
    host.commit(REPO, files={"a.yaml": b"1"}, author=Person("x", "Eve <e>\n\x00"), message="Add a\n\nbody")
    host.commit(REPO, files={"b.yaml": b"1"}, author=SAM, message="Add b")
    host.commit(REPO, files={"a.yaml": None}, author=SAM, message="Remove a")
    assert [c.title for c in host.log(REPO, "main")] == ["Remove a", "Add b", "Add a", "Start"]
    about_a = host.log(REPO, "main", "a.yaml")
    assert [c.title for c in about_a] == ["Remove a", "Add a"]
    assert about_a[1].author.name == "Eve e"
    assert len(host.log(REPO, "main", limit=2)) == 2


def test_is_ancestor(host, propose) -> None:
    main, pull = host.head(REPO), propose()
    assert host.is_ancestor(REPO, main, BRANCH)
    assert host.is_ancestor(REPO, main, "main")
    assert not host.is_ancestor(REPO, pull.head_sha, "main")
    assert not host.is_ancestor(REPO, "0" * 40, "main")


# Proposing


def test_propose_opens_one_pull_request(host, propose) -> None:
    pull = propose()
    assert (pull.number, pull.state, pull.mergeable, pull.author.username) == (1, "open", True, "mira")
    assert (pull.additions, pull.deletions) == (2, 0)
    assert [(c.path, c.status, c.old, c.new) for c in host.diff(REPO, 1)] == [
        (path, "added", None, data) for path, data in FILES.items()
    ]


def test_propose_twice_changes_nothing(host, propose) -> None:
    first, second = propose(), propose()
    assert first == second
    assert len(host.log(REPO, BRANCH)) == 2


def test_propose_other_files_adds_a_commit_and_takes_back_what_is_left_out(host, propose) -> None:
    first = propose()
    second = propose(files={"catalog/wishlist.yaml": b"x: 2\n"}, title="Better")
    assert (second.number, second.title) == (first.number, "Better")
    assert host.is_ancestor(REPO, first.head_sha, second.head_sha)
    assert [(c.path, c.new) for c in host.diff(REPO, 1)] == [("catalog/wishlist.yaml", b"x: 2\n")]
    third = propose()
    assert [c.path for c in host.diff(REPO, 1)] == sorted(FILES)
    assert third.head_sha != first.head_sha


def test_propose_over_a_newer_base_takes_it_in(host, propose) -> None:
    first = propose(files={"README.md": b"mine\n"}, base=host.head(REPO))
    newer = host.commit(REPO, files={"README.md": b"theirs\n"}, author=SAM, message="Meanwhile")
    again = propose(files={"README.md": b"mine\n"})
    assert (again.head_sha, again.mergeable) == (first.head_sha, False)
    second = propose(files={"README.md": b"mine\n"}, base=newer)
    assert (second.mergeable, second.base_sha) == (True, newer)
    assert [(c.old, c.new) for c in host.diff(REPO, 1)] == [(b"theirs\n", b"mine\n")]
    assert propose(files={"README.md": b"mine\n"}, base=newer) == second


def test_propose_starts_at_the_base_it_was_made_against(host, propose) -> None:
    base = host.head(REPO)
    host.commit(REPO, files={"README.md": b"theirs\n"}, author=SAM, message="Meanwhile")
    assert propose(files={"README.md": b"mine\n"}, base=base).mergeable is False


def test_propose_removes_and_changes(host, propose) -> None:
    host.commit(REPO, files={"old.yaml": b"1\n"}, author=SAM, message="old")
    propose(files={"old.yaml": None, "README.md": b"one\n2\nthree\n"})
    assert [(c.path, c.status) for c in host.diff(REPO, 1)] == [
        ("README.md", "changed"),
        ("old.yaml", "removed"),
    ]


def test_propose_keeps_what_people_pushed_on_top(host, propose) -> None:
    propose()
    pushed = host.commit(REPO, branch=BRANCH, files={"notes.md": b"hi\n"}, author=SAM, message="By hand")
    assert propose().head_sha == pushed
    assert host.proposal(REPO, 1).head_sha == pushed


def test_propose_nothing_is_refused(host, propose) -> None:
    with pytest.raises(NothingToChange):
        propose(files={"README.md": README, "gone.yaml": None})
    assert host.find_proposal(REPO, BRANCH) is None


def test_propose_never_reopens(host, propose) -> None:
    pull = propose()
    host.close(REPO, pull.number, by=SAM, reason="no")
    again = propose(files={"other.yaml": b"1"})
    assert (again.state, again.head_sha, again.reason) == ("closed", pull.head_sha, "no")
    other = propose(branch="slipway/r-1002")
    merged = merge(host, other)
    assert propose(branch="slipway/r-1002", files={"other.yaml": b"1"}) == merged


@pytest.mark.case("G1", "G4")
def test_propose_checks_paths_and_branch(propose) -> None:
    with pytest.raises(UnsafePath):
        propose(files={"../x": b""})
    with pytest.raises(Exception, match="branch"):
        propose(branch="-x")


def test_diff_is_against_the_merge_base(host, propose) -> None:
    propose()
    host.commit(REPO, files={"elsewhere.yaml": b"1\n"}, author=SAM, message="Meanwhile")
    assert [c.path for c in host.diff(REPO, 1)] == sorted(FILES)
    assert host.proposal(REPO, 1).mergeable


# Merging


def test_merge_when_the_base_moved(host, propose) -> None:
    pull = propose(files={"README.md": b"ONE\ntwo\nthree\n"})
    host.commit(REPO, files={"README.md": b"one\ntwo\nTHREE\n"}, author=SAM, message="Meanwhile")
    merged = merge(host, pull)
    assert (merged.state, merged.merged_by, merged.mergeable) == ("merged", "sam", None)
    assert host.read(REPO, "README.md", "main") == b"ONE\ntwo\nTHREE\n"
    assert host.head(REPO) == merged.merge_sha
    assert host.log(REPO, "main")[0].parents[1] == pull.head_sha


def test_merge_twice_is_one_merge(host, propose) -> None:
    pull = propose()
    first = merge(host, pull)
    assert merge(host, pull, by=MIRA) == first
    assert host.head(REPO) == first.merge_sha
    assert [c.path for c in host.diff(REPO, 1)] == sorted(FILES)


@pytest.mark.case("G8")
def test_merge_conflict_changes_nothing_and_shows_where(host, propose) -> None:
    host.commit(REPO, files={"gone.yaml": b"1\n", "kept.yaml": b"1\n"}, author=SAM, message="two")
    pull = propose(files={"README.md": b"mine\n", "gone.yaml": b"2\n", "kept.yaml": None, "new.yaml": b"a\n"})
    head = host.commit(
        REPO,
        files={"README.md": b"theirs\n", "gone.yaml": None, "kept.yaml": b"3\n", "new.yaml": b"b\n"},
        author=SAM,
        message="Meanwhile",
    )
    with pytest.raises(MergeConflict) as caught:
        merge(host, pull)
    assert caught.value.permanent
    assert {c.path: c.reason for c in caught.value.details} == {
        "README.md": "changed on both sides",
        "gone.yaml": "removed on the base, changed here",
        "kept.yaml": "changed on the base, removed here",
        "new.yaml": "added on both sides",
    }
    assert "<<<<<<<" in caught.value.details[0].text
    assert host.head(REPO) == head
    now = host.proposal(REPO, pull.number)
    assert (now.state, now.mergeable, len(now.conflicts)) == ("open", False, 4)


def test_merge_conflict_of_bytes_has_no_text(host, propose) -> None:
    pull = propose(files={"README.md": b"\xff mine\n"})
    host.commit(REPO, files={"README.md": b"\xfe theirs\n"}, author=SAM, message="Meanwhile")
    assert [c.text for c in host.proposal(REPO, pull.number).conflicts] == [""]


@pytest.mark.case("G8")
def test_merge_refuses_a_moved_head(host, propose) -> None:
    pull = propose()
    propose(files={"catalog/wishlist.yaml": b"x: 2\n"})
    with pytest.raises(HeadMoved):
        merge(host, pull)
    assert host.proposal(REPO, 1).state == "open"


def test_merge_refuses_a_closed_one(host, propose) -> None:
    pull = propose()
    host.close(REPO, pull.number, by=SAM, reason="no")
    with pytest.raises(NotOpen):
        merge(host, pull)


def test_merge_yields_to_a_push_in_between(host, propose) -> None:
    pull = propose()

    def push(step: str) -> None:
        if step == "merge written":
            git = bare()
            old = git.head.target
            content.move(
                git, "main", content.commit(git, git[old].tree.id, [old], author=SAM, message="x"), old
            )

    late = LocalHost(at=push)
    with pytest.raises(Unavailable):
        merge(late, pull)
    assert merge(host, pull).state == "merged"


def test_moving_a_branch_that_appeared_or_vanished_is_unavailable(host) -> None:
    git = bare()
    head = git.head.target
    with pytest.raises(Unavailable):
        content.move(git, "main", head, None)
    with pytest.raises(Unavailable):
        content.move(git, "never", head, head)


def test_moving_a_branch_somebody_else_holds_is_unavailable(host) -> None:
    git = bare()
    head = git.head.target
    new = content.commit(git, git[head].tree.id, [head], author=SAM, message="x")
    lock = settings.GIT_ROOT / f"{REPO}.git" / "refs" / "heads" / "main.lock"
    lock.touch()
    with pytest.raises(Unavailable):
        content.move(git, "main", new, head)
    lock.unlink()
    content.move(git, "main", new, head)
    assert host.head(REPO) == str(new)


@pytest.mark.parametrize("path", ["", "a\x00b", "/", "a//b", "."])
def test_odd_paths_name_no_file(host, path) -> None:
    assert host.read(REPO, path, "main") is None


def test_reading_a_pull_request_waits_for_nobody(host, propose, django_assert_num_queries) -> None:
    """One query each, without the lock, while nothing happened to its branches."""
    pull = propose()
    with django_assert_num_queries(2):
        assert host.proposal(REPO, pull.number) == pull
        assert host.diff(REPO, pull.number)
    host.commit(REPO, files={"README.md": b"four\n"}, author=SAM, message="Elsewhere", branch=BRANCH)
    assert host.proposal(REPO, pull.number).head_sha == host.head(REPO, BRANCH) != pull.head_sha


def test_merge_pushed_by_somebody_else_is_noticed(host, propose) -> None:
    pull = propose()
    git = bare()
    tree = git[pull.head_sha].tree.id
    parents = [git.head.target, git[pull.head_sha].id]
    new = content.commit(
        git, tree, parents, author=Person("tomas", "Tomás Ferreira"), message="Merge by hand"
    )
    content.move(git, "main", new, git.head.target)
    host.commit(REPO, files={"later.yaml": b"1"}, author=SAM, message="Later")
    found = host.proposal(REPO, pull.number)
    assert (found.state, found.merge_sha, found.merged_by) == ("merged", str(new), "Tomás Ferreira")
    with pytest.raises(NotOpen):
        host.close(REPO, pull.number, by=SAM, reason="late")


def test_a_branch_set_back_to_the_base_is_not_a_merge(host, propose) -> None:
    pull = propose()
    bare().references[f"refs/heads/{BRANCH}"].set_target(bare().head.target)
    assert host.proposal(REPO, pull.number).state == "open"


def test_a_deleted_branch_keeps_its_pull_request(host, propose) -> None:
    pull = propose()
    bare().references.delete(f"refs/heads/{BRANCH}")
    assert host.proposal(REPO, pull.number).head_sha == pull.head_sha
    assert merge(host, pull).state == "merged"


def test_a_deleted_default_branch_keeps_its_pull_requests(host, propose) -> None:
    pull = propose()
    bare().references.delete("refs/heads/main")
    assert host.comments(REPO, pull.number) == []
    with pytest.raises(UnknownReference):
        host.proposal(REPO, pull.number)


def test_a_branch_that_somebody_began_by_hand_is_gone_on_with(host, propose) -> None:
    git = bare()
    git.references.create(f"refs/heads/{BRANCH}", git.head.target)
    begun = host.commit(REPO, branch=BRANCH, files={"notes.md": b"hi\n"}, author=SAM, message="By hand")
    pull = propose()
    assert host.is_ancestor(REPO, begun, pull.head_sha)
    assert propose().head_sha == pull.head_sha


# Talking about it


def test_close_twice_keeps_the_first_reason(host, propose) -> None:
    pull = propose()
    host.close(REPO, pull.number, by=SAM, reason="Not now")
    again = host.close(REPO, pull.number, by=MIRA, reason="Other")
    assert (again.state, again.reason, again.closed_by) == ("closed", "Not now", "sam")


def test_comment_once_per_key(host, propose) -> None:
    pull = propose()
    host.comment(REPO, pull.number, body="Hello", author=SAM, key="k1")
    assert host.comment(REPO, pull.number, body="Changed", author=SAM, key="k1").body == "Hello"
    host.comment(REPO, pull.number, body="Second", author=MIRA, key="k2")
    assert [(c.author.name, c.body) for c in host.comments(REPO, 1)] == [
        ("Sam Okafor", "Hello"), ("Mira Lindqvist", "Second")
    ]  # fmt: skip


@pytest.mark.case("G8")
def test_approval_is_bound_to_the_head(host, propose) -> None:
    pull = propose()
    host.approve(REPO, 1, by=SAM, head=pull.head_sha)
    host.approve(REPO, 1, by=SAM, head=pull.head_sha)
    assert [(r.by.username, r.stale) for r in host.approvals(REPO, 1)] == [("sam", False)]
    propose(files={"catalog/wishlist.yaml": b"x: 2\n"})
    assert [r.stale for r in host.approvals(REPO, 1)] == [True]
    with pytest.raises(HeadMoved):
        host.approve(REPO, 1, by=SAM, head=pull.head_sha)


def test_nobody_approves_their_own(host, propose) -> None:
    pull = propose()
    with pytest.raises(OwnApproval):
        host.approve(REPO, 1, by=MIRA, head=pull.head_sha)


def test_approve_refuses_a_closed_one(host, propose) -> None:
    pull = propose()
    host.close(REPO, 1, by=SAM, reason="no")
    with pytest.raises(NotOpen):
        host.approve(REPO, 1, by=SAM, head=pull.head_sha)


# What the database holds by itself


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "merged"},
        {"state": "merged", "merged_at": timezone.now()},
        {"merge_sha": "a" * 40},
        {"state": "closed"},
        {"closed_at": timezone.now()},
    ],
)
def test_state_and_times_agree(host, propose, wrong) -> None:
    propose()
    with pytest.raises(IntegrityError), transaction.atomic():
        PullRequest.objects.update(**wrong)


def test_rows_say_what_they_are(host, propose) -> None:
    pull = propose()
    host.comment(REPO, 1, body="Hello", author=SAM, key="k")
    host.approve(REPO, 1, by=SAM, head=pull.head_sha)
    row = PullRequest.objects.get()
    assert [str(row), str(row.repository), str(PullComment.objects.get())] == [
        "shop/deploy #1",
        REPO,
        "Hello",
    ]
    assert str(row.approvals.get()) == f"Sam Okafor approved {pull.head_sha[:8]}"
