"""How well dependencies are derived: precision and recall, on written systems and on documented ones.

The documented ones are read from the shared data folder (SLIPWAY_SHARED_DATA) where there is one: edges that
their manifests have count, those that are optional are neither right nor wrong.
"""

import json
import os
import sys
import time
from pathlib import Path

from bench._report import show
from services.catalog.derivation import derive
from services.catalog.derivation.files import read_path
from tests.catalog import systems

SHARED = Path(os.environ.get("SLIPWAY_SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))

Pairs = set[tuple[str, str]]


def row(name: str, files: dict[str, bytes], true: Pairs, optional: Pairs = frozenset()) -> dict[str, object]:
    start = time.perf_counter()
    system = derive(files)
    taken = (time.perf_counter() - start) * 1000
    found = {(edge.source, edge.target) for edge in system.sure()} - optional
    right = found & true
    return {
        "system": name,
        "files": len(files),
        "true": len(true),
        "found": len(found),
        "precision": round(len(right) / len(found), 3) if found else 1.0,
        "recall": round(len(right) / len(true), 3) if true else 1.0,
        "ms": taken,
        "wrong": " ".join(f"{a}->{b}" for a, b in sorted(found - true)[:3]),
        "missed": " ".join(f"{a}->{b}" for a, b in sorted(true - found)[:3]),
    }


def documented() -> list[dict[str, object]]:
    rows = []
    for truth in sorted(SHARED.glob("2-systems/*/GROUND_TRUTH.json")):
        told = json.loads(truth.read_text())
        edges = {(e["from"], e["to"]) for e in told["edges"] if e["in_manifests"]}
        optional = {(e["from"], e["to"]) for e in told["optional_edges"]}
        files = read_path(truth.parent / "manifests").files
        rows.append(row(told["system"], files, edges, optional))
    return rows


def rows() -> list[dict[str, object]]:
    written = [row(each.name, each.files, set(each.edges)) for each in systems.load()]
    return [*documented(), *written]


def total(listed: list[dict[str, object]]) -> dict[str, object]:
    """All systems together, each edge counting once."""
    right = sum(round(float(r["precision"]) * int(r["found"])) for r in listed)
    found, true = (sum(int(r[key]) for r in listed) for key in ("found", "true"))
    whole = {"precision": round(right / found, 3), "recall": round(right / true, 3)}
    counts = {"files": sum(int(r["files"]) for r in listed), "true": true, "found": found}
    return {
        "system": "all",
        **counts,
        **whole,
        "ms": sum(float(r["ms"]) for r in listed),
        "wrong": "",
        "missed": "",
    }


def main(arguments: list[str]) -> None:
    listed = rows()
    show("dependencies", [*listed, total(listed)], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
