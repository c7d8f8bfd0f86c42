"""The API servers the contract suite runs against: the simulated cluster, and a real one where there is one.

The simulated cluster of the demo *is* the fake of the tests: the same code, in this process.
"""

import base64
import json
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml

from services.integrations.kube import kubeconfig
from services.integrations.kube.client import KubeClient
from tests.fakes.cluster import PORTAL_TOKEN, TOKEN, Cluster

REAL = os.environ.get("SLIPWAY_TEST_KUBECONFIG", "")
KINDS = ["simulated", "real"] if REAL else ["simulated"]
JSON, MERGE = "application/json", "application/merge-patch+json"
JSON_PATCH, STRATEGIC = "application/json-patch+json", "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True)
class Answer:
    code: int
    body: Any

    @property
    def reason(self) -> str:
        return str(self.body.get("reason") or "") if isinstance(self.body, dict) else ""

    @property
    def causes(self) -> list[tuple[str, str]]:
        """Pairs of field and machine word."""
        found = (self.body.get("details") or {}).get("causes") or []
        return [(cause.get("field", ""), cause.get("reason", "")) for cause in found]

    @property
    def told(self) -> tuple[int, str]:
        return self.code, self.reason


@dataclass
class Peer:
    """One API server. `admin` may do everything; `portal` nothing until a test grants it."""

    name: str
    server: str
    ca: str
    admin: str
    portal: str
    forget: Callable[[], None] | None = None
    """Makes everything so far too old to continue a list from; None where a test cannot."""
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        verify: Any = ssl.create_default_context(cadata=self.ca) if self.ca else False
        self.http = httpx.Client(base_url=self.server, verify=verify, trust_env=False, timeout=20)

    def client(self, token: str | None = None) -> KubeClient:
        return KubeClient(self.server, self.admin if token is None else token, self.ca)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        content_type: str = JSON,
        token: str | None = None,
        **params: str,
    ) -> Answer:
        """What the client of the product does not speak; an empty `token` is nobody."""
        bearer = self.admin if token is None else token
        headers = {"Content-Type": content_type} if body is not None else {}
        headers |= {"Authorization": f"Bearer {bearer}"} if bearer else {}
        content = None if body is None else body if isinstance(body, str) else json.dumps(body)
        answer = self.http.request(method, path, params=params, content=content, headers=headers)
        try:
            return Answer(answer.status_code, answer.json())
        except ValueError:
            return Answer(answer.status_code, answer.text)


def simulated(made: Cluster) -> Peer:
    """Started twice, so that there is a past it no longer knows."""
    made.restart()

    def forget() -> None:
        with made.world.store.lock:
            made.world.store.forget()

    return Peer("simulated", made.url, "", TOKEN, PORTAL_TOKEN, forget)


def real() -> Peer:
    """Its kubeconfig names the authority by file, which the product refuses and a test may read."""
    config = yaml.safe_load(Path(REAL).read_text())
    for entry in config["clusters"]:
        if path := entry["cluster"].pop("certificate-authority", None):
            data = base64.b64encode(Path(path).read_bytes()).decode()
            entry["cluster"]["certificate-authority-data"] = data
    tokens = {entry["name"]: entry["user"]["token"] for entry in config["users"]}
    known = kubeconfig.parse(yaml.safe_dump(config))
    return Peer("real", known.server, known.ca, known.token, tokens["portal"], _compaction())


def _compaction() -> Callable[[], None] | None:
    """An `etcd.pid` beside the kubeconfig names the process of its etcd."""
    pid = Path(REAL).with_name("etcd.pid")
    if not pid.is_file():
        return None
    words = Path("/proc", pid.read_text().strip(), "cmdline").read_bytes().decode().split("\0")
    etcd = words[words.index("--listen-client-urls") + 1]

    def compact() -> None:
        with httpx.Client(base_url=etcd, trust_env=False) as http:
            header = http.post("/v3/kv/range", json={"key": "AA=="}).json()["header"]
            http.post("/v3/kv/compaction", json={"revision": header["revision"]}).raise_for_status()

    return compact
