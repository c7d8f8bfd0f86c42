"""L of the attack list: what is secret is in no page, row, payload, log line or error."""

import base64
import io
import json
import logging
import logging.config
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import yaml
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import include, path

from portal import logs
from portal.shell import errors
from portal.shell.policies import policy, public
from services.catalog import actions as catalog
from services.clusters import queries, sealing
from services.clusters.models import Cluster, KubeObject, Watch
from services.clusters.watching.kinds import WATCHED
from services.clusters.watching.loop import Watcher
from services.clusters.watching.streams import Pace
from services.effects.models import Effect
from services.helpdesk.models import Category
from services.integrations.githosts.base import Person
from services.onboarding import masking
from services.onboarding.models import State
from tests.effects_driver import run_due_effects
from tests.factories.clusters import cluster_row, environments
from tests.fakes.cluster import TOKEN as FAKE_TOKEN
from tests.fakes.cluster import Cluster as Simulated
from tests.fakes.cluster import deployment
from tests.hostile import doors
from tests.hostile.world import GIT_TOKEN, HOOK_SECRET, REPO, TOKEN

pytestmark = pytest.mark.django_db
CANARY = "canary-7c21e0"
REF = "component:default/web"


def stored() -> str:
    """Every value of every row, as text; the sealed column included."""
    texts = []
    with connection.cursor() as cursor:
        for model in apps.get_models():
            cursor.execute(f'SELECT t::text FROM "{model._meta.db_table}" t')
            texts += [row[0] for row in cursor.fetchall()]
    return "\n".join(texts)


def shown(client: Client, world: SimpleNamespace) -> Iterator[tuple[doors.Door, str, Any, Any]]:
    """Every page, as a whole and as a fragment."""
    known = doors.known(world)
    for door in doors.doors():
        for where in door.rooms(known)[:3]:
            yield door, where, client.get(where), client.get(where, headers={"HX-Request": "true"})


def guarded(answer: Any) -> None:
    """X4, X6, X8: the headers that a fragment has as well as a page."""
    policy = answer["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"


@pytest.mark.case("L1", "X4", "X6", "X8", "C9")
def test_l1_no_secret_of_the_installation_is_anywhere(client, world, caplog, monkeypatch):
    """On no page, in no row, log line, task or key of Redis: neither tokens nor keys nor addresses.

    Whoever opens every page anyway also looks at its headers.
    """
    monkeypatch.setitem(settings.DATABASES["default"], "PASSWORD", CANARY + "-db")
    secrets = {TOKEN, GIT_TOKEN, HOOK_SECRET, settings.SECRET_KEY, CANARY, settings.REDIS_URL}
    client.force_login(world.priya)
    with caplog.at_level(logging.DEBUG):
        client.post("/platform/clusters/harbour/check/")
        client.post(f"/git-hosts/{world.server.name}/check/")
        for door, where, page, fragment in shown(client, world):
            for answer in (page, fragment):
                text = f"{answer.headers}{answer.content.decode()}"
                assert not [secret for secret in secrets if secret in text], where
            guarded(fragment)
            if door.policy != "public" and page.status_code == 200:  # C9: no cache keeps it
                assert "no-store" in page.get("Cache-Control", ""), door.name
    kept = {
        "log": caplog.text,
        "rows": stored(),
        "redis": in_redis(),
        "client": repr(queries.client_for(world.cluster)),
    }
    assert [place for place, text in kept.items() for secret in secrets if secret in text] == []


def in_redis() -> str:
    """Every key and what it holds: broker queues, limits, results."""
    store = redis.Redis.from_url(settings.REDIS_URL)
    found = [repr(key) + repr(store.dump(key)) for key in store.scan_iter("*")]
    return "\n".join(found)


KUBECONFIG = {
    "current-context": "here",
    "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
    "clusters": [{"name": "c", "cluster": {"server": "http://127.0.0.1:9"}}],
    "users": [{"name": "u", "user": {"token": CANARY}}],
}
BROKEN: tuple[dict[str, Any], ...] = (
    {"clusters": []},
    {"users": [{"name": "u", "user": {"token": CANARY + "é"}}]},
    {"users": [{"name": "u", "user": {"token": CANARY, "exec": {"command": "sh"}}}]},
    {"clusters": [{"name": "c", "cluster": {"server": f"https://me:{CANARY}@h"}}]},
    {"current-context": CANARY},
)


@pytest.mark.case("L1")
def test_l1_a_kubeconfig_is_never_shown_again(client, people, caplog):
    """Neither after a mistake, nor once it is accepted, nor when the cluster does not answer."""
    client.force_login(people.priya)
    with caplog.at_level(logging.DEBUG):
        pages = [
            client.post(
                "/platform/clusters/new/", {"name": "Not A Name", "kubeconfig": yaml.safe_dump(KUBECONFIG)}
            ),
            *(
                client.post(
                    "/platform/clusters/new/",
                    {"name": "n", "kubeconfig": yaml.safe_dump(KUBECONFIG | broken)},
                )
                for broken in BROKEN[:-1]
            ),
            client.post(
                "/platform/clusters/new/",
                {"name": "nine", "kubeconfig": yaml.safe_dump(KUBECONFIG)},
                follow=True,
            ),
            client.get("/platform/clusters/nine/"),
            client.get("/platform/clusters/"),
        ]
    assert [page.status_code for page in pages] == [422] * 5 + [200] * 3
    assert [page.content for page in pages if CANARY.encode() in page.content] == []
    assert CANARY not in caplog.text
    assert CANARY not in stored()


@pytest.mark.case("L1")
def test_l1_passwords_are_not_logged_nor_kept(client, people, caplog):
    with caplog.at_level(logging.DEBUG):
        answer = client.post("/sign-in/", {"username": "mira", "password": CANARY})
    assert CANARY not in answer.content.decode()
    assert CANARY not in caplog.text
    assert CANARY not in stored()


@pytest.fixture
def seen(cluster: Simulated, people) -> Any:
    """The picture of a cluster that holds secrets wherever clusters hold them."""
    environments(cluster_row())
    Cluster.objects.update(server=cluster.url, token_sealed=sealing.seal(FAKE_TOKEN))
    KubeObject.objects.all().delete()
    Watch.objects.all().delete()
    encoded = base64.b64encode(CANARY.encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": "web",
            "namespace": "shop",
            "annotations": {
                "slipway.dev/entity": REF,
                "kubectl.kubernetes.io/last-applied-configuration": json.dumps(
                    {"data": {"password": encoded}}
                ),
            },
        },
        "data": {"password": encoded},
        "stringData": {"token": CANARY},
    }
    settings_ = secret | {"kind": "ConfigMap", "data": {"plain": CANARY}}
    settings_.pop("stringData")
    notes = {
        "slipway.dev/simulate-log": f"password={CANARY} for jdbc://me:{CANARY}@db/x",
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"x": CANARY}),
    }
    workload = deployment("web", replicas=1, annotations=notes, entity=REF)
    workload["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "DB_PASSWORD", "value": CANARY},
        {"name": "DATABASE_URL", "value": f"postgres://me:{CANARY}@db/x"},
    ]
    workload["spec"]["template"]["spec"]["containers"][0]["args"] = [f"--api-key={CANARY}"]
    with cluster.client() as kube:
        for obj in (secret, settings_, workload):
            kube.apply(obj)
    wanted = ("Secret", "ConfigMap", "Deployment", "ReplicaSet", "Pod", "Event")
    watcher = Watcher(Pace(watch=1, backoff=0.05, heartbeat=0.1), [k for k in WATCHED if k.kind in wanted])
    for _ in range(200):
        watcher.step(wait=0.05)
        if {"Secret", "Deployment", "Pod"} <= set(KubeObject.objects.values_list("kind", flat=True)):
            break
    yield cluster
    for watched in watcher.watched.values():
        watched.stop()
    cluster.server.hang_up()
    watcher.leave(timeout=5)


@pytest.mark.case("L2")
def test_l2_secrets_of_a_cluster_stay_there(client, people, seen, caplog):
    """Not in the picture, not in a ticket's snapshot, not on the pages that show either."""
    assert KubeObject.objects.filter(kind="Secret", name="web").exists()
    encoded = base64.b64encode(CANARY.encode()).decode()
    client.force_login(people.priya)
    catalog.register(
        {
            "apiVersion": "backstage.io/v1alpha1",
            "kind": "Component",
            "metadata": {"name": "web"},
            "spec": {"type": "service", "lifecycle": "production", "owner": "checkout"},
        },
        by=people.priya,
    )
    category = Category.objects.get(slug="broken").slug
    asked = {
        "title": "x",
        "body": "y",
        "entity": "web",
        "category": category,
        "impact": "me",
        "urgency": "later",
    }
    opened = client.post("/help/ask/", {**asked, "environment": "production"})
    pod = KubeObject.objects.filter(kind="Pod").first()
    service = "/catalog/component/default/web/"
    pages = [opened.url, f"{opened.url}snapshot/", service, f"{service}?tab=live", "/help/ask/?entity=web"]
    pages += [f"{service}live/production/{pod.name}/app/log/", "/platform/clusters/harbour/"]
    texts = [client.get(page) for page in pages]
    assert [answer.status_code for answer in texts] == [200] * len(pages)
    for text in [*(answer.content.decode() for answer in texts), stored(), caplog.text]:
        assert text.partition(CANARY)[0] == text, text.partition(CANARY)[0][-300:]
        assert encoded not in text


@pytest.mark.case("L1")
def test_l1_effects_that_fail_tell_no_secret(world, caplog):
    """The way to the cluster is broken: problems, tasks, audit and pages say so without its token."""
    row, sam = world.requests[State.IN_REVIEW], Client()
    sam.force_login(world.sam)
    with caplog.at_level(logging.DEBUG):
        sam.post(f"/requests/{row.ref}/approve/", {"tree_hash": row.tree_hash})
        run_due_effects()
        row.refresh_from_db()
        sam.post(f"/requests/{row.ref}/changes/merge/", {"head": row.head_sha})
        run_due_effects(skip_waits=True)
        pages = [sam.get(f"/requests/{row.ref}/{part}").content.decode() for part in ("", "changes/")]
    failing = Effect.objects.exclude(last_error="").exclude(kind="test.nothing")
    assert "onboarding.apply" in set(failing.values_list("kind", flat=True))
    assert [text for text in (*pages, caplog.text, stored(), in_redis()) if TOKEN in text] == []


SECRET = """\
kind: Secret
apiVersion: v1
metadata: {name: db, annotations: {note: OLD-canary}}
stringData: {password: OLD-canary, same: "canary-that-stays"}
data:
  many: |
    OLD-canary
    of several lines
"""


@pytest.mark.case("L3")
def test_l3_a_secret_in_a_pull_request_is_named_and_not_shown(client, world):
    """Added by hand, where it conflicts with another one."""
    row, author = world.requests[State.IN_REVIEW], Person("sam", "Sam")
    path = f"{next(iter(row.files)).rpartition('/')[0]}/db.yaml"
    said = {"author": author, "message": "By hand"}
    world.host.commit(REPO, files={path: SECRET.encode()}, branch=row.branch, **said)
    client.force_login(world.sam)
    page = client.get(f"/requests/{row.ref}/changes/").content.decode()
    assert "db.yaml" in page
    assert "canary" not in page
    world.host.commit(REPO, files={path: SECRET.replace("OLD", "NEW").encode()}, **said)
    page = client.get(f"/requests/{row.ref}/changes/").content.decode()
    assert "It conflicts with" in page
    assert "canary" not in page


@pytest.mark.case("L3")
@pytest.mark.parametrize("write", [str, lambda text: json.dumps({"items": [yaml.safe_load(text)]})])
def test_l3_a_difference_of_secrets_tells_which_changed(write):
    sides = [write(text).encode() for text in (SECRET, SECRET.replace("OLD", "NEW"))]
    old, new = masking.without_secrets(*sides)
    assert b"canary" not in old + new
    assert [text.decode().count("(changed)") for text in (old, new)] == [2, 2]
    assert f"same: {masking.SAME}" in new.decode().replace('"', "")


@pytest.mark.case("L3")
def test_l3_what_cannot_be_read_is_not_shown():
    assert masking.without_secrets(None, SECRET.encode() + b"a: b: {") == (None, masking.UNREADABLE)
    assert b"canary" not in masking.without_secrets(b"kind: Secret\ndata: [canary]\n", None)[0]
    odd = ("metadata: [canary]", "metadata: canary", "metadata: {name: [canary], annotations: canary}")
    odd += (
        "metadata: {annotations: [{a: canary}]}",
        "metadata: {annotations: 5}",
        "metadata: {annotations: }",
    )
    odd += ("stringData: {1: canary, null: canary}", "items: [canary, [canary]]", "items: {kind: canary}")
    for line in odd:
        for old, new in ((line, line), ("", line), (line, "data: 5")):
            sides = masking.without_secrets(*(f"kind: Secret\n{each}\n".encode() for each in (old, new)))
            assert None not in sides
    notes = b"kind: Secret\nmetadata: {annotations: [{a: canary}, canary]}\n"
    assert b"canary" not in masking.without_secrets(notes, None)[0]
    plain = b"kind: ConfigMap\nmetadata: {name: Secret}\n"
    assert masking.without_secrets(plain, None) == (plain, None)


@pytest.mark.case("L5")
def test_l5_one_event_is_one_line_whatever_it_says(capsys):
    said = 'a\nb\r\x1b[31m%s %d {0.__class__} "}\u2028{"level": "x'
    config = logs.config(json=True, level="INFO")
    formatter = config["formatters"]["lines"]
    made = formatter["()"](processor=formatter["processor"], foreign_pre_chain=formatter["foreign_pre_chain"])
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(made)
    record = logging.LogRecord("x", logging.WARNING, "f", 1, said, None, None)
    handler.handle(record)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert json.loads(lines[0])["event"] == said
    assert "\x1b" not in lines[0]


@policy(public)
def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError(f"{CANARY} {settings.SECRET_KEY}")


urlpatterns = [path("broken", broken), path("", include("portal.urls"))]
handler500 = errors.server_error


@pytest.mark.case("L7")
def test_l7_a_page_of_an_error_says_a_reference_and_nothing_else(settings, people):
    settings.ROOT_URLCONF = __name__
    client = Client(raise_request_exception=False)
    client.force_login(people.priya)
    answer = client.get("/broken")
    page = answer.content.decode()
    assert answer.status_code == 500
    assert CANARY not in page
    assert "Traceback" not in page
    assert "RuntimeError" not in page
    assert settings.SECRET_KEY not in page
