"""`make bench` runs every benchmark there is."""

import importlib
import inspect
import pkgutil

import pytest

import bench

NAMES = [each.name for each in pkgutil.iter_modules(bench.__path__) if not each.name.startswith("_")]


@pytest.mark.parametrize("name", NAMES)
def test_every_benchmark_can_be_run_by_its_name(name: str) -> None:
    assert list(inspect.signature(importlib.import_module(f"bench.{name}").main).parameters) == ["arguments"]
