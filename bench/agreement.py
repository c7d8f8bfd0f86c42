"""How often our health is that of those who judged the same objects before: `make bench ARGS=agreement`.

Read from the shared data folder (SLIPWAY_SHARED_DATA), or an `index.json` of the same form named as argument.
A row a group, then each disagreement by its file.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench._report import show
from bench.dependencies import SHARED
from services.diagnosis.health import RULES, assess

BUILT_IN = {group for group, _ in RULES if "." not in group or group.endswith(".k8s.io")}


@dataclass(frozen=True)
class Judged:
    file: str
    of: str
    expected: str
    found: str

    @property
    def agrees(self) -> bool:
        return self.found == self.expected


def health(index: Path) -> list[Judged]:
    """Argo CD's verdict on each object beside ours."""
    return [
        Judged(verdict["file"], _of(obj), verdict["expected_health"], assess(obj).status)
        for verdict in json.loads(index.read_text())
        if verdict.get("expected_health") is not None
        for obj in _first(index.parent / verdict["file"])
    ]


def _of(obj: dict[str, Any]) -> str:
    group = str(obj.get("apiVersion")).rpartition("/")[0]
    return "built-in kinds" if group in BUILT_IN and "gateway" not in group else "custom resources"


def _first(path: Path) -> Iterator[dict[str, Any]]:
    """The object of a file; times stay text, as the API gives them."""
    yield next(each for each in yaml.load_all(path.read_bytes(), Loader=Text) if each)


class Text(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # whichever this machine has
    """YAML as a Kubernetes API would give it back: no dates."""


Text.yaml_implicit_resolvers = {
    first: [each for each in known if each[0] != "tag:yaml.org,2002:timestamp"]
    for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def rows(judged: list[Judged]) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = []
    for of in sorted({each.of for each in judged}):
        chosen = [each for each in judged if each.of == of]
        agreed = sum(each.agrees for each in chosen)
        listed.append({"of": of, "verdicts": len(chosen), "agreed": agreed, "share": agreed / len(chosen)})
    return listed


def main(arguments: list[str]) -> None:
    named = [Path(each) for each in arguments if each.endswith(".json")]
    index = named[0] if named else SHARED / "4-k8s-trouble" / "index.json"
    if not index.exists():
        print(f"  nothing to compare with: {index} is not there", file=sys.stderr)
        return
    judged = health(index)
    wrong = [each for each in judged if not each.agrees]
    show("agreement", rows(judged), arguments)
    for each in wrong:
        print(f"  {each.file}: expected {each.expected}, found {each.found}", file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1:])
