"""Three git hosts of others, registered, each with a webhook that can be sent as it signs it."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import transaction

from services.accounts.models import User
from services.integrations import actions as hosts
from services.integrations.githosts import hooks, servers
from services.integrations.models import GitServer
from tests.fakes.forge import TOKEN, Serving, serving

REPO = "shop/deploy"
PROVIDERS = ("github", "gitlab", "gitea")


def deliver(server: GitServer, number: int, key: str) -> None:
    """A webhook as this host signs it. Two of one event differ in their ids, as when both are configured."""
    secret = hooks.secret_of(server)
    where = {"full_name": REPO, "path_with_namespace": REPO}
    body = json.dumps(
        {
            "repository": where, "project": where, "pull_request": {"number": number},
            "merge_request": {"iid": number}, "delivery": key,
        }
    ).encode()  # fmt: skip
    signed = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    headers = {
        "github": {"X-Hub-Signature-256": f"sha256={signed}", "X-GitHub-Delivery": key},
        "gitea": {"X-Gitea-Signature": signed, "X-Gitea-Delivery": key},
        "gitlab": {"X-Gitlab-Token": secret, "X-Gitlab-Event-UUID": key},
    }[server.kind]
    with transaction.atomic():
        hooks.accept(name=server.name, headers=headers, body=body)


@contextmanager
def forges(folder: Path) -> Iterator[dict[str, Serving]]:
    """The three hosts, each registered, with a webhook."""
    priya, found = User.objects.get(username="priya"), dict[str, Serving]()
    with ExitStack() as stack:
        stack.callback(servers.forget)
        for kind in PROVIDERS:
            served = found[kind] = stack.enter_context(serving(kind, folder / f"{kind}.git", REPO))
            served.forge.scopes = ["api"] if kind == "gitlab" else ["repo"]
            served.forge.push("main", {"README.md": b"Deploy\n", "CODEOWNERS": b"/apps/ @sam\n"})
            said = {"name": kind, "kind": kind, "address": served.url, "repository": REPO, "sign_in": "token"}
            server = hosts.check(hosts.register_server(by=priya, secret=TOKEN, **said))
            assert not server.problem, server.problem
            assert not server.missing, server.missing
            hosts.set_hook(by=priya, server=server)
        yield found
