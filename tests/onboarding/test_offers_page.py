"""The list of forms: in groups, found by words, with what no cluster here can do said."""

import pytest

from services.clusters import actions as clusters
from services.onboarding import queries
from tests.factories.clusters import cluster_row, environments

NEW = "/new/"


def titles(words: str = "") -> list[str]:
    return [offer.shown.title for group in queries.offers(words) for offer in group.offers]


def test_every_form_is_in_one_group_and_the_most_wanted_come_first(db):
    found = titles()
    assert sorted(found) == sorted(
        each.title for each in (*queries.blueprints().values(), *queries.library().bundles.values())
    )
    assert len(found) >= 18
    assert found[0] == "Web service"


@pytest.mark.parametrize(
    ("words", "found"),
    [("redis", ["Cache"]), ("Kafka topic", ["Queue or topic"]), ("cron", ["Scheduled job"]), ("zzz", [])],
)
def test_words_find_forms(db, words, found):
    assert titles(words) == found


def test_what_is_missing_is_said_and_the_form_still_opens(people, client):
    place, _ = environments(cluster_row())
    clusters.saw_kinds(place.cluster, {"v1/Pod"})
    client.force_login(people.mira)
    html = client.get(NEW).content.decode()
    assert "Grafana&#x27;s operator is not installed in Staging and Production" in html
    form = client.get("/new/dashboard/").content.decode()
    assert "Grafana&#x27;s operator is not installed in Staging" in form
    assert "disabled" in form
    assert "No form for that" in client.get(NEW, {"q": "zzz"}).content.decode()


def test_who_writes_blueprints_sees_what_is_broken(people, client, tmp_path, settings):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "blueprint.yaml").write_text("kind: Blueprint\nspecs: {}\n")
    settings.BLUEPRINT_FOLDERS = [tmp_path]
    client.force_login(people.priya)
    assert "blueprint.yaml:2: specs is not known; did you mean spec?" in client.get(NEW).content.decode()
    client.force_login(people.mira)
    html = client.get(NEW).content.decode()
    assert "specs is not known" not in html
    assert "Web service" in html
