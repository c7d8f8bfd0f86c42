"""How often our diagnosis says what those who looked at the same trouble before found: for `bench.agreement`.

Four kinds of judges: a verdict on one object, a status of another tool, a list of pods and what is wrong
in it, and incidents, recorded as somebody's `kubectl` printed them, with the answer that was right.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from bench._agreed import Judged, Text, first
from services.diagnosis import described
from services.diagnosis.findings import Finding, diagnose

Json = dict[str, Any]
# What an answer speaks of, and the findings that say it. Only answers that speak of one of these are judged:
# the others are about numbers, commands and logs, not about what is wrong.
SPOKEN: tuple[tuple[str, frozenset[str]], ...] = (
    (r"oom", frozenset({"oom-killed"})),
    (r"crash ?loop", frozenset({"crash-loop", "oom-killed", "cannot-start", "liveness-failing"})),
    (r"environment variable|certificate expired|ssl certificate", frozenset({"crash-loop"})),
    (r"syntax error|failed to complete", frozenset({"job-failed", "crash-loop"})),
    (r"node ?selector", frozenset({"unschedulable"})),
    (r"could not be resolved|dns resolution|network policy", frozenset({"dns", "network-denied"})),
    (r"readiness probe", frozenset({"readiness-failing"})),
    (r"liveness probe", frozenset({"liveness-failing"})),
    (r"throttling", frozenset({"cpu-throttled"})),
    (r"pull image|errimagepull|imagepullbackoff|x509", frozenset({"image-pull"})),
    (r"insufficient|unschedulable", frozenset({"unschedulable"})),
    (r"secret .* doesn't exist|configmap .* doesn't exist", frozenset({"config-missing"})),
    (r"executable file not found", frozenset({"cannot-start"})),
)
WELL = re.compile(r"all pods healthy|seem healthy|not an issue", re.IGNORECASE)


def judged(index: Path) -> list[Judged]:
    rows = json.loads(index.read_text())
    root = index.parent
    found = [each for row in rows if row.get("expected_health") for each in _object(root, row)]
    found += [_status(root, row) for row in rows if row.get("expected_status")]
    found += [_pods(root, row) for row in rows if row.get("expected_trouble")]
    found += [each for row in rows if row.get("case") for each in _incident(root, row)]
    return found


def _worst(findings: list[Finding]) -> str:
    having = {each.severity for each in findings}
    return next((each for each in ("error", "warn", "info") if each in having), "nothing")


def _object(root: Path, row: Json) -> Iterator[Judged]:
    """What is degraded is told as an error; what is healthy or rests is not told at all."""
    if row["expected_health"] not in ("Degraded", "Healthy", "Suspended"):
        return
    worst = _worst(diagnose(first(root / row["file"]), whole=False))
    is_bad = row["expected_health"] == "Degraded"
    found = "error" if worst == "error" else "nothing" if worst in ("nothing", "info") else worst
    yield Judged(row["file"], "objects", "error" if is_bad else "nothing", found)


def _status(root: Path, row: Json) -> Judged:
    objects = [each for name in (row["file"], *(row["with_files"] or ())) for each in first(root / name)]
    told = _worst(diagnose(objects)) not in ("nothing", "info")
    expected = "nothing" if row["expected_status"] == "OK" else "something"
    return Judged(row["file"], "of another tool", expected, "something" if told else "nothing")


def _pods(root: Path, row: Json) -> Judged:
    listed = json.loads((root / row["file"]).read_text())
    pods = [{"kind": "Pod", "apiVersion": "v1", **each} for each in listed["items"]]
    findings = [each for each in diagnose(pods) if each.severity != "info"]
    return _judge(row["file"], "pods", row["expected_trouble"], findings)


def _judge(file: str, of: str, answer: str, findings: list[Finding]) -> Judged:
    if WELL.search(answer):
        return Judged(file, of, "nothing", ", ".join(each.id for each in findings) or "nothing")
    spoken = [ids for words, ids in SPOKEN if re.search(words, answer, re.IGNORECASE)]
    told = {each.id for each in findings}
    expected = " and ".join(sorted("/".join(sorted(ids)) for ids in spoken)) or "something"
    right = all(ids & told for ids in spoken) and bool(told)
    return Judged(file, of, expected, expected if right else ", ".join(sorted(told)) or "nothing")


def _incident(root: Path, row: Json) -> Iterator[Judged]:
    """Those whose dumps are there, and whose answer speaks of what is wrong."""
    answer = (
        "\n".join(row["expected_answer"])
        if isinstance(row["expected_answer"], list)
        else row["expected_answer"]
    )
    spoken = any(re.search(words, answer, re.IGNORECASE) for words, _ in SPOKEN) or WELL.search(answer)
    folder = root / row["case"]
    if not spoken or not row["kubectl_dumps"]:
        return
    objects, logs = _recorded(folder)
    if not objects:
        return
    findings = [each for each in diagnose(objects, (), logs, whole=False) if each.severity != "info"]
    yield _judge(row["case"], "incidents", answer, findings)


def _recorded(folder: Path) -> tuple[list[Json], dict[str, str]]:
    """Objects and logs of an incident; a log whose container nobody names is that of the pod's only one."""
    objects: dict[tuple[str, str], Json] = {}
    events: list[Json] = []
    spoken: dict[str, str] = {}
    for path in sorted(folder.rglob("*.y*ml")):
        if path.name != "test_case.yaml":
            _keep(objects, [each for each in _yaml(path.read_text()) if each.get("kind") in KEPT])
    for path in sorted(folder.glob("*.txt")):
        tool, asked, said = _recording(path)
        if "logs" in tool or "logs" in path.name:
            spoken |= {asked.get("pod_name", ""): said} if said and asked.get("pod_name") else {}
        elif "yaml" in tool:
            _keep(objects, _yaml(said))
        elif described.is_described(said):
            given = list(described.objects(said))
            events += [each for each in given if each["kind"] == "Event"]
            _keep(objects, [each for each in given if each["kind"] not in ("Event", "Object")])
    return [*objects.values(), *events], dict(_logs(objects.values(), spoken))


# Wanted things of an incident that say something without having a status.
KEPT = ("NetworkPolicy", "Pod", "IngressClass")


def _keep(objects: dict[tuple[str, str], Json], given: list[Json]) -> None:
    for each in given:
        objects[each["kind"], each["metadata"]["name"]] = each


def _yaml(text: str) -> list[Json]:
    try:
        return [
            each for each in yaml.load_all(text, Loader=Text) if isinstance(each, dict) and "metadata" in each
        ]
    except yaml.YAMLError:
        return []


def _recording(path: Path) -> tuple[str, dict[str, str], str]:
    """What was asked, with what, and what was answered; an answer that failed is none."""
    lines = path.read_text(errors="replace").splitlines()
    try:
        asked, answer = json.loads(lines[0]), json.loads(lines[1])
    except (ValueError, IndexError):
        return "", {}, ""
    said = "\n".join(lines[2:]).removeprefix("stdout:\n").partition("\nstderr:")[0]
    return (
        asked.get("tool_name", ""),
        asked.get("match_params") or {},
        said if answer.get("status") == "success" else "",
    )


def _logs(objects: Any, spoken: dict[str, str]) -> Iterator[tuple[str, str]]:
    for each in objects:
        if each["kind"] == "Pod":
            place, name = each["metadata"].get("namespace", ""), each["metadata"]["name"]
            for container in each["spec"]["containers"][:1]:
                yield f"{place}/{name}/{container['name']}", spoken.get(name) or spoken.get("*", "")
