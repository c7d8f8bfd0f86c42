"""Names, labels and annotation keys as Kubernetes validates them (apimachinery's validation package)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from services.manifests import pointers
from services.manifests.objects import Object, containers, entries, kind, pod_path
from services.manifests.pointers import Path
from services.manifests.problems import Problem, Rule

BAD_NAME = Rule(
    "bad-name",
    "A name Kubernetes refuses",
    "Names become DNS names and label values: small letters, digits and hyphens, beginning and ending"
    " with a letter or digit.",
    {"": "block"},
)
BAD_LABEL = Rule(
    "bad-label",
    "A label or annotation Kubernetes refuses",
    "Labels are what selectors, dashboards and owners are found by; the API refuses malformed ones.",
    {"": "block"},
)

LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
SERVICE = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
SUBDOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?\Z")
KEY = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9]\Z")
PORT = re.compile(r"(?=.{1,15}\Z)(?=.*[a-z])[a-z0-9]+(-[a-z0-9]+)*\Z")

LABEL_NAMED = frozenset({"Namespace"})
PATH_NAMED = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding"})
# The controllers put the names of these, with a suffix, into labels and pod names of at most 63 characters.
LONGEST = {"CronJob": 52, "StatefulSet": 63, "Job": 63, "Deployment": 63, "DaemonSet": 63}


def object_name(obj: Object) -> Iterator[Problem]:
    given = pointers.find(obj, ("metadata", "name"))
    if not given or not isinstance(given, str) or kind(obj) in PATH_NAMED:
        return
    wanted = LABEL if kind(obj) in LABEL_NAMED else SERVICE if _is_service(obj) else SUBDOMAIN
    if not wanted.match(given):
        yield _bad(("metadata", "name"), given, "letter" if wanted is SERVICE else "")
    elif len(given) > LONGEST.get(kind(obj), 253):
        longest = LONGEST[kind(obj)]
        message = f"the name of a {kind(obj)} may have {longest} characters, {given!r} has {len(given)}"
        yield Problem(BAD_NAME, ("metadata", "name"), message)


def _is_service(obj: Object) -> bool:
    return kind(obj) == "Service" and obj.get("apiVersion") == "v1"


def namespace_name(obj: Object) -> Iterator[Problem]:
    given = pointers.find(obj, ("metadata", "namespace"))
    if given and isinstance(given, str) and not LABEL.match(given):
        yield _bad(("metadata", "namespace"), given)


def part_names(obj: Object) -> Iterator[Problem]:
    """Containers, volumes and their ports."""
    for path, container in containers(obj):
        yield from _part(path, container, LABEL)
        for port_path, port in entries(obj, (*path, "ports")):
            yield from _part(port_path, port, PORT)
    pod = pod_path(obj)
    for path, volume in entries(obj, (*pod, "volumes")) if pod else ():
        yield from _part(path, volume, LABEL)


def _part(path: Path, part: Mapping[str, Any], wanted: re.Pattern[str]) -> Iterator[Problem]:
    given = part.get("name")
    if isinstance(given, str) and not wanted.match(given):
        yield _bad((*path, "name"), given, "port" if wanted is PORT else "")


def suggestion(given: str) -> str:
    """The nearest name that passes, or nothing where no letter or digit is left."""
    return re.sub(r"[^a-z0-9]+", "-", given.lower())[:63].strip("-")


def _bad(path: Path, given: str, note: str = "") -> Problem:
    limits = {
        "port": " of at most 15 characters with a letter among them",
        "letter": " beginning with a letter",
    }
    message = f"{given!r} is not a name of small letters, digits and hyphens{limits.get(note, '')}"
    better = suggestion(given)[: 15 if note == "port" else 63].strip("-")
    better = f"svc-{better}" if note == "letter" and better and not better[0].isalpha() else better
    if not better:
        return Problem(BAD_NAME, path, message)
    return Problem(BAD_NAME, path, message, {path: better}, f"Call it {better}")


METADATA: tuple[Path, ...] = (
    ("metadata",),
    ("spec", "template", "metadata"),
    ("spec", "jobTemplate", "metadata"),
    ("spec", "jobTemplate", "spec", "template", "metadata"),
)


def label_keys_and_values(obj: Object) -> Iterator[Problem]:
    for path in METADATA:
        metadata = pointers.find(obj, path)
        if isinstance(metadata, Mapping):
            yield from _labels((*path, "labels"), metadata.get("labels"))
            yield from _keys((*path, "annotations"), metadata.get("annotations"))


def _labels(path: Path, labels: Any) -> Iterator[Problem]:
    yield from _keys(path, labels)
    for key, value in labels.items() if isinstance(labels, Mapping) else ():
        if isinstance(value, str) and not VALUE.match(value):
            message = f"{value!r} cannot be a label: at most 63 letters, digits, - _ . with a letter or digit"
            better = re.sub(r"[^A-Za-z0-9_.-]+", "-", value)[:63].strip("-_.")
            yield Problem(
                BAD_LABEL, (*path, key), f"{message} at both ends", {(*path, key): better}, f"Write {better}"
            )


def _keys(path: Path, mapping: Any) -> Iterator[Problem]:
    for key in mapping if isinstance(mapping, Mapping) else ():
        prefix, slash, last = str(key).rpartition("/")
        if not KEY.match(last) or (slash and not SUBDOMAIN.match(prefix.lower())):
            yield Problem(BAD_LABEL, (*path, key), f"{key!r} is not a key such as app or example.org/app")


CHECKS = (object_name, namespace_name, part_names, label_keys_and_values)
