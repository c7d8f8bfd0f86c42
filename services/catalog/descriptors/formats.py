"""The formats of single fields, as Backstage's catalog-model checks them."""

import re
from urllib.parse import urlsplit

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*\Z")
KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*\Z")
VERSION = re.compile(r"[a-z0-9A-Z]+\Z")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*\Z")
SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
SPECIAL = {"http", "https", "ws", "wss", "ftp"}
NOT_IN_HOSTS = re.compile(r"[\x00-\x20<>^|%\\\x7f]")


def is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 63 and bool(NAME.match(value))


def is_namespace(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 63 and bool(LABEL.match(value))


def is_subdomain(value: str) -> bool:
    return 1 <= len(value) <= 253 and all(is_namespace(part) for part in value.split("."))


def is_kind(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 63 and bool(KIND.match(value))


def is_api_version(value: object) -> bool:
    if not isinstance(value, str) or value.count("/") > 1:
        return False
    prefix, slash, suffix = value.rpartition("/")
    return (is_subdomain(prefix) if slash else True) and len(suffix) <= 63 and bool(VERSION.match(suffix))


def is_label_key(value: object) -> bool:
    if not isinstance(value, str) or value.count("/") > 1:
        return False
    prefix, slash, suffix = value.rpartition("/")
    return (is_subdomain(prefix) if slash else True) and is_name(suffix)


def is_label_value(value: object) -> bool:
    return value == "" or is_name(value)


def is_tag(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 63 and bool(TAG.match(value))


def is_url(value: object) -> bool:
    """What `new URL(value)` accepts, as near as matters: absolute, and a host where one is due."""
    if not isinstance(value, str) or not (scheme := SCHEME.match(value.strip())):
        return False
    if scheme[1].lower() not in SPECIAL:
        return True
    rest = value.strip()[scheme.end() :].lstrip("/\\")
    try:
        parts = urlsplit(f"{scheme[1]}://{rest}")
        return bool(parts.hostname) and not NOT_IN_HOSTS.search(parts.hostname or "") and parts.port != -1
    except ValueError:
        return False
