"""A kubeconfig gives server, authority and token, or is refused with the part and the reason."""

import base64
import ssl
from pathlib import Path
from typing import Any

import certifi
import pytest
import yaml

from services.integrations.kube import kubeconfig
from services.integrations.kube.kubeconfig import Refused


def _pem() -> str:
    """Any certificate that parses: the first of those everybody trusts."""
    text = Path(certifi.where()).read_text()
    end = "-----END CERTIFICATE-----"
    return text[text.index("-----BEGIN") : text.index(end) + len(end)] + "\n"


def _config(cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, **top: Any) -> str:
    data = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://kube.example:6443"} | (cluster or {})}],
        "users": [{"name": "u", "user": {"token": "abc"} | (user or {})}],
    }
    return yaml.safe_dump(data | top)


def test_server_authority_and_token_are_read() -> None:
    pem = _pem()
    ssl.create_default_context(cadata=pem)
    encoded = base64.b64encode(pem.encode()).decode()
    known = kubeconfig.parse(_config({"certificate-authority-data": encoded}))
    assert (known.server, known.token, known.ca) == ("https://kube.example:6443", "abc", pem)
    assert "abc" not in repr(known)


@pytest.mark.case("S8")
@pytest.mark.parametrize("key", list(kubeconfig.REFUSED_USER))
def test_users_that_are_more_than_a_token_are_refused(key: str) -> None:
    with pytest.raises(Refused, match=f"^{key} "):
        kubeconfig.parse(_config(user={key: {"command": "sh"} if key == "exec" else "x"}))


@pytest.mark.case("S8")
@pytest.mark.parametrize("key", list(kubeconfig.REFUSED_CLUSTER))
def test_clusters_that_would_leak_the_token_are_refused(key: str) -> None:
    with pytest.raises(Refused, match=f"^{key} "):
        kubeconfig.parse(_config({key: True if key.startswith("insecure") else "x"}))


@pytest.mark.case("S6")
@pytest.mark.parametrize(
    "server",
    [
        "gopher://kube.example",
        "ftp://kube.example",
        "https://user@evil@good/",
        "https://good#@evil/",
        "https://good\r\nHost: evil",
        "https://good\\@evil",
        "https://k..example",
        "https://0177.0.0.1",
        "https://[::1%25eth0]",
        "https://" + "k" * 64,
        "http://kube.example",
        "file:///etc/passwd",
        "https://",
        "https://me:pw@kube.example",
        "https://k?x=1",
        "https://[",
        "https://h:99999999",
        "https://h:0",
        "https://:pw@h",
        "https://k#x",
        "https://k\u0430.example",
        "https://a b",
        "https://-",
    ],
)
def test_addresses_that_are_not_safe_are_refused(server: str) -> None:
    with pytest.raises(Refused, match="https"):
        kubeconfig.parse(_config({"server": server}))


def test_plain_http_is_for_this_machine_only() -> None:
    assert kubeconfig.parse(_config({"server": "http://127.0.0.1:8001/"})).server == "http://127.0.0.1:8001"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "not YAML"),
        ("[" * 60_000, "nested"),
        ("a: &a [b, b]\nc: *a", "aliases"),
        ("a: 2023-99-99", "not YAML"),
        (_config(user={"token": "a\nb"}), "characters that no token has"),
        (_config(user={"token": "caf\u00e9"}), "characters that no token has"),
        ("- 1", "not a kubeconfig"),
        ("x" * 70_000, "64 KiB"),
        (_config(**{"current-context": ""}), "current-context"),
        (_config(**{"current-context": "elsewhere"}), "no context named elsewhere"),
        (_config(clusters=None), "no cluster named c"),
        (_config(users=[{"name": "u"}]), "token"),
        (_config({"certificate-authority-data": "!!"}), "certificate-authority-data"),
        (_config({"certificate-authority-data": "AAAA"}), "certificate-authority-data"),
    ],
)
def test_what_is_not_a_kubeconfig_is_refused(text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        kubeconfig.parse(text)
