"""A service that came through a form is changed through it: minimal diffs, own name, one open request."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from services.catalog.models import Entity
from services.catalog.queries import find
from services.integrations.githosts.base import Person
from services.onboarding import actions, applying, blueprints, pages, queries
from services.onboarding.errors import Blocked, NameTaken, NotAllowed, NotOnboarded, Refusal
from services.onboarding.models import Request, State
from tests.effects_driver import run_due_effects
from tests.factories.people import member

from .conftest import REPO, copied

REF = "component:default/wishlist"
HOME = "apps/checkout/wishlist"
URL = "/change/component/default/wishlist/"
BOTH = ["staging", "production"]


def merge(world, row: Request) -> Request:
    run_due_effects()
    row.refresh_from_db()
    actions.approve(request=row, by=world.priya, tree_hash=row.tree_hash)
    actions.merge(request=row, by=world.priya, head=row.head_sha)
    run_due_effects()
    Request.objects.filter(pk=row.pk).update(state=State.LIVE, finished_at=timezone.now())
    row.refresh_from_db()
    return row


@pytest.fixture
def world(once, db) -> SimpleNamespace:
    return copied(once)


@pytest.fixture
def wishlist(world, submit) -> Entity:
    merge(world, submit(environments=BOTH))
    return find(REF)


def send(world, row: Request, **changes: Any) -> Request:
    answers = row.answers | changes
    return actions.submit(by=row.created_by, blueprint=row.blueprint, answers=answers, request=row)


def repository(world, path: str) -> str:
    return world.host.read(REPO, path, world.host.head(REPO)).decode()


def write_by_hand(world, path: str, old: str, new: str) -> None:
    text = repository(world, path)
    assert old in text
    files = {path: text.replace(old, new).encode()}
    world.host.commit(REPO, files=files, author=Person("noah", "Noah"), message="By hand")


def changed_lines(row: Request, by) -> dict[str, list[str]]:
    found = queries.evaluate(row.blueprint, row.answers, user=by, request=row)
    return {
        diff.path: [line.text.strip() for line in diff.lines if line.kind == "add"] for diff in found.diffs
    }


def test_the_draft_is_filled_in_from_the_repository_and_bound_to_the_service(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.noah)
    assert (row.state, row.title, row.entity_ref) == (State.DRAFT, "Change wishlist", REF)
    assert row.answers["image"] == "registry.larkfield.shop/wishlist:1.0.0"
    assert row.answers["memory_limit"] == 172
    assert changed_lines(row, world.noah) == {}
    assert actions.change_service(entity_ref=REF, by=world.noah).pk == row.pk
    assert actions.change_service(entity_ref=REF, by=world.mira).pk != row.pk


def test_its_own_name_is_not_taken_and_stays_with_owner_and_environments(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    assert not queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row).errors
    for name, value in (("name", "other"), ("owner", "discovery"), ("environments", ["staging"])):
        answers = row.answers | {name: value}
        found = queries.evaluate(row.blueprint, answers, user=world.mira, request=row)
        assert [(e.field, e.rule, e.suggestion) for e in found.errors] == [(name, "fixed", row.origin[name])]
        assert "neither renames nor moves" in found.errors[0].message
    with pytest.raises(Blocked):
        send(world, row, name="other")


def test_a_fix_changes_its_lines_and_no_others_and_goes_the_whole_way(world, wishlist) -> None:
    fix = queries.fixed_by("web-service", "memory_limit", "192Mi")
    row = actions.change_service(entity_ref=REF, by=world.mira, changes=fix)
    assert (row.answers["memory_limit"], row.answers["memory_request"]) == (192, 128)
    before = repository(world, f"{HOME}/production/service.yaml")
    row = merge(world, send(world, row))
    lines = {change.path for change in world.host.diff(REPO, row.pull_number)}
    assert lines == {f"{HOME}/production/deployment.yaml", f"{HOME}/slipway.yaml"}
    assert "memory: 192Mi" in repository(world, f"{HOME}/production/deployment.yaml")
    assert repository(world, f"{HOME}/production/service.yaml") == before
    body = world.host.proposal(REPO, row.pull_number).body
    assert "production/deployment.yaml" in body
    assert "production/service.yaml" not in body
    assert row.environments == BOTH
    assert find(REF).onboarded_request == "R-" + str(row.number - 1)


def test_what_a_fix_needs_beside_it_goes_with_it(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"memory_limit": "384"})
    assert (row.answers["memory_limit"], row.answers["memory_request"]) == (384, 256)
    assert not queries.evaluate(row.blueprint, row.answers, user=world.mira, request=row).blocked


def test_what_was_written_by_hand_stays(world, wishlist) -> None:
    deployment, descriptor = f"{HOME}/production/deployment.yaml", "catalog/wishlist.yaml"
    write_by_hand(world, deployment, "wishlist:1.0.0", "wishlist:1.0.1")
    write_by_hand(world, descriptor, "spec:", "  links: [{url: https://wiki.example}]\nspec:")
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"memory_limit": 192})
    assert descriptor not in changed_lines(row, world.mira)
    merge(world, send(world, row))
    assert "wishlist:1.0.1" in repository(world, deployment)
    assert "memory: 192Mi" in repository(world, deployment)
    assert find(REF).metadata["links"] == [{"url": "https://wiki.example"}]


def test_where_both_changed_the_same_line_the_form_wins_and_the_diff_says_so(world, wishlist) -> None:
    write_by_hand(world, f"{HOME}/production/deployment.yaml", "memory: 172Mi", "memory: 180Mi")
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"memory_limit": 192})
    assert "memory: 192Mi" in changed_lines(row, world.mira)[f"{HOME}/production/deployment.yaml"]


def test_beside_a_line_that_both_changed_what_was_written_by_hand_stays(world, wishlist) -> None:
    path = f"{HOME}/production/deployment.yaml"
    write_by_hand(
        world, path, "memory: 172Mi", "memory: 180Mi  # measured in May\n            hugepages-2Mi: 4Mi"
    )
    write_by_hand(world, path, "wishlist:1.0.0", "wishlist:1.0.1")
    row = actions.change_service(entity_ref=REF, by=world.mira, changes={"memory_limit": 192})
    merge(world, send(world, row))
    kept = repository(world, path)
    assert "memory: 192Mi  # measured in May\n" in kept
    assert "hugepages-2Mi: 4Mi\n" in kept
    assert "wishlist:1.0.1" in kept


def test_a_draft_keeps_what_was_typed_and_takes_over_what_others_merged(world, wishlist) -> None:
    mine = actions.change_service(entity_ref=REF, by=world.mira, changes={"memory_limit": 190})
    merge(world, send(world, actions.change_service(entity_ref=REF, by=world.noah), replicas=5))
    mine = actions.change_service(entity_ref=REF, by=world.mira)
    assert (mine.answers["memory_limit"], mine.answers["replicas"]) == (190, 5)


def test_nothing_changed_is_refused(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    with pytest.raises(Refusal, match="Nothing is changed yet"):
        send(world, row)


def test_one_open_request_for_a_service(world, wishlist) -> None:
    mine = actions.change_service(entity_ref=REF, by=world.mira)
    theirs = send(world, actions.change_service(entity_ref=REF, by=world.noah), replicas=4)
    assert actions.change_service(entity_ref=REF, by=world.mira).pk == theirs.pk
    with pytest.raises(NameTaken):
        send(world, mine, replicas=6)


def test_only_the_team_and_the_platform_change_it(world, wishlist) -> None:
    with pytest.raises(NotAllowed, match="belongs to checkout"):
        actions.change_service(entity_ref=REF, by=world.jonas)
    row = actions.change_service(entity_ref=REF, by=world.priya)
    send(world, row, replicas=4)
    with pytest.raises(NotAllowed):
        actions.approve(request=row, by=world.priya, tree_hash=row.tree_hash)


def test_who_left_the_team_can_no_longer_send_it(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    world.mira.memberships.all().delete()
    del world.mira.roles
    with pytest.raises(NotAllowed):
        send(world, row, replicas=4)


def test_what_is_no_longer_in_the_catalog_cannot_be_changed(world, wishlist) -> None:
    row = actions.change_service(entity_ref=REF, by=world.mira)
    wishlist.delete()
    with pytest.raises(Refusal, match="not in the catalog"):
        send(world, row, replicas=4)


@pytest.mark.parametrize(
    "text",
    [b"a: [", b"kind: Answers\n", b"- 1\n", b"kind: A\n---\nkind: B\n"],
)
def test_what_no_form_made_is_refused(world, wishlist, text) -> None:
    files = {f"{HOME}/slipway.yaml": text}
    world.host.commit(REPO, files=files, author=Person("noah", "Noah"), message="By hand")
    with pytest.raises(NotOnboarded, match="did not come through a form"):
        actions.change_service(entity_ref=REF, by=world.mira)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("environments:\n    - staging\n    - production", "environments: 5"),
        ("owner: checkout", "owner: [1]"),
    ],
)
def test_answers_that_no_form_could_have_written_are_refused(world, wishlist, old, new) -> None:
    write_by_hand(world, f"{HOME}/slipway.yaml", old, new)
    with pytest.raises(NotOnboarded):
        actions.change_service(entity_ref=REF, by=world.mira)


def test_a_fix_on_a_form_that_lacks_an_answer_is_the_fix_alone(world) -> None:
    blueprint = blueprints.shipped()["web-service"]
    assert blueprints.with_carried(blueprint, {}, {"memory_limit": 192, "no": 1}) == {"memory_limit": 192}


def test_answers_that_lead_elsewhere_are_refused(world, wishlist) -> None:
    write_by_hand(world, f"{HOME}/slipway.yaml", "    name: wishlist", "    name: cart")
    with pytest.raises(NotOnboarded):
        actions.change_service(entity_ref=REF, by=world.mira)


def test_a_rejected_change_begins_again_as_a_change(world, wishlist) -> None:
    row = send(world, actions.change_service(entity_ref=REF, by=world.mira), replicas=4)
    run_due_effects()
    row.refresh_from_db()
    actions.reject(request=row, by=world.priya, reason="Not this week.")
    again = actions.reopen_as_draft(request=row, by=world.mira)
    assert (again.title, again.entity_ref, again.answers["replicas"]) == ("Change wishlist", REF, 4)


def test_what_a_change_leaves_alone_counts_as_arrived(world, wishlist) -> None:
    row = send(world, actions.change_service(entity_ref=REF, by=world.mira), memory_limit=190)
    row.merge_sha = world.host.head(REPO)
    found = {each["metadata"]["name"]: each for each in applying.objects_of(row, "staging")}
    brought = applying.identity(found["wishlist"])["request"]
    assert brought == f"R-{row.number - 1}"


# pages


def page(client, world, url: str = URL, by: str = "mira", **get: str):
    client.force_login(getattr(world, by))
    return client.get(url, get)


def test_looking_at_the_form_keeps_nothing_and_shows_the_fix(client, world, wishlist) -> None:
    text = page(client, world, field="memory_limit", value="192Mi").content.decode()
    assert "Change wishlist" in text
    assert 'value="192"' in text
    assert "stays as it is" in text
    assert "is taken" not in text
    assert "Ready to submit" in text
    assert not Request.objects.drafts().exists()


def test_typing_makes_one_draft_and_submitting_sends_it(client, world, wishlist) -> None:
    page(client, world)
    posted = {**_posted(queries.opening(wishlist, world.mira).answers), "replicas": "4"}
    assert client.post(URL, posted).status_code == 200
    draft = Request.objects.drafts().get()
    assert (draft.entity_ref, draft.answers["replicas"]) == (REF, 4)
    response = client.post(URL, {**posted, "_intent": "submit"})
    draft.refresh_from_db()
    assert response.url == draft.get_absolute_url()
    assert draft.is_open
    response = client.post(URL, {**posted, "_intent": "submit"})
    assert response.url == draft.get_absolute_url()
    assert Request.objects.count() == 2


def _posted(answers: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in answers.items()
        if value is not False and isinstance(value, str | int | list)
    } | {
        "_generation": "0",
        "_opened_at": timezone.now().isoformat(),
    }


def test_who_may_not_is_told_so_on_the_service(client, world, wishlist) -> None:
    response = page(client, world, by="jonas")
    assert response.url == wishlist.get_absolute_url()
    assert "by the team it belongs to" in client.get(response.url).content.decode()
    assert page(client, world, url="/change/component/default/nothing/").status_code == 404


def test_a_service_without_a_form_says_so(client, world, wishlist) -> None:
    gone = dict.fromkeys(world.host.read_tree(REPO, "main", HOME))
    world.host.commit(REPO, files=gone, author=Person("noah", "Noah"), message="By hand")
    response = page(client, world)
    assert "did not come through a form" in client.get(response.url).content.decode()


def test_a_repository_that_cannot_be_read_is_said(client, world, wishlist, settings, tmp_path) -> None:
    settings.GIT_ROOT = str(tmp_path)
    response = page(client, world)
    assert response.url == wishlist.get_absolute_url()
    assert "cannot be read just now" in client.get(response.url).content.decode()


def test_the_service_offers_it_to_those_who_may(client, world, wishlist) -> None:
    link = f'href="{URL}"'
    assert link in page(client, world, url=wishlist.get_absolute_url()).content.decode()
    assert link not in page(client, world, url=wishlist.get_absolute_url(), by="jonas").content.decode()
    Entity.objects.update(onboarded_request="")
    assert link not in page(client, world, url=wishlist.get_absolute_url()).content.decode()


def test_a_finding_leads_to_the_form_or_to_the_open_request(rf, world, wishlist) -> None:
    fix = json.loads('{"field": "memory_limit", "value": "192Mi", "label": "Raise"}')

    def url(by) -> str:
        request = rf.get("/")
        request.user = by
        return pages.form_of(request, wishlist, fix)

    assert url(world.mira) == f"{URL}?field=memory_limit&value=192Mi#field-memory_limit"
    assert url(member("ines", "payments")) == ""
    row = send(world, actions.change_service(entity_ref=REF, by=world.mira), replicas=4)
    assert url(world.jonas) == reverse("onboarding:request_detail", args=[row.ref])
