"""How long checking a request's manifests takes: schema, sense and every guardrail; cold and warm."""

import sys
import time
from functools import partial
from pathlib import Path

from bench._report import percentiles, show, timed
from services.manifests.check import check
from services.manifests.guardrails import shipped
from services.manifests.reader import Document, load_all

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


def documents() -> list[Document]:
    """Twelve documents of nine kinds, as a request with a service, its jobs and its routes has them."""
    found = [each for name in SET for each in load_all((EXAMPLES / name / "good.yaml").read_bytes())]
    return found[:12]


def rows() -> list[dict[str, object]]:
    given = documents()
    start = time.perf_counter()
    check(given, environment="production")
    cold = (time.perf_counter() - start) * 1000
    found: list[dict[str, object]] = []
    for environment in ("production", "staging"):
        p50, p95 = percentiles(timed(partial(check, given, environment=environment), TIMES))
        found.append(
            {
                "environment": environment,
                "documents": len(given),
                "cold ms": cold,
                "p50 ms": p50,
                "p95 ms": p95,
            }
        )
        cold = 0.0
    return found


def main(arguments: list[str]) -> None:
    show(f"check ({len(shipped().rules)} guardrails)", rows(), arguments)


if __name__ == "__main__":
    main(sys.argv[1:])
