"""Diagnose Kubernetes objects in files: manifests with status, lists, dumps of kubectl."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from operator import itemgetter
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from portal.shell.commands import EngineCommand, Unusable
from services.diagnosis import described, health, objects
from services.diagnosis.findings import Picture, about, of
from services.manifests import files
from services.manifests.reader import ManifestError

UNREADABLE = "cannot be read"
MOST_TEXT = 2_000_000
ONLY_WANTED = "has no status: this is what is wanted, not what runs"
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")


class Command(EngineCommand):
    help = "Say how healthy the objects in files are, and why not; exits with 1 when one is degraded."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("paths", nargs="+", metavar="PATH")

    def run(self, **options: Any) -> dict[str, Any]:
        texts = list(_texts([Path(path) for path in options["paths"]]))
        rest = [path for path in options["paths"] if Path(path) not in {path for path, *_ in texts}]
        try:
            read = list(files.read(rest, repeated_keys=True))
        except files.NoSuchPath as error:
            raise Unusable(str(error)) from error
        found = [each for file in read for each in _objects(file)]
        for _, name, text in texts:
            found += [(name, number, obj) for number, obj in enumerate(described.objects(text))]
        logs = {key: said for _, _, text in texts for key, said in described.logs(text).items()}
        told = _told([obj for _, _, obj in found], logs)
        kept = [each for each in found if _is_kept(each[0], each[2])]
        entries = [_entry(name, document, obj, told) for name, document, obj in kept]
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


def _texts(paths: Iterable[Path]) -> Iterator[tuple[Path, str, str]]:
    """What kubectl describes, and the logs of its dumps, among the paths: each with its name and text."""
    for path in paths:
        below = sorted(path.rglob("*.txt")) if path.is_dir() else [path] if path.suffix == ".txt" else []
        for each in below:
            text = each.read_text(errors="replace")[:MOST_TEXT] if each.is_file() else ""
            if described.is_described(text) or described.logs(text):
                yield each, each.name if each == path else each.relative_to(path).as_posix(), text


def _is_kept(name: str, obj: Mapping[str, Any]) -> bool:
    """The events of a description stand with what it describes."""
    return not name.endswith(".txt") or obj.get("kind") != "Event"


def _told(found: list[Mapping[str, Any]], logs: Mapping[str, str]) -> Mapping[int, list[dict[str, Any]]]:
    """Findings by the object they are told of, each once among all objects."""
    events = [each for each in found if objects.kind(each) == "Event"]
    picture = Picture([each for each in found if objects.kind(each) != "Event"], events, logs)
    order = {(each.id, each.object, repr(each.evidence)): rank for rank, each in enumerate(of(picture))}
    told: dict[int, list[dict[str, Any]]] = {}
    for obj in picture.objects:
        mine = [
            (order.get((each.id, each.object, repr(each.evidence))), each) for each in about(obj, picture)
        ]
        ranked = sorted(((rank, each) for rank, each in mine if rank is not None), key=itemgetter(0))
        told[id(obj)] = [asdict(each) for _, each in ranked]
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
