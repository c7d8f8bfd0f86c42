"""Registered hosts: who may register one, what is kept of its credential, and what comes of its webhooks."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from services.audit.models import Event
from services.integrations import actions, githosts
from services.integrations.errors import Unauthorised
from services.integrations.githosts import hooks, servers
from services.integrations.githosts.remote import apps
from services.integrations.models import GitServer, HostDelivery
from services.integrations.rest import RateLimited
from services.integrations.signals import proposal_changed
from tests.factories.people import member, platform_engineer
from tests.fakes.forge import TOKEN, Serving, serving

from .worlds import HERE, README, REMOTE, REPO

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def forges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Serving]]:
    folder = tmp_path_factory.mktemp("forges")
    with (
        serving("github", folder / "1") as a,
        serving("gitlab", folder / "2") as b,
        serving("gitea", folder / "3") as c,
    ):
        found = {"github": a, "gitlab": b, "gitea": c}
        for each in found.values():
            each.forge.push("main", {"README.md": README}, "Start")
        yield found


@pytest.fixture
def server(forges: dict[str, Serving], settings: Any) -> Callable[..., GitServer]:
    settings.GIT_NETWORKS = HERE

    def make(kind: str = "github", secret: str = TOKEN, **over: Any) -> GitServer:
        said = {"name": f"our-{kind}", "kind": kind, "address": forges[kind].url, "repository": REPO}
        by = platform_engineer()
        return actions.register_server(by=by, secret=secret, **{**said, "sign_in": "token", **over})

    return make


@pytest.fixture(autouse=True)
def _forgotten() -> Iterator[None]:
    yield
    servers.forget()


@pytest.fixture
def platform(client: Client) -> Client:
    client.force_login(platform_engineer())
    return client


def pem(key: Any) -> str:
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()


KEY = pem(rsa.generate_private_key(65537, 1024))


@pytest.mark.parametrize("kind", REMOTE)
def test_a_registered_host_is_opened_by_its_name(server, kind) -> None:
    row = server(kind)
    host = githosts.get(row.name)
    assert host.read(REPO, "README.md", "main") == README
    assert githosts.get(row.name) is host, "its connections are kept"
    assert not githosts.is_built_in(row.name)
    with pytest.raises(KeyError):
        githosts.get("nobody")
    actions.replace_secret(by=platform_engineer(), server=row, secret="another")
    assert githosts.get(row.name) is not host


def test_nobody_else_registers_or_changes_one(server) -> None:
    row, mira = server(), member("mira", "checkout")
    for refused in (
        lambda: actions.register_server(by=mira, name="x"),
        lambda: actions.replace_secret(by=mira, server=row, secret="x"),
        lambda: actions.take_requests(by=mira, server=row, takes=True),
        lambda: actions.set_hook(by=mira, server=row),
    ):
        with pytest.raises(actions.NotAllowed):
            refused()


def test_one_takes_requests_and_none_is_called_local(server) -> None:
    server(takes_requests=True)
    for wrong in ({"name": "two", "takes_requests": True}, {"name": "local"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            server(**wrong)


RIGHTS = [
    ("github", {"scopes": ["repo", "delete_repo", "read:org"], "level": 50}, (), (
        "the scope delete_repo", "every repository of its account", "the administration of the repository"
    )),
    ("github", {"scopes": ["gist"], "level": 20, "archived": True}, (
        "the right to write", "a repository that is not archived", "the scope repo"), ("the scope gist",)),
    ("gitlab", {"scopes": ["api"]}, (), ()),
    ("gitlab", {"scopes": ["api", "sudo"], "level": 50}, (), (
        "the scope sudo", "the administration of the project", "no day on which it ends")),
    ("gitlab", {"scopes": [], "level": 20, "is_admin": True}, ("the role of a developer",), (
        "the administration of the host",)),
    ("gitlab", {"scopes": ["read_api"]}, ("the scope api",), ()),
    ("gitea", {"level": 30}, (), ()),
    ("gitea", {"level": 50, "is_admin": True}, (), (
        "the administration of the host", "the administration of the repository")),
]  # fmt: skip


@pytest.mark.case("G9")
@pytest.mark.parametrize(("kind", "about", "missing", "broader"), RIGHTS)
def test_a_credential_that_may_do_more_or_less_is_pointed_out(
    server, forges, monkeypatch, kind, about, missing, broader
) -> None:
    for name, value in about.items():
        monkeypatch.setattr(forges[kind].forge, name, value)
    row = actions.check(server(kind))
    assert row.problem == ""
    assert [said.startswith(start) for said, start in zip(row.missing, missing, strict=True)] == [True] * len(
        missing
    )
    assert [said.startswith(start) for said, start in zip(row.broader, broader, strict=True)] == [True] * len(
        broader
    )
    tones = {True: "bad"} if missing else {True: "warn" if broader else "ok"}
    assert (row.account, row.state[1]) == ("slipway-bot", tones[True])


def test_an_app_buys_a_token_and_shows_its_permissions(server, forges) -> None:
    before = len(forges["github"].asked)
    row = actions.check(server(secret=KEY, sign_in="app", app="Iv1.abc", installation="42"))
    assert (row.problem, row.missing) == ("", [])
    assert row.broader == ["every repository of its installation"]
    asked = [each.ask for each in forges["github"].asked[before:]]
    assert asked[0].path == "/app/installations/42/access_tokens"
    assert asked[0].headers["Authorization"].count(".") == 2
    githosts.get(row.name).head(REPO)
    assert sum("access_tokens" in each.ask.path for each in forges["github"].asked[before:]) == 1


def test_permissions_of_an_app_are_judged() -> None:
    from services.integrations.githosts.remote.rights import of_app

    found = of_app(
        {"archived": False},
        {"permissions": {"contents": "read", "administration": "write", "metadata": "read"}},
    )
    assert found.missing == (
        "the permission contents: write",
        "the permission pull_requests: write",
        "the permission statuses: write",
    )
    assert found.broader == ("the permission administration: write",)


@pytest.mark.parametrize("wrong", ["", "no key", pem(ec.generate_private_key(ec.SECP256R1()))])
def test_what_is_no_key_of_an_app_is_refused(wrong) -> None:
    with pytest.raises(Unauthorised):
        apps.rsa_key(wrong)


def test_a_token_may_be_in_the_surroundings(server, monkeypatch) -> None:
    row = server(secret="", sign_in="environment", variable="SLIPWAY_GIT_TOKEN_SHOP")
    with pytest.raises(Unauthorised, match="no token in SLIPWAY_GIT_TOKEN_SHOP"):
        githosts.get(row.name)
    monkeypatch.setenv("SLIPWAY_GIT_TOKEN_SHOP", TOKEN)
    assert githosts.get(row.name).head(REPO)


@pytest.mark.case("L1")
def test_no_other_variable_is_sent_to_a_host(server, monkeypatch) -> None:
    monkeypatch.setenv("SLIPWAY_SECRET_KEY", "canary")
    row = server(secret="", sign_in="environment", variable="SLIPWAY_SECRET_KEY")
    with pytest.raises(Unauthorised):
        githosts.get(row.name)


def test_another_secret_key_asks_for_the_token_again(server, settings) -> None:
    row = server()
    settings.SECRET_KEY = "another"
    assert "another secret key" in actions.check(row).problem
    assert hooks.secret_of(row) == ""


@pytest.mark.case("S1")
@pytest.mark.parametrize("address", ["http://127.0.0.1:9", "http://169.254.169.254", "http://10.0.0.1:1"])
def test_hosts_are_where_hosts_may_be(server, settings, address) -> None:
    settings.GIT_NETWORKS = []
    assert "not allowed here" in actions.check(server(address=address)).problem


def test_all_processes_leave_a_host_alone(server, forges) -> None:
    row = server()
    host = githosts.get(row.name)
    forges["github"].misbehave("429 soon", reads=True)
    with pytest.raises(RateLimited):
        host.head(REPO)
    row.refresh_from_db()
    assert timezone.now() < row.quiet_until < timezone.now() + timedelta(seconds=3)
    servers.forget()
    asked = len(forges["github"].asked)
    with pytest.raises(RateLimited):
        githosts.get(row.name).head(REPO)
    assert len(forges["github"].asked) == asked


# Pages


def form_of(url: str, **over: str) -> dict[str, str]:
    said = {"name": "ours", "kind": "github", "address": url, "repository": REPO, "sign_in": "token"}
    return {**said, "secret": TOKEN, **over}


def test_registering_on_the_page(platform, forges, settings, monkeypatch) -> None:
    settings.GIT_NETWORKS = HERE
    monkeypatch.setattr(forges["github"].forge, "scopes", ["repo", "admin:org"])
    assert b"Only the built-in host" in platform.get("/git-hosts/").content
    answer = platform.post("/git-hosts/new/", form_of(forges["github"].url), follow=True)
    text = answer.content.decode()
    assert answer.redirect_chain[0][0] == "/git-hosts/ours/"
    assert "More than needed: the scope admin:org" in text
    assert TOKEN not in text
    row = GitServer.objects.get()
    assert TOKEN not in row.secret_sealed
    listed = platform.get("/git-hosts/").content.decode()
    assert "May do more than needed" in listed
    assert not any(TOKEN in str(event.__dict__) for event in Event.objects.all())


@pytest.mark.parametrize(
    ("over", "field"),
    [
        ({"name": "local"}, "name"),
        ({"name": "Our Host"}, "name"),
        ({"repository": "../etc"}, "repository"),
        ({"repository": "shop/deploy.git"}, "repository"),
        ({"address": "ftp://x"}, "address"),
        ({"address": "https://user:pass@x"}, "address"),
        ({"secret": ""}, "secret"),
        ({"secret": "two words"}, "secret"),
        ({"sign_in": "environment", "variable": ""}, "variable"),
        ({"sign_in": "environment", "variable": "SLIPWAY_SECRET_KEY"}, "variable"),
        ({"sign_in": "app", "secret": "no key", "app": "1", "installation": "2"}, "secret"),
        ({"sign_in": "app", "kind": "gitea", "secret": KEY, "app": "1", "installation": "2"}, "sign_in"),
        ({"sign_in": "app", "secret": KEY, "app": "1", "installation": "two"}, "installation"),
        ({"kind": "sourceforge", "address": ""}, "kind"),
    ],
)
def test_what_cannot_be_registered_is_said_beside_its_field(platform, over, field) -> None:
    answer = platform.post("/git-hosts/new/", form_of("https://git.test", **over))
    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert TOKEN not in answer.content.decode()
    assert not GitServer.objects.exists()


def test_a_form_may_leave_out_what_another_way_needs(platform, settings) -> None:
    settings.GIT_NETWORKS = []
    said = form_of("", kind="gitea", sign_in="environment", variable="SLIPWAY_GIT_TOKEN_X")
    platform.post("/git-hosts/new/", said)
    row = GitServer.objects.get()
    assert (row.address, row.secret_sealed, row.state[0]) == ("https://codeberg.org", "", "Does not work")


def test_requests_go_where_the_check_finds_nothing_missing(platform, server) -> None:
    row = server()
    url = f"/git-hosts/{row.name}/requests/"
    refused = platform.post(url, {"takes": "1"}, follow=True).content.decode()
    assert "Check it first" in refused
    assert githosts.target() is None
    platform.post(f"/git-hosts/{row.name}/check/")
    platform.post(url, {"takes": "1"})
    assert githosts.target() == (row.name, REPO)
    assert b"New requests go here" in platform.get(f"/git-hosts/{row.name}/").content
    platform.post(url, {"takes": "0"})
    assert githosts.target() is None


def test_replacing_the_credential_on_the_page(platform, server) -> None:
    row = server(secret="wrong")
    url = f"/git-hosts/{row.name}/secret/"
    assert platform.post(url, {"secret": "two words"}).status_code == 422
    platform.post(url, {"secret": TOKEN})
    row.refresh_from_db()
    assert (row.problem, row.account) == ("", "slipway-bot")


@pytest.mark.parametrize("address", ["", "new/", "our-github/", "our-github/check/", "our-github/webhook/"])
def test_only_the_platform_team_sees_hosts(client, server, address) -> None:
    server()
    client.force_login(member("mira", "checkout"))
    ask = client.post if address.count("/") > 1 else client.get
    assert ask(f"/git-hosts/{address}").status_code == 403


# Webhooks


@pytest.fixture
def heard() -> Iterator[list[dict[str, Any]]]:
    found: list[dict[str, Any]] = []

    def listen(sender: object, signal: object, **said: Any) -> None:
        found.append(said)

    proposal_changed.connect(listen)
    yield found
    proposal_changed.disconnect(listen)


BODIES = {
    "github": {"repository": {"full_name": "Shop/Deploy"}, "pull_request": {"number": 7}},
    "gitea": {"repository": {"full_name": REPO}, "issue": {"number": 7}},
    "gitlab": {
        "project": {"path_with_namespace": REPO},
        "object_kind": "merge_request",
        "object_attributes": {"iid": 7},
    },
}


def send(
    row: GitServer, secret: str, body: Any, key: str = "1", event: str = "", kind: str = "application/json"
) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    headers = {
        "github": {
            "X-Hub-Signature-256": f"sha256={signed}",
            "X-GitHub-Event": event,
            "X-GitHub-Delivery": key,
        },
        "gitea": {"X-Gitea-Signature": signed, "X-Gitea-Event": event, "X-Gitea-Delivery": key},
        "gitlab": {"X-Gitlab-Token": secret, "X-Gitlab-Event": event, "X-Gitlab-Event-UUID": key},
    }[row.kind]
    return Client(enforce_csrf_checks=True).post(row.hook_path, raw, content_type=kind, headers=headers)


@pytest.mark.case("W1", "W3")
@pytest.mark.parametrize("kind", REMOTE)
def test_a_signed_webhook_counts_once(server, heard, kind) -> None:
    row = server(kind)
    assert send(row, "", BODIES[kind]).status_code == 403, "without a secret it is off"
    secret = actions.set_hook(by=platform_engineer(), server=row)
    assert send(row, "wrong", BODIES[kind]).status_code == 403
    assert heard == []
    assert send(row, secret, BODIES[kind], event="x").status_code == 202
    assert [send(row, secret, BODIES[kind], key=key).json()["said"] for key in ("1", "2")] == [
        "already taken in"
    ] * 2
    assert heard == [{"provider": row.name, "repo": REPO, "number": 7, "branch": ""}]
    row.refresh_from_db()
    assert row.hook_at is not None
    assert str(HostDelivery.objects.get()) == "x 1"


@pytest.mark.case("W7")
def test_what_a_webhook_may_be_about(server, heard) -> None:
    row = server()
    secret = actions.set_hook(by=platform_engineer(), server=row)
    about = {"full_name": REPO}
    note = {"project": {"path_with_namespace": REPO}, "repository": about, "merge_request": {"iid": 3}}
    said = [
        send(row, secret, {"zen": 1}, "1", "ping"),
        send(row, secret, {"repository": {"full_name": "shop/other"}}, "2", "push"),
        send(row, secret, {"repository": about, "ref": "refs/heads/slipway/r-1"}, "3", "push"),
        send(row, secret, {"repository": about, "pull_request": 1, "ref": 7}, "4", "check"),
        send(row, secret, note, "5", "note"),
    ]
    assert [each.status_code for each in said] == [200, 200, 202, 202, 202]
    assert [(each["number"], each["branch"]) for each in heard] == [(0, "slipway/r-1"), (0, ""), (3, "")]
    form = b"payload=%7B%22repository%22%3A%7B%22full_name%22%3A%22shop%2Fdeploy%22%7D%7D"
    assert send(row, secret, form, "6", kind="application/x-www-form-urlencoded").status_code == 202
    for wrong in (b"[1]", b"no json", b"\xff"):
        assert send(row, secret, wrong, "7").status_code == 400
    assert send(row, secret, b" " * (5 * 1024 * 1024 + 1), "8").status_code == 413
    assert (
        Client().post("/webhooks/requests/nobody/", b"{}", content_type="application/json").status_code == 403
    )


def test_deliveries_are_forgotten_in_time(server) -> None:
    row = server()
    secret = actions.set_hook(by=platform_engineer(), server=row)
    send(row, secret, BODIES["github"], "1")
    HostDelivery.objects.update(at=timezone.now() - timedelta(days=15))
    send(row, secret, {**BODIES["github"], "x": 1}, "2")
    assert [each.key for each in HostDelivery.objects.all()] == ["2"]


def test_the_page_tells_the_secret_once(platform, server) -> None:
    row = server()
    answer = platform.post(f"/git-hosts/{row.name}/webhook/")
    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert f"/webhooks/requests/{row.name}/" in answer.content.decode()
    assert secret not in platform.get(f"/git-hosts/{row.name}/").content.decode()
    row.refresh_from_db()
    assert secret not in row.hook_sealed
    assert hooks.secret_of(row) == secret
