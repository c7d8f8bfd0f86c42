"""The registered hosts of others, opened: each once in a process, for as long as its row says the same."""

import os
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from django.utils import timezone

from services.integrations.errors import Unauthorised
from services.integrations.models import GitServer
from services.integrations.rest import VERSION, Http, Pause
from services.integrations.sealing import CannotOpen, Sealer

from .remote import RemoteHost
from .remote.apps import AppToken, rsa_key, signed
from .remote.dialect import Dialect
from .remote.gitea import Gitea
from .remote.github import GitHub
from .remote.gitlab import GitLab

ADDRESSES: Final = {
    "github": "https://api.github.com",
    "gitlab": "https://gitlab.com",
    "gitea": "https://codeberg.org",
}
VARIABLE: Final = "SLIPWAY_GIT_TOKEN_"  # what variables are called that may be named
sealer: Final = Sealer("slipway git host of requests")
_PLAIN = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": VERSION}
_OF_ROW = (
    "pk",
    "kind",
    "address",
    "repository",
    "sign_in",
    "secret_sealed",
    "variable",
    "app",
    "installation",
)


class RowPause(Pause):
    """Told to the other processes by the row."""

    def __init__(self, row: GitServer) -> None:
        super().__init__()
        self._pk = row.pk

    def heard(self, row: GitServer) -> None:
        if row.quiet_until is not None:
            super().keep((row.quiet_until - timezone.now()).total_seconds())

    def keep(self, seconds: float) -> None:
        super().keep(seconds)
        until = timezone.now() + timedelta(seconds=seconds)
        GitServer.objects.filter(pk=self._pk).update(quiet_until=until)


_open: dict[str, tuple[tuple[Any, ...], RemoteHost, RowPause]] = {}
_lock = threading.Lock()


def named(name: str) -> RemoteHost:
    """Refuses (KeyError) a name nobody registered, and Unauthorised where its credential cannot be had."""
    row = GitServer.objects.filter(name=name).first()
    if row is None:
        raise KeyError(name)
    return opened(row)


def opened(row: GitServer) -> RemoteHost:
    told = (*(getattr(row, each) for each in _OF_ROW), os.environ.get(row.variable, ""), os.getpid())
    with _lock:
        known = _open.get(row.name)
        if known is None or known[0] != told:
            _close(row.name)
            known = _open[row.name] = (told, *_made(row))
    _, host, pause = known
    pause.heard(row)
    return host


def _close(name: str) -> None:
    if known := _open.pop(name, None):
        known[1].close_connections()


def forget() -> None:
    """Closes all of them; who asks next opens anew."""
    with _lock:
        for name in list(_open):
            _close(name)


def _made(row: GitServer) -> tuple[RemoteHost, RowPause]:
    pause = RowPause(row)
    dialect = _DIALECTS[row.kind](row, secret_of(row), pause)
    return RemoteHost(dialect, [row.repository], f"{row.kind} {row.address}"), pause


def secret_of(row: GitServer) -> str:
    """The token, or the app's key."""
    if row.sign_in == GitServer.SignIn.ENVIRONMENT:
        found = os.environ.get(row.variable, "") if row.variable.startswith(VARIABLE) else ""
    else:
        try:
            found = sealer.unseal(row.secret_sealed)
        except CannotOpen as error:
            raise Unauthorised(str(error)) from error
    if not found:
        raise Unauthorised(f"There is no token in {row.variable}.")
    return found


def _github(row: GitServer, secret: str, pause: Pause) -> Dialect:
    if row.sign_in != GitServer.SignIn.APP:
        return GitHub(Http(row.address, {**_PLAIN, "Authorization": f"Bearer {secret}"}, pause=pause))
    key = rsa_key(secret)

    def as_app() -> Mapping[str, str]:
        return {**_PLAIN, "Authorization": f"Bearer {signed(row.app, key)}"}

    app = AppToken(Http(row.address, as_app, pause=pause), row.installation)
    return GitHub(Http(row.address, lambda: {**_PLAIN, **app.headers()}, pause=pause), app)


def _gitlab(row: GitServer, secret: str, pause: Pause) -> Dialect:
    return GitLab(Http(row.address, {"PRIVATE-TOKEN": secret}, pause=pause))


def _gitea(row: GitServer, secret: str, pause: Pause) -> Dialect:
    return Gitea(Http(row.address, {"Authorization": f"token {secret}"}, pause=pause))


_DIALECTS: dict[str, Callable[[GitServer, str, Pause], Dialect]] = {
    "github": _github,
    "gitlab": _gitlab,
    "gitea": _gitea,
}
