"""How tests are dealt to the processes of one run: by file, slow ones first, two folders as one each."""

import gc

import pytest
from xdist.scheduler import LoadScopeScheduling

# Longest first, so that no process waits for another at the end.
SLOW = ("tests/browser/", "tests/faults/", "tests/scale/", "tests/hostile/", "tests/demo/", "tests/run/")
# One lane each, for their tests share a portal or a company; every other file is a lane of its own.
TOGETHER = ("tests/browser/", "tests/hostile/")


def rank(nodeid: str) -> int:
    return next((place for place, folder in enumerate(SLOW) if nodeid.startswith(folder)), len(SLOW))


def lane(nodeid: str) -> str:
    """Tests of one lane run in one process, one after the other, and share its fixtures."""
    return next((folder for folder in TOGETHER if nodeid.startswith(folder)), nodeid.partition("::")[0])


class Lanes(LoadScopeScheduling):
    def _split_scope(self, nodeid: str) -> str:
        return lane(nodeid)


gc.disable()  # until all is imported and collected: none of that will ever go


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    config.option.loadscopereorder = False
    return Lanes(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: rank(item.nodeid))


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: the garbage collector need not look at it again."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)
    gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_unconfigure() -> None:
    """Pytest looks five times at the end for what nobody closed: after the first time at nearly nothing."""
    gc.collect()
    gc.freeze()
