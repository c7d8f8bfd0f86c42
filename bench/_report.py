"""Tables for people, JSON for machines."""

import json
import statistics
import time
from collections.abc import Callable
from typing import Any


def percentiles(samples: list[float]) -> tuple[float, float]:
    """The median and the 95th percentile."""
    ordered = sorted(samples)
    return statistics.median(ordered), ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]


def timed(run: Callable[[], Any], times: int, *, warm: int = 3) -> list[float]:
    """Milliseconds of each of `times` runs, after `warm` that do not count."""
    for _ in range(warm):
        run()
    samples = []
    for _ in range(times):
        start = time.perf_counter()
        run()
        samples.append((time.perf_counter() - start) * 1000)
    return samples


def show(title: str, rows: list[dict[str, Any]], arguments: list[str]) -> None:
    """Print rows of the same keys as a table, or as JSON with `--json`."""
    if "--json" in arguments:
        print(json.dumps({"benchmark": title, "rows": rows}))
        return
    columns = list(rows[0]) if rows else []
    cells = [columns, *[[_text(row[column]) for column in columns] for row in rows]]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    for line in cells:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _text(value: Any) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.3f}" if abs(value) <= 1 else f"{value:.1f}"
