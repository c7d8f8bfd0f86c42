"""People's clicks through a real gunicorn: its workers are killed around each commit, its database fails."""

import html
import re
import uuid

import httpx
import pytest
from django.db import connection

from services.audit.models import Event
from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.effects import crashpoints
from services.effects.models import Effect
from services.helpdesk.models import Message
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from services.integrations.kube.kubeconfig import Credentials
from services.integrations.models import PullRequest
from services.onboarding.models import Approval, Request, State
from tests.effects_driver import run_due_effects
from tests.factories.people import member
from tests.factories.tickets import ticket
from tests.faults.nemesis import IN_THE_WEB
from tests.faults.outages import KINDS, outage
from tests.faults.stack import REPO, SETTINGS
from tests.scale.processes import Processes
from tests.scale.test_scale import Visitor, form

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(200)]


class Clicks(Visitor):
    """Posts like a browser; "" when the connection ends without an answer."""

    def post(self, url: str, **fields: str) -> httpx.Response | None:
        data = fields | {"csrfmiddlewaretoken": self.secret}
        with httpx.Client(cookies=self.cookies, timeout=60) as browser:
            try:
                return browser.post(url, data=data, headers={"Referer": url})
            except (httpx.RemoteProtocolError, httpx.ReadError):
                return None


@pytest.fixture(scope="module")
def web(django_db_setup, tmp_path_factory):
    """One gunicorn with two workers and crash points, on this process's database."""
    home = tmp_path_factory.mktemp("web")
    with Processes(home) as portal:
        (home / "orders").mkdir()
        portal.environment |= {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            crashpoints.FOLDER: str(home / "orders"),
            "SLIPWAY_LIMIT_FACTOR": "0",
        }
        found = portal.web(workers=1)
        found.home = home
        found.wait()
        yield found


@pytest.fixture
def company(web, settings):
    settings.GIT_ROOT = web.home / "git"
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": b"Deploy\n"}, author=Person("sam", "Sam"), message="Start")
    harbour = clusters.register_cluster(
        by=None, name="harbour", credentials=Credentials("http://127.0.0.1:9", "", "")
    )
    Environment.objects.create(name="staging", cluster=harbour, namespace="shop-staging", settings=SETTINGS)
    return {name: Clicks(member(name, "checkout")) for name in ("mira", "sam")}


def killed(web, point: str, click) -> None:
    """The worker that takes this click dies at the point, by SIGKILL; whoever clicked gets no answer."""
    (web.home / "orders" / point).write_text("kill")
    assert click() is None, f"it answered in spite of {point}"
    assert (web.home / "orders" / crashpoints.OBEYED).read_text().splitlines()[-1] == f"kill {point}"


def clicked(web, points: list[str], click) -> str:
    """The same click again and again: killed at each point, then answered; where that leads."""
    for point in points:
        killed(web, point, click)
    answer = click()
    assert answer.status_code == 302, answer.text[:2000]
    return answer.headers["Location"]


def test_clicks_whose_worker_was_killed_count_once_when_they_are_made_again(web, company):
    mira, sam = company["mira"], company["sam"]
    typed = form("wishlist")
    clicked(
        web, ["request.submitted.written", "request.submitted.committed"],
        lambda: mira.post(f"{web.url}/new/web-service/", **typed),
    )  # fmt: skip
    run_due_effects()
    row = Request.objects.get()
    page = f"{web.url}/requests/{row.ref}"
    clicked(
        web, ["request.approved.written", "request.approved.committed"],
        lambda: sam.post(f"{page}/approve/", tree_hash=row.tree_hash),
    )  # fmt: skip
    clicked(
        web, ["request.merge_asked.written", "request.merge_asked.committed"],
        lambda: mira.post(f"{page}/changes/merge/", head=row.head_sha),
    )  # fmt: skip
    run_due_effects()
    asked = ticket()
    said = {"body": "It is the memory limit.", "nonce": uuid.uuid4().hex}
    clicked(
        web, [f"{point}.{when}" for point in IN_THE_WEB for when in ("written", "committed")],
        lambda: Clicks(asked.asker).post(f"{web.url}/help/{asked.key}/reply/", **said),
    )  # fmt: skip
    row.refresh_from_db()
    assert row.merge_sha
    counts = Request.objects.count(), PullRequest.objects.count(), Approval.objects.count()
    assert (*counts, Message.objects.filter(body=said["body"]).count()) == (1, 1, 1, 1)
    for action in ("request.submitted", "request.approved", "request.merge_asked", "ticket.replied"):
        assert Event.objects.filter(action=action).count() == 1, action
    for kind in ("propose", "review", "merge", "register"):
        assert Effect.objects.filter(kind=f"onboarding.{kind}").count() == 1, kind
    told = Effect.objects.filter(kind="onboarding.tell").values_list("key", flat=True)
    assert sorted(key.split("/")[1] for key in told) == ["approved", "merged", "proposed"]


HEALTH = {"full": "ok", "failed over": "may only be read", "too busy": "does not answer"}
HIDDEN = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@pytest.mark.parametrize("kind", KINDS)
def test_a_form_meets_a_database_that_takes_nothing_and_is_sent_again_from_the_page(web, company, kind):
    mira, typed = company["mira"], form("wishlist")
    with outage(kind) as trouble:
        trouble.begin()
        answer = mira.post(f"{web.url}/new/web-service/", **typed)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "10"), answer.text[:3000]
        kept = {name: html.unescape(value) for name, value in HIDDEN.findall(answer.text)}
        assert {name: kept.get(name) for name in typed} == typed
        assert web.health()["checks"]["database"] == HEALTH[kind]
        with httpx.Client(cookies=mira.cookies) as browser:
            read = browser.get(f"{web.url}/requests/").status_code
        assert read == (503 if kind == "too busy" else 200)
        connection.close()
        assert not Request.objects.exists()
    kept.pop("csrfmiddlewaretoken")
    assert mira.post(f"{web.url}/new/web-service/", **kept).status_code == 302, "it did not recover"
    assert Request.objects.get().state == State.PROPOSING
