"""The three things the portal takes from a kubeconfig: server, certificate authority, token.

Refused is what would run a program, read a file of this machine or skip the check of the certificate.
"""

import base64
import binascii
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

SIZE_LIMIT = 64 * 1024
DEPTH_LIMIT = 20
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(\.{_LABEL})*\.?|[0-9A-Fa-f:.]+")
LOOPBACK = {"localhost", "127.0.0.1", "::1"}
REFUSED_USER = {
    "exec": "runs a program on the portal's machine",
    "auth-provider": "runs a plugin on the portal's machine",
    "tokenFile": "names a file of your machine",
    "client-certificate": "names a file of your machine",
    "client-key": "names a file of your machine",
    "client-certificate-data": "is a certificate, which cannot be withdrawn; use a service account's token",
    "client-key-data": "is a private key; use a service account's token",
    "username": "is a password sign-in; use a service account's token",
    "password": "is a password sign-in; use a service account's token",
    "as": "acts as somebody else",
}
REFUSED_CLUSTER = {
    "certificate-authority": "names a file of your machine; paste certificate-authority-data instead",
    "insecure-skip-tls-verify": "would give the token to anybody who answers",
    "proxy-url": "sends the token through another machine",
    "tls-server-name": "accepts the certificate of another machine",
}


class Refused(ValueError):
    """The kubeconfig cannot be used; the message says which part and why."""


@dataclass(frozen=True, repr=False)
class Credentials:
    """Never printed: `token` is a secret."""

    server: str
    ca: str
    token: str


def parse(text: str) -> Credentials:
    """The current context's server, CA and token. Raises Refused."""
    config = _load(text)
    context = _named(config, "contexts", "context", _text(config.get("current-context"), "current-context"))
    cluster = _named(config, "clusters", "cluster", _text(context.get("cluster"), "the context's cluster"))
    user = _named(config, "users", "user", _text(context.get("user"), "the context's user"))
    _refuse(user, REFUSED_USER)
    _refuse(cluster, REFUSED_CLUSTER)
    return Credentials(
        server=_server(_text(cluster.get("server"), "server")),
        ca=_authority(cluster.get("certificate-authority-data")),
        token=_token(_text(user.get("token"), "the user's token")),
    )


def _load(text: str) -> Mapping[str, Any]:
    if len(text) > SIZE_LIMIT:
        raise Refused("A kubeconfig of more than 64 KiB is not one.")
    try:
        _check_shape(text)
        config = yaml.load(text, Loader=yaml.CSafeLoader)
    except Refused:
        raise
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
        raise Refused("This is not YAML.") from error
    if not isinstance(config, Mapping):
        raise Refused("This is not a kubeconfig: it has no clusters, users and contexts.")
    return config


def _check_shape(text: str) -> None:
    """Before anything is built of it: no aliases, which can unfold to gigabytes, and no depths."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise Refused("A kubeconfig has no aliases.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEPTH_LIMIT:
            raise Refused("A kubeconfig is not nested this deeply.")


def _named(config: Mapping[str, Any], section: str, key: str, name: str) -> Mapping[str, Any]:
    entries = config.get(section)
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, Mapping) and entry.get("name") == name:
            found = entry.get(key)
            return found if isinstance(found, Mapping) else {}
    raise Refused(f"There is no {key} named {name} in {section}.")


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"The kubeconfig lacks {what}.")
    return value.strip()


def _refuse(part: Mapping[str, Any], reasons: Mapping[str, str]) -> None:
    for key, why in reasons.items():
        if part.get(key):
            raise Refused(f"{key} {why}.")


def _token(token: str) -> str:
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise Refused("The user's token has characters that no token has.")
    return token


def _server(url: str) -> str:
    if not _is_server(url):
        raise Refused("The server must be an https address (http only on this machine itself).")
    return url.rstrip("/")


def _is_server(url: str) -> bool:
    if not (url.isascii() and url.isprintable()):
        return False
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):  # half an IPv6 address, a port that is none, 0177.0.0.1
        return False
    secure = parts.scheme == "https" or (parts.scheme == "http" and host in LOOPBACK)
    extra = parts.username or parts.password or parts.query or parts.fragment
    return bool(secure and host and _HOST.fullmatch(host)) and not extra and port != 0


def _authority(data: Any) -> str:
    if not data:
        return ""
    try:
        pem = base64.b64decode(str(data), validate=True).decode()
        ssl.create_default_context(cadata=pem)
    except (binascii.Error, UnicodeDecodeError, ssl.SSLError) as error:
        raise Refused("certificate-authority-data is not a certificate in base64.") from error
    return pem
