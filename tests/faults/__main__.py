"""`python -m tests.faults [N] [--seed S]`: N faults on a stack of its own, checked, and told in one line."""

import argparse
import gc
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.faults.processes import die_with_parent

ROOT = Path(__file__).resolve().parents[2]
A_ROUND = 300
# One fault in so many happens to requests on hosts of others, in a round of their own.
ABROAD = 6
# Starting a real worker takes seconds: small rounds do without.
RING_FROM = 100
# A round has servers of its own, whatever those are that the caller uses.
NOT_PASSED_ON = (
    "DATABASE_URL",
    "REDIS_URL",
    "SLIPWAY_BROKER_URL",
    "SLIPWAY_MIGRATION_DATABASE_URL",
    "SLIPWAY_DEMO",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("faults", type=int, nargs="?", default=300)
    parser.add_argument("--seed", type=int, default=None)
    parser.add_argument("--random", action="store_true", help="Sequences of three by chance only.")
    parser.add_argument("--plan", type=int, help="The seed of the programme that rounds share.")
    parser.add_argument("--skip", type=int, default=0, help="How much of it earlier rounds have done.")
    parser.add_argument("--here", action="store_true", help="On the built-in git host only.")
    parser.add_argument("--abroad", action="store_true", help="The round on hosts of others.")
    parser.add_argument("--round", type=Path, help="Run one round here and write what it found to this file.")
    options = parser.parse_args()
    if options.faults < 1:
        parser.error("at least one fault: without any there is nothing to check")
    seed = random.SystemRandom().randrange(10**6) if options.seed is None else options.seed
    if options.round:
        return one_round(options, seed)
    abroad = 0 if options.here else options.faults // ABROAD
    return all_rounds(options.faults - abroad, seed, options.random, abroad)


def all_rounds(faults: int, seed: int, by_chance: bool, abroad: int = 0) -> int:
    """Rounds of a few hundred, each on a fresh stack; a round's seed is the first one's and its number.
    The last round is that of `abroad` faults on GitHub, GitLab and Gitea.

    The first goes through every crash point, then through the other faults; the next goes on with those, and
    when all have been there, chance decides.
    """
    started, results = time.monotonic(), []
    print(f"seed {seed} (make faults N={faults + abroad} SEED={seed} does the same again)", flush=True)
    for number, first in enumerate(range(0, faults, A_ROUND)):
        count = min(A_ROUND, faults - first)
        plan = ["--random"] if by_chance else ["--plan", str(seed), "--skip", str(first)]
        results.append(_in_a_process(count, seed + number, plan))
        _tell(results[-1], number + 1)
    if abroad:
        results.append(_in_a_process(abroad, seed, ["--abroad"]))
        _tell(results[-1], len(results))
        p50, p95 = (_percentile(results[-1]["recoveries"], percent) for percent in (50, 95))
        print(f"on GitHub, GitLab and Gitea: recovery p50 {p50:.1f} s, p95 {p95:.1f} s, of real time")
        results[-1]["recoveries"] = []  # the others live sixty times faster
    found = _sum(results)
    print(json.dumps(found["counts"], indent=None, sort_keys=True))
    killed = f"killed at {len(found['points'])} of {found['known']} crash points"
    print(f"{killed}; false successes: {found['false']}")
    print(f"took {time.monotonic() - started:.0f} s")
    p50, p95 = _percentile(found["recoveries"], 50), _percentile(found["recoveries"], 95)
    print(
        f"{found['faults']} faults: {found['lost']} lost, {found['doubled']} doubled, {found['stuck']} stuck;"
        f" recovery p50 {p50:.1f} s, p95 {p95:.1f} s"
    )
    return 1 if found["lost"] + found["doubled"] + found["stuck"] + found["false"] else 0


def _in_a_process(count: int, seed: int, plan: list[str]) -> dict[str, Any]:
    home = Path(tempfile.mkdtemp(prefix="slipway-faults-"))
    keep = os.environ.get("SLIPWAY_FAULTS_KEEP") == "1"
    environment = {k: v for k, v in os.environ.items() if k not in NOT_PASSED_ON}
    environment |= {
        "SLIPWAY_HOME": str(home),
        "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
        "SLIPWAY_LOG_LEVEL": "CRITICAL",
    }
    out = home / "found.json"
    command = [sys.executable, "-m", "tests.faults", str(count), "--seed", str(seed), "--round", str(out)]
    command += plan
    try:
        subprocess.run(command, check=True, env=environment, cwd=ROOT, preexec_fn=die_with_parent)
        return dict(json.loads(out.read_text()))
    finally:
        if not keep:
            shutil.rmtree(home, ignore_errors=True)


def _tell(found: dict[str, Any], number: int) -> None:
    for violation in found["violations"]:
        print(f"round {number}, seed {found['seed']}: {violation}")
    if found["spared"]:
        print(f"round {number}, seed {found['seed']}: never killed at {', '.join(found['spared'])}")
    if found["unmet"]:
        print(f"round {number}: did not come to it: {', '.join(found['unmet'])}")
    took = f"{found['took']:.0f} s ({found['cpu']:.0f} s of CPU)"
    print(f"round {number}: {found['faults']} faults on {found['requests']} requests in {took}", flush=True)


def _sum(results: list[dict[str, Any]]) -> dict[str, Any]:
    keys = ("faults", "lost", "doubled", "stuck", "false", "requests")
    total: dict[str, Any] = {key: sum(each[key] for each in results) for key in keys}
    total["recoveries"] = [r for each in results for r in each["recoveries"]]
    total["points"] = {point for each in results for point in each["points"]}
    total["known"] = max(each["known"] for each in results)
    total["counts"] = {}
    for each in results:
        for name, count in each["counts"].items():
            total["counts"][name] = total["counts"].get(name, 0) + count
    return total


def _percentile(values: list[float], percent: int) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else 0.0


def one_round(options: argparse.Namespace, seed: int) -> int:
    import django

    from portal import embedded
    from tests import template

    home = Path(os.environ["SLIPWAY_HOME"])
    started = time.monotonic()
    embedded.start_postgres(home)
    try:
        embedded.ensure_database(home)
        if dumped := os.environ.get(template.DUMP):
            template.fill(home, Path(dumped))
        django.setup()
        found = _abroad(home, options, seed) if options.abroad else _run(home, options, seed)
        cpu = sum(
            resource.getrusage(who).ru_utime for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        )
        found |= {"took": time.monotonic() - started, "cpu": cpu}
        options.round.write_text(json.dumps(found))
    finally:
        embedded.stop_postgres(home)
    return 0


def _abroad(home: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    from django.conf import settings
    from django.core.management import call_command

    import portal.celery  # noqa: F401  # tasks find their broker through it
    from tests.faults.abroad import Abroad
    from tests.faults.abroad_seen import judged, told
    from tests.faults.forges import forges
    from tests.faults.stack import _seed

    call_command("migrate", verbosity=0)
    settings.GIT_NETWORKS, settings.HTTP_TIMEOUT, settings.EFFECTS_PACE = ["127.0.0.0/8"], 0.4, 1
    _seed("http://127.0.0.1:9")
    with forges(home / "abroad") as served:
        run = Abroad(served, seed, options.faults)
        run.run()
        return told(run, judged(run))


def _run(home: Path, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    from django.core.management import call_command
    from django.db import connection

    import portal.celery  # noqa: F401  # tasks find their broker through it
    from tests.faults.checker import check
    from tests.faults.driver import Driver
    from tests.faults.journal import Journal
    from tests.faults.nemesis import kills, left_out, points, programme
    from tests.faults.ringing import Ringing
    from tests.faults.seeing import picture
    from tests.faults.stack import Stack
    from tests.faults.warming import warm_up

    call_command("migrate", verbosity=0)
    stack, journal = Stack(home), Journal(home / "journal")
    stack.start()
    journal.write("ask", token="warm")
    warm_up()
    connection.close()
    gc.freeze()
    try:
        count, is_first = options.faults, not options.random and not options.skip
        through_celery = count >= RING_FROM
        plans = (
            []
            if options.random
            else programme(count, seed if options.plan is None else options.plan, options.skip)
        )
        driver = Driver(stack, journal, count, seed, plans)
        ringing = Ringing(driver, also_stop=not is_first)
        driver.wanted -= ringing.wanted * through_celery
        driver.run()
        if through_celery:
            ringing.run()
        broken = {journey.token for journey in driver.finished if journey.broken}
        violations = check(picture(stack, journal, broken))
    finally:
        stack.stop()
    counted = {
        kind: sum(v.kind == kind for v in violations) for kind in ("lost", "doubled", "stuck", "false")
    }
    counted["lost"] += len(driver.refused)
    killed_at = {point for point, _ in driver.killed_at}
    spared = sorted(left_out(killed_at)) if is_first and count >= len(list(kills())) else []
    return counted | {
        "faults": len(driver.injected),
        "requests": len(driver.finished),
        "recoveries": [each.recovered - each.at for each in driver.injected if each.recovered],
        "points": sorted(killed_at),
        "known": len(points()),
        "spared": spared,
        "unmet": driver.unmet,
        "counts": dict(driver.counts),
        "violations": [str(each) for each in violations] + driver.refused,
        "seed": seed,
    }


if __name__ == "__main__":
    raise SystemExit(main())
