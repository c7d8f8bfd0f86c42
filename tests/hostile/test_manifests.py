"""T and G of the attack list: what is typed into a form stays a value, in its own file, on its own branch."""

from typing import Any

import pytest
import yaml
from django.test import Client

from services.effects.models import Effect
from services.integrations import githosts
from services.manifests.emit import load_all
from services.onboarding import proposals
from services.onboarding.models import Request, State
from tests.cases.marking import rows
from tests.effects_driver import run_due_effects
from tests.hostile.world import ANSWERS, REPO

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef" * 2


def send(client: Client, **over: Any) -> Any:
    given = {**ANSWERS, "name": "parcels", "image": "registry.larkfield.shop/parcels:1.0.0", "_token": TOKEN}
    return client.post("/new/web-service/", {**given, "_intent": "submit", **over})


def request() -> Request:
    return Request.objects.get(token=TOKEN)


@pytest.fixture
def as_mira(client, world):
    client.force_login(world.mira)
    return client


REFUSED: list[tuple[str, str, str]] = [
    ("T1", "name", "web\n  namespace: kube-system"),
    ("T1", "name", "web\n"),
    ("T1", "name", "Web"),
    ("T1", "name", "-web"),
    ("T1", "name", "x" * 64),
    ("T9", "image", "registry.larkfield.shop/../evil/x:1"),
    ("T9", "image", "https://evil.example/x:1"),
    ("T9", "image", "registry.larkfield.shop/x:1\nkind: Pod"),
    ("T9", "image", "registry.larkfield.shop/$(id):1"),
    ("T13", "name", "web\r\nx"),
    ("T13", "image", "registry.larkfield.shop/x:1\r\n"),
    ("T13", "readiness_path", "/x\r\nHost: evil"),
    ("G1", "name", "../.github"),
    ("G1", "name", "a/../../b"),
    ("G1", "name", ".git"),
    ("G1", "name", "a\\..\\b"),
    ("G1", "name", "%2e%2e"),
    ("G4", "name", "--upload-pack=id"),
    ("G7", "name", "ch\u0435ckout"),
    ("G7", "name", "check\u200bout"),
    ("G7", "description", "evil \u202e gnp"),
    ("Z2", "owner", "platform"),
    ("T2", "environments", "kube-system"),
    ("T2", "size", "enormous"),
    ("T11", "replicas", "1e999"),
    ("T11", "memory_limit", "-5"),
    ("T11", "description", "x" * 19_000),
]


@pytest.mark.parametrize(("case", "field", "value"), rows(REFUSED))
def test_values_that_are_none_are_a_fields_error(as_mira, case, field, value):
    answer = send(as_mira, **{field: value})
    # what white space at the ends can be taken off is mended, and only then accepted
    if answer.status_code == 302:
        assert value.strip() != value
        assert request().answers[field] == value.strip()
        return
    assert answer.status_code == 422
    groups = [group for section in answer.context["sections"] for group in [*section.groups, *section.more]]
    wrong = {view.state.name for _, views in groups for view in views if view.errors}
    assert field in wrong <= {field, "replicas", "size"}, case
    assert request().state == State.DRAFT
    assert not Effect.objects.filter(object_id=str(request().pk)).exists()


SAID = [
    ("T2", "x\n---\nkind: ClusterRoleBinding\nmetadata: {name: evil}"),
    ("T3", "&a [1, 2]"),
    ("T3", "*a"),
    ("T3", "<<: *a"),
    ("T3", "!!python/object/apply:os.system [id]"),
    ("T4", "no"),
    ("T4", "1e3"),
    ("T4", "0x10"),
    ("T4", "12:30:00"),
    ("T4", "2024-01-01"),
    ("T5", "{{ config }} {% now %} ${X} $(X) %(x)s {0.__class__} ${{ 7 * 7 }}"),
    ("G5", "@org/all Closes #1 [skip ci] /approve /merge <!-- --> ::set-output\n\nCo-authored-by: x <x@y>"),
    ("G5", "``` \n# out of the fence\n````"),
]


@pytest.mark.parametrize(("case", "text"), rows(SAID))
def test_texts_stay_texts(as_mira, case, text):
    """In every file the same string, and nothing beside it; in the pull request inside a fence."""
    about = text if len(text) >= 8 else f"about {text}"
    answer = send(as_mira, description=about, **{"config.0.name": "SAID", "config.0.value": text})
    assert answer.status_code == 302, answer.context["to_do"]
    row, kinds = request(), []
    for file, content in row.files.items():
        documents = load_all(content)
        assert [document.data for document in documents] == list(yaml.safe_load_all(content)), file
        kinds += [document.data["kind"] for document in documents]
        if document := next((d.data for d in documents if d.data["kind"] == "ConfigMap"), None):
            assert document["data"]["SAID"] == text
    assert "ConfigMap" in kinds
    assert "ClusterRoleBinding" not in kinds
    assert yaml.safe_load(row.files["catalog/parcels.yaml"])["metadata"]["description"] == about
    assert proposals.fenced(about) in proposals.body(row)


@pytest.mark.case("G1")
def test_g1_files_stay_below_their_own_folders(as_mira, world):
    send(as_mira)
    row = request()
    assert {path.split("/")[0] for path in row.files} == {"apps", "catalog"}
    assert all(path.startswith(("apps/checkout/parcels/", "catalog/parcels.yaml")) for path in row.files)
    assert row.branch == f"slipway/r-{row.number}"


@pytest.mark.case("G5")
def test_g5_the_pull_request_of_a_strange_title_is_one_line(as_mira, world):
    world.mira.name = "Mira @org/all\r\nSigned-off-by: x"
    world.mira.save()
    send(as_mira, description="@org/all")
    run_due_effects()
    pull = githosts.get("local").proposal(REPO, request().pull_number)
    assert "\n" not in pull.title
    assert "@org" not in pull.body.partition("```")[0]
    assert "\nSigned-off-by" not in pull.body.partition("```")[0]


@pytest.mark.case("G10")
def test_g10_the_same_form_twice_is_one_request(as_mira):
    first, second = send(as_mira), send(as_mira)
    assert first.url == second.url
    assert Request.objects.filter(title="Onboard parcels").count() == 1
    assert Effect.objects.filter(kind="onboarding.propose", object_id=str(request().pk)).count() == 1


@pytest.mark.case("T7")
def test_t7_keys_no_form_has_are_left_out(as_mira):
    extra = {
        "hostPID": "true",
        "spec.hostNetwork": "true",
        "config.0.__class__": "x",
        "initContainers": "[]",
        "serviceAccountName": "x",
    }
    assert send(as_mira, **extra).status_code == 302
    text = "".join(request().files.values())
    for word in ("hostPID", "hostNetwork", "__class__", "initContainers"):
        assert word not in text
