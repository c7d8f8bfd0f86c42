"""Run every benchmark: `make bench`, or some: `make bench ARGS="catalog api --sizes 1000,100000 --json"`.

All of them take some ten minutes on two cores that have nothing else to do. What is printed beside the
tables says how long each took and how busy the machine was before it: figures of a busy one are too high.

Each is a process of its own, as when it is run alone: several make a portal of their own, and one process
can be one portal only. Options reach all of them; each reads those it knows.
"""

import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Sequence

import bench


def names() -> list[str]:
    return [each.name for each in pkgutil.iter_modules(bench.__path__) if not each.name.startswith("_")]


def run(modules: Sequence[str], options: Sequence[str]) -> list[str]:
    """Run these one after the other, all of them in any case; those that failed."""
    failed = []
    for module in modules:
        started, busy = time.monotonic(), os.getloadavg()[0]
        print(f"\n{module.removeprefix('bench.')} (load {busy:.1f})", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", module, *options], check=False).returncode:
            failed.append(module)
        print(f"  took {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    return failed


def main(arguments: list[str]) -> int:
    known = names()
    chosen = [name for name in known if name in arguments] or known
    failed = run([f"bench.{name}" for name in chosen], [each for each in arguments if each not in known])
    if failed:
        print(f"\n{len(failed)} of {len(chosen)} failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
