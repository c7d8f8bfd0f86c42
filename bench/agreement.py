"""How often our health and our diagnosis are those of who judged the same objects before.

`make bench ARGS=agreement`. Read from the shared data folder (SLIPWAY_SHARED_DATA), or an `index.json` of the
same form named as argument. A row a group, then each disagreement by its file.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bench import _incidents
from bench._agreed import Judged, first, rows
from bench._report import show
from bench.dependencies import SHARED
from services.diagnosis.health import RULES, assess

BUILT_IN = {group for group, _ in RULES if "." not in group or group.endswith(".k8s.io")}


def health(index: Path) -> list[Judged]:
    """Argo CD's verdict on each object beside ours."""
    return [
        Judged(verdict["file"], _of(obj), verdict["expected_health"], assess(obj).status)
        for verdict in json.loads(index.read_text())
        if verdict.get("expected_health") is not None
        for obj in first(index.parent / verdict["file"])
    ]


def _of(obj: dict[str, Any]) -> str:
    group = str(obj.get("apiVersion")).rpartition("/")[0]
    return "built-in kinds" if group in BUILT_IN and "gateway" not in group else "custom resources"


def diagnosis(index: Path) -> list[Judged]:
    """What was found to be wrong before, beside what we find."""
    return _incidents.judged(index)


def main(arguments: list[str]) -> None:
    named = [Path(each) for each in arguments if each.endswith(".json")]
    index = named[0] if named else SHARED / "4-k8s-trouble" / "index.json"
    if not index.exists():
        print(f"  nothing to compare with: {index} is not there", file=sys.stderr)
        return
    found = {"health": health(index), "diagnosis": diagnosis(index)}
    whole = [
        {"what": what} | row | ({"of": "all of it"} if row["of"] == "" else {})
        for what, judged in found.items()
        for row in [*rows(judged), *rows([Judged(j.file, "", j.expected, j.found) for j in judged])]
    ]
    show("agreement", whole, arguments)
    for what, judged in found.items():
        for each in judged:
            if not each.agrees:
                print(f"  {what}: {each.file}: expected {each.expected}, found {each.found}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
