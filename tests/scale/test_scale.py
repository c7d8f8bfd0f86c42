"""Several of each process: what one of them would do is done once, and the loss of one is made good."""

import contextlib
import socket
import threading
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from django.db import connection, transaction
from django.test import Client

from portal.leading import BEAT_LOCK
from services.audit.models import Event
from services.clusters import actions as clusters
from services.clusters.models import Environment
from services.effects import tasks
from services.effects.bell import Bell
from services.effects.models import Effect, Pulse
from services.integrations.githosts.base import Person
from services.integrations.githosts.local import LocalHost
from services.integrations.kube.kubeconfig import Credentials
from services.integrations.models import PullRequest, Repository
from services.onboarding.models import Request, State
from tests.factories.people import member
from tests.scale import rabbitmq
from tests.scale.processes import Processes, ask_to_end, ended, wait_until

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(400),
]
REPO = "shop/deploy"
SETTINGS = {
    "registry": "registry.larkfield.shop",
    "domain": "int.larkfield.shop",
    "prices": {"cpu": 20, "memory": 4, "currency": "EUR"},
}
REQUESTS = 20


@pytest.fixture
def home(tmp_path, settings):
    settings.GIT_ROOT = tmp_path / "home" / "git"
    return tmp_path / "home"


@pytest.fixture
def mira(home):
    """Somebody who may ask, a repository to propose to, an environment."""
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": b"Deploy\n"}, author=Person("sam", "Sam"), message="Start")
    cluster = clusters.register_cluster(
        by=None, name="harbour", credentials=Credentials("http://127.0.0.1:9", "", "")
    )
    Environment.objects.create(
        name="staging", title="Staging", cluster=cluster, namespace="shop-staging", settings=SETTINGS
    )
    return member("mira", "checkout")


FORM = {
    "owner": "checkout",
    "description": "Lets people keep products for later.",
    "environments": "staging",
    "_intent": "submit",
}


def form(name: str) -> dict[str, str]:
    image = f"registry.larkfield.shop/{name}:1.0.0"
    return {**FORM, "name": name, "image": image, "_token": uuid.uuid4().hex}


class Visitor:
    """A browser of somebody signed in, without the browser."""

    def __init__(self, user) -> None:
        client = Client()
        client.force_login(user)
        secret = "c" * 32
        self.cookies = {"sessionid": client.cookies["sessionid"].value, "csrftoken": secret}
        self.secret = secret

    def submit(self, url: str, name: str) -> httpx.Response:
        data = form(name) | {"csrfmiddlewaretoken": self.secret}
        with httpx.Client(cookies=self.cookies, timeout=60) as browser:
            answer = browser.post(f"{url}/new/web-service/", data=data, headers={"Referer": url})
        assert answer.headers.get("Location", "").startswith("/requests/"), answer.text
        return answer


def submit_all(user, urls: list[str]) -> None:
    """All at once: every request through one of the addresses in turn."""
    person, start = Visitor(user), threading.Barrier(REQUESTS)

    def one(number: int) -> str:
        start.wait()
        return person.submit(urls[number % len(urls)], f"service-{number}").headers["Location"]

    with ThreadPoolExecutor(REQUESTS) as crowd:
        assert len(set(crowd.map(one, range(REQUESTS)))) == REQUESTS


def assert_each_was_proposed_once() -> None:
    wait_until(
        lambda: Request.objects.filter(state=State.IN_REVIEW).count() == REQUESTS,
        f"{REQUESTS} requests in review: {Counter(Request.objects.values_list('state', flat=True))}",
        90,
    )
    assert Counter(Request.objects.values_list("state", flat=True)) == {State.IN_REVIEW: REQUESTS}
    branches = Counter(PullRequest.objects.values_list("branch", flat=True))
    assert branches == Counter({f"slipway/{row.ref.lower()}": 1 for row in Request.objects.all()})
    proposing = Effect.objects.filter(kind="onboarding.propose")
    assert set(proposing.values_list("state", "fence")) == {("done", 1)}, "one was claimed twice"
    assert Event.objects.filter(action="request.proposed").count() == REQUESTS


def leaders() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database "
            "WHERE locktype = 'advisory' AND granted AND datname = current_database() AND objid = %s",
            [BEAT_LOCK],
        )
        return cursor.fetchone()[0]


def leading_beat() -> int | None:
    who = Pulse.objects.filter(name="beat").values_list("who", flat=True).first()
    return int(who.rsplit(":", 1)[1]) if who else None


def test_two_webs_three_workers_and_two_beats_do_everything_once(home, mira):
    with Processes(home) as portal:
        webs = [portal.web(workers=2), portal.web()]
        workers = [portal.worker(number) for number in range(3)]
        beats = {beat.pid: beat for beat in (portal.beat(1), portal.beat(2))}
        watcher = portal.watcher()
        for web in webs:
            web.wait()
        submit_all(mira, [web.url for web in webs])
        assert_each_was_proposed_once()

        wait_until(lambda: leading_beat() in beats, "a beat leads")
        assert leaders() == 1
        first = beats.pop(leading_beat())
        first.kill()
        wait_until(lambda: leading_beat() in beats, "the other beat leads", 40)
        assert leaders() == 1
        wait_until(lambda: webs[0].health()["status"] == "ready", "ready")

        for idle in (*beats.values(), watcher):
            ask_to_end(idle)
            assert ended(idle, 20) == 0
        Pulse.objects.filter(name="beat").update(at="2026-01-01T00:00Z")
        health = webs[1].health()
        assert (health["status"], health["checks"]["beat"][:8]) == ("degraded", "last ran")
        assert webs[1].metrics()['slipway_last_run_age_seconds{what="beat"}'] > 60

        total = 'slipway_http_requests_total{method="GET",status="200",view="livez"}'
        before = webs[0].metrics()[total]
        for _ in range(20):
            httpx.get(f"{webs[0].url}/livez")
        assert {webs[0].metrics()[total] - before for _ in range(5)} == {20}, (
            "the two processes do not add up"
        )

        for child in psutil.Process(webs[0].process.pid).children():
            child.kill()
        webs[0].wait()
        assert webs[0].metrics()[total] > before + 20, "what killed processes had counted is forgotten"

        assert_a_web_ends_after_its_requests(webs[0])
        assert_a_worker_ends_after_its_effect(webs[1], workers, mira)


def assert_a_web_ends_after_its_requests(web) -> None:
    with ThreadPoolExecutor(1) as visitor:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE effects_pulse")
            waiting = visitor.submit(web.health)
            wait_until(blocked, "a request in flight")
            ask_to_end(web.process)
            time.sleep(1)
            assert web.process.poll() is None, "it left a request unanswered"
        assert waiting.result(40)["checks"]["database"] == "ok"
    assert ended(web.process, 40) == 0


def assert_a_worker_ends_after_its_effect(web, workers, user) -> None:
    visitor = Visitor(user)
    with transaction.atomic():
        Repository.objects.select_for_update().get()
        visitor.submit(web.url, "last-one")
        wait_until(blocked, "an effect in flight")
        for worker in workers:
            ask_to_end(worker)
        time.sleep(1)
        assert [worker for worker in workers if worker.poll() is None], "none finishes its effect"
    assert [ended(worker, 60) for worker in workers] == [0, 0, 0]
    last = Effect.objects.filter(kind="onboarding.propose").order_by("-pk")[0]
    assert (last.state, last.fence) == ("done", 1)


def blocked() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) "
            "WHERE NOT granted AND datname = current_database()"
        )
        return cursor.fetchone()[0] > 0


def test_rabbitmq_rings_as_well_as_redis(home, mira, tmp_path):
    with rabbitmq.running(tmp_path / "rabbitmq") as broker, Processes(home, broker) as portal:
        web = portal.web(workers=2)
        rabbitmq.wait_for(broker)
        portal.worker(0, at_once=3)
        portal.beat(1)
        web.wait()
        submit_all(mira, [web.url])
        assert_each_was_proposed_once()
        wait_until(lambda: web.health()["checks"]["sweep"] == "ok", "a sweep rung by beat")
        assert web.health()["checks"]["broker"] == "ok"
        assert "amqp://" in portal.said("worker-0")


def knocked(silent: socket.socket) -> int:
    """How many connections were made that nobody has taken."""
    silent.setblocking(False)
    number = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            silent.accept()[0].close()
            number += 1
    return number


@pytest.mark.parametrize("how", ["down", "silent"])
def test_without_a_broker_requests_are_accepted_at_once_and_found_by_the_sweep(
    mira, client, monkeypatch, settings, how
):
    client.force_login(mira)
    client.get("/new/web-service/")  # loads what the first form of a process loads
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if how == "silent":
            silent.listen(20)
        settings.REDIS_URL = settings.CELERY_BROKER_URL = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        monkeypatch.setenv("CELERY_BROKER_WRITE_URL", settings.REDIS_URL)
        monkeypatch.setattr(tasks, "bell", Bell())
        taken, knocks = [], []
        for name in ("first", "second"):
            start = time.perf_counter()
            assert client.post("/new/web-service/", form(name))["Location"].startswith("/requests/")
            taken.append(time.perf_counter() - start)
            knocks.append(knocked(silent) if how == "silent" else 0)
        health = client.get("/readyz")
    assert max(taken) < 16, f"{taken}: the broker held up a request"
    assert knocks == [how == "silent", 0], "the second request waited for it as well"
    assert (health.status_code, health.json()["status"]) == (200, "degraded")
    tasks.sweep()
    assert Counter(Request.objects.values_list("state", flat=True)) == {State.IN_REVIEW: 2}
