"""Config maps, secrets, role bindings."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests.objects import Object, entries, kind, walk
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

CONFIG_KEY = Rule(
    "config-key",
    "A key that cannot be a file name",
    "Keys of config maps and secrets become files and variables: letters, digits, - _ and .",
    {"": "block"},
)
CONFIG_SIZE = Rule(
    "config-size", "Too large for the API", "A config map or secret holds at most one MiB.", {"": "block"}
)
NOT_BASE64 = Rule(
    "not-base64",
    "Not in base64",
    "Values under data are base64; plain text belongs under stringData (and not into git at all).",
    {"": "block"},
    (33,),
)
SUBJECT = Rule(
    "binding-subject",
    "A subject the API refuses",
    "A service account lives in a namespace, which a binding for the whole cluster must name; users and"
    " groups belong to rbac.authorization.k8s.io.",
    {"": "block"},
    (77,),
)

KEY = re.compile(r"[-._A-Za-z0-9]{1,253}\Z")
LARGEST = 1024 * 1024


def keys(obj: Object) -> Iterator[Problem]:
    if kind(obj) not in ("ConfigMap", "Secret"):
        return
    size = 0
    for field in ("data", "binaryData", "stringData"):
        for path, value in walk(obj, (field, "*")):
            size += len(str(value))
            if not KEY.match(str(path[-1])):
                yield Problem(CONFIG_KEY, path, f"{path[-1]!r} cannot be a key")
    if size > LARGEST:
        yield Problem(CONFIG_SIZE, ("data",), f"{size} bytes, at most {LARGEST} fit")


def encoded(obj: Object) -> Iterator[Problem]:
    if kind(obj) == "Secret":
        yield from (problem for path, value in walk(obj, ("data", "*")) for problem in _base64(path, value))


def _base64(path: Path, value: Any) -> Iterator[Problem]:
    """The message never repeats the value: it may be a password in plain text."""
    try:
        base64.b64decode("".join(str(value or "").split()), validate=True)
    except (binascii.Error, ValueError):
        yield Problem(NOT_BASE64, path, f"the value of {path[-1]} is not base64")


def subjects(obj: Object) -> Iterator[Problem]:
    if kind(obj) not in ("RoleBinding", "ClusterRoleBinding"):
        return
    for path, subject in entries(obj, ("subjects",)):
        yield from _subject(path, subject, kind(obj) == "RoleBinding")


def _subject(path: Path, subject: Mapping[str, Any], namespaced: bool) -> Iterator[Problem]:
    """In a RoleBinding a service account without a namespace is one of the binding's own."""
    group = subject.get("apiGroup")
    if subject.get("kind") == "ServiceAccount":
        if not namespaced and not subject.get("namespace"):
            yield Problem(SUBJECT, (*path, "namespace"), f"{subject.get('name')} needs its namespace")
        if group:
            yield Problem(SUBJECT, (*path, "apiGroup"), "a service account has no apiGroup")
    elif group not in (None, "rbac.authorization.k8s.io"):
        yield Problem(SUBJECT, (*path, "apiGroup"), f"{group!r} is not the group of users and groups")


CHECKS = (keys, encoded, subjects)
