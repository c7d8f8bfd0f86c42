from collections.abc import Callable

import pytest

from services.integrations.githosts.base import Person, Proposal
from services.integrations.githosts.local import LocalHost

MIRA = Person("mira", "Mira Lindqvist")
SAM = Person("sam", "Sam Okafor")
REPO = "shop/deploy"
BRANCH = "slipway/r-1001"
FILES = {
    "apps/checkout/wishlist/staging/deployment.yaml": b"replicas: 1\n",
    "catalog/wishlist.yaml": b"x: 1\n",
}


@pytest.fixture
def host(db: None) -> LocalHost:
    host = LocalHost()
    host.create(REPO)
    host.commit(REPO, files={"README.md": b"one\ntwo\nthree\n"}, author=SAM, message="Start")
    return host


@pytest.fixture
def propose(host: LocalHost) -> Callable[..., Proposal]:
    def make(**over: object) -> Proposal:
        said = {
            "branch": BRANCH, "title": "Onboard wishlist", "body": "", "files": FILES, "author": MIRA,
            "message": "Onboard wishlist",
        }  # fmt: skip
        using = over.pop("host", host)
        return using.propose(REPO, **{**said, **over})

    return make
