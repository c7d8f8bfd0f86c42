"""`make cases`: every attack case with its tests. `RUN=1` runs them, `MUTATE=1` takes their defences away."""

import argparse
import subprocess
import sys

from tests.cases import report
from tests.cases.collecting import collect
from tests.cases.registry import ROOT

PYTEST = [sys.executable, "-m", "pytest", "-q", "-m", "case", "tests"]
MUTATE = [*PYTEST, "-n0", "-p", "tests.cases.mutating", "--no-summary", "--ignore=tests/browser"]


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--run", action="store_true", help="run the tests of all cases")
    asked.add_argument("--mutate", action="store_true", help="take each defence away; a test of it must fail")
    asked.add_argument("ids", nargs="*", help="with --mutate: these cases only")
    given = asked.parse_args()
    code = 0
    if given.run:
        code |= subprocess.run([*PYTEST, "-n3"], cwd=ROOT, check=False).returncode
    if given.mutate:
        code |= subprocess.run([*MUTATE, f"--mutate={','.join(given.ids)}"], cwd=ROOT, check=False).returncode
    covered = collect()
    print("\n".join([*report.table(covered), report.summary(covered)]))
    return code


if __name__ == "__main__":
    sys.exit(main())
