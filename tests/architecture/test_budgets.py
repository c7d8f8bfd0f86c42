"""The budgets of docs/architecture.md: small functions, short files, short views."""

import ast
import statistics
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [
    path
    for top in ("portal", "services")
    for path in sorted((ROOT / top).rglob("*.py"))
    if "migrations" not in path.parts
]
FORBIDDEN_NAMES = {"services.py", "utils.py", "helpers.py", "logging.py", "email.py", "types.py"}


Function = tuple[Path, ast.FunctionDef | ast.AsyncFunctionDef, int]


@cache
def functions() -> list[Function]:
    return list(_functions())


def _functions() -> Iterator[Function]:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield path, node, body_length(node)


def body_length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of code: signature and docstring do not count."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_median_function_has_at_most_8_lines():
    assert statistics.median(length for *_, length in functions()) <= 8


def test_few_functions_have_more_than_50_lines():
    lengths = [(length, f"{path.relative_to(ROOT)}:{node.name}") for path, node, length in functions()]
    long = sorted(item for item in lengths if item[0] > 50)
    assert len(long) < 0.015 * len(lengths), long


def test_no_file_has_more_than_500_lines():
    assert [str(path) for path in SOURCES if len(path.read_text().splitlines()) > 500] == []


def test_few_files_have_more_than_300_lines():
    long = {str(p.relative_to(ROOT)): n for p in SOURCES if (n := len(p.read_text().splitlines())) > 300}
    assert len(long) <= 0.1 * len(SOURCES), long


def test_views_have_at_most_25_lines():
    long = [
        f"{path.relative_to(ROOT)}:{node.name} has {length}"
        for path, node, length in functions()
        if {"views", "views.py"} & set(path.parts) and length > 25
    ]
    assert not long


def test_no_module_has_a_name_that_says_nothing():
    assert [str(path) for path in SOURCES if path.name in FORBIDDEN_NAMES] == []


def test_top_level_of_the_tree_is_fixed():
    tracked = {"portal", "services", "templates", "static", "tests", "docs", "bench", "deploy"}
    packages = {p.name for p in ROOT.iterdir() if p.is_dir() and not p.name.startswith(".")}
    assert packages - {"__pycache__", "test-results"} <= tracked
