"""How long the first and the second start take, and what every process weighs then."""

import sys
import tempfile
from pathlib import Path

from bench._memory import memory
from bench._report import show
from tests.stack import running


def main(arguments: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        with running(home) as first:
            pass
        with running(home) as second:
            sizes = memory(second.pid, home)
    show(
        "start",
        [
            {"what": "first start, database made and demo seeded", "seconds": first.start_seconds},
            {"what": "second start", "seconds": second.start_seconds},
        ],
        arguments,
    )
    rows = [{"process": name, "PSS MiB": size} for name, size in sorted(sizes.items())]
    show("memory", [*rows, {"process": "all together", "PSS MiB": sum(sizes.values())}], arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
