"""Which tests cover which case: asks pytest, runs nothing."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cases.plugin import Covered
from tests.cases.registry import ROOT


def collect() -> Covered:
    with TemporaryDirectory() as folder:
        file = Path(folder, "cases.json")
        asked = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-n0", f"--cases-to={file}", "tests"]
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout[-4000:] + done.stderr[-4000:])
        found: Covered = json.loads(file.read_text(encoding="utf-8"))
        return found


def functions(nodes: list[str]) -> dict[str, int]:
    """Test functions, and how often each is run with other values."""
    found: dict[str, int] = {}
    for node in nodes:
        name = node.partition("[")[0]
        found[name] = found.get(name, 0) + 1
    return found
