"""`make bench` runs every benchmark there is, to the end."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

from bench.__main__ import names, run

ROOT = Path(__file__).resolve().parents[2]
LAST_LINES = '\n\nif __name__ == "__main__":\n    main(sys.argv[1:])\n'


@pytest.mark.parametrize("name", names())
def test_every_benchmark_can_be_run_by_its_name(name: str) -> None:
    module = importlib.import_module(f"bench.{name}")
    assert list(inspect.signature(module.main).parameters) == ["arguments"]
    assert Path(module.__file__).read_text().endswith(LAST_LINES)


def test_one_that_fails_does_not_keep_the_next_from_running(tmp_path, monkeypatch, capfd) -> None:
    (tmp_path / "broken.py").write_text("raise SystemExit('no clock')")
    (tmp_path / "whole.py").write_text("import json, sys\nprint(json.dumps(sys.argv[1:]))")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert run(["broken", "whole"], ["--sizes", "1", "--json"]) == ["broken"]
    said = capfd.readouterr()
    assert json.loads(said.out) == ["--sizes", "1", "--json"]
    assert "no clock" in said.err
