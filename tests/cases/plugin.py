"""A pytest plugin: refuses unknown case ids and remembers which test covers which case."""

import json
from pathlib import Path

import pytest

from tests.cases.registry import CASES

Covered = dict[str, list[str]]
COVERED = pytest.StashKey[Covered]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("cases")
    group.addoption("--cases-to", metavar="FILE", help="write which tests cover which case, as JSON")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Before anything is deselected: what was collected, by case."""
    covered: Covered = {}
    for item in items:
        for case in cases_of(item):
            if case not in CASES:
                raise pytest.UsageError(
                    f"{item.nodeid}: no case is called {case!r} (tests/cases/registry.py)"
                )
            covered.setdefault(case, []).append(item.nodeid)
    config.stash[COVERED] = covered
    if file := config.getoption("--cases-to"):
        Path(file).write_text(json.dumps(covered), encoding="utf-8")


def cases_of(item: pytest.Item) -> list[str]:
    """The ids on a test, its class and its module, each once."""
    return list(dict.fromkeys(str(case) for mark in item.iter_markers("case") for case in mark.args))


def is_whole(config: pytest.Config) -> bool:
    """Whether this run collected all tests, and not a part of them."""
    return all(Path(config.rootpath, arg).resolve() == Path(config.rootpath, "tests") for arg in config.args)
