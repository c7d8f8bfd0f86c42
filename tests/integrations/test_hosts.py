"""What every git host promises, asked of the built-in one and of the three of others alike."""

from collections.abc import Iterator

import pytest

from services.integrations.githosts.base import Announcement, Check, Person
from services.integrations.githosts.errors import (
    BadReference,
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

from .worlds import MIRA, README, REMOTE, REPO, SAM, World, local, remotes


@pytest.fixture(scope="module")
def _remotes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    with remotes(tmp_path_factory.mktemp("forges")) as found:
        yield found


@pytest.fixture(params=["local", *REMOTE])
def world(request: pytest.FixtureRequest, _remotes: dict[str, World], db: None) -> World:
    if request.param == "local":
        return local()
    known = _remotes[request.param]
    return World(known.host, known.provider, known.serving, known.pause)


def test_reads_files_folders_and_nothing_else(world: World) -> None:
    pull = world.propose()
    host = world.host
    assert host.read(REPO, "README.md", "main") == README
    assert [host.read(REPO, path, "main") for path in ("apps", "../x", "nope/x", "README.md/x", "")] == [
        None
    ] * 5
    assert host.read_tree(REPO, pull.head_sha, f"apps/{world.name}/") == {
        f"apps/{world.name}/a.yaml": b"a: 1\n"
    }
    assert world.files.items() <= host.read_tree(REPO, world.branch).items()
    assert host.read_tree(REPO, "main", "nowhere") == host.read_tree(REPO, "main", "README.md") == {}
    asked: list[str] = []
    assert host.read_tree(REPO, world.branch, "apps/", lambda path, size: bool(asked.append(path))) == {}
    assert f"apps/{world.name}/a.yaml" in asked
    assert host.reader(REPO)("README.md") == README
    assert host.reader(REPO, pull.head_sha)(f"catalog/{world.name}.yaml") == b"x: 1\n"


@pytest.mark.case("G6")
def test_unknown_names_are_refused(world: World) -> None:
    host = world.host
    for repo in ("shop/other", "shop/deploy/../other", "https://evil.test/shop/deploy"):
        with pytest.raises(UnknownRepository):
            host.head(repo)
    for ask in (lambda: host.head(REPO, "nope"), lambda: host.read(REPO, "README.md", "0" * 40)):
        with pytest.raises(UnknownReference):
            ask()
    for ask in (lambda: host.proposal(REPO, 9999), lambda: host.comments(REPO, 9999)):
        with pytest.raises(UnknownProposal):
            ask()
    assert host.find_proposal(REPO, "slipway/r-1") is None


def test_log_and_ancestors(world: World) -> None:
    host, name = world.host, world.name
    first = world.push({f"log/{name}/a.yaml": b"1"}, message="Add a\n\nbody")
    world.push({f"log/{name}/b.yaml": b"1"}, message="Add b")
    world.push({f"log/{name}/a.yaml": None}, message="Remove a")
    about = host.log(REPO, "main", f"log/{name}/a.yaml")
    assert [(each.title, each.author.name) for each in about] == [
        ("Remove a", "Sam Okafor"), ("Add a", "Sam Okafor")
    ]  # fmt: skip
    assert about[1].sha == first
    assert [each.title for each in host.log(REPO, "main", limit=2)] == ["Remove a", "Add b"]
    pull = world.propose()
    assert host.is_ancestor(REPO, first, world.branch)
    assert host.is_ancestor(REPO, "main", "main")
    assert not host.is_ancestor(REPO, pull.head_sha, "main")
    assert not host.is_ancestor(REPO, "0" * 40, "main")


def test_propose_opens_one_pull_request(world: World) -> None:
    pull = world.propose()
    said = (pull.branch, pull.base, pull.state, pull.mergeable, pull.title, pull.body, pull.author.username)
    assert said == (world.branch, "main", "open", True, f"Onboard {world.name}", "For the shop.", "mira")
    assert (pull.additions, pull.deletions, pull.base_sha) == (2, 0, world.host.head(REPO))
    assert bool(pull.url) is world.host.capabilities.pages
    assert [(c.path, c.status, c.old, c.new) for c in world.host.diff(REPO, pull.number)] == [
        (path, "added", None, data) for path, data in sorted(world.files.items())
    ]
    assert world.host.log(REPO, world.branch)[0].author.name == "Mira Lindqvist"


def test_propose_twice_changes_nothing(world: World) -> None:
    first = world.propose()
    assert world.propose() == first == world.host.find_proposal(REPO, world.branch)
    assert len(world.host.log(REPO, world.branch)) == len(world.host.log(REPO, "main")) + 1


def test_propose_other_files_takes_back_what_is_left_out(world: World) -> None:
    first, path = world.propose(), f"catalog/{world.name}.yaml"
    second = world.propose(files={path: b"x: 2\n"}, title="Better")
    assert (second.number, second.title) == (first.number, "Better")
    assert world.host.is_ancestor(REPO, first.head_sha, second.head_sha)
    assert [(c.path, c.new) for c in world.host.diff(REPO, second.number)] == [(path, b"x: 2\n")]
    world.propose()
    assert [c.path for c in world.host.diff(REPO, second.number)] == sorted(world.files)


def test_propose_changes_removes_and_writes_what_is_no_text(world: World) -> None:
    name = world.name
    world.push({f"old/{name}.yaml": b"1\n", f"new/{name}.yaml": b"1\n2\n"})
    files = {
        f"old/{name}.yaml": None,
        f"gone/{name}.yaml": None,
        f"new/{name}.yaml": b"1\n",
        f"b/{name}": b"\xff\x00",
    }
    pull = world.propose(files=files)
    found = world.host.diff(REPO, pull.number)
    assert [(c.path, c.status) for c in found] == [
        (f"b/{name}", "added"), (f"new/{name}.yaml", "changed"), (f"old/{name}.yaml", "removed")
    ]  # fmt: skip
    assert found[0].new == b"\xff\x00"
    assert pull.deletions == 2


def test_propose_over_a_newer_base_takes_it_in(world: World) -> None:
    path = f"both/{world.name}.yaml"
    first_base = world.push({path: b"one\n"})
    first = world.propose(files={path: b"mine\n"}, base=first_base)
    newer = world.push({path: b"theirs\n"}, message="Meanwhile")
    again = world.propose(files={path: b"mine\n"})
    assert (again.head_sha, again.mergeable) == (first.head_sha, False)
    assert [(c.path, c.reason) for c in again.conflicts] == [(path, "changed on both sides")]
    assert "<<<<<<<" in again.conflicts[0].text
    second = world.propose(files={path: b"mine\n"}, base=newer)
    assert (second.number, second.mergeable, second.base_sha) == (first.number, True, newer)
    assert [(c.old, c.new) for c in world.host.diff(REPO, second.number)] == [(b"theirs\n", b"mine\n")]
    assert world.propose(files={path: b"mine\n"}, base=newer) == second
    third = world.propose(files={path: b"other\n"})
    assert (third.base_sha, third.mergeable) == (newer, True)


def test_what_changed_after_the_base_is_a_conflict(world: World) -> None:
    path = f"after/{world.name}.yaml"
    base = world.push({path: b"one\n"})
    first = world.propose(files={path: b"mine\n"}, base=base)
    middle = world.push({f"{path}.other": b"x\n"})
    world.push({path: b"theirs\n"})
    second = world.propose(files={path: b"mine\n", f"{path}.new": b"1\n"}, base=middle)
    assert (second.number, second.mergeable) == (first.number, False)
    assert second.conflicts[0].path == path


@pytest.mark.case("G4")
def test_bases_and_branches_that_are_none_are_refused(world: World) -> None:
    other = world.propose()
    fresh = World(world.host, world.provider, world.serving)
    for base in (other.head_sha, world.branch):
        with pytest.raises(BadReference, match="not part of main"):
            fresh.propose(base=base)
    with pytest.raises(UnknownReference):
        fresh.propose(base="0" * 40)
    for branch in ("main", "-x", "refs/heads/main"):
        with pytest.raises(BadReference):
            fresh.propose(branch=branch)
    assert fresh.host.find_proposal(REPO, fresh.branch) is None


@pytest.mark.case("G2")
@pytest.mark.parametrize("path", ["README.md/x", "docs/{}/a"])
def test_nothing_is_written_through_what_is_no_folder(world: World, path: str) -> None:
    world.push({f"docs/{world.name}": b"a file"})
    with pytest.raises(UnsafePath, match="not a regular"):
        world.propose(files={path.format(world.name): b"x"})


def test_propose_keeps_what_people_pushed_on_top(world: World) -> None:
    pull = world.propose()
    pushed = world.push({f"notes/{world.name}.md": b"hi\n"}, branch=world.branch)
    assert world.propose().head_sha == pushed == world.host.proposal(REPO, pull.number).head_sha


def test_propose_nothing_is_refused(world: World) -> None:
    with pytest.raises(NothingToChange):
        world.propose(files={"README.md": README, "gone.yaml": None})
    assert world.host.find_proposal(REPO, world.branch) is None


def test_what_was_closed_is_never_opened_again(world: World) -> None:
    pull = world.propose()
    closed = world.host.close(REPO, pull.number, by=SAM, reason="Not now @all\n```\nReally")
    assert (closed.state, closed.closed_by, closed.mergeable) == ("closed", "sam", None)
    again = world.host.close(REPO, pull.number, by=MIRA, reason="Other")
    assert (again.closed_by, again.reason) == ("sam", "Not now @all\n```\nReally")
    assert world.propose(files={"x.yaml": b"1"}).state == "closed"
    for refused in (
        lambda: world.merge(pull),
        lambda: world.host.approve(REPO, pull.number, by=SAM, head=pull.head_sha),
    ):
        with pytest.raises(NotOpen):
            refused()
    assert world.host.comments(REPO, pull.number) == []


def test_comments_once_per_key(world: World) -> None:
    host, number = world.host, world.propose().number
    host.comment(REPO, number, body="Hello @sam\n/close", author=SAM, key="k1")
    assert host.comment(REPO, number, body="Changed", author=SAM, key="k1").body == "Hello @sam\n/close"
    host.comment(REPO, number, body="Second", author=MIRA, key="k2")
    assert [(c.key, c.author.name, c.body) for c in host.comments(REPO, number)] == [
        ("k1", "Sam Okafor", "Hello @sam\n/close"), ("k2", "Mira Lindqvist", "Second")
    ]  # fmt: skip


@pytest.mark.case("G8")
def test_approvals_are_bound_to_the_head(world: World) -> None:
    host, pull = world.host, world.propose()
    for _ in range(2):
        given = host.approve(REPO, pull.number, by=SAM, head=pull.head_sha)
    assert (given.by.username, given.head_sha, given.stale) == ("sam", pull.head_sha, False)
    assert [(r.by.username, r.stale) for r in host.approvals(REPO, pull.number)] == [("sam", False)]
    world.propose(files={f"catalog/{world.name}.yaml": b"x: 2\n"})
    assert [r.stale for r in host.approvals(REPO, pull.number)] == [True]
    with pytest.raises(HeadMoved):
        host.approve(REPO, pull.number, by=SAM, head=pull.head_sha)
    with pytest.raises(HeadMoved):
        world.merge(pull)


def test_nobody_approves_their_own(world: World) -> None:
    pull = world.propose()
    with pytest.raises(OwnApproval):
        world.host.approve(REPO, pull.number, by=MIRA, head=pull.head_sha)


def test_merges_once(world: World) -> None:
    pull = world.propose()
    world.push({f"meanwhile/{world.name}": b"1"})
    merged = world.merge(pull)
    assert (merged.state, merged.merged_by, merged.mergeable) == ("merged", "sam", None)
    assert merged.merged_at is not None
    assert world.merge(pull, by=MIRA, message="Again").merge_sha == merged.merge_sha == world.host.head(REPO)
    assert world.host.proposal(REPO, pull.number).merged_by == "sam"
    assert world.host.read(REPO, f"catalog/{world.name}.yaml", "main") == b"x: 1\n"
    title, _, text = world.host.log(REPO, "main")[0].message.partition("\n\n")
    assert title.startswith("Onboard (")
    assert text.startswith("Well done\n\nMerged-By: sam\n")
    assert [c.status for c in world.host.diff(REPO, pull.number)] == ["added", "added"]
    with pytest.raises(NotOpen):
        world.host.close(REPO, pull.number, by=SAM, reason="late")
    assert world.propose(files={"x.yaml": b"1"}).state == "merged"


def test_a_conflict_changes_nothing(world: World) -> None:
    path = f"conflict/{world.name}.yaml"
    world.push({path: b"one\n", f"{path}.gone": b"1\n"})
    pull = world.propose(files={path: b"mine\n", f"{path}.gone": b"2\n", f"{path}.new": b"\xff\x01"})
    world.push({path: b"theirs\n", f"{path}.gone": None, f"{path}.new": b"\xff\x02"})
    before = world.host.head(REPO)
    with pytest.raises(MergeConflict) as refused:
        world.merge(pull)
    assert [(c.path, c.reason) for c in refused.value.details] == [
        (path, "changed on both sides"),
        (f"{path}.gone", "removed on the base, changed here"),
        (f"{path}.new", "added on both sides"),
    ]
    assert world.host.head(REPO) == before
    assert world.host.proposal(REPO, pull.number).mergeable is False


def test_announces_once_or_not_at_all(world: World) -> None:
    pull = world.propose()
    check = Check("failure", "2 guardrails block\n@all", "https://portal.test/requests/R-1/")
    said = Announcement(("slipway",), ("sam", "nobody", "shop/platform"), check)
    for _ in range(2):
        world.host.announce(REPO, pull.number, head=pull.head_sha, said=said)
    assert [c.state for c in world.host.checks(REPO, pull.head_sha)] == ["failure"] * (
        world.provider != "local"
    )
    if world.serving is None:
        return
    forge = world.serving.forge
    there = forge.pulls[pull.number]
    assert (there.labels, there.asked) == (["slipway"], ["sam"])
    (status,) = forge.statuses[pull.head_sha]
    assert status["state"] in ("failure", "failed")
    assert status["description"] == "2 guardrails block @\u200ball"
    world.host.close(REPO, pull.number, by=SAM, reason="no")
    world.host.announce(REPO, pull.number, head=pull.head_sha, said=Announcement(("late",)))
    assert there.labels == ["slipway"]


def test_names_are_people_of_the_portal(world: World) -> None:
    eve = Person("eve", "Eve <e>\n@all `x`")
    pull = world.propose(author=eve)
    assert pull.author.username == "eve"
    world.host.comment(REPO, pull.number, body="x", author=eve, key="k")
    assert world.host.comments(REPO, pull.number)[0].author.username == "eve"
