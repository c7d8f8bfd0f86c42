"""Runs the tests of a case with its defence taken away: one of them must fail.

Loaded by `make cases MUTATE=1`, in place of an ordinary run. Each test of a case is run once for each way to
remove the case's defence, until one fails; what no test notices is a test that proves nothing.
"""

import resource
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from _pytest.runner import runtestprotocol

from tests.cases.mutations import MUTATIONS, Mutation
from tests.cases.outside import OUTSIDE
from tests.cases.plugin import cases_of
from tests.cases.registry import CASES

MOST_MEMORY = 6 * 2**30
Run = tuple[str, str]


@dataclass
class Outcome:
    """What came of one mutation: the test that noticed it, and how; else how many did not."""

    noticed: str = ""
    how: str = ""
    tried: int = 0


@dataclass
class Mutator:
    """The plugin; `only` are case ids, all when empty."""

    only: frozenset[str] = frozenset()
    outcomes: dict[Run, Outcome] = field(default_factory=dict)
    say: Callable[[str], None] = print

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> bool:
        for case in cases_of(item):
            known = (*MUTATIONS.get(case, ()), *OUTSIDE.get(case, ()))
            for mutation in known if not self.only or case in self.only else ():
                outcome = self.outcomes.setdefault((case, mutation.name), Outcome())
                if not outcome.noticed and mutation.concerns in item.nodeid:
                    self.run(item, mutation, outcome)
        return True

    def run(self, item: pytest.Item, mutation: Mutation, outcome: Outcome) -> None:
        """Once, with fixtures of its own but for those of the session."""
        outcome.tried += 1
        with pytest.MonkeyPatch.context() as patch:
            mutation.remove(patch)
            item._initrequest()  # type: ignore[attr-defined]  # as every plugin that runs a test again does
            rest: Any = item.session
            reports = runtestprotocol(item, log=False, nextitem=rest)
        failed = next((report for report in reports if report.failed), None)
        if failed is not None:
            outcome.how = _reason(failed)
            outcome.noticed = item.nodeid if failed.when == "call" else ""

    def pytest_terminal_summary(self) -> None:
        self.say("")
        for (case, name), outcome in sorted(
            self.outcomes.items(), key=lambda each: list(CASES).index(each[0][0])
        ):
            proof = (
                f"{outcome.noticed}: {outcome.how}"
                if outcome.noticed
                else f"UNNOTICED by {outcome.tried} tests {outcome.how}"
            )
            self.say(f"{case:<4} {name:<58} {proof}")
        proved = {case for case, _ in self.outcomes} - {
            c for (c, _), o in self.outcomes.items() if not o.noticed
        }
        missed = sum(not outcome.noticed for outcome in self.outcomes.values())
        self.say(
            f"{len(self.outcomes)} defences taken away: {len(self.outcomes) - missed} noticed, {missed} not; "
            f"proved by it: {len(proved)} cases ({', '.join(case for case in CASES if case in proved)})"
        )

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if any(not outcome.noticed for outcome in self.outcomes.values()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _reason(report: pytest.TestReport) -> str:
    crash = getattr(report.longrepr, "reprcrash", None)
    return str(crash.message if crash else report.longrepr).splitlines()[0][:90]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("cases").addoption("--mutate", default="", help="case ids, with commas; none means all")


def pytest_configure(config: pytest.Config) -> None:
    """Without its defence a flood takes all the memory there is: it is to end as an error."""
    _, hardest = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, hardest))
    wanted = str(config.getoption("--mutate"))
    config.pluginmanager.register(Mutator(frozenset(wanted.split(",")) - {""}))
