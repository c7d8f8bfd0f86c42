"""What came in one request lives on part by part: changed, added to, corrected and retired."""

import pytest

from services.catalog.queries import find
from services.clusters.models import Environment
from services.onboarding import actions, queries
from services.onboarding.blueprints.parts import PLAN, without_part
from services.onboarding.errors import NameTaken, NotAllowed
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects
from tests.onboarding.conftest import answers
from tests.onboarding.test_change import changed_lines, merge, repository, send

SERVICE, CACHE = "component:default/wishlist", "resource:default/wishlist-cache"
HOME, CACHED = "apps/checkout/wishlist", "apps/checkout/wishlist-cache"


@pytest.fixture
def together(world) -> Request:
    """A service with its cache, live."""
    said = answers(**{PLAN: ["cache:cache"]})
    return merged(world, actions.submit(by=world.mira, blueprint="web-service", answers=said))


def merged(world, row: Request) -> Request:
    merge(world, row)
    row.parts.update(is_open=False)
    return row


def test_each_part_is_in_the_catalog_and_is_changed_by_itself(world, together) -> None:
    cache = find(CACHE)
    assert (cache.onboarded_request, find(SERVICE).onboarded_request) == (together.ref, together.ref)
    row = actions.change_service(entity_ref=CACHE, by=world.noah)
    assert (row.title, row.answers["memory"]) == ("Change wishlist-cache", 256)
    assert changed_lines(row, world.noah) == {}
    changed = merged(world, send(world, row, memory=100))
    paths = {each.path for each in world.host.diff("shop/deploy", changed.pull_number)}
    assert paths == {f"{CACHED}/slipway.yaml", f"{CACHED}/staging/statefulset.yaml"}


def test_the_images_of_each_part_are_its_own(world, together) -> None:
    staging = Environment.objects.get(name="staging")
    for ref, image in ((SERVICE, "wishlist"), (CACHE, "redis")):
        found = queries.deployed(find(ref), staging)
        assert found.main.image.name == image
        assert all(f"/{ref.rpartition('/')[2]}/" in path for path in found.files)


def test_the_service_opens_with_what_connects_it_and_nothing_changes(world, together) -> None:
    row = actions.change_service(entity_ref=SERVICE, by=world.mira)
    assert row.answers["depends_on"] == [CACHE]
    assert {each["name"] for each in row.answers["secrets"]} == {"CACHE_PASSWORD"}
    assert changed_lines(row, world.mira) == {}


def test_who_would_miss_a_part_is_shown_before_it_goes(world, together) -> None:
    found = queries.retirement(find(CACHE), world.mira)
    assert [each.ref for each in found.dependents] == [SERVICE]
    assert all(path.startswith((CACHED, "catalog/wishlist-cache")) for path in found.files)
    row = actions.retire(entity_ref=CACHE, by=world.mira, reason="The service is fast enough.")
    assert row.entity_refs == [CACHE]


def test_a_change_may_bring_something_new_along(world, together) -> None:
    row = actions.change_service(entity_ref=SERVICE, by=world.mira)
    row = merged(world, send(world, row, **{PLAN: ["db:cache"], "db-name": "sessions"}))
    assert row.title == "Change wishlist with cache"
    assert find("resource:default/sessions").onboarded_request == row.ref
    assert find(SERVICE).onboarded_request == together.ref
    text = repository(world, f"{HOME}/staging/deployment.yaml")
    assert "sessions-app" in text
    assert "DB_CACHE_PASSWORD" in text, "beside that of the cache there is"
    assert "wishlist-cache-app" in text
    assert repository(world, f"{CACHED}/staging/statefulset.yaml")
    again = actions.change_service(entity_ref=SERVICE, by=world.mira)
    assert again.answers["depends_on"] == [CACHE, "resource:default/sessions"]


def test_a_correction_after_the_merge_takes_a_part_away_again(world, together) -> None:
    Request.objects.update(state=State.NEEDS_ATTENTION, finished_at=None, problem={"step": "rollout"})
    together.refresh_from_db()
    said = without_part(together.answers, "cache")
    row = actions.edit_and_resubmit(request=together, by=world.mira, answers=said)
    assert row.branch.endswith("-2")
    assert f"{CACHED}/staging/statefulset.yaml" in row.removed
    assert f"{HOME}/staging/deployment.yaml" in row.files
    assert "wishlist-cache-app" not in row.files[f"{HOME}/staging/deployment.yaml"]
    assert row.entity_refs == [SERVICE]


def test_what_was_rejected_opens_again_with_its_parts(world) -> None:
    said = answers(**{PLAN: ["cache:cache"], "cache-memory": 300})
    row = actions.submit(by=world.mira, blueprint="web-service", answers=said)
    run_due_effects()
    row.refresh_from_db()
    actions.reject(request=row, by=world.sam, reason="Use the shared cache.")
    fresh = actions.reopen_as_draft(request=row, by=world.mira)
    assert (fresh.answers[PLAN], fresh.answers["cache-memory"]) == (["cache:cache"], 300)
    again = actions.submit(by=world.mira, blueprint="web-service", answers=fresh.answers, request=fresh)
    assert again.entity_refs == [SERVICE, CACHE]


def test_of_two_open_requests_only_one_makes_a_part(world, monkeypatch) -> None:
    """Both looked before either had sent: the database says no to the second."""
    first = answers(**{PLAN: ["cache:cache"]})
    actions.submit(by=world.mira, blueprint="web-service", answers=first)
    monkeypatch.setattr("services.onboarding.queries.forms._taken", lambda own: lambda name: False)
    second = answers("basket", **{PLAN: ["cache:cache"], "cache-name": "wishlist-cache"})
    with pytest.raises(NameTaken, match="wishlist-cache"):
        actions.submit(by=world.mira, blueprint="web-service", answers=second)
    assert Request.objects.filter(state=State.DRAFT).count() == 1


def test_all_that_came_together_is_changed_in_one_form_and_one_pull_request(world, together, client) -> None:
    row = actions.change_service(entity_ref=SERVICE, by=world.mira)
    assert (row.title, row.answers[PLAN], row.answers["cache-memory"]) == (
        "Change wishlist with cache", ["cache:cache"], 256,
    )  # fmt: skip
    found = queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row)
    assert (found.errors, [wire for part in found.parts for wire in part.wires]) == ((), [])
    client.force_login(world.mira)
    page = client.get("/change/component/default/wishlist/").content.decode()
    assert "Leave out cache wishlist-cache" in page
    changed = merged(world, send(world, row, **{"port": 9000, "cache-memory": 100}))
    paths = {each.path for each in world.host.diff("shop/deploy", changed.pull_number)}
    assert {f"{HOME}/slipway.yaml", f"{CACHED}/slipway.yaml", f"{CACHED}/staging/statefulset.yaml"} <= paths
    assert sorted(changed.entity_refs) == [SERVICE, CACHE]
    assert find(CACHE).onboarded_request == together.ref


def test_a_part_is_neither_renamed_nor_moved_and_may_be_left_out(world, together) -> None:
    row = actions.change_service(entity_ref=SERVICE, by=world.mira)
    moved = row.answers | {"cache-name": "other"}
    errors = queries.evaluate(row.blueprint, moved, user=world.mira, request=row).errors
    assert [(error.field, error.rule) for error in errors] == [("cache-name", "fixed")]
    alone = {**without_part(row.answers, "cache"), "replicas": 3}
    found = queries.evaluate(row.blueprint, alone, user=world.mira, request=row)
    assert (found.errors, [each for each in found.diffs if CACHED in each.path]) == ((), [])


def test_what_another_request_is_open_for_or_others_own_by_now_stays_out(world, together) -> None:
    cache = find(CACHE)
    type(cache).objects.filter(pk=cache.pk).update(owner_ref="group:default/discovery")
    assert PLAN not in queries.opening(find(SERVICE), world.mira).answers
    row = actions.change_service(entity_ref=SERVICE, by=world.priya)
    assert row.answers[PLAN] == ["cache:cache"]
    Request.objects.filter(pk=row.pk).update(created_by=world.mira)
    row.refresh_from_db()
    with pytest.raises(NotAllowed):
        actions.submit(by=world.mira, blueprint=row.blueprint, answers=row.answers, request=row)
