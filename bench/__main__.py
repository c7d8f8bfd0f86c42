"""Run every benchmark: `make bench`, or `make bench ARGS="catalog --json"` for one."""

import importlib
import pkgutil
import sys

import bench


def main(arguments: list[str]) -> None:
    names = [
        module.name for module in pkgutil.iter_modules(bench.__path__) if not module.name.startswith("_")
    ]
    chosen = [name for name in names if name in arguments] or names
    for name in chosen:
        print(f"\n{name}", file=sys.stderr)
        importlib.import_module(f"bench.{name}").main(["--json"] if "--json" in arguments else [])


if __name__ == "__main__":
    main(sys.argv[1:])
