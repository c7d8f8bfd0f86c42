"""The built-in host and three of others, each with the same repository: the same is expected of all."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from django.test import override_settings

from services.integrations.githosts.base import GitHost, Person, Proposal
from services.integrations.githosts.local import LocalHost
from services.integrations.githosts.remote import RemoteHost
from services.integrations.githosts.remote.gitea import Gitea
from services.integrations.githosts.remote.github import GitHub
from services.integrations.githosts.remote.gitlab import GitLab
from services.integrations.rest import Http, Pause
from tests.fakes.forge import TOKEN, Serving, serving

MIRA = Person("mira", "Mira Lindqvist")
SAM = Person("sam", "Sam Okafor")
REPO = "shop/deploy"
README = b"one\ntwo\nthree\n"
REMOTE = ("github", "gitlab", "gitea")
DIALECTS: dict[str, Any] = {"github": GitHub, "gitlab": GitLab, "gitea": Gitea}
HEADERS = {
    "github": {"Authorization": f"Bearer {TOKEN}"},
    "gitlab": {"PRIVATE-TOKEN": TOKEN},
    "gitea": {"Authorization": f"token {TOKEN}"},
}
HERE = ["127.0.0.0/8"]
numbers = count(2001)


@dataclass
class World:
    """One host, and a branch that no other test has."""

    host: GitHost
    provider: str
    serving: Serving | None = None
    pause: Pause | None = None
    branch: str = field(default_factory=lambda: f"slipway/r-{next(numbers)}")

    @property
    def name(self) -> str:
        return self.branch.rpartition("-")[2]

    @property
    def files(self) -> dict[str, bytes]:
        return {f"apps/{self.name}/a.yaml": b"a: 1\n", f"catalog/{self.name}.yaml": b"x: 1\n"}

    def propose(self, **over: Any) -> Proposal:
        said = {
            "branch": self.branch,
            "title": f"Onboard {self.name}",
            "body": "For the shop.",
            "author": MIRA,
        }
        files = {"files": self.files, "message": f"Onboard {self.name}"}
        return self.host.propose(REPO, **{**said, **files, **over})

    def push(self, files: Mapping[str, bytes | None], branch: str = "main", message: str = "By hand") -> str:
        """What somebody does with git."""
        if isinstance(self.host, LocalHost):
            return self.host.commit(REPO, files=files, author=SAM, message=message, branch=branch)
        assert self.serving is not None
        return self.serving.forge.push(branch, files, message)

    def merge(self, pull: Proposal, **over: Any) -> Proposal:
        said = {
            "by": SAM,
            "expected_head": pull.head_sha,
            "message": f"Onboard (#{pull.number})\n\nWell done",
        }
        return self.host.merge(REPO, pull.number, **{**said, **over})


def local() -> World:
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": README}, author=SAM, message="Start")
    return World(host, "local")


@contextmanager
def remote(provider: str, folder: Path) -> Iterator[World]:
    with serving(provider, folder, REPO) as served:
        served.forge.push("main", {"README.md": README}, "Start")
        pause = Pause()
        with override_settings(GIT_NETWORKS=HERE):
            http = Http(served.url, HEADERS[provider], pause=pause)
        host = RemoteHost(DIALECTS[provider](http), [REPO], f"https://{provider}.test")
        try:
            yield World(host, provider, served, pause)
        finally:
            host.close_connections()


@contextmanager
def remotes(folder: Path) -> Iterator[dict[str, World]]:
    with ExitStack() as stack:
        yield {each: stack.enter_context(remote(each, folder / f"{each}.git")) for each in REMOTE}
