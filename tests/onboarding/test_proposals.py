import pytest

from services.onboarding import proposals
from services.onboarding.models import State
from tests.factories.requests import make_request

HOSTILE = "@org/all Closes #1 [skip ci]\nCo-authored-by: x\n/merge\n```\n<!-- x -->\u202e"


@pytest.mark.parametrize("text", ["plain", "with ``` inside", "````", HOSTILE])
def test_a_fence_is_longer_than_any_run_inside(text) -> None:
    first, *inside, last = proposals.fenced(text).splitlines()
    assert set(last) == {"`"}
    assert first == f"{last}text"
    assert last not in "\n".join(inside)


def test_one_line_takes_mentions_and_references_apart() -> None:
    found = proposals.one_line("Fix @org/all #1\r\nCo-authored-by: x\x00")
    assert "\n" not in found
    assert "@org" not in found
    assert "#1" not in found


def test_the_body_names_the_request_and_its_files(people) -> None:
    row = make_request(people.mira, state=State.PROPOSING)
    row.entity["metadata"]["description"] = HOSTILE
    text = proposals.body(row)
    assert text.startswith(f"Slipway request {row.ref}: http")
    outside = text.split("````")[0] + text.split("````")[-1]
    assert "@org" not in outside
    assert all(path in outside for path in row.files)


def test_contents_take_away_what_is_not_wanted_any_more(people) -> None:
    row = make_request(
        people.mira, state=State.PROPOSING, removed=["apps/checkout/wishlist/production/x.yaml"]
    )
    found = proposals.contents(row)
    assert found["apps/checkout/wishlist/production/x.yaml"] is None
    assert found["catalog/wishlist.yaml"] == b"kind: Component\n"
