"""Nothing is waited for without end: every call that opens a connection names its time-out."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NAMED = {
    "httpx.Client": {"timeout"},
    "httpx.get": {"timeout"},
    "httpx.post": {"timeout"},
    "httpx.request": {"timeout"},
    "httpx.stream": {"timeout"},
    "urllib.request.urlopen": {"timeout"},
    "socket.create_connection": {"timeout"},
    "redis.Redis.from_url": {"socket_timeout"},
    "psycopg.connect": {"connect_timeout"},
}


def endless(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and (wanted := NAMED.get(ast.unparse(node.func))):
            given = {keyword.arg for keyword in node.keywords}
            if not wanted & given and None not in given:
                yield f"line {node.lineno}: {ast.unparse(node.func)} without {', '.join(wanted)}"


def test_every_connection_has_a_time_out():
    files = [path for folder in ("portal", "services") for path in (ROOT / folder).rglob("*.py")]
    found = {str(path.relative_to(ROOT)): list(endless(path.read_text())) for path in files}
    assert {path: told for path, told in found.items() if told} == {}


@pytest.mark.parametrize("call", NAMED)
def test_one_without_is_found(call):
    assert list(endless(f"{call}('there')")) != []
