"""Taking back what was merged: one pull request with the reverse, on top of what others changed since."""

import pytest

from services.catalog.queries import find
from services.integrations.githosts.base import Person
from services.onboarding import actions, queries, rules
from services.onboarding.errors import NotAllowed, ReasonMissing, WrongState
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects

from . import test_journey
from .conftest import REPO, said
from .test_journey import live, merged

harbour = test_journey.harbour
FOLDER = "apps/checkout/wishlist/staging"


def changed(world, row: Request) -> Request:
    """The same service with twice the memory."""
    fresh = actions.change_service(entity_ref=row.entity_ref, by=world.mira)
    answers = fresh.answers | {"image": "registry.larkfield.shop/wishlist:2.0.0"}
    return merged(
        world, actions.submit(by=world.mira, blueprint="web-service", answers=answers, request=fresh)
    )


def image(cluster) -> str:
    return live(cluster, "shop-staging")["spec"]["template"]["spec"]["containers"][0]["image"]


def test_a_change_and_then_the_service_itself_are_taken_back(client, world, submit, harbour, cluster):
    first = merged(world, submit())
    harbour(first, State.LIVE)
    second = changed(world, first)
    harbour(second, State.LIVE)
    assert image(cluster).endswith(":2.0.0")

    client.force_login(world.mira)
    page = client.get(second.get_absolute_url()).content.decode()
    assert "do-revert" in page
    url = f"/requests/{second.ref}/revert/"
    assert "say why" in client.post(url, {"reason": " "}, follow=True).content.decode()
    answers = [client.post(url, {"reason": "It is slow"}) for _ in range(2)]
    back = Request.objects.get(kind="revert")
    assert {each.headers["Location"] for each in answers} == {back.get_absolute_url()}
    assert (back.title, back.reverts) == (f"Revert {second.ref}: {second.title}", second.number)
    assert "do-revert" not in client.get(second.get_absolute_url()).content.decode()
    harbour(merged(world, back), State.LIVE)
    assert image(cluster).endswith(":1.0.0")
    assert find("component:default/wishlist") is not None

    gone = merged(world, actions.revert(request=first, by=world.noah, reason="Not needed after all"))
    harbour(gone, State.LIVE)
    assert live(cluster, "shop-staging") is None
    assert find("component:default/wishlist") is None
    assert "revert_asked" in said(first)


@pytest.fixture
def rolling(world, submit) -> Request:
    """Merged; the cluster it goes to does not answer."""
    return merged(world, submit())


def test_what_rolls_out_is_closed_once_it_was_taken_back(world, rolling):
    back = merged(world, actions.revert(request=rolling, by=world.mira, reason="Wrong service"))
    assert back.merge_sha
    actions.rollouts_seen(rolling, {})
    rolling.refresh_from_db()
    assert (rolling.state, rolling.reason) == (State.CLOSED, f"{back.ref} took it back.")


def test_what_others_changed_since_is_a_conflict_that_is_shown(client, world, rolling):
    path = f"{FOLDER}/deployment.yaml"
    text = world.host.read(REPO, path, world.host.head(REPO)).replace(b":1.0.0", b":1.0.7")
    world.host.commit(REPO, files={path: text}, author=Person("noah", "Noah"), message="A later image")
    back = actions.revert(request=rolling, by=world.mira, reason="Wrong service")
    run_due_effects()
    back.refresh_from_db()
    client.force_login(world.sam)
    assert "Conflicts with what is on the main branch" in client.get(back.get_absolute_url()).content.decode()
    back = merged(world, back)
    assert back.state == State.NEEDS_ATTENTION
    assert [each["path"] for each in back.problem["conflicts"]] == [path]


def test_what_others_changed_elsewhere_stays(world, rolling):
    files = {f"{FOLDER}/extra.yaml": b"kind: ConfigMap\n"}
    world.host.commit(REPO, files=files, author=Person("noah", "Noah"), message="Another file")
    merged(world, actions.revert(request=rolling, by=world.mira, reason="Wrong service"))
    left = world.host.read_tree(REPO, world.host.head(REPO), "apps/checkout/wishlist")
    assert list(left) == [f"{FOLDER}/extra.yaml"]


def test_who_may_not_and_what_cannot_be_taken_back(world, submit, rolling):
    with pytest.raises(ReasonMissing):
        actions.revert(request=rolling, by=world.mira, reason="  ")
    with pytest.raises(NotAllowed):
        actions.revert(request=rolling, by=world.jonas, reason="Because")
    other = submit(name="parcels")
    with pytest.raises(WrongState, match="nothing to revert"):
        actions.revert(request=other, by=world.mira, reason="Because")
    assert not rules.can_revert(world.mira, other)
    assert queries.reverting(rolling) is None
