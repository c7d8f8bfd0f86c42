"""Each host of others, each operation, each way to misbehave: done exactly once in the end, or said.

An operation is repeated as an effect would be, without the waiting. Nothing is asked while a host wants to be
left alone, and a permanent refusal is never what comes of trouble that passes.
"""

from collections.abc import Callable, Iterator
from itertools import cycle, product
from typing import Any

import pytest

from services.integrations.errors import IntegrationError
from services.integrations.githosts.base import Announcement, Check
from services.integrations.rest import RateLimited
from tests.fakes.forge.state import Pull

from .worlds import REMOTE, REPO, SAM, World, remotes

ATTEMPTS = 7
BEFORE = ("500", "503", "429", "429 soon", "403 limit", "drop")
AFTER = ("lost", "502 after", "cut", "html")
# How many requests of each operation write.
WRITES = {
    "github": {"propose": 4, "again": 4, "close": 2, "announce": 3},
    "gitlab": {"propose": 2, "again": 2, "close": 2, "announce": 3},
    "gitea": {"propose": 3, "again": 2, "close": 2, "announce": 4},
}
OPERATIONS = ("propose", "again", "comment", "approve", "merge", "close", "announce")


def table() -> Iterator[tuple[str, str, str, int]]:
    """Every request that writes, with a lost answer and in turn with each other trouble."""
    before, after = cycle(BEFORE), cycle(AFTER[1:])
    for provider, operation in product(REMOTE, OPERATIONS):
        for at in range(WRITES[provider].get(operation, 1)):
            for fault in ("lost", next(after), next(before)):
                yield provider, operation, fault, at


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, World]]:
    with remotes(tmp_path_factory.mktemp("forges")) as found:
        yield found


def fresh(known: World) -> World:
    return World(known.host, known.provider, known.serving, known.pause)


def opened(world: World) -> Pull:
    """A pull request that is there, made without asking anybody."""
    assert world.serving is not None
    forge = world.serving.forge
    forge.push(world.branch, world.files)
    return forge.open(world.branch, "main", "Onboard", "")


def until_done(world: World, work: Callable[[], Any]) -> list[IntegrationError]:
    """Works until it is done; what was said meanwhile."""
    assert world.serving is not None
    assert world.pause is not None
    told: list[IntegrationError] = []
    for _ in range(ATTEMPTS):
        try:
            work()
        except IntegrationError as error:
            told.append(error)
            if isinstance(error, RateLimited):
                _check_left_alone(world, work)
        else:
            assert not any(error.permanent for error in told)
            return told
    raise AssertionError(told)


def _check_left_alone(world: World, work: Callable[[], Any]) -> None:
    """Until the time it named nobody asks it anything; then the clock is put on."""
    before = len(world.serving.asked)
    with pytest.raises(RateLimited) as waiting:
        work()
    assert 0 < waiting.value.retry_after <= 60
    assert len(world.serving.asked) == before
    world.pause.__init__()


Work = tuple[Callable[[], Any], Callable[[], object], object]


def work_of(world: World, operation: str) -> Work:
    """What is done, how often it is there, and how often it should be."""
    forge = world.serving.forge
    if operation == "propose":
        return world.propose, lambda: (len(forge.of_branch(world.branch)), commits(world)), (1, 1)
    pull, host = opened(world), world.host
    head = pull.head
    if operation == "again":
        files = {f"catalog/{world.name}.yaml": b"x: 2\n"}
        return (
            lambda: world.propose(files=files),
            lambda: (len(forge.of_branch(world.branch)), commits(world), pull.title),
            (1, 2, f"Onboard {world.name}"),
        )
    said = Announcement((f"label-{world.name}",), ("sam",), Check("success", "Nothing found"))
    works: dict[str, Work] = {
        "comment": (
            lambda: host.comment(REPO, pull.number, body="Hi", author=SAM, key="k"),
            lambda: len(pull.notes),
            1,
        ),
        "approve": (
            lambda: host.approve(REPO, pull.number, by=SAM, head=head),
            lambda: len(pull.notes) + len(pull.reviews),
            1,
        ),
        "merge": (
            lambda: host.merge(REPO, pull.number, by=SAM, expected_head=head, message="Merge"),
            lambda: (
                pull.state,
                sum(head in map(str, c.parent_ids) for c in forge.log(forge.tip("main"), "")),
            ),
            ("merged", 1),
        ),
        "close": (
            lambda: host.close(REPO, pull.number, by=SAM, reason="no"),
            lambda: (pull.state, len(pull.notes)),
            ("closed", 1),
        ),
        "announce": (
            lambda: host.announce(REPO, pull.number, head=head, said=said),
            lambda: (pull.labels, pull.asked, len(forge.statuses[head])),
            ([f"label-{world.name}"], ["sam"], 1),
        ),
    }
    return works[operation]


def commits(world: World) -> int:
    forge = world.serving.forge
    return len(forge.beyond(forge.tip("main"), forge.tip(world.branch)))


@pytest.mark.parametrize(("provider", "operation", "fault", "at"), list(table()))
def test_done_once_whatever_goes_wrong(worlds, provider, operation, fault, at) -> None:
    world = fresh(worlds[provider])
    work, count, wanted = work_of(world, operation)
    world.serving.misbehave(fault, at)
    told = until_done(world, work)
    assert world.serving.fault == "", "nothing went wrong: the table names too many requests"
    assert len(told) == 1
    assert told[0].outcome_unknown is (fault in AFTER or fault in ("500", "503", "drop"))
    assert count() == wanted
    until_done(world, work)
    assert count() == wanted


@pytest.mark.parametrize("provider", REMOTE)
@pytest.mark.parametrize("fault", [*AFTER, *BEFORE])
def test_what_cannot_be_read_is_said(worlds, provider, fault) -> None:
    world = fresh(worlds[provider])
    number = opened(world).number
    world.serving.misbehave(fault, reads=True)
    told = until_done(world, lambda: world.host.proposal(REPO, number))
    assert [error.outcome_unknown for error in told] == [False]


@pytest.mark.parametrize("provider", REMOTE)
@pytest.mark.parametrize(
    "operation", ["propose", "again", "comment", "approve", "merge", "close", "announce"]
)
def test_done_once_where_writing_is_seen_late(worlds, provider, operation) -> None:
    """What is written is not read for a while; what the host refuses meanwhile is asked again."""
    world = fresh(worlds[provider])
    work, count, wanted = work_of(world, operation)
    forge = world.serving.forge
    forge.lag = 4
    try:
        until_done(world, work)
    finally:
        forge.lag = 0
        forge.hidden.clear()
    until_done(world, work)
    assert count() == wanted


@pytest.mark.parametrize("provider", REMOTE)
def test_a_lost_answer_and_late_reading_together_open_one(worlds, provider) -> None:
    world = fresh(worlds[provider])
    forge = world.serving.forge
    for at in range(WRITES[provider]["propose"]):
        forge.lag = 3
        world.serving.misbehave("lost", at)
        until_done(world, world.propose)
        forge.lag = 0
        forge.hidden.clear()
    assert len(forge.of_branch(world.branch)) == 1


@pytest.mark.parametrize("provider", REMOTE)
def test_a_host_that_hangs_is_given_up(worlds, provider, settings) -> None:
    settings.HTTP_TIMEOUT = 0.1
    world = fresh(worlds[provider])
    number = opened(world).number
    world.serving.misbehave("hang")
    told = until_done(world, lambda: world.host.comment(REPO, number, body="Hi", author=SAM, key="k"))
    assert [(error.outcome_unknown, error.retry_after) for error in told] == [(True, 30.0)]
    assert len(world.serving.forge.pulls[number].notes) == 1
