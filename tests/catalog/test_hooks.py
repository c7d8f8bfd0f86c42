"""Webhooks: who may send them, that none counts twice, and how soon a change is seen."""

import base64
import hashlib
import hmac
import json
import time
from urllib.parse import urlencode

import pytest
from django.test import Client

from services.catalog.actions import looking
from services.catalog.models import Delivery, Entity, Source
from services.catalog.sources import hooks
from services.catalog.tasks import sweep
from services.effects.models import Effect
from services.integrations.sealing import CannotOpen, Sealer
from tests.catalog.conftest import COMPONENT
from tests.effects_driver import run_due_effects

pytestmark = pytest.mark.django_db
PUSH = {"ref": "refs/heads/main", "repository": {"full_name": "shop/cart", "default_branch": "main"}}
GITLAB = {"ref": "refs/heads/main", "project": {"path_with_namespace": "shop/cart", "default_branch": "main"}}


def signature(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers_of(
    provider: str, secret: str, body: bytes, event: str = "push", key: str = "1"
) -> dict[str, str]:
    if provider == "github":
        signed = f"sha256={signature(secret, body)}"
        return {"X-Hub-Signature-256": signed, "X-GitHub-Event": event, "X-GitHub-Delivery": key}
    if provider == "gitea":
        return {
            "X-Gitea-Signature": signature(secret, body),
            "X-Gitea-Event": event,
            "X-Gitea-Delivery": key,
        }
    return {"X-Gitlab-Token": secret, "X-Gitlab-Event": "Push Hook", "X-Gitlab-Event-UUID": key}


class Host:
    """A git host that reports to one source."""

    def __init__(self, source: Source, provider: str) -> None:
        self.source, self.provider, self.client = source, provider, Client(enforce_csrf_checks=True)
        self.secret = hooks.set_hook(source=source, provider=provider, by=None)

    def send(self, body: object = None, *, kind="application/json", headers=None, **signed):
        raw = body if isinstance(body, bytes) else json.dumps(body or PUSH).encode()
        given = headers_of(self.provider, self.secret, raw, **signed) if headers is None else headers
        url = f"/webhooks/{self.provider}/{self.source.pk}/"
        answer = self.client.post(url, raw, content_type=kind, headers=given)
        return answer.status_code, next(iter(answer.json().values()))


@pytest.fixture
def host(source):
    return Host(source, "github")


@pytest.mark.parametrize("provider", ["github", "gitlab", "gitea"])
def test_a_push_is_seen_within_five_seconds(source, repository, files, provider):
    Source.objects.update(auto_apply=True)
    host = Host(source, provider)
    began = time.monotonic()
    repository.commit({**files, "more.yaml": COMPONENT.format(name="more", owner="checkout").encode()})
    assert host.send(GITLAB if provider == "gitlab" else PUSH) == (202, "is being read")
    run_due_effects()
    assert Entity.objects.filter(name="more", state="active").exists()
    assert time.monotonic() - began < 5
    assert source.runs.first().trigger == "webhook"
    assert Effect.objects.get().result["unchanged"] is False


@pytest.mark.case("W3")
def test_neither_a_delivery_nor_a_body_counts_twice(host):
    assert host.send() == (202, "is being read")
    run_due_effects()
    for key in ("1", "2"):
        assert host.send(key=key) == (200, "already taken in")
    assert host.send({**PUSH, "after": "x"}) == (200, "already taken in")
    assert (Delivery.objects.count(), Effect.objects.count()) == (1, 1)
    assert host.send({**PUSH, "after": "x"}, key="3") == (202, "is being read")
    assert host.send({**PUSH, "after": "y"}, key="4") == (202, "is being read")
    assert Effect.objects.filter(state="due").count() == 1


IGNORED = [
    ({}, "ping", "pong"),
    (PUSH, "star", "not about files"),
    ({**PUSH, "ref": "refs/heads/else"}, "push", "not what this source reads"),
    ({**PUSH, "ref": "refs/tags/main"}, "push", "not what this source reads"),
]


@pytest.mark.case("W7")
@pytest.mark.parametrize(("body", "event", "said"), IGNORED)
def test_what_is_of_no_concern_is_taken_in_and_read_by_nobody(host, body, event, said):
    status, told = host.send(body, event=event)
    assert (status, said in told) == (200, True)
    assert not Effect.objects.exists()


def test_in_doubt_all_of_it_is_read(host):
    assert host.send({"x": 1})[0] == 202
    assert host.send({"action": "renamed"}, event="repository", key="2")[0] == 202


def test_a_paused_source_is_left_alone(host):
    Source.objects.update(paused_at="2026-01-01T00:00Z")
    assert host.send()[1] == "ignored: the source is paused"


def test_a_sweep_finds_what_a_webhook_missed(host, repository, files):
    repository.commit({"rest.yaml": files["rest.yaml"]})
    Source.objects.update(next_at="2026-01-01T00:00Z")
    sweep()
    run_due_effects()
    assert host.source.runs.first().counts["orphaned"] == 1


BODY = json.dumps(PUSH).encode()
FORGED = [
    lambda secret: {},
    lambda secret: {"X-Hub-Signature-256": ""},
    lambda secret: {"X-Hub-Signature-256": "sha256="},
    lambda secret: {"X-Hub-Signature-256": "sha256=" + signature(secret, BODY)[:-1]},
    lambda secret: {"X-Hub-Signature-256": signature(secret, BODY)},
    lambda secret: {"X-Hub-Signature-256": "sha256=" + signature("other", BODY)},
    lambda secret: {"X-Hub-Signature-256": "sha256=" + signature("", BODY)},
    lambda secret: {"X-Hub-Signature-256": "sha256=" + signature(secret, BODY + b" ")},
    lambda secret: {"X-Hub-Signature-256": "sha256=ÿÿ"},
    lambda secret: {"X-Hub-Signature": "sha1=" + hmac.new(secret.encode(), BODY, hashlib.sha1).hexdigest()},
]


@pytest.mark.case("W1")
@pytest.mark.parametrize("forge", FORGED)
def test_w1_what_is_not_signed_with_the_secret_is_refused(host, forge):
    assert host.send(BODY, headers=forge(host.secret))[0] == 403
    assert not Delivery.objects.exists()


@pytest.mark.case("W1")
def test_w1_without_a_secret_nothing_is_let_in(host):
    """Neither with none set, nor with one that no longer opens, nor for another provider or source."""
    Source.objects.update(hook_sealed="")
    assert host.send(headers=headers_of("github", "", BODY))[0] == 403
    Source.objects.update(hook_sealed=Sealer("else").seal(host.secret))
    with pytest.raises(CannotOpen):
        hooks.sealer.unseal(Source.objects.get().hook_sealed)
    assert host.send()[0] == 403
    gone = Host(host.source, "github")
    assert hooks.set_hook(source=host.source, provider="", by=None) == ""
    assert gone.send()[0] == 403
    for path in (f"/webhooks/gitlab/{host.source.pk}/", "/webhooks/github/99/", "/webhooks/nobody/1/"):
        assert host.client.post(path, BODY, content_type="application/json").status_code == 403


@pytest.mark.case("W2")
def test_w2_the_raw_body_is_what_is_signed(host):
    assert host.send(b"payload=7b", kind="application/x-www-form-urlencoded")[0] == 400
    form = urlencode({"payload": BODY.decode()}).encode()
    assert host.send(form, kind="application/x-www-form-urlencoded", key="2")[0] == 202
    for broken in (b"", b"[]", b"{", b"\xff", b"[" * 100_000):
        assert host.send(broken) == (400, "not a JSON object")
    assert host.send(b"{" + b" " * (5 * 1024 * 1024), key="4")[0] == 413


@pytest.mark.case("W6")
@pytest.mark.case("W8")
def test_news_in_any_order_or_false_lead_to_what_the_repository_holds(host, repository, files):
    Source.objects.update(auto_apply=True)
    assert host.send({**PUSH, "after": "never was", "deleted": True})[0] == 202
    run_due_effects()
    assert host.source.runs.count() == 1
    repository.commit({"rest.yaml": files["rest.yaml"]})
    repository.commit(files)
    for key in ("3", "2"):
        host.send({**PUSH, "after": key}, key=key)
        run_due_effects()
    assert not Entity.objects.exclude(state="active").exists()


@pytest.mark.case("W4")
@pytest.mark.case("W5")
def test_w5_gitlab_may_sign_as_standard_webhooks_do(source):
    host = Host(source, "gitlab")

    def signed(at, told=BODY, key="w-1"):
        text = f"{key}.{at}.".encode() + told
        mark = base64.b64encode(hmac.digest(host.secret.encode(), text, "sha256")).decode()
        named = {"webhook-id": key, "webhook-timestamp": str(at), "webhook-signature": f"v1,x v1,{mark}"}
        return {**named, "X-Gitlab-Event": "Push Hook"}

    now = int(time.time())
    assert host.send(BODY, headers=signed(now))[0] == 202
    for wrong in (signed(now - 301), signed(now + 310), signed("soon"), signed(now, b"{}")):
        assert host.send(BODY, headers={**wrong, "X-Gitlab-Token": host.secret})[0] == 403


def test_an_organisation_takes_news_of_its_own_repositories_only(host):
    Source.objects.update(kind="org", location="shop")
    assert host.send({**PUSH, "repository": {"full_name": "shopping/cart"}})[0] == 200
    assert host.send({**PUSH, "repository": {"full_name": "Shop/Cart\x00"}}, key="2")[0] == 202
    assert Effect.objects.get().payload["name"] == "Shop/Cart"


def test_no_session_has_a_part_in_a_webhook(host, mira):
    host.client.force_login(mira)
    assert host.send()[0] == 202
    assert Effect.objects.get().created_by == "system"


def test_the_secret_is_shown_once_to_the_platform_team(client, source, priya, mira):
    url = f"{source.get_absolute_url()}webhook/"
    client.force_login(mira)
    assert client.get(url).status_code == 403
    client.force_login(priya)
    assert "No git host may" in client.get(url).content.decode()
    html = client.post(url, {"provider": "gitea"}).content.decode()
    source.refresh_from_db()
    secret = hooks.secret_of(source)
    assert secret in html
    assert f"http://testserver/webhooks/gitea/{source.pk}/" in html
    assert secret not in client.get(url).content.decode()
    assert secret not in source.hook_sealed
    Host(source, "github").send()
    assert "is being read" in client.get(url).content.decode()
    client.post(url, {"provider": "nonsense"})
    assert hooks.secret_of(Source.objects.get()) == ""
    Source.objects.update(kind="upload")
    assert "Nothing looks" in client.post(url, {"provider": "gitea"}, follow=True).content.decode()


def test_asking_is_held_by_who_asks_first(source):
    from django.db import transaction

    with transaction.atomic():
        one = looking.ask(source=source, trigger="webhook", name="shop/cart")
        assert looking.ask(source=source, trigger="webhook", name="shop/cart") == one
        two = looking.ask(source=source, trigger="webhook", name="shop/basket")
        assert two != one
        whole = looking.ask(source=source, trigger="sweep")
        assert looking.ask(source=source, trigger="webhook", name="shop/else") == whole
