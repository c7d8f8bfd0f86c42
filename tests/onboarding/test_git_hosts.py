"""Requests that are proposed on git hosts of others: the same way, and what people do there counts too."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from services.effects import silences
from services.integrations import actions as hosts
from services.integrations import githosts
from services.integrations.githosts import servers
from services.notices.models import Notice
from services.onboarding import actions, announcing, queries, tasks
from services.onboarding.models import Exemption, Request, State
from tests.effects_driver import run_due_effects
from tests.fakes.forge import TOKEN, serving

from .conftest import REPO, answers, said

pytestmark = pytest.mark.django_db
OWNERS = b"* @nobody\n/apps/ @sam @shop/platform ops@example.org\n/catalog/\n"


@pytest.fixture
def forge(
    request: Any, people: SimpleNamespace, environments: Any, tmp_path: Path, settings: Any
) -> Iterator[Any]:
    """New requests go to a host of others, on which sam looks after what is deployed."""
    settings.GIT_NETWORKS = ["127.0.0.0/8"]
    kind = getattr(request, "param", "github")
    with serving(kind, tmp_path / "forge.git") as served:
        served.forge.scopes = ["api"] if kind == "gitlab" else ["repo"]
        served.forge.push("main", {"README.md": b"Deploy\n", "CODEOWNERS": OWNERS})
        said = {"name": "ours", "kind": kind, "address": served.url, "repository": REPO, "sign_in": "token"}
        server = hosts.check(hosts.register_server(by=people.priya, secret=TOKEN, **said))
        hosts.take_requests(by=people.priya, server=server, takes=True)
        served.server, served.people = server, people
        yield served
        servers.forget()


def submitted(forge: Any) -> Request:
    row = actions.submit(by=forge.people.mira, blueprint="web-service", answers=answers())
    run_due_effects()
    row.refresh_from_db()
    return row


def tell(forge: Any, number: int) -> None:
    """The webhook of GitHub, as it comes for whatever happened to a pull request."""
    secret = hosts.set_hook(by=forge.people.priya, server=forge.server)
    body = json.dumps({"repository": {"full_name": REPO}, "pull_request": {"number": number}}).encode()
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {"X-Hub-Signature-256": f"sha256={signed}", "X-GitHub-Event": "pull_request"}
    answer = Client().post(forge.server.hook_path, body, content_type="application/json", headers=headers)
    assert answer.status_code == 202


@pytest.mark.parametrize("forge", ["github", "gitlab", "gitea"], indirect=True)
def test_from_the_form_to_merged_on_any_host(forge) -> None:
    people, row = forge.people, submitted(forge)
    assert (row.provider, row.repo, row.state, row.pull_number) == ("ours", REPO, State.IN_REVIEW, 1)
    pull = forge.forge.pulls[1]
    assert set(row.files) <= set(githosts.get("ours").read_tree(REPO, row.branch))
    assert (pull.labels, pull.asked) == (["slipway"], ["sam"])
    assert len(forge.forge.statuses[row.head_sha]) == 1
    actions.comment(request=row, by=people.sam, body="Looks good, @all", key="1")
    actions.approve(request=row, by=people.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=people.mira, head=row.head_sha)
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.merge_sha) == (State.MERGED, forge.forge.tip("main"))
    assert "merged" in said(row)
    found = githosts.get("ours")
    assert [(c.author.username, c.body) for c in found.comments(REPO, 1)] == [("sam", "Looks good, @all")]
    assert [review.by.username for review in found.approvals(REPO, 1)] == ["sam"]
    assert found.proposal(REPO, 1).merged_by == "mira"


def test_what_people_do_on_the_host_is_seen(forge, client) -> None:
    row = submitted(forge)
    pull = forge.forge.pulls[1]
    forge.forge.say(pull, "Why two replicas?", "priya")
    forge.forge.runs[row.head_sha] = {"lint": "failure"}
    client.force_login(forge.people.mira)
    page = client.get(f"/requests/{row.ref}/changes/").content.decode()
    for shown in (
        "Why two replicas?",
        'href="https://github.test/shop/deploy/pull/1"',
        "Checks on ours",
        "lint",
        "#1",
    ):
        assert shown in page
    assert (
        'href="https://github.test/shop/deploy/pull/1"'
        in client.get(f"/requests/{row.ref}/").content.decode()
    )
    forge.forge.merge(pull, "Merged by hand", "priya")
    tell(forge, 1)
    tasks.reconcile()
    row.refresh_from_db()
    assert (row.state, row.merge_sha) == (State.MERGED, pull.merge_sha)


def test_an_exception_that_ends_fails_the_check_and_a_merge_by_hand_is_told(forge, client) -> None:
    people, alone = forge.people, answers(replicas=1, environments=["staging", "production"])
    draft = actions.save_draft(by=people.mira, blueprint="web-service", answers=alone)
    rule = {"guardrail": "one-replica-prod", "environment": "production"}
    until = timezone.localdate() + timedelta(days=30)
    said_why = {"reason": "The licence.", "until": until, "object": "Deployment/shop/wishlist", **rule}
    wanted = actions.ask_exemption(by=people.mira, request=draft, **said_why)
    actions.grant_exemption(exemption=wanted, by=people.priya)
    row = actions.submit(by=people.mira, blueprint="web-service", answers=alone, request=draft)
    run_due_effects()
    row.refresh_from_db()
    if row.state == State.AWAITING_APPROVAL:
        actions.approve(request=row, by=people.sam, tree_hash=row.tree_hash)
        run_due_effects()
        row.refresh_from_db()

    def checks() -> list[str]:
        silences.lift(tasks._place(row))
        tasks.reconcile()
        run_due_effects()
        return [each["state"] for each in forge.forge.statuses[row.head_sha]]

    assert checks() == ["success"]
    Exemption.objects.update(until=until - timedelta(days=40))
    assert sorted(checks()) == ["failure", "success"]
    assert len(checks()) == 2, "it is said once"
    Exemption.objects.update(until=until)
    assert sorted(checks()) == ["failure", "success", "success"]
    Exemption.objects.update(until=until - timedelta(days=40))
    assert sorted(checks()) == ["failure", "failure", "success", "success"]
    forge.forge.merge(forge.forge.pulls[1], "Merged by hand", "noah")
    checks()
    row.refresh_from_db()
    assert (row.merge_sha, said(row).count("merged_over")) == (forge.forge.pulls[1].merge_sha, 1)
    client.force_login(people.mira)
    page = client.get(f"/requests/{row.ref}/").content.decode()
    assert "Merged on the git host though an exception it needs was over." in page
    told = Notice.objects.filter(text__contains="on the git host. The exception for")
    assert {notice.person for notice in told} == {people.priya, people.tomas}


def test_a_host_that_tells_is_not_asked_all_the_time(forge) -> None:
    row = submitted(forge)
    tasks.reconcile()
    asked = len(forge.asked)
    tasks.reconcile()
    assert len(forge.asked) == asked
    forge.forge.push(row.branch, {"more.yaml": b"1"})
    tell(forge, 99)
    tasks.reconcile()
    assert len(forge.asked) == asked, "of another pull request"
    tell(forge, 1)
    tasks.follow_proposal(row.pk)
    row.refresh_from_db()
    assert row.head_sha == forge.forge.tip(row.branch)


@pytest.mark.parametrize(
    ("number", "branch", "asks"), [(0, "", True), (0, "slipway/r-1", False), (1, "x", True)]
)
def test_which_requests_news_are_about(forge, number, branch, asks) -> None:
    submitted(forge)
    tasks.reconcile()
    asked = len(forge.asked)
    tasks.on_proposal_changed(None, provider="ours", repo=REPO, number=number, branch=branch)
    tasks.reconcile()
    assert (len(forge.asked) > asked) is asks


def test_a_forged_webhook_changes_nothing(forge) -> None:
    row = submitted(forge)
    tell(forge, 1)
    tasks.reconcile()
    row.refresh_from_db()
    assert row.state == State.IN_REVIEW


def test_what_the_host_does_not_allow_yet_is_said(forge) -> None:
    forge.forge.needs_approval = True
    people, row = forge.people, submitted(forge)
    actions.approve(request=row, by=people.sam, tree_hash=row.tree_hash)
    actions.merge(request=row, by=people.mira, head=row.head_sha)
    run_due_effects()
    row.refresh_from_db()
    assert (row.state, row.problem["title"]) == (State.NEEDS_ATTENTION, "The git host does not allow it yet")
    assert "approving review" in row.problem["message"]
    assert "merge again" in row.problem["advice"]
    forge.forge.review(forge.forge.pulls[1], "APPROVED", by="sam")
    actions.retry(request=row, by=people.mira)
    run_due_effects()
    row.refresh_from_db()
    assert row.state == State.MERGED


def test_a_silent_host_costs_no_page_its_answer(forge, client) -> None:
    row = submitted(forge)
    client.force_login(forge.people.mira)
    for _ in range(2):
        forge.misbehave("500", reads=True)
        assert client.get(f"/requests/{row.ref}/changes/").status_code == 200
    forge.server.secret_sealed = "broken"
    forge.server.save()
    assert b"does not answer" in client.get(f"/requests/{row.ref}/").content
    assert list(queries.to_follow()) == [row]
    tasks.reconcile()
    announcing_skipped(row)


def announcing_skipped(row: Request) -> None:
    """What is over is announced nowhere."""
    Request.objects.filter(pk=row.pk).update(state=State.CLOSED, reason="no")
    claim = SimpleNamespace(payload={"request": row.pk, "generation": row.generation, "head": ""})
    assert tasks.announce(claim).result == {}


def test_who_is_asked_is_what_the_last_line_says() -> None:
    files = {"CODEOWNERS": OWNERS}
    assert announcing.reviewers(["apps/a/b.yaml"], files.get) == ("sam", "shop/platform")
    assert announcing.reviewers(["catalog/x.yaml"], files.get) == ()
    assert announcing.reviewers(["x.yaml", "apps/a"], files.get) == ("nobody", "sam", "shop/platform")
    files[".github/CODEOWNERS"] = b"* @priya\n"
    assert announcing.reviewers(["apps/a"], files.get) == ("priya",)
    assert announcing.reviewers(["apps/a"], lambda path: None) == ()


@pytest.mark.parametrize(
    ("severities", "state", "summary"),
    [
        ([], "success", "Nothing found"),
        (["warn", "info"], "success", "0 blocking, 1 warnings"),
        (["block", "warn"], "failure", "1 blocking, 1 warnings"),
    ],
)
def test_what_our_checks_came_to(people, severities, state, summary) -> None:
    row = Request(findings=[{"severity": each} for each in severities], number=1)
    found = announcing.check(row)
    assert (found.state, found.summary) == (state, summary)
