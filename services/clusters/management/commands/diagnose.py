"""Diagnose Kubernetes objects in files: manifests with status, lists, dumps of kubectl."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.diagnosis import health, objects
from services.diagnosis.findings import Picture, about, of
from services.manifests import files
from services.manifests.reader import ManifestError

UNREADABLE = "cannot be read"
ONLY_WANTED = "has no status: this is what is wanted, not what runs"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


class Command(EngineCommand):
    help = "Say how healthy the objects in files are, and why not; exits with 1 when one is degraded."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH")

    def run(self, **options: Any) -> dict[str, Any]:
        try:
            read = list(files.read(options["paths"], repeated_keys=True))
        except files.NoSuchPath as error:
            raise Unusable(str(error)) from error
        found = [each for file in read for each in _objects(file)]
        told = _told([obj for _, _, obj in found])
        entries = [_entry(name, document, obj, told) for name, document, obj in found]
        entries += [_unreadable(file.name, error) for file in read for error in file.errors]
        return {"objects": sorted(entries, key=lambda each: (each["file"], each["document"]))}

    def text(self, document: dict[str, Any]) -> str:
        lines = []
        for each in document["objects"]:
            lines.append(f"{each['health']:<12}{each['object']}  {each['message']}".rstrip())
            lines += [f"    {found['title']}. {found['advice']}" for found in each["findings"]]
        return "\n".join(lines)

    def is_wrong(self, document: dict[str, Any]) -> bool:
        wrong = ("Degraded", "Missing")
        return any(
            each["health"] in wrong or each["findings"] or each["message"].startswith(UNREADABLE)
            for each in document["objects"]
        )


def _objects(file: files.ManifestFile) -> Iterator[tuple[str, int, Mapping[str, Any]]]:
    """The objects of a file; those inside a List each for themselves."""
    for document in file.documents:
        for obj in _unlisted(document.data):
            yield file.name, document.index, obj


def _unlisted(data: Any) -> Iterator[Mapping[str, Any]]:
    """kubectl leaves kind and apiVersion out of the items of a typed list."""
    if not isinstance(data, Mapping):
        return
    kind, items = str(data.get("kind", "")), data.get("items")
    if isinstance(items, list) and (kind.endswith("List") or not kind):
        single = {"kind": kind.removesuffix("List"), "apiVersion": data.get("apiVersion", "v1")}
        for item in items:
            yield from _unlisted({**single, **item} if kind != "List" else item)
    elif kind:
        yield data


def _told(found: list[Mapping[str, Any]]) -> Mapping[int, list[dict[str, Any]]]:
    """Findings by the object they are told of, each once among all objects."""
    events = [each for each in found if objects.kind(each) == "Event"]
    picture = Picture([each for each in found if objects.kind(each) != "Event"], events)
    wanted = [(each.id, each.object, each.evidence) for each in of(picture)]
    told: dict[int, list[dict[str, Any]]] = {}
    for obj in picture.objects:
        mine = [each for each in about(obj, picture) if (each.id, each.object, each.evidence) in wanted]
        told[id(obj)] = [asdict(each) for each in mine]
    return told


def _entry(
    name: str, document: int, obj: Mapping[str, Any], told: Mapping[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    judged = health.Health("Unknown", ONLY_WANTED) if _only_wanted(obj) else health.assess(obj)
    return {
        "file": name,
        "document": document,
        "object": objects.reference(obj),
        "health": judged.status,
        "message": judged.message,
        "findings": told.get(id(obj), []),
    }


def _only_wanted(obj: Mapping[str, Any]) -> bool:
    """A workload as it is in git: what it wants, not what runs."""
    known = "status" in obj or objects.find(obj, "metadata.uid")
    return objects.kind(obj) in WORKLOADS and not known


def _unreadable(name: str, error: ManifestError) -> dict[str, Any]:
    return {
        "file": name,
        "document": error.document,
        "object": "",
        "health": "Unknown",
        "message": f"{UNREADABLE}: {error}",
        "findings": [],
    }
