"""Run every benchmark: `make bench`, or some: `make bench ARGS="catalog api --sizes 1000,10000 --json"`.

Each is a process of its own, as when it is run alone: several make a portal of their own, and one process
can be one portal only. Options reach all of them; each reads those it knows.
"""

import pkgutil
import subprocess
import sys
from collections.abc import Sequence

import bench


def names() -> list[str]:
    return [each.name for each in pkgutil.iter_modules(bench.__path__) if not each.name.startswith("_")]


def run(modules: Sequence[str], options: Sequence[str]) -> list[str]:
    """Run these one after the other, all of them in any case; those that failed."""
    failed = []
    for module in modules:
        print(f"\n{module.removeprefix('bench.')}", file=sys.stderr, flush=True)
        if subprocess.run([sys.executable, "-m", module, *options], check=False).returncode:
            failed.append(module)
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
