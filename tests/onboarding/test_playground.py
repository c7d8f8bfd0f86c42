"""The playground: text in, form, files, guardrails, cost and approvals out; bounded, and nothing kept."""

import random
import re
import time
from typing import Any

import hypothesis
import pytest
from django.urls import reverse
from hypothesis import strategies as st

from services.manifests import expressions
from services.manifests.check import check
from services.onboarding import blueprints, playground_page, queries
from services.onboarding.models import Request

URL = "/playground/"
REHEARSAL = "/playground/rehearsal/"
HTMX = {"hx-request": "true"}


@pytest.fixture
def files(world) -> dict[str, str]:
    """The shipped web service, as the page posts it."""
    return {
        f"file:{path}": text for path, text in blueprints.texts_of(blueprints.SHIPPED / "web-service").items()
    }


@pytest.fixture
def post(client, world) -> Any:
    client.force_login(world.priya)

    def send(files: dict[str, str], url: str = URL, htmx: bool = True, **more: Any) -> str:
        answer = client.post(url, files | more, headers=HTMX if htmx else {})
        assert answer.status_code == 200
        return answer.content.decode()

    return send


ANSWERS = {
    "name": "parcels", "description": "Tells where parcels are.", "owner": "platform",
    "image": "registry.larkfield.shop/parcels:1.0.0", "environments": ["staging", "production"],
}  # fmt: skip


def problems(page: str) -> list[str]:
    return re.findall(r'data-line="\d+">([^<]+)</a>', page)


def test_playground_shows_form_values_files_guardrails_cost_and_approvals(client, world) -> None:
    client.force_login(world.priya)
    page = client.get(URL, {"blueprint": "web-service"}).content.decode()
    for part in ("Mistakes in the files", "cannot be computed"):
        assert part not in page
    for part in (
        "manifests/deployment.yaml",
        'name="port"',
        "Guardrails",
        "Cost per month",
        "Approvals",
        "targets",
    ):
        assert part in page
    assert "guardrail.yaml" in client.get(URL, {"guardrail": "image-tag"}).content.decode()
    assert "Mistakes" in client.get(URL, {"blueprint": "nowhere"}).content.decode()


def test_what_is_typed_is_evaluated_and_nothing_is_kept(post, files) -> None:
    files["file:manifests/deployment.yaml"] = files["file:manifests/deployment.yaml"].replace(
        "revisionHistoryLimit: 5", "revisionHistoryLimit: 7"
    )
    page = post(files, **ANSWERS, _show="apps/platform/parcels/production/deployment.yaml")
    assert 'revisionHistoryLimit</span>:<span class="v"> 7</span>' in page
    assert 'id="play-form" hx-swap-oob="true"' in page
    shape = re.search(r'name="_shape" value="(sha256:\w+)"', page)
    assert shape is not None
    assert "play-form" not in post(files, **ANSWERS, _shape=shape[1])
    assert not Request.objects.exists()
    assert (
        "revisionHistoryLimit: 7"
        not in (blueprints.SHIPPED / "web-service/manifests/deployment.yaml").read_text()
    )


FORM, DEPLOYMENT = "blueprint.yaml", "manifests/deployment.yaml"
NAME = "kind: Component\n    metadata:\n      "
LINES = (blueprints.SHIPPED / "web-service" / FORM).read_text().splitlines()
PORT = next(number for number, line in enumerate(LINES, 1) if line.strip() == "label: Port")
MISTAKES = [
    (FORM, "label: Port", "lable: Port", f"{FORM}:{PORT}"),
    (FORM, "targets: answers", "targets: answers..", FORM),
    (FORM, "targets: answers.depends_on", "targets: answers.nothing.there", FORM),
    (FORM, "subject: ${{ answers.name }}", "subject: ${{ answers.nam }}", FORM),
    (FORM, f"{NAME}name:", f"{NAME}nam:", FORM),
    (DEPLOYMENT, "replicas:\n    $if", "replicas: {{\n    $if", DEPLOYMENT),
    (DEPLOYMENT, "${{ here.replicas }}", "${{ here.replica }}", f"{DEPLOYMENT}:11"),
]


@pytest.mark.parametrize(("path", "old", "new", "place"), MISTAKES)
def test_a_mistake_points_at_file_and_line(post, files, path, old, new, place) -> None:
    assert old in files[f"file:{path}"]
    files[f"file:{path}"] = files[f"file:{path}"].replace(old, new)
    found = problems(post(files, **ANSWERS))
    assert found
    assert found[0].startswith(place), found
    assert re.search(r":\d+$", found[0])


def test_a_guardrail_as_it_is_typed_counts_and_its_mistakes_are_told(post, files) -> None:
    text = playground_page._policies()["image-tag"].read_text()
    files["file:guardrail.yaml"] = text.replace("endsWith(':latest')", "endsWith(':1.0.0')")
    assert "has no fixed version" in post(files, **ANSWERS)
    files["file:guardrail.yaml"] = text.replace(
        "size(variables.offenders) == 0", "size(variables.offenders) =="
    )
    assert problems(post(files, **ANSWERS))[0].startswith("guardrail.yaml:")


def test_files_come_and_go_and_answers_outlive_a_broken_blueprint(post, files) -> None:
    page = post(files, htmx=False, _new="extra.yaml", _with="1")
    assert 'name="file:manifests/extra.yaml"' in page
    page = post(files, htmx=False, _without="manifests/service.yaml")
    assert 'name="file:manifests/service.yaml"' not in page
    assert "is no name for a file" in post(files, _new="../../etc/passwd", _with="1").replace(
        "Is no", "is no"
    )
    broken = files | {"file:blueprint.yaml": "kind: [", "file:/etc/passwd": "x"}
    page = post(broken, htmx=False, **ANSWERS)
    assert 'name="description" value="Tells where parcels are."' in page
    assert "/etc/passwd" not in page


def test_it_is_bounded_in_files_characters_depth_and_time(post, files, monkeypatch) -> None:
    many = {f"file:manifests/a{n}.yaml": "a: 1" for n in range(60)}
    assert "at most 40 files" in post(files | many)
    assert "200,000 are the most" in post(files | {"file:manifests/a.yaml": "#" * 300_000})
    assert "Mistakes" in post(files | {"file:manifests/a.yaml": "a: " + "[" * 5000})
    bomb = "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9)
    )
    started = time.monotonic()
    assert "Mistakes" in post(files | {"file:manifests/a.yaml": bomb})
    assert time.monotonic() - started < 3
    monkeypatch.setattr(playground_page, "SECONDS", 0.0)
    assert "takes too long" in post(files, **ANSWERS)


def test_nothing_is_evaluated_after_the_time_is_over() -> None:
    with expressions.within(60.0):
        assert expressions.evaluate("1 + 1", {}) == 2
    with expressions.within(-1.0), pytest.raises(expressions.ExpressionError, match="takes too long"):
        expressions.evaluate("1 + 1", {})
    assert expressions.evaluate("1 + 1", {}) == 2


def test_only_the_platform_team_plays(client, world) -> None:
    client.force_login(world.mira)
    assert client.get(reverse("onboarding:playground")).status_code == 403
    assert client.post(REHEARSAL, {}).status_code == 403


def test_requests_are_rehearsed_some_at_a_time(post, files, submit, monkeypatch) -> None:
    older, newer = submit(), submit(name="basket")
    files["file:manifests/deployment.yaml"] = files["file:manifests/deployment.yaml"].replace(
        "revisionHistoryLimit: 5", "revisionHistoryLimit: 7"
    )
    monkeypatch.setattr(playground_page, "AT_ONCE", 0.0)
    first = post(files, REHEARSAL, _go="10")
    assert (newer.ref in first, older.ref in first, "1 of 2" in first) == (True, False, True)
    assert f'"_go": "10:{newer.number}"' in first
    second = post(files, REHEARSAL, _go=f"10:{newer.number}")
    assert (older.ref in second, "All 2 are through" in second) == (True, True)
    assert 'revisionHistoryLimit</span>:<span class="v"> 7</span>' in second
    whole = post(files, REHEARSAL, htmx=False, _go="x")
    assert f'name="_go" value="20:{newer.number}"' in whole
    files["file:blueprint.yaml"] = "kind: ["
    assert "Mend the mistakes" in post(files, REHEARSAL, _go="10")


def test_what_has_no_request_yet_says_so(post, files) -> None:
    assert "nothing to rehearse" in post(files, REHEARSAL, _go="10")
    assert queries.of_the_past(queries.Change(), -5).count() == 0


@pytest.mark.django_db
@hypothesis.settings(max_examples=6, deadline=None, suppress_health_check=list(hypothesis.HealthCheck))
@hypothesis.given(st.integers(0, 2**32 - 1))
def test_no_text_makes_the_page_fail(world, files, seed) -> None:
    """Lines taken away, doubled, exchanged, and values put where they do not belong."""
    chance, page = random.Random(seed), playground_page.PlaygroundPage(world.priya)
    page.texts = {path.removeprefix("file:"): _spoiled(text, chance) for path, text in files.items()}
    page.work()
    assert page.context()["sources"]
    assert page.problems or page.evaluation


ODD = ("[]", "{}", "null", "3", "true", "${{ [] }}", "${{ answers }}", '""', "[{}]", "{name: 3}")


def _spoiled(text: str, chance: random.Random) -> str:
    lines = text.splitlines()
    for _ in range(chance.choice((0, 1, 1, 2))):
        at = chance.randrange(len(lines))
        key, colon, _ = lines[at].partition(":")
        lines[at] = f"{key}{colon} {chance.choice(ODD)}" if colon and chance.random() < 0.8 else ""
    return "\n".join(lines)


ODDITIES = [
    (FORM, "format: image", "format: picture", "format must be one of"),
    (FORM, "who: member\n    team: platform", "who: [{}]\n    team: platform", "who must be"),
    ("manifests/configmap.yaml", "$key: ${{ setting.name }}", "$key: 3", "$key must be text"),
    (DEPLOYMENT, "metadata:\n  name", "metadata: [1]\nother:\n  name", "must be a mapping"),
    (DEPLOYMENT, "metadata:\n  name", "metadata:\n  labels: [1]\n  name", "must be a mapping"),
]


@pytest.mark.parametrize(("path", "old", "new", "why"), ODDITIES)
def test_what_cannot_be_meant_is_told_and_never_a_crash(post, files, path, old, new, why) -> None:
    assert old in files[f"file:{path}"]
    files[f"file:{path}"] = files[f"file:{path}"].replace(old, new, 1)
    page = post(files, **ANSWERS, config="")
    assert why in page.replace("&#x27;", "'").replace("Format", "format").replace("Who", "who").replace(
        "Must", "must"
    )
    assert problems(page)[0].startswith(path)


def test_hosts_of_an_ingress_that_are_no_list_are_the_schemas_to_refuse() -> None:
    spec = {"tls": [{"hosts": 3}, {"hosts": ["a.example"]}], "rules": [{"host": "b.example"}]}
    about = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a", "namespace": "b"},
    }
    assert any(each.severity == "block" for each in check([about | {"spec": spec}], environment="production"))


def test_parts_are_evaluated_with_it_and_connected(post, files) -> None:
    page = post(files, htmx=False, **ANSWERS, _add_part="cache")
    for part in ('name="cache-memory"', "parcels-cache", 'value="cache:cache"', "connects to"):
        assert part in page, part
    again = post(files, htmx=False, **ANSWERS, _part="cache:cache", _drop_part="cache")
    assert 'name="cache-memory"' not in again
    typed = post(files, **ANSWERS, _part="cache:cache", **{"cache-memory": "abc"})
    assert 'name="cache-memory"' in typed
