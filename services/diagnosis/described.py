"""What `kubectl describe` and `kubectl cluster-info dump` print, read back into objects and logs.

People keep these texts when there is trouble, and no longer have the objects. Only what the diagnosis looks
at is read; what cannot be read is left out.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from itertools import pairwise
from typing import Any

Json = dict[str, Any]
MOST_LINES = 20_000
_KEY = re.compile(r"(?P<key>[^\s:][^:]{0,120}):(?:\s+(?P<value>.*))?\Z")
_NONE = ("", "<none>", "<nil>", "<unset>", "<unknown>")
_LOG = re.compile(
    r"^==== START logs for container (\S+) of pod ([^/\s]+)/(\S+) ====\n(.*?)(?:^==== END logs|\Z)",
    re.M | re.S,
)


@dataclass
class Block:
    """`Key: value` with the lines below it that are indented more."""

    key: str
    value: str
    below: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        return "" if self.value in _NONE else self.value

    def blocks(self) -> dict[str, "Block"]:
        return blocks(self.below)

    def words(self) -> list[str]:
        """The value and every line below it, as lists are printed."""
        return [each for each in (self.said, *(line.strip() for line in self.below)) if each]


def blocks(lines: Sequence[str]) -> dict[str, Block]:
    """By key, those of the least indentation; the first of a name."""
    filled = [line for line in lines if line.strip()]
    least = min((_indent(line) for line in filled), default=0)
    found: dict[str, Block] = {}
    last = None
    for line in filled:
        match = _KEY.match(line.strip()) if _indent(line) == least else None
        if match:
            last = Block(match["key"], (match["value"] or "").strip())
            found.setdefault(last.key, last)
        elif last is not None:
            last.below.append(line)
    return found


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def is_described(text: str) -> bool:
    return re.search(r'^\s?"?Name:\s+\S', text, re.M) is not None


def objects(text: str) -> Iterator[Json]:
    """Each object that is described, and its events after it."""
    lines = text.replace("\t", "    ").splitlines()[:MOST_LINES]
    starts = [number for number, line in enumerate(lines) if re.match(r'\s?"?Name:\s+\S', line)]
    for start, end in pairwise([*starts, len(lines)]):
        part = [lines[start].lstrip(' "'), *lines[start + 1 : end]]
        given = blocks(part)
        obj = _object(given)
        yield obj
        yield from _events(obj, given)


def logs(text: str) -> dict[str, str]:
    """By namespace/pod/container, of a `logs.txt` of a dump."""
    return {f"{place}/{pod}/{name}": said for name, place, pod, said in _LOG.findall(text)}


Given = dict[str, Block]


def _said(given: Given, key: str) -> str:
    return given[key].said if key in given else ""


def _number(text: str) -> int:
    match = re.search(r"\d+", text)
    return int(match[0]) if match else 0


def _time(text: str) -> str:
    try:
        return parsedate_to_datetime(text).isoformat() if text else ""
    except ValueError:
        return ""


def _object(given: Given) -> Json:
    """What it is shows in the keys: the text does not say its kind."""
    for keys, version, kind, read in _KINDS:
        if keys <= given.keys():
            parts = read(given)
            return {"apiVersion": version, "kind": kind, "metadata": _metadata(given), **parts}
    return {"apiVersion": "v1", "kind": "Object", "metadata": _metadata(given)}


def _metadata(given: Given) -> Json:
    pairs = [each.partition("=") for each in given["Labels"].words()] if "Labels" in given else []
    made: Json = {"name": _said(given, "Name"), "labels": {key: value for key, _, value in pairs if key}}
    kind, _, owner = _said(given, "Controlled By").partition("/")
    if owner:
        made["ownerReferences"] = [{"kind": kind, "name": owner, "controller": True}]
    born = _time(_said(given, "CreationTimestamp"))
    more = {"namespace": _said(given, "Namespace"), "creationTimestamp": born}
    return made | {key: value for key, value in more.items() if value}


def _pod(given: Given) -> Json:
    selector = (
        [each.partition("=") for each in given["Node-Selectors"].words()] if "Node-Selectors" in given else []
    )
    specs: Json = {}
    statuses: Json = {}
    for key, name in (("Containers", "container"), ("Init Containers", "initContainer")):
        found = given[key].blocks() if key in given else {}
        specs[f"{name}s"] = [_container(each) for each in found.values()]
        statuses[f"{name}Statuses"] = [_status(each) for each in found.values() if "State" in each.blocks()]
    node = _said(given, "Node").partition("/")[0]
    spec = specs | {"nodeSelector": {key: value for key, _, value in selector}}
    status = statuses | {
        "phase": _said(given, "Status").partition(" ")[0],
        "reason": _said(given, "Reason"),
        "message": _said(given, "Message"),
        "conditions": _conditions(given),
    }
    return {"spec": spec | ({"nodeName": node} if node else {}), "status": status}


def _container(block: Block) -> Json:
    given = block.blocks()
    ports = [
        _number(each) for key in ("Port", "Ports") for each in _said(given, key).split(",") if _number(each)
    ]
    amounts = {
        name.lower(): {key: each.said for key, each in given[name].blocks().items()}
        for name in ("Limits", "Requests")
        if name in given
    }
    return {
        "name": block.key,
        "image": _said(given, "Image"),
        "ports": [{"containerPort": each} for each in ports],
        "command": given["Command"].words() if "Command" in given else [],
        "resources": amounts,
    }


def _status(block: Block) -> Json:
    given = block.blocks()
    return {
        "name": block.key,
        "image": _said(given, "Image"),
        "ready": _said(given, "Ready") == "True",
        "restartCount": _number(_said(given, "Restart Count")),
        "state": _state(given["State"]),
        "lastState": _state(given["Last State"]) if "Last State" in given else {},
    }


def _state(block: Block) -> Json:
    given = block.blocks()
    told: Json = {"reason": _said(given, "Reason"), "message": _said(given, "Message")}
    if "Exit Code" in given:
        told["exitCode"] = _number(given["Exit Code"].value)
    times = {"startedAt": _time(_said(given, "Started")), "finishedAt": _time(_said(given, "Finished"))}
    kept = {key: value for key, value in (told | times).items() if value != ""}
    return {block.said.lower(): kept} if block.said else {}


def _table(lines: Sequence[str]) -> Iterator[Json]:
    """Rows under a line of titles; columns are two blanks apart."""
    rows = [re.split(r"\s{2,}", line.strip()) for line in lines if line.strip()]
    if not rows:
        return
    titles = rows[0]
    for row in rows[1:]:
        if not row[0].startswith("--"):
            whole = [*row[: len(titles) - 1], "  ".join(row[len(titles) - 1 :])]
            yield dict(zip(titles, whole, strict=False))


def _conditions(given: Given) -> list[Json]:
    return [
        {
            "type": row.get("Type", ""),
            "status": row.get("Status", ""),
            "reason": row.get("Reason", ""),
            "message": row.get("Message", ""),
            "lastTransitionTime": _time(row.get("LastTransitionTime", "")),
        }
        for row in (_table(given["Conditions"].below) if "Conditions" in given else ())
    ]


def _job(given: Given) -> Json:
    statuses = _said(given, "Pods Statuses")
    active, succeeded, failed = (
        _number(match[0]) if (match := re.search(rf"(\d+) {word}", statuses)) else 0
        for word in ("Active", "Succeeded", "Failed")
    )
    limit = _number(_said(given, "Backoff Limit"))
    over = failed > limit and not active
    ended = [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}] if over else []
    return {
        "spec": {"backoffLimit": limit, "completions": _number(_said(given, "Completions"))},
        "status": {"active": active, "succeeded": succeeded, "failed": failed, "conditions": ended},
    }


def _deployment(given: Given) -> Json:
    counted = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", _said(given, "Replicas"))}
    status = {
        "replicas": counted.get("total", 0),
        "updatedReplicas": counted.get("updated", 0),
        "readyReplicas": counted.get("available", 0),
        "availableReplicas": counted.get("available", 0),
        "conditions": _conditions(given),
    }
    return {"spec": {"replicas": counted.get("desired", 1)}, "status": status}


def _node(given: Given) -> Json:
    closed = _said(given, "Unschedulable") == "true"
    return {"spec": {"unschedulable": closed}, "status": {"conditions": _conditions(given)}}


def _claim(given: Given) -> Json:
    wanted = _said(given, "StorageClass")
    return {
        "spec": {"storageClassName": wanted} if wanted else {},
        "status": {"phase": _said(given, "Status").partition(" ")[0]},
    }


def _scaler(given: Given) -> Json:
    kind, _, name = _said(given, "Reference").partition("/")
    most = _number(_said(given, "Max replicas"))
    having = next((each.said for key, each in given.items() if key.endswith("pods")), "")
    return {
        "spec": {"scaleTargetRef": {"kind": kind, "name": name}, "maxReplicas": most},
        "status": {"currentReplicas": _number(having), "conditions": _conditions(given)},
    }


_KINDS: tuple[tuple[set[str], str, str, Callable[[Given], Json]], ...] = (
    ({"Containers", "Status", "Conditions"}, "v1", "Pod", _pod),
    ({"Containers", "Status", "QoS Class"}, "v1", "Pod", _pod),
    ({"Pods Statuses", "Parallelism"}, "batch/v1", "Job", _job),
    ({"StrategyType", "Replicas"}, "apps/v1", "Deployment", _deployment),
    ({"Capacity", "System Info"}, "v1", "Node", _node),
    ({"StorageClass", "Access Modes", "Status"}, "v1", "PersistentVolumeClaim", _claim),
    ({"Reference", "Max replicas"}, "autoscaling/v2", "HorizontalPodAutoscaler", _scaler),
)


def _events(obj: Json, given: Given) -> Iterator[Json]:
    place = {key: obj["metadata"][key] for key in ("name", "namespace") if key in obj["metadata"]}
    for row in _table(given["Events"].below) if "Events" in given else ():
        yield {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {},
            "involvedObject": {"kind": obj["kind"], **place},
            "type": row.get("Type", ""),
            "reason": row.get("Reason", ""),
            "message": row.get("Message", "").rstrip(' "'),
        }
