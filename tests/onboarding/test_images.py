"""A build tells of its image: one pull request for each place, followed until it runs."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from services.accounts.actions import create_token
from services.accounts.models import Team
from services.catalog.models import Entity
from services.clusters.models import Environment
from services.integrations.githosts.base import Person
from services.notices.models import Notice
from services.onboarding import actions, applying, checks, queries
from services.onboarding.blueprints import company_promotion
from services.onboarding.errors import HostSilent
from services.onboarding.models import Request, Rollout, State
from services.onboarding.queries.rollouts import _is_brought as is_brought
from tests.effects_driver import run_due_effects

from .conftest import REPO, said

URL = "/api/v1/images"
CART = "registry.larkfield.shop/cart"
DIGEST = "sha256:" + "0123456789abcdef" * 4
HOME = "apps/checkout/cart"
DEPLOYMENT = """\
# By hand, before there was a portal.
apiVersion: apps/v1
kind: Deployment
metadata:
  name: cart
  namespace: NAMESPACE
spec:
  replicas: 2
  template:
    spec:
      containers:
      - name: proxy
        image: registry.larkfield.shop/proxy:2.0.1
      - name: cart
        image: 'registry.larkfield.shop/cart:1.0.0' # what the build made
"""


@pytest.fixture
def cart(world) -> SimpleNamespace:
    """A service no form made, in two environments, and a token of the team that owns it."""
    entity = Entity.objects.create(
        kind="Component", name="cart", ref="component:default/cart", owner_ref="group:default/checkout",
        type="service",
    )  # fmt: skip
    write(world, {
        f"{HOME}/staging/deployment.yaml": DEPLOYMENT.replace("NAMESPACE", "shop-staging"),
        f"{HOME}/production/deployment.yaml": DEPLOYMENT.replace("NAMESPACE", "shop"),
    })  # fmt: skip
    _, secret = create_token(
        by=world.sam, name="ci", scopes=["images:write"], days=7, team=Team.objects.get(slug="checkout")
    )
    return SimpleNamespace(**vars(world), entity=entity, secret=secret)


def write(world, files: dict[str, str]) -> None:
    content = {path: text.encode() for path, text in files.items()}
    world.host.commit(REPO, files=content, author=Person("noah", "Noah"), message="By hand")


def post(cart, *, secret: str = "", **body: Any) -> Any:
    body = {"service": "cart", "environment": "production"} | body
    brought = {"HTTP_AUTHORIZATION": f"Bearer {secret or cart.secret}"}
    return Client().post(URL, body, "application/json", **brought)


def bring(cart, image: str = f"{CART}:1.1.0", **body: Any) -> tuple[str, Request]:
    found = post(cart, image=image, **body).json()
    return found["outcome"], Request.objects.get(number=int(found["request"].removeprefix("R-")))


def in_git(cart, environment: str = "production") -> str:
    path = f"{HOME}/{environment}/deployment.yaml"
    return cart.host.read(REPO, path, cart.host.head(REPO)).decode()


def settled(row: Request) -> Request:
    run_due_effects()
    row.refresh_from_db()
    return row


def review_and_merge(cart, row: Request) -> Request:
    actions.approve(request=row, by=cart.noah, tree_hash=row.tree_hash)
    actions.merge(request=row, by=cart.noah, head=row.head_sha)
    return settled(row)


def test_the_short_address_is_the_same(cart) -> None:
    bearer = {"HTTP_AUTHORIZATION": f"Bearer {cart.secret}"}
    body = {"service": "cart", "environment": "staging", "image": f"{CART}:1.1.0"}
    said = Client().post("/api/images", body, "application/json", **bearer)
    assert (said.status_code, said.json()["outcome"]) == (200, "opened")
    assert post(cart, **body).json()["request"] == said.json()["request"]
    assert Client().post("/api/images", body, "application/json").status_code == 401


def test_one_pull_request_changes_the_image_and_nothing_else(cart) -> None:
    outcome, row = bring(cart, source="commit 4f1c2d9")
    assert (outcome, row.kind, row.state) == ("opened", "image", State.PROPOSING)
    assert (str(row.created_by), row.team.slug, row.environments) == (
        "Checkout CI",
        "checkout",
        ["production"],
    )
    row = settled(row)
    assert row.state == State.IN_REVIEW
    (change,) = cart.host.diff(REPO, row.pull_number)
    before, after = change.old.decode(), change.new.decode()
    assert after == before.replace("'registry.larkfield.shop/cart:1.0.0'", f"'{CART}:1.1.0'")
    assert "commit 4f1c2d9" in cart.host.proposal(REPO, row.pull_number).body


def test_sent_again_it_is_the_same_and_a_later_one_brings_the_open_one_up_to_date(cart) -> None:
    _, first = bring(cart)
    assert bring(cart) == ("unchanged", first)
    first = settled(first)
    assert bring(cart) == ("unchanged", first)
    actions.approve(request=first, by=cart.noah, tree_hash=first.tree_hash)
    outcome, row = bring(cart, f"{CART}:1.2.0")
    assert (outcome, row.pk, row.generation) == ("updated", first.pk, 2)
    row = settled(row)
    assert (row.pull_number, row.state) == (first.pull_number, State.IN_REVIEW)
    assert row.approvals.get().voided_at is not None
    (change,) = cart.host.diff(REPO, row.pull_number)
    assert f"{CART}:1.2.0" in change.new.decode()
    assert Request.objects.count() == 1


def test_what_comes_while_the_host_is_told_waits_and_the_last_one_counts(cart) -> None:
    _, row = bring(cart)
    assert bring(cart, f"{CART}:1.2.0")[0] == "waiting"
    assert bring(cart, f"{CART}:1.3.0") == ("waiting", row)
    run_due_effects()
    row = settled(row)
    assert (row.answers["image"], row.draft_answers, row.state) == (f"{CART}:1.3.0", None, State.IN_REVIEW)
    assert f"{CART}:1.3.0" in cart.host.diff(REPO, row.pull_number)[0].new.decode()


def test_back_to_what_is_being_told_nothing_waits_any_more(cart) -> None:
    _, row = bring(cart)
    bring(cart, f"{CART}:1.2.0")
    assert bring(cart)[0] == "unchanged"
    assert settled(row).answers["image"] == f"{CART}:1.1.0"


def test_where_the_company_lets_it_an_image_is_merged_by_itself_and_followed_until_it_runs(cart) -> None:
    _, row = bring(cart, environment="staging")
    row = settled(row)
    assert (row.state, str(row.merge_asked_by)) == (State.MERGED, "Checkout CI")
    assert f"{CART}:1.1.0" in in_git(cart, "staging")
    assert f"{CART}:1.0.0" in in_git(cart)
    assert [rollout.environment for rollout in row.rollouts.all()] == ["staging"]
    assert "merge_asked" in said(row)
    # What is there is there.
    assert bring(cart, environment="staging") == ("unchanged", row)


def test_production_waits_for_a_review_and_the_next_image_is_a_request_of_its_own(cart) -> None:
    _, row = bring(cart)
    row = review_and_merge(cart, settled(row))
    assert row.state == State.MERGED
    assert f"{CART}:1.1.0" in in_git(cart)
    outcome, later = bring(cart, f"{CART}:1.2.0")
    assert (outcome, later.pk != row.pk) == ("opened", True)
    later = review_and_merge(cart, settled(later))
    Request.objects.filter(pk=row.pk).update(state=State.ROLLING_OUT)
    actions.rollouts_seen(row, {})
    row.refresh_from_db()
    assert (row.state, row.reason) == (State.CLOSED, f"{later.ref} brought a later one.")


def test_nothing_is_taken_back_behind_what_an_environment_has_already(cart) -> None:
    _, row = bring(cart)
    row = review_and_merge(cart, settled(row))
    assert applying.commit_for(row, "production") == row.merge_sha
    _, later = bring(cart, f"{CART}:1.2.0")
    later = review_and_merge(cart, settled(later))
    Rollout.objects.filter(request=later).update(applied_at=later.submitted_at)
    assert applying.commit_for(row, "production") == later.merge_sha
    assert applying.commit_for(later, "production") == later.merge_sha


def test_a_digest_alone_stays_with_the_repository_that_runs(cart) -> None:
    found = post(cart, digest=DIGEST).json()
    assert (found["image"], found["before"]) == (f"{CART}@{DIGEST}", [f"{CART}:1.0.0"])


@pytest.mark.parametrize(
    ("body", "field", "rule", "suggestion"),
    [
        ({"image": f"{CART}:latest"}, "image", "immutable", f"{CART}:1.0.0"),
        ({"image": CART}, "image", "immutable", f"{CART}:1.0.0"),
        ({"image": "registry.evil.example/cart:1.1.0"}, "image", "repository", f"{CART}:1.1.0"),
        ({"image": f"registry.larkfield.shop/wishlist@{DIGEST}"}, "image", "repository", f"{CART}@{DIGEST}"),
        ({"image": "No image"}, "image", "format", f"{CART}:1.0.0"),
        ({"digest": "sha256:12"}, "digest", "format", "sha256:12"),
        ({"image": f"{CART}@{DIGEST}", "digest": "sha256:" + "0" * 64}, "digest", "contradiction", DIGEST),
        ({}, "image", "required", ""),
        ({"image": f"{CART}:1.1.0", "environment": "prod"}, "environment", "unknown", "production"),
        ({"image": f"{CART}:1.1.0", "service": "carts"}, "service", "unknown", "cart"),
    ],
)
def test_what_is_refused_says_why_and_what_would_pass(cart, body, field, rule, suggestion) -> None:
    found = post(cart, **body)
    assert found.status_code in (404, 422)
    (mistake,) = found.json()["errors"]
    assert (mistake["field"], mistake["rule"], mistake["suggestion"]) == (field, rule, suggestion)
    assert not Request.objects.exists()


def test_only_tokens_of_the_owner_and_who_may_change_it_bring_images(cart) -> None:
    teams = {slug: Team.objects.get(slug=slug) for slug in ("discovery", "platform")}
    for slug, who in (("discovery", cart.priya), ("platform", cart.priya)):
        _, secret = create_token(by=who, name=slug, scopes=["images:write"], days=7, team=teams[slug])
        refused = post(cart, secret=secret, image=f"{CART}:1.1.0")
        assert (refused.status_code, "belongs to checkout" in refused.json()["detail"]) == (403, True)
    for who, status in ((cart.jonas, 403), (cart.mira, 200)):
        _, secret = create_token(by=who, name="mine", scopes=["images:write"], days=7)
        assert post(cart, secret=secret, image=f"{CART}:1.1.0").status_code == status
    assert Request.objects.get().created_by == cart.mira


def test_a_service_without_manifests_and_a_silent_host_are_said(cart, settings) -> None:
    Entity.objects.create(
        kind="Component", name="bare", ref="component:default/bare", owner_ref="group:default/checkout"
    )
    refused = post(cart, service="bare", image=f"{CART}:1.1.0")
    assert refused.json()["errors"][0]["rule"] == "not_deployed"
    settings.GIT_ROOT = settings.GIT_ROOT / "gone"
    silent = post(cart, image=f"{CART}:1.1.0")
    assert (silent.status_code, "does not answer" in silent.json()["detail"]) == (503, True)
    with pytest.raises(HostSilent):
        actions.bring_image(
            entity_ref=cart.entity.ref, environment="staging", by=cart.mira, image=f"{CART}:1.1.0"
        )


def test_what_a_guardrail_stops_is_not_proposed(cart) -> None:
    Environment.objects.filter(name="production").update(settings={"registries": ["other.example"]})
    found = post(cart, image=f"{CART}:1.1.0")
    assert found.status_code == 200, "what was so before stops nothing new"


OTHER = """\
resources: [../../base]
images:
- {name: cart, newName: registry.larkfield.shop/cart, newTag: "1.0.0"}
"""


def test_manifests_are_found_wherever_the_name_is_in_the_path(cart) -> None:
    """Overlays of a kustomization, and files that say their namespace; never those of another environment."""
    files = {f"{HOME}/{name}/deployment.yaml": None for name in ("staging", "production")}
    cart.host.commit(REPO, files=files, author=Person("noah", "Noah"), message="Away")
    base = DEPLOYMENT.replace("  namespace: NAMESPACE\n", "")
    write(cart, {
        "k8s/cart/base/deployment.yaml": base, "k8s/cart/overlays/production/kustomization.yaml": OTHER,
        "k8s/cart/overlays/staging/kustomization.yaml": OTHER, "k8s/cart/broken/cart.yaml": "a: [",
    })  # fmt: skip
    _, row = bring(cart)
    assert row.files == {
        "k8s/cart/overlays/production/kustomization.yaml": OTHER.replace('"1.0.0"', '"1.1.0"')
    }
    where = queries.deployed(cart.entity, Environment.objects.get(name="staging"))
    assert [place.file for place in where.places] == ["k8s/cart/overlays/staging/kustomization.yaml"]


def test_what_a_build_brought_and_failed_is_its_teams_to_mend(cart) -> None:
    _, row = bring(cart)
    row = settled(row)
    write(cart, {f"{HOME}/production/deployment.yaml": in_git(cart).replace("cart:1.0.0", "cart:1.0.1")})
    row = review_and_merge(cart, row)
    assert (row.state, row.problem["step"]) == (State.NEEDS_ATTENTION, "merge")
    run_due_effects()
    told = Notice.objects.filter(url=row.get_absolute_url()).values_list("person__username", flat=True)
    assert "mira" in told
    assert row in queries.waits_for(cart.mira)
    assert row not in queries.waits_for(cart.jonas)
    outcome, again = bring(cart, f"{CART}:1.2.0")
    assert (outcome, again.pk) == ("updated", row.pk)
    assert settled(again).state == State.IN_REVIEW


def test_where_another_tool_applies_it_runs_when_the_image_is_seen(cart) -> None:
    _, row = bring(cart)
    workload = SimpleNamespace(image=f"{CART}:1.0.0")
    seen = SimpleNamespace(workloads=[workload])
    assert not is_brought(row, seen)
    workload.image = f"{CART}:1.1.0"
    assert is_brought(row, seen)
    assert is_brought(Request(), SimpleNamespace(workloads=[]))


def test_the_file_about_promotion_is_closed_and_what_cannot_be_judged_is_reviewed(tmp_path, settings) -> None:
    text = "apiVersion: slipway.dev/v1\nkind: Promotion\nautomatic: environment.settings.x\ndiffers: []\n"
    (file := tmp_path / "promotion.yaml").write_text(text)
    found = company_promotion(file)
    assert not found.is_automatic({"settings": {}})
    assert found.is_automatic({"settings": {"x": True}})
    wrong = {
        "kind: Promotion": "kind: Other",
        "differs: []": "differs: [{path: 'a[', why: b}]",
        "auto": "aut0",
    }
    for number, (old, new) in enumerate(wrong.items()):
        (broken := tmp_path / f"{number}.yaml").write_text(text.replace(old, new))
        settings.PROMOTION = broken
        (error,) = checks.promotion()
        assert f"{number}.yaml:" in error.msg
