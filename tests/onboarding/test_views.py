"""The pages of requests: form, drafts, list, timeline, changes, buttons."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from services.onboarding import actions
from services.onboarding.models import Request, Rollout, State
from tests.effects_driver import run_due_effects
from tests.factories.people import UserFactory
from tests.factories.requests import make_request
from tests.onboarding.conftest import EXPENSIVE

pytestmark = pytest.mark.django_db
TOKEN = "0123456789abcdef" * 2
LIVE = {"HX-Request": "true"}
GOOD = {
    "name": "wishlist",
    "owner": "checkout",
    "description": "Lets people keep products for later.",
    "image": "registry.larkfield.shop/wishlist:1.0.0",
    "environments": ["staging"],
    "_token": TOKEN,
}


@pytest.fixture
def as_mira(client, world):
    client.force_login(world.mira)
    return client


@pytest.fixture
def in_review(world, submit) -> Request:
    row = submit()
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.IN_REVIEW
    return row


def page(answer) -> str:
    return answer.content.decode()


# ---- the form --------------------------------------------------------------------------------------------


def test_blueprint_list_offers_forms_and_drafts(as_mira, world):
    make_request(world.mira, name="parcels")
    make_request(world.noah, name="elsewhere")
    html = page(as_mira.get("/new/"))
    assert "Web service" in html
    assert "Onboard parcels" in html
    assert "Onboard elsewhere" not in html


def test_request_new_shows_defaults_and_no_mistakes_yet(as_mira):
    html = page(as_mira.get("/new/web-service/"))
    assert 'value="8080"' in html
    assert "answers are missing" in html
    assert 'class="err"' not in html
    assert "blocking" not in html
    assert Request.objects.count() == 0


def test_request_new_of_an_unknown_blueprint(as_mira):
    assert as_mira.get("/new/nothing/").status_code == 404


def test_request_new_evaluates_and_keeps_a_draft(as_mira, world):
    answer = as_mira.post("/new/web-service/", {**GOOD, "memory_limit": "512"}, headers=LIVE)
    html = page(answer)
    assert "hx-swap-oob" in html
    assert "<html" not in html
    draft = Request.objects.get()
    assert (draft.state, draft.answers["memory_limit"]) == (State.DRAFT, 512)
    assert answer["HX-Replace-Url"] == f"/requests/{draft.ref}/edit/"


def test_request_new_offers_the_fix_and_applies_it(as_mira):
    data = {**GOOD, "environments": ["production"], "memory_limit": "512"}
    html = page(as_mira.post("/new/web-service/", data, headers=LIVE))
    assert "1 blocking" in html
    fix = re.search(r'name="_fix" value="([^"]+)"', html)[1].replace("&quot;", '"')
    html = page(as_mira.post("/new/web-service/", {**data, "_fix": fix}, headers=LIVE))
    assert "Ready to submit" in html
    assert Request.objects.count() == 1


def test_request_new_shows_mistakes_of_fields_that_were_left(as_mira):
    html = page(as_mira.post("/new/web-service/", {"_seen": "name"}, headers=LIVE))
    assert html.count("Is needed") == 1


def test_request_new_works_without_script(as_mira):
    html = page(as_mira.post("/new/web-service/", {**GOOD, "_intent": "evaluate"}))
    assert "<html" in html
    assert "Ready to submit" in html


def test_request_new_shows_another_file_whole(as_mira):
    data = {**GOOD, "_show": "catalog/wishlist.yaml", "_view": "whole"}
    html = page(as_mira.post("/new/web-service/", data, headers=LIVE))
    assert 'aria-label="catalog/wishlist.yaml"' in html
    assert 'class="l add"' not in html


def test_submit_goes_to_the_request(as_mira):
    answer = as_mira.post("/new/web-service/", {**GOOD, "_intent": "submit"})
    row = Request.objects.get()
    assert answer["Location"] == f"/requests/{row.ref}/"
    assert row.state == State.PROPOSING


def test_submit_twice_is_one_request(as_mira):
    for _ in range(2):
        answer = as_mira.post("/new/web-service/", {**GOOD, "_intent": "submit"})
    row = Request.objects.get()
    assert answer["Location"] == f"/requests/{row.ref}/"
    assert row.generation == 1


def test_submit_of_what_does_not_pass_says_where(as_mira):
    answer = as_mira.post("/new/web-service/", {"name": "Not A Name", "_token": TOKEN, "_intent": "submit"})
    html = page(answer)
    assert answer.status_code == 422
    assert "data-refused" in html
    assert "Use lower-case letters" in html
    assert "Use not-a-name" in html
    assert "Is needed" in html
    assert "not from an allowed registry" not in html, "the example's mistake, not the person's"
    row = Request.objects.get()
    assert row.state == State.DRAFT
    assert f"Draft {row.ref} saved" in html


def test_submit_of_a_name_somebody_else_is_onboarding(as_mira, world, submit):
    submit(by=world.noah)
    answer = as_mira.post("/new/web-service/", {**GOOD, "_intent": "submit"})
    assert answer.status_code == 422
    assert "wishlist is taken" in page(answer)


def test_save_and_close_keeps_the_draft(as_mira):
    answer = as_mira.post("/new/web-service/", {"name": "half", "_token": TOKEN, "_intent": "save"})
    assert answer["Location"] == "/new/"
    assert Request.objects.get().answers == {"name": "half"}


def test_too_long_is_refused_with_a_sentence(as_mira):
    rows = {f"config.{n}.name": f"KEY_{n}" for n in range(60)}
    rows |= {f"config.{n}.value": "x" * 5000 for n in range(60)}
    answer = as_mira.post("/new/web-service/", {**GOOD, **rows})
    assert answer.status_code == 413
    assert "more than a form can hold" in page(answer)


def test_people_without_a_team_still_see_the_form(client, world):
    client.force_login(UserFactory(username="hanna"))
    assert client.get("/new/web-service/").status_code == 200


def test_request_edit_opens_a_draft_filled_in(as_mira, world):
    row = make_request(world.mira, name="parcels")
    html = page(as_mira.get(f"/requests/{row.ref}/edit/"))
    assert 'value="parcels"' in html
    assert as_mira.get(f"/requests/{row.ref}/")["Location"] == f"/requests/{row.ref}/edit/"


def test_request_edit_of_somebody_elses_draft_does_not_exist(as_mira, world):
    row = make_request(world.noah, name="secret-plan")
    for path in ("", "edit/", "changes/"):
        assert as_mira.get(f"/requests/{row.ref}/{path}").status_code == 404
    assert as_mira.post(f"/requests/{row.ref}/edit/", GOOD).status_code == 404


def test_request_edit_sends_a_correction(as_mira, in_review):
    data = {**GOOD, "port": "9090", "_intent": "submit", "_generation": "1"}
    answer = as_mira.post(f"/requests/{in_review.ref}/edit/", data)
    in_review.refresh_from_db()
    assert answer["Location"] == f"/requests/{in_review.ref}/"
    assert (in_review.generation, in_review.answers["port"]) == (2, 9090)


def test_request_edit_of_what_is_finished_goes_back(as_mira, world):
    row = make_request(world.mira, state=State.LIVE)
    assert as_mira.get(f"/requests/{row.ref}/edit/")["Location"] == f"/requests/{row.ref}/"


def test_discard_and_undo(as_mira, world):
    row = make_request(world.mira, name="parcels")
    html = page(as_mira.post(f"/requests/{row.ref}/discard/", follow=True))
    assert f"/requests/{row.ref}/restore/" in html
    row.refresh_from_db()
    assert row.is_discarded
    assert as_mira.post(f"/requests/{row.ref}/restore/").status_code == 302
    row.refresh_from_db()
    assert row.state == State.DRAFT


# ---- list ------------------------------------------------------------------------------------------------


def test_request_list_filters(as_mira, world):
    make_request(world.mira, name="mine")
    make_request(world.noah, name="theirs", state=State.PROPOSING)
    make_request(world.jonas, "discovery", name="search", state=State.LIVE)
    make_request(world.sam, name="unseen")

    def shown(query: str) -> set[str]:
        return set(
            re.findall(r'class="name"[^>]*>Onboard ([\w-]+)<', page(as_mira.get(f"/requests/{query}")))
        )

    assert shown("") == {"mine", "theirs"}
    assert shown("?show=mine") == {"mine"}
    assert shown("?show=finished") == {"search"}
    assert shown("?show=all") == {"mine", "theirs", "search"}
    assert shown("?show=all&team=discovery") == {"search"}
    assert shown("?show=all&state=live") == {"search"}
    assert shown("?show=all&q=thei") == {"theirs"}
    assert shown("?show=all&kind=asked") == {"mine", "theirs", "search"}
    assert shown("?show=all&kind=brought") == set()
    assert shown("?show=nonsense&state=nonsense") == {"mine", "theirs"}
    row = Request.objects.get(title="Onboard search")
    assert shown(f"?show=all&q={row.ref.lower()}") == {"search"}


def test_request_list_of_nothing_says_what_to_do(as_mira):
    assert "Ask for something" in page(as_mira.get("/requests/"))
    assert "Nothing waits for you" in page(as_mira.get("/requests/?show=waiting"))


def test_request_list_waiting_shows_what_one_may_decide(client, world, in_review):
    client.force_login(world.sam)
    assert "Onboard wishlist" in page(client.get("/requests/?show=waiting"))
    client.force_login(world.jonas)
    assert "Onboard wishlist" not in page(client.get("/requests/?show=waiting"))


@pytest.mark.parametrize("query", ["", "?format=csv"])
def test_request_list_asks_the_database_the_same_for_any_length(
    as_mira, world, query, django_assert_num_queries
):
    make_request(world.mira, name="first", state=State.PROPOSING)
    as_mira.get(f"/requests/{query}")
    with CaptureQueriesContext(connection) as one:
        as_mira.get(f"/requests/{query}")
    for n in range(3):
        make_request(world.mira, name=f"s{n}", state=State.PROPOSING)
    with django_assert_num_queries(len(one)):
        as_mira.get(f"/requests/{query}")
    assert len(one) <= 16


def test_request_list_as_csv(as_mira, world):
    make_request(world.mira, name="parcels", title="=cmd()", state=State.PROPOSING)
    answer = as_mira.get("/requests/?format=csv")
    assert answer["Content-Type"].startswith("text/csv")
    assert "'=cmd()" in page(answer)


# ---- one request -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [state for state in State if state != State.DRAFT])
def test_request_detail_draws_every_state(as_mira, world, state):
    row = make_request(world.mira, state=state)
    html = page(as_mira.get(f"/requests/{row.ref}/"))
    assert row.get_state_display() in html
    assert 'class="hops"' in html


def test_request_detail_polls_until_it_is_finished(as_mira, world):
    row = make_request(world.mira, state=State.PROPOSING)
    answer = as_mira.get(f"/requests/{row.ref}/", headers=LIVE)
    assert (answer.status_code, "<html" in page(answer)) == (200, False)
    assert "hx-trigger" in page(answer)
    done = make_request(world.mira, name="done", state=State.LIVE)
    answer = as_mira.get(f"/requests/{done.ref}/", headers=LIVE)
    assert answer.status_code == 286
    assert "hx-trigger" not in page(answer)


@pytest.mark.parametrize("ref", ["R-9", "nonsense", "R-99999999999", "R-１"])
def test_request_detail_of_nothing(as_mira, ref):
    assert as_mira.get(f"/requests/{ref}/").status_code == 404


def test_request_detail_offers_buttons_to_those_who_may(client, world, in_review):
    def buttons(user) -> set[str]:
        client.force_login(user)
        html = page(client.get(f"/requests/{in_review.ref}/"))
        return set(re.findall(r'id="do-(\w+)"', html))

    assert buttons(world.mira) == {"edit", "withdraw"}
    assert buttons(world.sam) == {"approve", "edit", "reject", "withdraw"}
    assert buttons(world.priya) == {"approve", "reject"}
    assert buttons(world.jonas) == set()


def test_request_detail_says_what_failed_and_offers_the_fix(as_mira, world):
    problem = {
        "step": "rollout",
        "environment": "staging",
        "title": "The image does not exist",
        "message": "Back-off pulling image",
        "advice": "Check the tag.",
        "evidence": [{"object": "Pod/wishlist", "field": "reason", "value": "ImagePullBackOff"}],
        "fix": {
            "field": "image",
            "label": "Correct the image",
            "changes": {"image": "registry.larkfield.shop/wishlist:1.0.1"},
        },
    }
    row = make_request(
        world.mira,
        state=State.NEEDS_ATTENTION,
        problem=problem,
        merge_sha="b" * 40,
        merge_asked_by=world.mira,
    )
    row.rollouts.create(environment="staging", state=Rollout.State.FAILING, ready=0, desired=1)
    html = page(as_mira.get(f"/requests/{row.ref}/"))
    for text in (
        "The image does not exist",
        "Back-off",
        "Check the tag",
        "ImagePullBackOff",
        "Correct the image",
    ):
        assert text in html
    answer = as_mira.post(f"/requests/{row.ref}/fix/", {"fix": "1"})
    assert answer["Location"] == f"/requests/{row.ref}/edit/#field-image"
    row.refresh_from_db()
    assert row.draft_answers["image"] == "registry.larkfield.shop/wishlist:1.0.1"
    assert "1.0.1" in page(as_mira.get(f"/requests/{row.ref}/edit/"))


def test_request_fix_ignores_what_is_no_field(as_mira, world):
    fix = {"label": "x", "changes": {"spec.replicas": 3}}
    row = make_request(world.mira, state=State.NEEDS_ATTENTION, problem={"fix": fix, "title": "x"})
    as_mira.post(f"/requests/{row.ref}/fix/", {"fix": "1"})
    row.refresh_from_db()
    assert row.draft_answers == {"name": "wishlist"}


def test_a_rejected_request_can_begin_again(as_mira, world):
    row = make_request(world.mira, state=State.REJECTED)
    assert "do-reopen" in page(as_mira.get(f"/requests/{row.ref}/"))
    as_mira.post(f"/requests/{row.ref}/fix/")
    assert Request.objects.drafts().get().answers == {"name": "wishlist"}


def test_nothing_people_write_becomes_markup(as_mira, world):
    row = make_request(world.mira, state=State.REJECTED, title="<img src=x>", reason="<script>x()</script>")
    html = page(as_mira.get(f"/requests/{row.ref}/"))
    assert "<img" not in html
    assert "<script>x" not in html


# ---- buttons ---------------------------------------------------------------------------------------------


def test_approve_merge_and_so_on_are_posts(as_mira, world):
    row = make_request(world.mira, state=State.IN_REVIEW)
    for name in (
        "approve",
        "reject",
        "withdraw",
        "close",
        "retry",
        "discard",
        "restore",
        "fix",
        "changes/merge",
    ):
        assert as_mira.get(f"/requests/{row.ref}/{name}/").status_code == 405


def test_request_approve_then_merge(client, world, in_review):
    client.force_login(world.sam)
    data = {"tree_hash": in_review.tree_hash}
    html = page(client.post(f"/requests/{in_review.ref}/approve/", data, follow=True))
    assert f"You approved {in_review.ref}" in html
    run_due_effects()
    client.force_login(world.mira)
    assert 'id="do-merge"' in page(client.get(f"/requests/{in_review.ref}/changes/"))
    client.post(f"/requests/{in_review.ref}/changes/merge/", {"head": in_review.head_sha})
    run_due_effects(rounds=1)
    in_review.refresh_from_db()
    assert in_review.merge_sha


def test_one_cannot_approve_ones_own(as_mira, in_review):
    data = {"tree_hash": in_review.tree_hash, "_back_to": "changes"}
    answer = as_mira.post(f"/requests/{in_review.ref}/approve/", data)
    assert answer["Location"] == f"/requests/{in_review.ref}/changes/"
    assert "somebody else has to approve" in page(as_mira.get(answer["Location"]))
    assert not in_review.approvals.exists()


def test_refusals_say_whom_to_ask(client, world, in_review):
    client.force_login(world.jonas)
    html = page(client.post(f"/requests/{in_review.ref}/withdraw/", follow=True))
    assert "This is not yours to decide. Ask Mira." in html


def test_an_old_page_cannot_approve_new_content(client, world, in_review):
    client.force_login(world.sam)
    html = page(client.post(f"/requests/{in_review.ref}/approve/", {"tree_hash": "old"}, follow=True))
    assert "was changed after you opened it" in html


def test_reject_needs_a_reason(client, world, in_review):
    client.force_login(world.sam)
    assert "say why" in page(client.post(f"/requests/{in_review.ref}/reject/", {"reason": " "}, follow=True))
    client.post(f"/requests/{in_review.ref}/reject/", {"reason": "Use cart."})
    in_review.refresh_from_db()
    assert (in_review.state, in_review.reason) == (State.REJECTED, "Use cart.")


def test_withdraw_close_and_retry(as_mira, world):
    row = make_request(world.mira, state=State.NEEDS_ATTENTION, problem={"step": "propose", "title": "x"})
    as_mira.post(f"/requests/{row.ref}/retry/")
    row.refresh_from_db()
    assert row.state == State.PROPOSING
    as_mira.post(f"/requests/{row.ref}/withdraw/")
    row.refresh_from_db()
    assert row.state == State.WITHDRAWN
    stuck = make_request(world.mira, name="stuck", state=State.NEEDS_ATTENTION, problem={"title": "x"})
    as_mira.post(f"/requests/{stuck.ref}/close/", {"reason": "Not needed"})
    stuck.refresh_from_db()
    assert stuck.state == State.CLOSED


# ---- changes ---------------------------------------------------------------------------------------------


def test_proposal_detail_shows_diff_and_guardrails(as_mira, in_review):
    html = page(as_mira.get(f"/requests/{in_review.ref}/changes/"))
    assert "apps/checkout/wishlist/staging/deployment.yaml" in html
    assert '<span class="k">kind</span>' in html
    assert "You wrote this" in html


def test_proposal_detail_before_there_is_a_pull_request(as_mira, world, submit):
    row = submit(**EXPENSIVE)
    html = page(as_mira.get(f"/requests/{row.ref}/changes/"))
    assert "Not proposed yet" in html
    assert "deployment.yaml" in html


def test_proposal_detail_when_the_host_is_silent(as_mira, world):
    row = make_request(world.mira, state=State.IN_REVIEW, repo="shop/gone")
    html = page(as_mira.get(f"/requests/{row.ref}/changes/"))
    assert "The git host does not answer" in html
    assert "deployment" in html
    assert "does not answer" in page(as_mira.get(f"/requests/{row.ref}/"))


def test_proposal_detail_of_a_draft_without_files(as_mira, world):
    row = make_request(world.mira)
    assert as_mira.get(f"/requests/{row.ref}/changes/").status_code == 404


def test_request_comment_reaches_the_pull_request_once(as_mira, in_review):
    data = {"body": "Please **look** <script>x</script>", "key": "k1"}
    for _ in range(2):
        as_mira.post(f"/requests/{in_review.ref}/changes/comment/", data)
    run_due_effects()
    html = page(as_mira.get(f"/requests/{in_review.ref}/changes/"))
    assert html.count("<strong>look</strong>") == 1
    assert "<script>x" not in html


def test_proposal_detail_shows_conflicts(as_mira, world, in_review):
    from services.integrations.githosts.base import Person

    path = "apps/checkout/wishlist/staging/deployment.yaml"
    world.host.commit(
        "shop/deploy", files={path: b"kind: Other\n"}, author=Person("sam", "Sam"), message="Meanwhile"
    )
    html = page(as_mira.get(f"/requests/{in_review.ref}/changes/"))
    assert "It conflicts with what is on" in html


# ---- what requests add elsewhere -------------------------------------------------------------------------


def test_home_says_what_waits_for_whom(client, world, in_review, submit):
    client.force_login(world.sam)
    assert "Mira waits for a review" in page(client.get("/"))
    submit(name="costly", **EXPENSIVE)
    html = page(client.get("/"))
    assert "Onboard costly" in html
    assert "Decide" in html
    actions.approve(request=in_review, by=world.sam, tree_hash=in_review.tree_hash)
    client.force_login(world.mira)
    html = page(client.get("/"))
    assert "merge it when you like" in html
    assert "My requests" in html


def test_home_says_what_failed(as_mira, world):
    make_request(world.mira, state=State.NEEDS_ATTENTION, problem={"title": "The image does not exist"})
    assert "The image does not exist." in page(as_mira.get("/"))


def test_palette_finds_requests_and_forms(as_mira, world):
    row = make_request(world.mira, name="parcels", state=State.PROPOSING)
    assert f"/requests/{row.ref}/" in page(as_mira.get("/palette?q=parcels"))
    assert f"/requests/{row.ref}/" in page(as_mira.get(f"/palette?q={row.ref}"))
    assert f"/requests/{row.ref}/" in page(as_mira.get("/palette?q="))
    assert "/new/web-service/" in page(as_mira.get("/palette?q=web service"))


def test_navigation_counts_open_requests(as_mira, world):
    make_request(world.mira, name="parcels", state=State.PROPOSING)
    assert re.search(r'<span class="count">1<', page(as_mira.get("/")))
