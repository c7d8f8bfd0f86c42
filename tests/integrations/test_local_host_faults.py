"""At once from several threads, and killed at each step: one branch, one pull request, one merge."""

import pytest

from services.integrations.githosts.errors import HeadMoved
from services.integrations.githosts.local import LocalHost
from services.integrations.models import PullRequest
from tests.fakes.trouble import at_once, die_at, in_a_process_that_dies

from .conftest import BRANCH, FILES, REPO, SAM

pytestmark = pytest.mark.django_db(transaction=True)


def test_propose_at_once_from_six_threads(host, propose) -> None:
    found = at_once(6, lambda _: propose(host=LocalHost()))
    assert len({p.head_sha for p in found}) == 1
    assert PullRequest.objects.count() == 1
    assert len(host.log(REPO, BRANCH)) == 2


def test_propose_of_different_branches_at_once_numbers_them_apart(propose) -> None:
    found = at_once(5, lambda n: propose(host=LocalHost(), branch=f"slipway/r-{n}"))
    assert sorted(p.number for p in found) == [1, 2, 3, 4, 5]


def test_merge_at_once_from_six_threads(host, propose) -> None:
    pull = propose()
    found = at_once(
        6, lambda n: LocalHost().merge(REPO, 1, by=SAM, expected_head=pull.head_sha, message=f"Merge {n}")
    )
    assert len({p.merge_sha for p in found}) == 1
    assert len(host.log(REPO, "main")) == 3


def test_merge_against_a_new_commit_has_one_outcome(host, propose) -> None:
    pull = propose()

    def work(number: int) -> object:
        if number:
            return propose(host=LocalHost(), files={"catalog/wishlist.yaml": b"x: 2\n"})
        return LocalHost().merge(REPO, 1, by=SAM, expected_head=pull.head_sha, message="Merge")

    merged, _ = at_once(2, work)
    now = host.proposal(REPO, 1)
    assert now.state == ("open" if isinstance(merged, HeadMoved) else "merged")
    assert (host.read(REPO, "catalog/wishlist.yaml", "main") is None) == (now.state == "open")


@pytest.mark.parametrize("step", ["tree written", "commit written", "branch written", "row written"])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_propose_after_a_kill_at_each_step(host, propose, step) -> None:
    in_a_process_that_dies(lambda: propose(host=LocalHost(at=die_at(step))))
    assert PullRequest.objects.count() == 0
    pull = propose()
    assert (pull.number, pull.state) == (1, "open")
    assert len(host.log(REPO, BRANCH)) == 2
    assert [c.path for c in host.diff(REPO, 1)] == sorted(FILES)


@pytest.mark.parametrize(("step", "moved"), [("merge written", False), ("base moved", True)])
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_merge_after_a_kill_at_each_step(host, propose, step, moved) -> None:
    pull = propose()

    def merge(host: LocalHost):
        return host.merge(REPO, 1, by=SAM, expected_head=pull.head_sha, message="Merge")

    in_a_process_that_dies(lambda: merge(LocalHost(at=die_at(step))))
    assert PullRequest.objects.get().state == "open"
    assert len(host.log(REPO, "main")) == (3 if moved else 1)
    merged = merge(host)
    assert (merged.state, merged.merged_by) == ("merged", "sam")
    assert len(host.log(REPO, "main")) == 3
