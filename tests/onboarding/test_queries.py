from datetime import timedelta

import pytest
from django.utils import timezone

from services.accounts.models import User
from services.catalog import actions as catalog
from services.catalog.models import Entity
from services.onboarding import actions, queries, waiting
from services.onboarding.models import Hop, Request, State
from services.onboarding.queries.forms import OFFERED
from tests.effects_driver import run_due_effects
from tests.factories.requests import make_request

from .conftest import EXPENSIVE, answers

NOW = timezone.now()


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def walk(row: Request, **took: float) -> Request:
    """Replaces the clocks: the hops one after the other, each as many minutes long."""
    row.hops.all().delete()
    at = NOW - minutes(sum(took.values()))
    for name, length in took.items():
        row.hops.create(name=name, started_at=at, finished_at=at + minutes(length))
        at += minutes(length)
    return row


# Lists


def test_find_by_its_name(people) -> None:
    row = make_request(people.mira)
    assert queries.find(row.ref.lower(), people.mira) == row
    assert queries.find(row.ref, people.sam) is None
    for odd in ("R-", "R-x", "R-9999999999999", "", "R-²", "R--1"):
        assert queries.find(odd, people.mira) is None


def test_requests_for_a_person(people) -> None:
    mine = make_request(people.mira, name="a")
    gone = make_request(people.mira, name="b", state=State.WITHDRAWN)
    team = make_request(people.noah, name="c", state=State.IN_REVIEW)
    make_request(people.noah, name="d")
    make_request(people.jonas, team="discovery", name="e", state=State.IN_REVIEW)
    helped = make_request(people.jonas, team="discovery", name="f", state=State.LIVE)
    helped.contributors.add(people.mira)
    assert set(queries.requests_for(people.mira)) == {mine, gone, team, helped}
    Request.objects.filter(pk=gone.pk).update(submitted_at=None)
    assert set(queries.requests_for(people.mira)) == {mine, team, helped}


@pytest.mark.parametrize("count", [1, 3])
def test_lists_ask_the_database_a_fixed_number_of_times(people, count, django_assert_num_queries) -> None:
    for number in range(count):
        make_request(people.mira, name=f"n{number}", state=State.LIVE)
    with django_assert_num_queries(1):
        assert [(str(r.team), str(r.created_by)) for r in queries.requests_for(people.mira)]


@pytest.mark.parametrize("count", [1, 3])
def test_what_waits_is_found_in_a_fixed_number_of_queries(people, count, django_assert_num_queries) -> None:
    need = {"key": "x", "who": "lead", "team": "checkout", "reason": ""}
    for number in range(count):
        make_request(people.mira, name=f"a{number}", state=State.IN_REVIEW)
        make_request(people.mira, name=f"b{number}", state=State.AWAITING_APPROVAL, needs=[need])
    sam = User.objects.get(pk=people.sam.pk)
    with django_assert_num_queries(4):
        assert len(queries.waits_for(sam)) == 2 * count


# Clocks


def test_legs_of_a_request_under_way(people) -> None:
    row = walk(make_request(people.mira, state=State.IN_REVIEW), form=6, approval=42, pull_request=1)
    row.hops.create(name=Hop.Name.MERGED, started_at=timezone.now() - minutes(5), waits_for="Sam")
    legs = queries.legs(row)
    assert [leg.state for leg in legs] == ["done", "done", "done", "now", "todo", "todo"]
    assert [leg.took and round(leg.took.total_seconds() / 60) for leg in legs] == [6, 42, 1, 5, None, None]
    assert (legs[3].waits_for, legs[3].is_human, legs[2].is_human) == ("Sam", True, False)


def test_a_leg_gone_twice_shows_the_sum(people) -> None:
    row = walk(make_request(people.mira, state=State.IN_REVIEW), form=6, pull_request=1)
    row.hops.create(name="form", started_at=NOW, finished_at=NOW + minutes(4))
    assert queries.legs(row)[0].took == minutes(10)


def test_legs_of_a_stuck_and_of_an_ended_request(people) -> None:
    stuck = make_request(people.mira, state=State.NEEDS_ATTENTION)
    assert queries.legs(stuck)[-1].state == "stuck"
    ended = walk(make_request(people.mira, state=State.REJECTED, name="b"), form=6, approval=2)
    assert [leg.name for leg in queries.legs(ended)] == ["form", "approval"]


def test_statistics_per_hop_and_of_the_whole_way(people) -> None:
    for number in range(1, 12):
        row = make_request(
            people.mira,
            name=f"n{number}",
            state=State.LIVE,
            created_at=NOW,
            finished_at=NOW + minutes(number),
        )
        walk(row, form=number, approval=2)
    found = {each.name: each for each in queries.hop_statistics()}
    assert (found["form"].count, found["form"].p50, found["form"].p90) == (11, minutes(6), minutes(10))
    assert (found["approval"].p50, found["merged"].count) == (minutes(2), 0)
    assert (found["total"].count, found["total"].p50, found["total"].p90) == (11, minutes(6), minutes(10))


def test_statistics_of_some_requests_and_since(people) -> None:
    row = walk(make_request(people.mira, state=State.LIVE, finished_at=NOW), form=3)
    walk(make_request(people.jonas, team="discovery", name="b", state=State.LIVE, finished_at=NOW), form=9)
    only = {s.name: s for s in queries.hop_statistics(Request.objects.filter(pk=row.pk))}
    assert (only["form"].count, only["form"].p50) == (1, minutes(3))
    later = {s.name: s for s in queries.hop_statistics(since=NOW + minutes(1))}
    assert later["form"].count == later["total"].count == 0


# The timeline


def test_the_timeline_tells_who_did_what_with_machine_steps_folded(world, submit) -> None:
    row = submit(**EXPENSIVE)
    actions.approve(request=row, by=world.sam, tree_hash=row.tree_hash, remark="Worth it")
    run_due_effects()
    row.refresh_from_db()
    items = queries.timeline(row, waiting.whom(row))
    assert [(item.who, item.text) for item in items] == [
        ("Waits for Mira", ""),
        ("Slipway", "opened the pull request"),
        ("Slipway", "began to open the pull request"),
        ("Sam", "approved"),
        ("Slipway", "asked for approval"),
        ("Mira", "submitted"),
        ("Mira", "began to fill in the form"),
    ]
    assert items[3].quote == "Worth it"
    assert [item.machine for item in items] == [False, False, True, False, True, False, False]
    assert items[1].since == items[1].at - items[3].at
    assert items[-1].since is None


def test_runs_of_machine_steps_are_one_item(people, world, submit) -> None:
    row = submit()
    from django.db import transaction

    from services.onboarding.actions.moves import locked, note

    with transaction.atomic():
        for state in ("progressing", "healthy"):
            note(locked(row), by=None, action="rollout_changed", environment="staging", state=state)
    folded = queries.timeline(row, waiting.whom(row))[1]
    assert folded.text == "3 machine events"
    assert [step.text for step in folded.folded][1:] == [
        "saw a change in staging progressing", "saw a change in staging healthy"
    ]  # fmt: skip


def test_what_ended_waits_for_nobody(people) -> None:
    row = make_request(people.mira)
    actions.discard(request=row, by=people.mira)
    row.refresh_from_db()
    assert [item.text for item in queries.timeline(row, waiting.whom(row))] == ["discarded the draft"]


# The form


def test_the_context_knows_the_catalog_and_open_requests(world, submit) -> None:
    for kind, spec in (
        ("System", {"owner": "checkout"}),
        ("Resource", {"type": "database", "owner": "checkout"}),
    ):
        about = {"name": f"shop-{kind.lower()}", "title": f"Shop {kind}"}
        descriptor = {"apiVersion": "backstage.io/v1alpha1", "kind": kind, "metadata": about, "spec": spec}
        catalog.register(descriptor, by=world.priya)
    row = submit()
    found = queries.context_for(world.mira)
    assert [(c.value, c.label) for c in found.systems(())] == [("shop-system", "Shop System")]
    assert [(c.value, c.hint) for c in found.components(())] == [
        ("resource:default/shop-resource", "database")
    ]
    assert [e.name for e in found.environments] == ["staging", "production"]
    assert found.is_taken("wishlist")
    assert not found.is_taken("other")
    assert not queries.context_for(world.mira, row).is_taken("wishlist")
    assert found.existing("README.md") == b"Deploy\n"


def test_a_long_catalog_is_offered_in_part_and_what_was_chosen_in_any_case(world) -> None:
    names = [f"s{number:03}" for number in range(OFFERED + 5)]
    Entity.objects.bulk_create(
        Entity(kind="Component", name=name, ref=f"component:default/{name}") for name in names
    )
    offer = queries.context_for(world.mira).components
    last = f"component:default/{names[-1]}"
    assert len(offer(())) == OFFERED
    assert last in [c.value for c in offer([last, "component:default/gone"])]


def test_one_evaluation_asks_little_of_the_database(world, django_assert_max_num_queries) -> None:
    queries.evaluate("web-service", answers(), user=world.mira)
    with django_assert_max_num_queries(9):
        queries.evaluate("web-service", answers(), user=world.mira)


def test_evaluating_without_a_request_has_no_number_in_the_files(world) -> None:
    found = queries.evaluate("web-service", answers(), user=world.mira)
    assert not found.blocked
    assert "slipway.dev/request" not in "".join(found.files.values())


def test_titles(db) -> None:
    assert queries.title_for("web-service", {"name": " wishlist "}) == "Onboard wishlist"
    assert queries.title_for("web-service", {}) == "New web service"
    assert queries.title_for("gone", {}) == "New gone"
