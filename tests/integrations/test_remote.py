"""What only hosts of others do: odd answers, words that would act, marks that are copied, and being slow."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from services.integrations import organisations, rest
from services.integrations.errors import IntegrationError, Refused, Unavailable
from services.integrations.githosts import hooks, inert
from services.integrations.githosts.base import Announcement, Check, Person
from services.integrations.githosts.errors import BadReference, MergeConflict, NotAllowedYet
from services.integrations.githosts.names import check_hosted
from services.integrations.githosts.remote import RemoteHost, gitea, marks, merging, writing
from services.integrations.githosts.remote.dialect import Pull, Writing, moment
from services.integrations.githosts.remote.keeping import Kept
from services.integrations.models import GitServer
from services.integrations.rest import Answer, Http, Malformed, NothingThere, said_by
from tests.fakes.wire import saying, wire

from .worlds import DIALECTS, HERE, MIRA, REMOTE, REPO, SAM, World, remotes

SHA = "a" * 40
SAYS = "@org/all Closes #1 !5 ~bug [skip ci]\n/approve\n::set-output\nCo-authored-by: x <x@y> <!-- hidden -->"


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    with remotes(tmp_path_factory.mktemp("forges")) as found:
        yield found


@pytest.fixture(params=REMOTE)
def world(request: pytest.FixtureRequest, worlds: dict[str, World]) -> World:
    known = worlds[request.param]
    return World(known.host, known.provider, known.serving, known.pause)


# Words


@pytest.mark.case("G5")
def test_words_on_a_host_of_others_are_inert(world) -> None:
    pull = world.propose(title=SAYS, body=SAYS, message=SAYS)
    world.host.comment(REPO, pull.number, body=SAYS, author=Person("eve", SAYS), key="k")
    there = world.serving.forge.pulls[pull.number]
    message = world.host.log(REPO, world.branch)[0].message
    told = there.notes[0].body
    head, fence, rest = told.partition("```text\n")
    inside, _, after = rest.partition("\n```")
    assert inside == SAYS, "a fence needs nothing else"
    assert fence
    body = there.body.partition("<!-- slipway:")[0]
    for text in (there.title, body, head, after.partition("<!-- slipway:")[0]):
        for acts in ("@org", "#1", "!5", "~bug", "[skip ci]", "\n/approve", "\n::set", "<!-- hidden"):
            assert acts not in text
    assert "-by:" not in body
    assert "[skip ci]" not in message
    assert "\n" not in there.title
    assert world.host.comments(REPO, pull.number)[0].body == SAYS


@pytest.mark.case("G5")
def test_being_inert_changes_nothing_else() -> None:
    plain = "# Title\n\n- `apps/x.yaml`: a/b, 5 % and user@host\n"
    once = inert.body(plain + SAYS)
    assert inert.body(once) == once
    assert once.startswith("# Title\n\n- `apps/x.yaml`: a/b, 5 % and user@\u200bhost")
    assert inert.unquoted("no fence") == ""
    assert inert.unquoted("x\r\n````text\r\n```\r\n````") == "```"


# Marks


def test_a_copied_mark_says_nothing_elsewhere(world) -> None:
    first, other = world.propose(), World(world.host, world.provider, world.serving)
    second = other.propose()
    world.host.comment(REPO, first.number, body="Hello", author=SAM, key="k")
    world.host.approve(REPO, first.number, by=SAM, head=first.head_sha)
    forge = world.serving.forge
    there, elsewhere = forge.pulls[first.number], forge.pulls[second.number]
    for said in (*there.notes, *there.reviews):
        forge.say(elsewhere, said.body, by="eve")
        forge.review(elsewhere, "COMMENTED" if world.provider == "github" else "COMMENT", said.body, by="eve")
    forge.review(elsewhere, "CHANGES_REQUESTED", "no", by="priya")
    assert all(comment.author.username == "eve" for comment in world.host.comments(REPO, second.number))
    assert world.host.approvals(REPO, second.number) == []
    world.host.comment(REPO, second.number, body="Mine", author=SAM, key="k")
    assert world.host.comments(REPO, second.number)[-1].body == "Mine"
    assert marks.read("by", "x", marks.mark("by", "y", {"u": "sam"})) is None


def test_what_people_do_on_the_host_counts_as_theirs(world) -> None:
    pull, forge = world.propose(), world.serving.forge
    there = forge.pulls[pull.number]
    forge.review(there, "APPROVED", by="priya")
    assert [(r.by.username, r.stale) for r in world.host.approvals(REPO, pull.number)] == [("priya", False)]
    forge.push(world.branch, {"x": b"1"})
    assert [r.stale for r in world.host.approvals(REPO, pull.number)] == [True]
    forge.merge(there, "Merged-By: sam\nSlipway-Mark: 0000", by="priya")
    assert world.host.proposal(REPO, pull.number).merged_by == "priya"
    other = World(world.host, world.provider, world.serving)
    closed = other.propose()
    forge.close(forge.pulls[closed.number], by="priya")
    found = world.host.proposal(REPO, closed.number)
    assert (found.state, found.closed_by, found.reason) == (
        "closed", "priya" if world.provider == "gitlab" else "", ""
    )  # fmt: skip


def test_an_approval_without_a_time_is_of_no_commit_we_know(worlds) -> None:
    known = worlds["gitlab"]
    world = World(known.host, "gitlab", known.serving)
    pull = world.propose()
    there = world.serving.forge.pulls[pull.number]
    world.serving.forge.review(there, "APPROVED without time", by="priya")
    assert [(r.by.username, r.stale) for r in world.host.approvals(REPO, pull.number)] == [("priya", True)]


# Merging


def test_what_the_host_does_not_allow_or_does_not_know_yet(world, monkeypatch) -> None:
    pull, forge = world.propose(), world.serving.forge
    monkeypatch.setattr(forge, "needs_approval", True)
    with pytest.raises(NotAllowedYet) as refused:
        world.merge(pull)
    assert refused.value.permanent
    monkeypatch.setattr(forge, "needs_approval", False)
    monkeypatch.setattr(forge, "still_checking", True)
    assert world.host.proposal(REPO, pull.number).mergeable is None
    if world.provider != "github":
        with pytest.raises(Unavailable) as waits:
            world.merge(pull)
        assert waits.value.retry_after == 5.0
    monkeypatch.setattr(forge, "still_checking", False)
    assert world.merge(pull).merged_by == "sam"


def test_a_conflict_that_the_host_found_first(world, monkeypatch) -> None:
    """It said that it merges when it was asked; by the time it is told to, it does not."""
    path, forge = f"late/{world.name}", world.serving.forge
    world.push({path: b"1\n"})
    pull = world.propose(files={path: b"2\n"})
    monkeypatch.setattr(forge, "still_checking", world.provider == "github")
    world.push({path: b"3\n"})
    with pytest.raises((MergeConflict, Unavailable)):
        world.merge(pull)
    assert forge.pulls[pull.number].state == "open"


def test_ended_by_somebody_else_in_between(world) -> None:
    pull, forge = world.propose(), world.serving.forge
    forge.lag = 3
    forge.merge(forge.pulls[pull.number], "By hand", by="priya")
    forge.lag = 0
    found: Any = None
    for _ in range(6):
        try:
            found = world.merge(pull)
            break
        except IntegrationError as error:
            found = error
    assert isinstance(found, NotAllowedYet | Unavailable) or found.merged_by == "priya"
    assert world.host.proposal(REPO, pull.number).merged_by == "priya"


def test_three_versions_of_a_file() -> None:
    assert merging.conflict("x", b"1", b"2", b"2") is None
    assert merging.conflict("x", b"1\n\n\n\n2\n", b"0\n\n\n\n2\n", b"1\n\n\n\n3\n") is None
    assert merging.conflict("x", b"1", b"2", None).reason == "changed on the base, removed here"
    assert merging.conflict("x", b"\xff1", b"\xff2", b"\xff3").text == ""


# Writing


@pytest.mark.parametrize("merges", [True, False])
def test_gitea_goes_on_where_people_pushed_what_does_not_merge(worlds, monkeypatch, merges) -> None:
    known = worlds["gitea"]
    world = World(known.host, "gitea", known.serving)
    path = f"push/{world.name}"
    base = world.push({f"{path}/a": b"1\n", f"{path}/b": b"1\n"})
    first = world.propose(files={f"{path}/a": b"mine\n"}, base=base)
    world.push({f"{path}/b": b"theirs\n"}, branch=world.branch)
    newer = world.push({f"{path}/a": b"2\n", f"{path}/b": b"2\n"})
    if not merges:
        monkeypatch.setattr(known.serving.forge, "take_in", lambda pull: False)
    second = world.propose(files={f"{path}/a": b"mine\n"}, base=newer)
    assert second.number == first.number
    assert world.host.read(REPO, f"{path}/a", world.branch) == b"mine\n"


def test_gitea_waits_for_a_branch_that_went_away(worlds) -> None:
    known = worlds["gitea"]
    dialect = known.host._dialect
    with pytest.raises(Unavailable, match="not to be seen"):
        dialect._tip_now(REPO, "slipway/gone")
    nothing = Writing("slipway/gone", SHA, None, False, {}, MIRA, "m")
    assert dialect._commit(REPO, nothing, SHA, {}) == SHA


def test_the_newest_of_our_commits_counts(world) -> None:
    first = world.propose()
    world.push({"own.md": b"1"}, branch=world.branch)
    second = world.propose(files={f"catalog/{world.name}.yaml": b"x: 2\n"})
    world.push({"own.md": b"2"}, branch=world.branch)
    assert world.propose(files={f"catalog/{world.name}.yaml": b"x: 2\n"}).number == first.number
    assert world.host.is_ancestor(REPO, second.head_sha, world.branch)
    assert writing._last_digest([], SHA) is None


def test_a_branch_without_commits_of_its_own_is_gone_on_with(world) -> None:
    forge = world.serving.forge
    forge.move(world.branch, forge.tip("main"))
    assert world.propose().state == "open"
    empty = World(world.host, world.provider, world.serving)
    forge.push(empty.branch, {"begun.md": b"1"})
    assert empty.propose(base=world.host.head(REPO)).state == "open"


# Answers that are none


def asked(provider: str, answer: bytes, ask: Callable[[Any], Any], code: int = 200) -> Any:
    with wire(saying(answer, code=code)) as server:
        http = Http(server.url, {})
        try:
            return ask(DIALECTS[provider](http))
        finally:
            http.close()


PULL = Pull(1, "b", "main", "", "", "open", SHA, MIRA, "", moment("2026-01-01"))
LINE = json.dumps({"tree": [{"path": "a", "sha": SHA, "mode": "100644"}], "truncated": True}).encode()
BRANCH = Writing("b", SHA, SHA, False, {"x": b"1"}, MIRA, "m")
ODD: list[tuple[str, bytes, Callable[[Any], Any], int, type[Exception], str]] = [
    ("github", LINE, lambda d: d.folder(REPO, SHA, ""), 200, Malformed, "too many files"),
    ("github", b'{"tree": 1}', lambda d: d.folder(REPO, SHA, ""), 200, Malformed, "list of files"),
    ("github", b'{"tree": [{"path": "a"}]}', lambda d: d.folder(REPO, SHA, ""), 200, Malformed, "no sha"),
    ("github", b"{}", lambda d: d.default_branch(REPO), 200, Malformed, "no default_branch"),
    (
        "github",
        b'{"message": "no head"}',
        lambda d: d.open(REPO, "b", "main", "", ""),
        422,
        Unavailable,
        "no head",
    ),
    ("github", b'[{"id": 1}]', lambda d: d.notes(REPO, 1), 200, Malformed, "no time"),
    ("github", b"{}", lambda d: d.pull(REPO, 1), 200, Malformed, "no ref"),
    ("gitlab", b"{}", lambda d: d.pull(REPO, 1), 200, Malformed, "no iid"),
    ("gitlab", b"{}", lambda d: d.open(REPO, "b", "main", "", ""), 400, Unavailable, "status 400"),
    ("gitlab", b"{}", lambda d: d.folder(REPO, SHA, "a"), 404, Refused, "nothing of that name"),
    ("gitea", b'{"content": "%"}', lambda d: d.blob(REPO, SHA), 200, Malformed, "base64"),
    ("gitea", LINE, lambda d: d.folder(REPO, SHA, ""), 200, Malformed, "too many files"),
    ("gitea", b"{}", lambda d: d.open(REPO, "b", "main", "", ""), 404, Unavailable, "status 404"),
]


@pytest.mark.parametrize(("provider", "answer", "ask", "code", "error", "match"), ODD)
def test_an_odd_answer_is_said(settings, monkeypatch, provider, answer, ask, code, error, match) -> None:
    settings.GIT_NETWORKS = HERE
    monkeypatch.setattr(gitea, "MOST_PAGES", 3)
    with pytest.raises(error, match=match):
        asked(provider, answer, ask, code)


QUIET: list[tuple[str, bytes, Callable[[Any], Any], int, Any]] = [
    ("github", b"{}", lambda d: d.tip(REPO, "main"), 409, None),
    ("github", b"{}", lambda d: d.commit(REPO, SHA), 404, None),
    ("github", b"[]", lambda d: d.log(REPO, SHA, "x", 5), 200, []),
    ("gitlab", b"{}", lambda d: list(d.below(REPO, SHA, "nowhere")), 404, []),
    ("gitlab", b"[]", lambda d: d.ask(REPO, PULL, ("nobody", "shop/platform")), 200, None),
    ("gitlab", b"{}", lambda d: d.open(REPO, "b", "main", "", ""), 409, None),
    ("gitea", b'{"message": "Conflict"}', lambda d: d.open(REPO, "b", "main", "", ""), 409, None),
    ("gitea", b"{}", lambda d: d.commit(REPO, SHA), 404, None),
]


@pytest.mark.parametrize(("provider", "answer", "ask", "code", "found"), QUIET)
def test_an_answer_that_says_no_is_one(settings, provider, answer, ask, code, found) -> None:
    settings.GIT_NETWORKS = HERE
    assert asked(provider, answer, ask, code) == found


def test_log_of_more_than_a_page(worlds) -> None:
    for provider in REMOTE:
        world = worlds[provider]
        for number in range(3):
            world.serving.forge.push("main", {f"page/{number}": b"1"})
        dialect, tip = world.host._dialect, world.serving.forge.tip("main")
        assert len(dialect.log(REPO, tip, "", 2)) == 2
        assert len(dialect.log(REPO, tip, "page/1", 2)) == 1


def test_a_refusal_that_says_nothing_in_json(settings) -> None:
    settings.GIT_NETWORKS = HERE
    with pytest.raises(Refused, match=r"refuses \(status 418\)\.$"):
        asked("github", b"<html>", lambda d: d.close(REPO, 1), 418)
    with pytest.raises(NothingThere):
        asked("github", b"{}", lambda d: d.default_branch(REPO), 409)
    with pytest.raises(Unavailable, match="status 409"):
        asked("github", b"{}", lambda d: d.close(REPO, 1), 409)


def test_a_pull_request_that_is_said_to_be_there_and_is_not_seen(settings) -> None:
    """GitLab and Gitea answer 409, GitHub 422; the list does not show it yet."""
    settings.GIT_NETWORKS = HERE

    class Blind(DIALECTS["github"]):  # type: ignore[misc]  # a dialect made from a table
        def find(self, repo: str, branch: str) -> None:
            return None

        def default_branch(self, repo: str) -> str:
            return "main"

    with wire(saying(b'{"message": "A pull request already exists"}', code=422)) as server:
        http = Http(server.url, {})
        host = RemoteHost(Blind(http), [REPO], "x")
        with pytest.raises(Unavailable, match="not to be seen yet") as told:
            host._opened(REPO, None, "b", "t", "b")
        http.close()
    assert told.value.retry_after == 30.0


# What is kept


def test_what_is_kept_is_bounded_and_fetched_once() -> None:
    kept: Kept[str, bytes] = Kept(10)
    assert [kept.get(name, lambda: b"1234") for name in ("a", "b", "a", "c")] == [b"1234"] * 4
    asked_again: list[str] = []
    for name in ("a", "b", "c"):
        kept.get(name, lambda name=name: asked_again.append(name) or b"1234")
    assert asked_again == ["b", "c"]
    assert kept.get("d", lambda: kept.get("d", lambda: b"first") and b"second") == b"first"


def test_links_and_modules_are_neither_walked_nor_read(worlds) -> None:
    import pygit2
    from pygit2.enums import FileMode

    for provider in REMOTE:
        forge = worlds[provider].serving.forge
        index = pygit2.Index()
        index.read_tree(forge.git[forge.tip("main")].peel(pygit2.Tree))
        index.add(pygit2.IndexEntry("odd/link", forge.git.create_blob(b"/etc"), FileMode.LINK))
        index.add(pygit2.IndexEntry("odd/file", forge.git.create_blob(b"1"), FileMode.BLOB))
        tree = str(index.write_tree(forge.git))
        forge.move("main", forge.commit_tree(tree, [forge.tip("main")], "odd", "x <x@y>"))
        host = worlds[provider].host
        assert host.read_tree(REPO, "main", "odd") == {"odd/file": b"1"}
        assert host.read(REPO, "odd/link", "main") is None
        assert host.read_tree(REPO, "main", "../x") == {}


WRONG = ["one", "a/../b", "a/b.git", "-a/b", "a/b/", "https://x/y", "a/b c", "a/b.lock"]


@pytest.mark.parametrize("slug", WRONG)
def test_what_is_no_repository_of_a_host(slug) -> None:
    with pytest.raises(BadReference):
        check_hosted(slug)
    assert check_hosted("Group/Sub.group/my-repo") == "Group/Sub.group/my-repo"


def test_small_things() -> None:
    assert Check("success", "", "javascript:alert(1)").safe_url == ""
    assert Check("success", "", "https://x").safe_url == "https://x"
    assert said_by(Answer(400, {}, b'{"error": "a\\n b"}')) == "The git host refuses (status 400): a b"
    assert hooks.secret_of(GitServer(hook_sealed="broken")) == ""


def test_announcing_less_than_everything(world) -> None:
    pull = world.propose()
    world.host.announce(REPO, pull.number, head=pull.head_sha, said=Announcement())
    there = world.serving.forge.pulls[pull.number]
    assert (there.labels, there.asked, world.host.checks(REPO, pull.head_sha)) == ([], [], [])


def test_pages_without_end_are_given_up(settings, monkeypatch) -> None:
    settings.GIT_NETWORKS = HERE
    monkeypatch.setattr(rest, "MOST_PAGES", 2)
    with wire(saying(b"[]", "x-next-page: 2")) as server:
        http = Http(server.url, {})
        with pytest.raises(Malformed, match="more than 2 pages"):
            http.rows("/x", {})
        http.close()


def test_a_pull_request_that_was_there_all_along_is_taken(settings) -> None:
    settings.GIT_NETWORKS = HERE
    seen = {name: lambda *_: PULL for name in ("find", "pull")}
    known = {"default_branch": lambda *_: "main", "edit": lambda *_: None}
    late = type("Late", (DIALECTS["github"],), {**seen, **known})
    with wire(saying(b'{"message": "A pull request already exists"}', code=422)) as server:
        http = Http(server.url, {})
        assert RemoteHost(late(http), [REPO], "x")._opened(REPO, None, "b", "t", "b").number == 1
        http.close()


def test_a_file_that_a_host_lists_for_nothing_is_no_change(worlds) -> None:
    known = worlds["github"]
    pull = World(known.host, "github", known.serving).propose()
    wide = type("Wide", (DIALECTS["github"],), {"changed": lambda *_: ["README.md"]})
    assert RemoteHost(wide(known.host._dialect._http), [REPO], "x").diff(REPO, pull.number) == []


def test_an_organisation_with_a_tree_without_end(settings) -> None:
    settings.GIT_NETWORKS = HERE
    endless = saying(LINE.replace(b'"sha"', b'"type": "blob", "sha"'))
    with (
        wire(endless) as server,
        organisations.opened("gitea", address=server.url, name="shop") as shop,
        pytest.raises(Malformed, match="too many files"),
    ):
        shop.paths(organisations.Repository("shop/deploy", "main"))
