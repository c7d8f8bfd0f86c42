"""Sources: what their pages tell, how they are steered, and how they are read without anybody asking."""

from datetime import timedelta

import pytest
from django.utils import timezone

from services.audit.models import Event
from services.catalog import actions, queries
from services.catalog.actions import Refused, looking, steering
from services.catalog.models import Broken, Claim, Entity, ImportRun, Source
from services.catalog.tasks import sweep, tidy
from services.effects.actions import enqueue
from services.effects.models import Effect
from tests.catalog.conftest import COMPONENT
from tests.effects_driver import run_due_effects

pytestmark = pytest.mark.django_db
CART = "component:default/cart"
BAD = b"apiVersion: backstage.io/v1alpha1\nkind: Component\nmetadata: {name: my cart}\n"


def due(source: Source) -> None:
    Source.objects.filter(pk=source.pk).update(next_at=timezone.now() - timedelta(seconds=1))


def swept(source: Source) -> Source:
    """What the source is after the sweep that looks at it."""
    due(source)
    assert sweep() == 1
    run_due_effects()
    source.refresh_from_db()
    return source


# Sweeps


def test_what_the_command_line_imported_is_looked_at_again_too(repository, files):
    run = actions.import_documents(
        files=files, title="shop", by=None, kind="git", location=str(repository.path)
    )
    assert run.source.next_at is not None


def test_a_sweep_finds_what_changed_and_reads_an_unmoved_head_only_once(source, repository, files):
    swept(source)
    runs = source.runs.count()
    head = source.head
    assert head
    assert swept(source).runs.count() == runs
    assert Effect.objects.filter(result__unchanged=True).count() == 2
    moved = repository.commit({**files, "cart.yaml": COMPONENT.format(name="cart", owner="rivals").encode()})
    plan = swept(source).runs.first()
    assert (source.head, plan.revision, plan.state, plan.trigger) == (moved, moved, "planned", "sweep")
    assert plan.took is not None
    assert Entity.objects.get(ref=CART).owner_ref == "group:default/checkout"
    assert [c["fields"] for c in plan.changes if c["action"] == "changed"] == [
        [{"field": "spec.owner", "old": "checkout", "new": "rivals"}]
    ]


def test_a_source_that_applies_by_itself_does_and_what_was_undone_stays_undone(source, repository, files):
    Source.objects.filter(pk=source.pk).update(auto_apply=True)
    swept(source)
    repository.commit({**files, "more.yaml": COMPONENT.format(name="more", owner="checkout").encode()})
    run = swept(source).runs.first()
    assert (run.state, Entity.objects.filter(name="more").count()) == ("applied", 1)
    actions.undo_import(run=run, by=None)
    Source.objects.filter(pk=source.pk).update(head="")
    assert swept(source).runs.first() == run
    assert not Entity.objects.filter(name="more").exists()


def test_a_plan_that_waited_is_applied_once_the_source_applies_by_itself(source, repository, files):
    repository.commit({"rest.yaml": files["rest.yaml"]})
    plan = swept(source).runs.first()
    Source.objects.filter(pk=source.pk).update(auto_apply=True, head="")
    swept(source)
    plan.refresh_from_db()
    assert (plan.state, source.runs.first()) == ("applied", plan)
    assert Entity.objects.get(ref=CART).state == "orphan"


def test_an_older_plan_is_out_of_date_and_is_not_applied(source, repository, files, client, priya):
    repository.commit({**files, "a.yaml": COMPONENT.format(name="a", owner="checkout").encode()})
    old = swept(source).runs.first()
    assert not queries.is_outdated(old)
    repository.commit({**files, "b.yaml": COMPONENT.format(name="b", owner="checkout").encode()})
    new = swept(source).runs.first()
    with pytest.raises(Refused, match="moved since"):
        actions.apply_import(run=old, by=priya)
    client.force_login(priya)
    html = client.get(old.get_absolute_url()).content.decode()
    assert "Out of date" in html
    assert ">Apply<" not in html.replace("\n", "")
    actions.apply_import(run=new, by=priya)
    with pytest.raises(Refused, match="already applied"):
        actions.apply_import(run=new, by=priya)
    assert Entity.objects.filter(name__in="ab").get().name == "b"


def test_two_who_ask_are_answered_by_one_look(source, priya):
    first = looking.read_now(source=source, by=priya)
    assert looking.read_now(source=source, by=priya) == first
    assert "Being read" in page(priya, source)
    run_due_effects()
    assert "Being read" not in page(priya, source)
    assert looking.read_now(source=source, by=priya) != first


def test_who_looks_again_gets_a_plan_of_their_own_once(source, priya, mira):
    swept(source)
    before = source.runs.count()
    looking.read_now(source=source, by=priya, anew=True)
    asked = looking.read_now(source=source, by=mira, anew=True)
    assert looking.read_now(source=source, by=mira, anew=True) == asked
    run_due_effects()
    assert [run.created_by for run in source.runs.all()[:2]] == [mira, priya]
    Effect.objects.filter(pk=asked.pk).update(state="due", finished_at=None)
    run_due_effects()
    assert source.runs.count() == before + 2
    html = page(priya, source)
    assert "Nothing would change" in html
    assert "nothing new" in html
    Effect.objects.filter(pk=asked.pk).update(state="needs_attention", last_error="no memory")
    assert "The last reading broke off: no memory" in page(priya, source)


def test_a_look_at_what_was_never_applied_does_not_have_it_swept(repository, priya):
    made = actions.find_or_create_source(kind="git", title="new", by=priya, location=str(repository.path))
    looking.read_now(source=made, by=priya, anew=True)
    run_due_effects()
    made.refresh_from_db()
    assert (made.next_at, made.runs.get().state) == (None, "planned")
    assert "A plan waits" in page(priya, made)


def test_a_source_that_cannot_be_read_keeps_all_and_says_why_once(source, repository, priya):
    away = repository.path.rename(repository.path.with_suffix(".away"))
    swept(source)
    assert "no git repository" in source.trouble
    since, failed = source.trouble_since, source.runs.first()
    assert (failed.state, failed.problem) == ("failed", source.trouble)
    swept(source)
    assert (source.runs.first(), source.failures, source.trouble_since) == (failed, 2, since)
    assert Entity.objects.filter(source=source, state="active").count() == 5
    html = page(priya, source)
    assert "It cannot be read since" in html
    assert "Could not be read" in html
    assert "All it brought is kept" in html
    away.rename(repository.path)
    assert swept(source).trouble == ""


@pytest.mark.parametrize(
    ("failures", "asked", "minutes"), [(0, None, 10), (1, None, 1), (3, 90, 4), (9, 0, 10)]
)
def test_what_fails_is_tried_sooner_but_never_before_it_was_asked_to(failures, asked, minutes):
    from services.catalog.sources.models import wait_after

    assert wait_after(failures, asked) == timedelta(minutes=minutes)
    assert wait_after(failures, 7200) == timedelta(hours=2)


def test_what_is_paused_or_removed_is_left_alone(source, priya):
    steering.pause_source(source=source, by=priya)
    due(source)
    assert sweep() == 0
    steering.resume_source(source=source, by=priya)
    assert sweep() == 1
    steering.remove_source(source=source, by=priya)
    run_due_effects()
    assert Effect.objects.get().result == {"skipped": "paused or removed"}
    assert source.runs.count() == 1
    taken = looking.took(source=source, fetched=None, head="x", trigger="sweep", began=timezone.now())
    assert taken == {"skipped": "removed"}


def test_readings_of_long_ago_are_forgotten(source):
    swept(source)
    Effect.objects.update(finished_at=timezone.now() - timedelta(days=8))
    enqueue(kind="other", key="1")
    tidy()
    assert list(Effect.objects.values_list("kind", flat=True)) == ["other"]


def test_reports_of_long_ago_go_but_the_last_of_each_kind(source, settings):
    settings.CATALOG_RUN_DAYS = 90
    applied = source.runs.get()
    states = ["failed", "planned", "applied", "undone", "planned", "failed"]
    now = timezone.now()
    made = [ImportRun.objects.create(source=source, state=s, applied_at=now, problem=s) for s in states]
    young = ImportRun.objects.create(source=source, state="failed")
    other = ImportRun.objects.create(source=Source.objects.create(kind="paste", title="p"))
    ImportRun.objects.exclude(pk=young.pk).update(created_at=now - timedelta(days=91))
    tidy()
    kept = set(ImportRun.objects.all())
    assert kept == {made[2], made[4], young, other}
    assert applied not in kept
    settings.CATALOG_RUN_DAYS = 92
    tidy()
    assert set(ImportRun.objects.all()) == kept


# Steering


def page(user, source, query: str = "") -> str:
    from django.test import Client

    client = Client()
    client.force_login(user)
    return client.get(source.get_absolute_url() + query).content.decode()


def test_removing_a_source_orphans_what_it_had_and_can_be_taken_back(source, repository, files, priya):
    repository.commit({**files, "cart.yaml": BAD})
    swept(source)
    actions.apply_import(run=source.runs.first(), by=priya)
    rival = actions.import_documents(files={"c.yaml": files["rest.yaml"]}, title="rival", by=priya).source
    before = dict(Entity.objects.values_list("ref", "state"))
    assert set(before.values()) == {"active", "stale"}
    steering.remove_source(source=rival, by=priya)
    assert not Claim.objects.exists()
    assert not Entity.objects.filter(contested=True).exists()
    steering.remove_source(source=source, by=priya)
    assert set(Entity.objects.values_list("state", flat=True)) == {"orphan"}
    steering.restore_source(source=source, by=priya)
    steering.restore_source(source=rival, by=priya)
    assert dict(Entity.objects.values_list("ref", "state")) == before
    assert Claim.objects.filter(source=rival).count() == Entity.objects.filter(contested=True).count() == 4
    assert Event.objects.filter(action__startswith="catalog.source_").count() == 4


REFUSED = [
    ("pause", {"kind": "upload"}, "Nothing looks"),
    ("pause", {"paused_at": timezone.now()}, "paused already"),
    ("resume", {}, "not paused"),
    ("remove", {"removed_at": timezone.now()}, "removed already"),
    ("restore", {}, "not removed"),
    ("read", {"kind": "upload"}, "Nothing can be read"),
]


@pytest.mark.parametrize(("step", "state", "why"), REFUSED)
def test_what_makes_no_sense_is_refused(source, priya, step, state, why):
    Source.objects.filter(pk=source.pk).update(**state)
    act = looking.read_now if step == "read" else getattr(steering, f"{step}_source")
    with pytest.raises(Refused, match=why):
        act(source=source, by=priya)


@pytest.mark.parametrize("own", [{}, {"name": "shop"}])
def test_a_removed_source_whose_place_is_taken_stays_removed(source, priya, own):
    Source.objects.filter(pk=source.pk).update(**own)
    steering.remove_source(source=source, by=priya)
    where = {} if own else {"location": source.location}
    Source.objects.create(kind="git", title="again", **where, **own)
    with pytest.raises(Refused, match="another source"):
        steering.restore_source(source=source, by=priya)
    plan = ImportRun.objects.create(source=source)
    with pytest.raises(Refused, match="was removed"):
        actions.apply_import(run=plan, by=priya)


def test_steering_is_for_the_platform_team_and_has_a_way_back(client, source, priya, mira):
    url = source.get_absolute_url()
    client.force_login(mira)
    for path in ("change/", "pause/", "remove/"):
        assert client.post(url + path).status_code == 403
    client.force_login(priya)
    assert client.post(url + "explode/").status_code == 404
    html = client.post(url + "pause/", follow=True).content.decode()
    assert f'action="{url}resume/"' in html
    assert "paused already" in client.post(url + "pause/", follow=True).content.decode()
    html = client.post(url + "remove/", follow=True).content.decode()
    assert "Removed by" in html
    assert source.title not in client.get("/catalog/sources/").content.decode()
    assert source.title in client.get("/catalog/sources/?show=removed").content.decode()
    assert "Look again" not in html
    client.post(url + "restore/")
    source.refresh_from_db()
    assert source.removed_at is None


def test_source_change(client, source, priya, mira):
    client.force_login(priya)
    url = source.get_absolute_url() + "change/"
    assert 'value="shop"' in client.get(url).content.decode()
    for wrong, why in (
        ({"title": " "}, "required"),
        ({"title": "x", "person": "nobody"}, "nobody called"),
        ({"title": "x", "person": "mira", "team": "checkout"}, "not both"),
    ):
        response = client.post(url, wrong)
        assert (response.status_code, why in response.content.decode()) == (422, True)
    client.post(url, {"title": "Shop", "team": "checkout", "auto_apply": "on"})
    source.refresh_from_db()
    assert (source.title, source.tell_team.slug, source.auto_apply) == ("Shop", "checkout", True)
    with pytest.raises(Refused, match="needs a name"):
        steering.change_source(source=source, title=" ", auto_apply=False, team=None, person=None, by=priya)


# What is broken, and who hears of it


def test_broken_files_are_told_until_they_are_mended(source, repository, files, client, mira, priya):
    Source.objects.filter(pk=source.pk).update(tell_team=mira.teams.get(), auto_apply=True)
    many = {**files, "cart.yaml": BAD, "new.yaml": b"a: [", "rest.yaml": files["rest.yaml"] + b"---\n" + BAD}
    repository.commit(many)
    swept(source)
    since = dict(Broken.objects.values_list("file", "since"))
    assert sorted(since) == ["cart.yaml", "new.yaml", "rest.yaml"]
    first = Broken.objects.get(file="rest.yaml")
    assert (first.document, first.field, first.rule, first.suggestion) == (
        4, "metadata.name", "format", "my-cart",
    )  # fmt: skip
    html = page(mira, source)
    for text in (
        "cart.yaml:3",
        "document 5",
        "my-cart",
        "it was never read whole",
        CART,
        "broken=",
        "Tells Checkout",
    ):
        assert (text in html) == (text != "broken="), text
    client.force_login(mira)
    assert "shop: 3 files are broken" in client.get("/").content.decode()
    client.force_login(priya)
    assert "files are broken" not in client.get("/").content.decode()
    repository.commit({**many, "cart.yaml": files["cart.yaml"], "new.yaml": files["cart.yaml"]})
    swept(source)
    assert dict(Broken.objects.values_list("file", "since")) == {"rest.yaml": since["rest.yaml"]}
    client.force_login(mira)
    assert "shop: rest.yaml is broken" in client.get("/").content.decode()
    assert "shop" in client.get("/catalog/sources/?show=broken").content.decode()
    for other in ("trouble", "paused", "removed"):
        assert "No source is like that" in client.get(f"/catalog/sources/?show={other}").content.decode()


def test_the_report_of_the_newest_look_is_narrowed_by_the_url(source, repository, files, priya):
    repository.commit({**files, "cart.yaml": BAD})
    swept(source)
    whole = page(priya, source, "?view=report")
    assert "rest.yaml:1" in whole
    refused = page(priya, source, "?view=report&verdict=refused")
    assert "rule format" in refused
    assert "rest.yaml:1" not in refused
    assert "cart.yaml:1" not in page(priya, source, "?view=report&q=REST")
    assert "None." in page(priya, source, "?view=report&q=nothing-of-the-kind")


def test_an_upload_forgets_only_the_breakage_of_its_own_files(priya):
    source = Source.objects.create(kind="upload", title="u")
    good = COMPONENT.format(name="a", owner="checkout").encode()
    for files in ({"a.yaml": BAD, "b.yaml": BAD}, {"a.yaml": good}):
        actions.plan_import(source=source, files=files, by=priya)
    assert [row.file for row in source.broken.all()] == ["b.yaml"]
    assert str(source.broken.get()).startswith("b.yaml:3: ")


def test_more_fields_than_anybody_reads_are_counted_out():
    from services.catalog.importing.differences import MOST_FIELDS, fields_of

    found = fields_of({str(n): n for n in range(30)}, {})
    assert (len(found), found[-1]["new"]) == (MOST_FIELDS + 1, "more fields differ")
    assert fields_of({"a": [1], "b": None}, {"a": [2], "b": "x"}) == (
        {"field": "a", "old": "[1]", "new": "[2]"},
        {"field": "b", "old": "", "new": "x"},
    )
