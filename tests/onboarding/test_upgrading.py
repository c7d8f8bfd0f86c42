"""A service comes to a newer version of its blueprint: three sides meet, and what people wrote stays."""

from types import SimpleNamespace

import pytest

from services.catalog.models import Entity
from services.catalog.queries import find
from services.integrations.githosts.base import Person
from services.onboarding import actions, queries
from services.onboarding.errors import Blocked, NotAllowed, NotOnboarded, Refusal
from services.onboarding.models import BlueprintVersion, Made, Request, UpgradeItem
from services.onboarding.rounds import upgrade
from tests.effects_driver import run_due_effects

from . import versions
from .conftest import REPO, copied, said
from .test_change import merge, repository

REF = "component:default/tiny"
HOME = "apps/checkout/tiny/staging"
ANSWERS = {"name": "tiny", "owner": "checkout", "replicas": 3, "environments": ["staging"]}


@pytest.fixture
def world(once, db, settings, tmp_path) -> SimpleNamespace:
    settings.BLUEPRINT_FOLDERS = [tmp_path]
    versions.write(tmp_path, "1.0")
    return SimpleNamespace(**vars(copied(once)), folder=tmp_path)


@pytest.fixture
def tiny(world) -> Entity:
    row = actions.submit(by=world.mira, blueprint="small", answers=ANSWERS)
    merge(world, row)
    return find(REF)


def by_hand(world, files: dict[str, str | None]) -> None:
    said = {path: text.encode() if text is not None else None for path, text in files.items()}
    world.host.commit(REPO, files=said, author=Person("noah", "Noah"), message="By hand")


def evaluated(row: Request, **over):
    return queries.evaluate(row.blueprint, row.answers | over, user=row.created_by, request=row)


def test_what_made_a_service_is_kept_and_a_newer_version_is_seen(world, tiny) -> None:
    made = Made.objects.get(entity_ref=REF)
    assert (made.blueprint, made.version) == ("small", "1.0")
    assert not queries.made_of(REF).is_behind
    assert 'version: "1.0"' in repository(world, "apps/checkout/tiny/slipway.yaml")
    versions.write(world.folder, "2.0")
    found = queries.made_of(REF)
    assert (found.is_behind, found.version, found.newer) == (True, "1.0", "2.0")
    assert [each.version for each in found.releases] == ["2.0"]
    assert [each.entity_ref for each in queries.behind(queries.fleet())] == [REF]
    assert BlueprintVersion.objects.get(digest=made.digest).texts["blueprint.yaml"]


def test_another_text_of_the_same_version_is_no_newer_one(world, tiny) -> None:
    versions.write(world.folder, "1.0", level="debug")
    assert not queries.made_of(REF).is_behind
    assert not queries.behind(queries.fleet()).exists()


def test_the_form_of_the_newer_version_is_filled_in_and_asks_what_is_new(world, tiny) -> None:
    versions.write(world.folder, "2.0", level="warn")
    row = actions.upgrade_service(entity_ref=REF, by=world.noah)
    assert (row.title, row.origin["copies"], "replicas" in row.origin) == (
        "Upgrade tiny to small service 2.0",
        3,
        False,
    )
    assert actions.upgrade_service(entity_ref=REF, by=world.noah).pk == row.pk
    found = evaluated(row)
    assert [each.name for each in queries.needed(found)] == ["zone"]
    with pytest.raises(Blocked):
        actions.submit(by=world.noah, blueprint=row.blueprint, answers=row.answers, request=row)
    news = queries.news_of(row)
    assert [each.name for each in news["asked"]] == ["zone"]
    assert [(old, new.name) for old, new in news["moved"]] == [("replicas", "copies")]
    found = evaluated(row, zone="north")
    assert (found.removed, found.conflicts) == ((f"{HOME}/old.yaml",), ())
    assert f"{HOME}/new.yaml" in found.files
    assert 'copies: "3"' in found.files[f"{HOME}/settings.yaml"]
    assert "level: warn" in found.files[f"{HOME}/settings.yaml"]
    assert 'version: "2.0"' in found.files["apps/checkout/tiny/slipway.yaml"]


def test_it_goes_the_ordinary_way_and_is_at_the_newest_then(world, tiny) -> None:
    versions.write(world.folder, "2.0")
    row = actions.upgrade_service(entity_ref=REF, by=world.mira)
    row = actions.submit(
        by=world.mira, blueprint=row.blueprint, answers=row.answers | {"zone": "north"}, request=row
    )
    merge(world, row)
    assert "Upgrade from 1.0." in world.host.proposal(REPO, row.pull_number).body
    assert world.host.read(REPO, f"{HOME}/old.yaml", "main") is None
    assert "of: new" in repository(world, f"{HOME}/new.yaml")
    assert "new.yaml" in repository(world, f"{HOME}/kustomization.yaml")
    assert Made.objects.get(entity_ref=REF).version == "2.0"
    with pytest.raises(Refusal, match="newest version"):
        actions.upgrade_service(entity_ref=REF, by=world.mira)


def test_a_change_of_an_answer_leaves_the_version_as_it_is(world, tiny) -> None:
    versions.write(world.folder, "2.0", zone=False, level="warn")
    row = actions.change_service(entity_ref=REF, by=world.mira)
    assert row.answers["copies"] == 3
    answers = row.answers | {"copies": 4}
    row = merge(world, actions.submit(by=world.mira, blueprint="small", answers=answers, request=row))
    settings = repository(world, f"{HOME}/settings.yaml")
    assert ('copies: "4"' in settings, "level: info" in settings) == (True, True)
    assert 'version: "1.0"' in repository(world, "apps/checkout/tiny/slipway.yaml")
    assert Made.objects.get(entity_ref=REF).version == "1.0"
    assert queries.made_of(REF).is_behind


def test_what_was_changed_by_hand_stays_and_what_both_changed_is_asked(world, tiny) -> None:
    path = f"{HOME}/settings.yaml"
    text = repository(world, path).replace("level: info", "level: error\n  own: kept")
    by_hand(world, {path: text})
    versions.write(world.folder, "2.0", zone=False, level="warn", mode="fast")
    row = actions.upgrade_service(entity_ref=REF, by=world.mira)
    found = evaluated(row)
    (conflict,) = found.conflicts
    assert (conflict.file, conflict.place) == (path, "data.level")
    assert (conflict.before, conflict.here, conflict.wanted) == ("info", "error", "warn")
    kept = found.files[path]
    assert all(each in kept for each in ("level: error", "own: kept", "mode: fast"))
    taken = evaluated(row, **{"+take": [conflict.key]})
    assert [each.taken for each in taken.conflicts] == [True]
    assert all(each in taken.files[path] for each in ("level: warn", "own: kept", "mode: fast"))
    row = actions.submit(by=world.mira, blueprint="small", answers=row.answers, request=row)
    assert [each["place"] for each in row.upgrade["kept"]] == ["data.level"]
    run_due_effects()
    row.refresh_from_db()
    assert f"`{path} data.level`" in world.host.proposal(REPO, row.pull_number).body


def test_files_that_came_or_went_by_hand_are_not_overruled(world, tiny) -> None:
    by_hand(world, {
        f"{HOME}/new.yaml": "mine: true\n", f"{HOME}/settings.yaml": None,
        f"{HOME}/old.yaml": repository(world, f"{HOME}/old.yaml").replace("of: old", "of: mine"),
    })  # fmt: skip
    versions.write(world.folder, "2.0", zone=False, level="warn")
    row = actions.upgrade_service(entity_ref=REF, by=world.mira)
    found = evaluated(row)
    files = {each.file: each.here for each in found.conflicts}
    assert files == {
        f"{HOME}/new.yaml": "written by hand", f"{HOME}/old.yaml": "changed by hand",
        f"{HOME}/settings.yaml": "removed by hand",
    }  # fmt: skip
    assert (found.removed, found.files.get(f"{HOME}/settings.yaml")) == ((), None)
    assert found.files[f"{HOME}/new.yaml"] == "mine: true\n"
    taken = evaluated(row, **{"+take": [each.key for each in found.conflicts]})
    assert taken.removed == (f"{HOME}/old.yaml",)
    assert "of: new" in taken.files[f"{HOME}/new.yaml"]
    assert "level: warn" in taken.files[f"{HOME}/settings.yaml"]


def test_where_the_version_was_not_kept_the_files_of_its_request_stand_for_it(world, tiny) -> None:
    path = f"{HOME}/settings.yaml"
    by_hand(world, {path: repository(world, path).replace("level: info", "level: error")})
    BlueprintVersion.objects.all().delete()
    versions.write(world.folder, "2.0", zone=False, mode="fast")
    row = actions.upgrade_service(entity_ref=REF, by=world.mira)
    found = evaluated(row)
    assert found.conflicts == ()
    assert all(each in found.files[path] for each in ("level: error", "mode: fast"))
    assert found.removed == (f"{HOME}/old.yaml",)
    assert not queries.news_of(row)["is_exact"]


def test_a_kept_version_that_cannot_be_read_any_more_is_none(world, tiny) -> None:
    BlueprintVersion.objects.update(texts={"blueprint.yaml": "kind: Other"})
    versions.write(world.folder, "2.0", zone=False)
    row = actions.upgrade_service(entity_ref=REF, by=world.mira)
    assert not queries.news_of(row)["is_exact"]


def test_others_cannot_and_what_no_form_made_has_no_version(world, tiny) -> None:
    versions.write(world.folder, "2.0", zone=False)
    with pytest.raises(NotAllowed):
        actions.upgrade_service(entity_ref=REF, by=world.jonas)
    by_hand(world, {"apps/checkout/tiny/slipway.yaml": None})
    with pytest.raises(NotOnboarded):
        actions.upgrade_service(entity_ref=REF, by=world.mira)
    with pytest.raises(NotAllowed):
        actions.upgrade_several(refs=[REF], by=world.sam)


def round_of(world, *refs: str):
    return actions.upgrade_several(refs=refs, by=world.priya)


def test_several_at_once_get_a_request_each_and_one_that_fails_stops_no_other(world, tiny) -> None:
    merge(world, actions.submit(by=world.mira, blueprint="small", answers=ANSWERS | {"name": "other"}))
    by_hand(world, {"apps/checkout/other/slipway.yaml": "not ours\n"})
    versions.write(world.folder, "2.0", zone=False)
    other = "component:default/other"
    round = round_of(world, other, REF, REF)
    run_due_effects()
    found = {each.entity_ref: each for each in round.items.select_related("request")}
    assert {ref: each.state for ref, each in found.items()} == {other: "refused", REF: "proposed"}
    assert "did not come through a form" in found[other].message
    row = found[REF].request
    assert (row.created_by, row.token, row.state) == (world.priya, found[REF].token, "in_review")
    assert said(row).count("submitted") == 1


def test_killed_and_run_again_it_makes_no_second_request(world, tiny) -> None:
    versions.write(world.folder, "2.0", zone=False)
    item = round_of(world, REF).items.get()
    claim = SimpleNamespace(payload={"item": item.pk})
    assert upgrade(claim) == upgrade(claim)  # the worker died before it could tell
    run_due_effects()
    assert Request.objects.exclude(upgrade={}).count() == 1
    item.refresh_from_db()
    assert item.state == UpgradeItem.State.PROPOSED


def test_a_draft_whose_sending_was_killed_is_sent(world, tiny) -> None:
    from services.onboarding.actions import upgrading

    versions.write(world.folder, "2.0", zone=False)
    item = round_of(world, REF).items.get()
    draft = upgrading._draft(tiny, world.priya, item.token)
    run_due_effects()
    item.refresh_from_db()
    assert item.request == draft


def test_what_asks_for_a_person_says_what_it_asks_and_goes_once_it_is_answered(world, tiny) -> None:
    versions.write(world.folder, "2.0")
    round = round_of(world, REF)
    run_due_effects()
    item = round.items.get()
    assert (item.state, item.message) == ("refused", "The newer version asks for Zone.")
    row = item.request
    actions.submit(by=world.priya, blueprint="small", answers=row.answers | {"zone": "north"}, request=row)
    assert actions.upgrade_again(round=round, by=world.priya) == 1
    run_due_effects()
    item.refresh_from_db()
    assert (item.state, item.request) == ("proposed", row)
    assert actions.upgrade_again(round=round, by=world.priya) == 0


def test_nothing_chosen_and_what_no_form_made_is_refused(world, tiny) -> None:
    with pytest.raises(Refusal, match="at least one"):
        round_of(world)
    with pytest.raises(Refusal, match="No form made component:default/nothing"):
        round_of(world, "component:default/nothing")
    with pytest.raises(Refusal, match="the most"):
        round_of(world, *(f"component:default/s{n}" for n in range(501)))
    with pytest.raises(NotAllowed):
        actions.upgrade_again(round=round_of(world, REF), by=world.sam)
