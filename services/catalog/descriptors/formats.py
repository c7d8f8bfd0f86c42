"""The formats of single fields, as Backstage's catalog-model checks them."""

import re

from services.catalog.descriptors.addresses import is_url

__all__ = [
    "is_api_version", "is_kind", "is_label_key", "is_label_value", "is_name", "is_namespace", "is_subdomain",
    "is_tag", "is_url", "says_something",
]  # fmt: skip

NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]\Z")
LABEL = re.compile(r"[a-z0-9]+(?:-+[a-z0-9]+)*\Z")
KIND = re.compile(r"[a-zA-Z][a-z0-9A-Z]*\Z")
VERSION = re.compile(r"[a-z0-9A-Z]+\Z")
TAG = re.compile(r"[a-z0-9:+#]+(-[a-z0-9:+#]+)*\Z")
SPACE = " \t\n\r\v\f\xa0\ufeff\u1680\u2028\u2029\u202f\u205f\u3000"
SPACE += "".join(map(chr, range(0x2000, 0x200B)))


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


def says_something(value: object) -> bool:
    """Text that is more than what JavaScript calls white space."""
    return isinstance(value, str) and bool(value.strip(SPACE))
