"""Everything the GitHub provider sends, and everything the fake answers, as GitHub describes it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.integrations.githosts.base import Announcement, Check
from tests.fakes.forge import Serving
from tests.fakes.forge.server import Exchange
from tests.fakes.forge.words import Ask

from .openapi import Description
from .worlds import MIRA, REPO, SAM, World, remote

MORE = Path(__file__).resolve().parents[1] / "contracts" / "github" / "more.json"


@pytest.fixture(scope="module")
def github(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with remote("github", tmp_path_factory.mktemp("forge") / "github.git") as found:
        yield found


@pytest.fixture(scope="module")
def description(shared_data: Path) -> Description:
    return Description(shared_data.parent / "contracts" / "github.json", MORE)


def everything(world: World) -> Serving:
    """All that a host is asked to do, with its sad turns."""
    assert world.serving is not None
    host, forge = world.host, world.serving.forge
    pull = world.propose(files={**world.files, "binary": b"\xff"})
    forge.review(forge.pulls[pull.number], "APPROVED", by="priya")
    world.propose(files={f"catalog/{world.name}.yaml": b"x: 2\n"}, title="Better")
    head = host.proposal(REPO, pull.number).head_sha
    forge.runs[head] = {"lint": "success", "build": "failure", "deploy": ""}
    check = Check("success", "nothing to say", "https://portal.test/")
    for said in (
        Announcement(("slipway",), ("sam", "shop/platform"), check),
        Announcement(check=Check("pending", "…")),
    ):
        host.announce(REPO, pull.number, head=head, said=said)
    assert [(c.name, c.state) for c in host.checks(REPO, head)] == [
        ("slipway", "pending"), ("lint", "success"), ("build", "failure"), ("deploy", "pending")
    ]  # fmt: skip
    host.comment(REPO, pull.number, body="Hello", author=SAM, key="k")
    host.approve(REPO, pull.number, by=SAM, head=head)
    for read in (host.comments, host.approvals, host.diff):
        assert read(REPO, pull.number)
    assert host.log(REPO, world.branch, "catalog")
    assert host.read_tree(REPO, "main")
    assert host.rights(REPO).account == "slipway-bot"
    forge.still_checking = True
    host.proposal(REPO, pull.number)
    forge.still_checking = False
    host.merge(REPO, pull.number, by=MIRA, expected_head=head, message="Merge")
    other = World(host, "github", world.serving)
    host.close(REPO, other.propose().number, by=SAM, reason="no")
    assert host.find_proposal(REPO, other.branch) is not None
    return world.serving


def test_everything_is_as_github_describes_it(github: World, description: Description) -> None:
    asked = everything(github).asked
    assert [problem for each in asked for problem in description.problems(each)] == []
    assert {each.ask.method for each in asked} == {"GET", "POST", "PUT", "PATCH"}
    assert len({(each.ask.method, each.ask.parts[3:5]) for each in asked if each.status < 300}) >= 15


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "answer"),
    [
        ("DELETE", "/repos/shop/deploy/pulls", {}, None, None),
        ("GET", "/repos/shop/deploy/pulls", {"status": "open"}, None, []),
        ("GET", "/repos/shop/deploy/pulls", {"state": "merged"}, None, []),
        ("GET", "/repos/shop/deploy/pulls", {}, {"x": 1}, []),
        ("POST", "/repos/shop/deploy/git/refs", {}, None, None),
        ("POST", "/repos/shop/deploy/git/refs", {}, {"ref": "x"}, None),
        ("POST", "/repos/shop/deploy/git/refs", {}, {"ref": "x", "sha": "y", "force": True}, None),
        ("GET", "/repos/shop/deploy/git/ref/heads/a/b", {}, None, {"ref": 1}),
    ],
)
def test_the_description_finds_what_is_wrong(description, method, path, query, body, answer) -> None:
    ask = Ask(method, path, tuple(path.strip("/").split("/")), query, body, {})
    assert description.problems(Exchange(ask, 200, answer))
