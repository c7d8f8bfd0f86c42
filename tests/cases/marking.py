"""Marks for tables whose rows begin with a case id."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.cases.registry import CASES


def rows(table: Iterable[Sequence[Any]]) -> list[Any]:
    """Parameters whose first value is a case id: each row is a test of its case."""
    return [pytest.param(*row, marks=pytest.mark.case(row[0])) for row in table]


def named(names: Iterable[str]) -> list[Any]:
    """Parameters that are texts like `P2 a bomb`; those that begin with no id belong to no case."""
    return [
        pytest.param(name, marks=[pytest.mark.case(word) for word in name.split()[:1] if word in CASES])
        for name in names
    ]
