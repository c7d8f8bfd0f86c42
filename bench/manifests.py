"""How long the manifest engine takes to render, check and write a service, and to refuse what is hostile."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench._report import percentiles, show, timed
from services.manifests import schema
from services.manifests.check import check
from services.manifests.emit import dump
from services.manifests.expressions import evaluate
from services.manifests.reader import Document, ManifestError, load_all
from services.manifests.render import Template, compile_template

EXAMPLES = Path(__file__).resolve().parents[1] / "services" / "manifests" / "policies" / "examples"
SET = (
    "service-port",
    "pdb-missing",
    "hpa-target",
    "duplicate-route",
    "job-ttl",
    "cron-overlap",
    "secret-in-env",
    "secret-in-configmap",
)
TIMES = 100
SETTINGS = {"registries": ["registry.larkfield.shop"], "smallest_node_memory": "30Gi"}


def documents(number: int = 12) -> list[Document]:
    """Nine kinds in every twelve, as a request with a service, its jobs and its routes has them."""
    found = [each for name in SET for each in load_all((EXAMPLES / name / "good.yaml").read_bytes())][:12]
    return [found[index % len(found)] for index in range(number)]


def templates(number: int = 12) -> list[Template]:
    """The same, with names and labels that an answer gives."""
    found = []
    for each in documents(number):
        labels = {**each.data["metadata"].get("labels", {}), "release": "${{ 'r-' + string(release) }}"}
        metadata = {
            **each.data["metadata"],
            "labels": labels,
            "annotations": {"note": "${{ name }} (${{ release }})"},
        }
        found.append(compile_template({**each.data, "metadata": metadata}))
    return found


def service(number: int) -> dict[str, Callable[[], Any]]:
    """Every run has another answer, so that nothing is the same as before."""
    compiled, releases = templates(number), iter(range(10_000_000))
    text = dump(documents(number))

    def rendered() -> list[Any]:
        answers = {"name": "wishlist", "release": next(releases)}
        return [each.render(answers) for each in compiled]

    def checked() -> Any:
        return check(rendered(), environment="production", settings=SETTINGS)

    def everything() -> Any:
        trees = rendered()
        return check(trees, environment="production", settings=SETTINGS), dump(trees)

    return (
        {
            "rendered": rendered,
            "checked (schema, sense, guardrails)": lambda: check(documents_once, environment="production"),
            "rendered and checked": checked,
            "rendered, checked and written": everything,
            "read": lambda: load_all(text),
        }
        if (documents_once := documents(number))
        else {}
    )


def bombs() -> dict[str, str | bytes]:
    """Files that no reader should take its time for."""
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    return {
        "an alias bomb of 12 levels": "\n".join(rows),
        "10 MB": "a: " + "x" * 10_000_000,
        "10 MB of lines": b"key: value\n" * 1_000_000,
        "a million keys": "".join(f"k{n}: v\n" for n in range(1_000_000)),
        "100,000 empty lines before an error": "\n" * 100_000 + "a: b: c",
        "10,000 levels of [": "[" * 10_000,
        "10,000 levels of -": "- " * 10_000,
        "3,000 levels of indent": "".join(" " * n + "a:\n" for n in range(3_000)),
        "NUL": "a: b\0c",
        "UTF-16": "a: b".encode("utf-16"),
        "not UTF-8": b"a: \xff\xfe",
    }


def refused(text: str | bytes) -> None:
    try:
        load_all(text, "bomb.yaml")
    except ManifestError:
        return
    raise AssertionError("a bomb was read")


# The largest data that each is still answered for; beyond, it is refused before it runs.
WORST = {
    "macros in macros": ("l.all(x, l.all(y, x == x || y == y))", {"l": list(range(180))}),
    "a list made of a list": ("l.map(x, [l, x])", {"l": list(range(100))}),
    "a pattern at each element": ("l.all(x, x.matches('^(a+)+$') || true)", {"l": ["a" * 100 + "b"] * 1_000}),
    "long texts": ("l.all(x, x.contains('nowhere') || true)", {"l": ["a" * 400] * 1_000}),
}


def row(what: str, run: Callable[[], Any], times: int, *, warm: int = 3) -> dict[str, object]:
    """Beside the time that passes, that of the processor: what others do on the machine is not in it."""
    busy: list[float] = []

    def counted() -> None:
        started = time.thread_time()
        run()
        busy.append((time.thread_time() - started) * 1000)

    p50, p95 = percentiles(timed(counted, times, warm=warm))
    cpu50, cpu95 = percentiles(busy[warm:])
    return {"what": what, "p50 ms": p50, "p95 ms": p95, "cpu p50 ms": cpu50, "cpu p95 ms": cpu95}


def rows() -> list[dict[str, object]]:
    found = [
        row(
            "first check in a process, guardrails and schemas compiled",
            lambda: check(documents(), environment="production", settings=SETTINGS),
            1,
            warm=0,
        )
    ]
    for number, times in ((12, TIMES), (250, TIMES // 5)):
        found += [row(f"{number} documents {what}", run, times) for what, run in service(number).items()]
    found += [row(f"refused: {what}", lambda t=text: refused(t), 10) for what, text in bombs().items()]
    for what, (source, variables) in WORST.items():
        found.append(row(f"expression: {what}", lambda s=source, v=variables: evaluate(s, v), TIMES // 5))
    return found


def main(arguments: list[str]) -> None:
    title = f"manifests (Kubernetes {schema.versions()[0]} to {schema.versions()[-1]})"
    show(title, rows(), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
